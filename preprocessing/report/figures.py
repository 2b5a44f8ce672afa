"""A small figure of each movement, as SVG for a report.

Joints are in % of the body height from the middle of the hips of a person who stands and faces the
camera, y down, as pose.matching.movements has them.
"""
from collections.abc import Mapping

from pose.body import sided

Place = tuple[float, float]
STANDING: Mapping[str, Place] = {
    'Nose': (0, -47.5), 'Neck': (0, -33), 'MidHip': (0, 0),
    'REye': (-2.6, -49.5), 'LEye': (2.6, -49.5), 'REar': (-5, -48.5), 'LEar': (5, -48.5),
    'RShoulder': (-11, -33), 'RElbow': (-14, -15), 'RWrist': (-15, 2),
    'LShoulder': (11, -33), 'LElbow': (14, -15), 'LWrist': (15, 2),
    'RHip': (-7, 0), 'RKnee': (-8, 26), 'RAnkle': (-8, 52),
    'LHip': (7, 0), 'LKnee': (8, 26), 'LAnkle': (8, 52)}
# Where joints lie otherwise; None: not seen.
CHANGED: Mapping[str, Mapping[str, Place | None]] = {
    'facing the camera': {},
    'sideways': {
        'Nose': (7.5, -47.5), 'REye': (4.5, -50), 'LEye': None, 'REar': (-1, -48.5), 'LEar': None,
        'RShoulder': (-1.5, -33), 'RElbow': (-4, -15), 'RWrist': (1, 2), 'LShoulder': (1.5, -33),
        'LElbow': (0, -15), 'LWrist': (4, 2), 'RHip': (-1, 0), 'RKnee': (-1, 26),
        'RAnkle': (-4, 52), 'LHip': (1, 0), 'LKnee': (2, 26), 'LAnkle': (0, 52)},
    'back': {
        'Nose': None, 'REye': None, 'LEye': None, 'REar': (5, -48.5), 'LEar': (-5, -48.5),
        'RShoulder': (11, -33), 'RElbow': (14, -15), 'RWrist': (15, 2), 'LShoulder': (-11, -33),
        'LElbow': (-14, -15), 'LWrist': (-15, 2), 'RHip': (7, 0), 'RKnee': (8, 26),
        'RAnkle': (8, 52), 'LHip': (-7, 0), 'LKnee': (-8, 26), 'LAnkle': (-8, 52)},
    'head turned': {'Nose': (6.5, -47.5), 'REye': (1.5, -50), 'LEye': (5.8, -50),
                    'REar': (-3.5, -48.5), 'LEar': (4.5, -48.5)},
    'arms up': {'RElbow': (-20, -48), 'RWrist': (-15, -65), 'LElbow': (20, -48),
                'LWrist': (15, -65)},
    'arms out': {'RElbow': (-29, -34), 'RWrist': (-46, -35), 'LElbow': (29, -34),
                 'LWrist': (46, -35)},
    'hands before the chest': {'RElbow': (-18, -16), 'RWrist': (-3, -23), 'LElbow': (18, -16),
                               'LWrist': (3, -23)},
    'arms crossed': {'RElbow': (-16, -17), 'RWrist': (9, -26), 'LElbow': (16, -17),
                     'LWrist': (-9, -21)},
    'crouching': {'RKnee': (-19, 8), 'RAnkle': (-13, 27), 'LKnee': (19, 8), 'LAnkle': (13, 27),
                  'RElbow': (-19, -19), 'RWrist': (-24, -34), 'LElbow': (19, -19),
                  'LWrist': (24, -34)},
    'wide step': {'RKnee': (-15, 24), 'RAnkle': (-24, 47), 'LKnee': (15, 24), 'LAnkle': (24, 47),
                  'RElbow': (-21, -17), 'RWrist': (-27, -1), 'LElbow': (21, -17),
                  'LWrist': (27, -1)},
    'foot up': {'LKnee': (15, 9), 'LAnkle': (13, 32), 'LElbow': (22, -19), 'LWrist': (28, -5),
                'RElbow': (-22, -19), 'RWrist': (-28, -5)},
    'leaning': {
        'Nose': (17, -44), 'REye': (15, -46.8), 'LEye': (20, -45.5), 'REar': (13, -46.8),
        'LEar': (22.5, -43.2), 'Neck': (11, -31), 'RShoulder': (0.5, -34.5),
        'LShoulder': (21.5, -27.5), 'RElbow': (-14, -23), 'RWrist': (-12, -6), 'LElbow': (25, -9),
        'LWrist': (24, 8)}}
FLOOR = 52.0
LINES = (('Neck', 'MidHip'), ('RShoulder', 'LShoulder'), ('RHip', 'LHip'),
         *(sided(('Shoulder', 'Elbow', 'Wrist'), side) for side in 'RL'),
         *(sided(('Hip', 'Knee', 'Ankle'), side) for side in 'RL'))
HEAD = 8.0                  # its radius


def joints_of(movement: str) -> dict[str, Place]:
    """{joint: place} of the joints that are seen; the lower foot stands on the floor."""
    changed = {**STANDING, **CHANGED[movement]}
    joints = {joint: place for joint, place in changed.items() if place is not None}
    down = FLOOR - max(joints['RAnkle'][1], joints['LAnkle'][1])
    return {joint: (x, y + down) for joint, (x, y) in joints.items()}


def figure_svg(movement: str) -> str:
    """The figure of the movement of that name."""
    joints = joints_of(movement)
    x = (joints['REar'][0] + joints['LEar'][0]) / 2 if 'LEar' in joints else joints['Neck'][0]
    y = joints['REar'][1]
    behind = 'REye' not in joints
    parts = [f'<line class="floor" x1="-40" x2="40" y1="{FLOOR + 4}" y2="{FLOOR + 4}"/>',
             f'<circle class="{"hair" if behind else "head"}" cx="{x:g}" cy="{y:g}" r="{HEAD:g}"/>']
    parts.append(_line([joints['Neck'], (x, y + HEAD)]))
    for line in LINES:
        parts.append(_line([joints[joint] for joint in line]))
    parts += [f'<circle class="eye" cx="{joints[eye][0]:g}" cy="{joints[eye][1]:g}" r="1.2"/>'
              for eye in ('REye', 'LEye') if eye in joints]
    return (f'<svg class="move" viewBox="-50 -72 100 132" role="img" aria-label="{movement}">'
            f'{"".join(parts)}</svg>')


def _line(places: list[Place]) -> str:
    return f'<polyline points="{" ".join(f"{x:g},{y:g}" for x, y in places)}"/>'
