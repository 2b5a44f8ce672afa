"""Text for readers: times, joint names, names that are no text, command lines to paste."""
import os
import re
import shlex
import subprocess

# a byte of a name that is not UTF-8 (as Python holds it), and characters that command a terminal
UNSEEN = re.compile('[\x00-\x1f\x7f-\x9f\ud800-\udfff]')
UNSEEN_BUT_BREAKS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]')


def spoken(joint: str) -> str:
    """'RWrist' -> 'right wrist', 'MidHip' -> 'mid hip'."""
    side = {'R': 'right ', 'L': 'left '}.get(joint[0], '') if joint[1:2].isupper() else ''
    name = joint[1:] if side else joint
    words = ''.join(f' {letter}' if letter.isupper() else letter for letter in name)
    return (side + words.strip()).lower().replace('  ', ' ')


def clock(seconds: float) -> str:
    """64.2 -> '1:04'."""
    return f'{int(seconds) // 60}:{int(seconds) % 60:02d}'


def printable(text: str, breaks: bool = True) -> str:
    r"""`text` as any terminal shows it: what is no text is spelt out, such as \xe9 for a byte.

    breaks   False: a line break is spelt out too, so that the text stays one line
    """
    return (UNSEEN_BUT_BREAKS if breaks else UNSEEN).sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xdc80 <= code <= 0xdcff:        # a byte, as os.fsdecode gives it
        code -= 0xdc00
    named = {0x0a: r'\n', 0x09: r'\t', 0x0d: r'\r'}
    return named.get(code, f'\\x{code:02x}' if code < 0x100 else f'\\u{code:04x}')


def command(script: str, *words: object, **flags: object) -> str:
    """The line that runs a script of this project, ready to be pasted into a shell. Arguments as
    of `pasted`."""
    return pasted('python', script, *words, **flags)


def pasted(*words: object, **flags: object) -> str:
    """Words and then flags as one line that a shell takes apart again: quoted where it must be.

    flags   --FLAG VALUE each, or --FLAG where the value is True; a value that begins with a dash
            is one word with its flag
    """
    line = [str(word) for word in words]
    for flag, value in flags.items():
        text = str(value)
        if value is True:
            line.append(f'--{flag}')
        elif text.startswith('-'):
            line.append(f'--{flag}={text}')
        else:
            line += [f'--{flag}', text]
    if os.name == 'nt':
        return subprocess.list2cmdline(line)
    return ' '.join(map(_quoted, line))


def _quoted(word: str) -> str:
    r"""One word for a POSIX shell. What is no text becomes $'\xe9', as bash, zsh and ksh read."""
    if not UNSEEN.search(word):
        return shlex.quote(word)
    plain = word.replace('\\', r'\\').replace("'", r"\'")
    return f"$'{printable(plain, breaks=False)}'"
