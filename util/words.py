"""Times and joint names as text for readers."""


def spoken(joint: str) -> str:
    """'RWrist' -> 'right wrist', 'MidHip' -> 'mid hip'."""
    side = {'R': 'right ', 'L': 'left '}.get(joint[0], '') if joint[1:2].isupper() else ''
    name = joint[1:] if side else joint
    words = ''.join(f' {letter}' if letter.isupper() else letter for letter in name)
    return (side + words.strip()).lower().replace('  ', ' ')


def clock(seconds: float) -> str:
    """64.2 -> '1:04'."""
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d}'
