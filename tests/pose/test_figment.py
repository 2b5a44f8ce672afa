"""The drawing style figment: what figment's Detect Pose draws with coloring "per limb"."""
import numpy as np
import pytest

from pose.draw import default_line_width, draw_facts, draw_pose
from pose.figment import LINES, colours, landmarks
from pose.skeleton import BODY_25, MEDIAPIPE, from_mediapipe

# landmarks of a person who stands, far apart at 512 px: x, y
STANDING = {0: (256, 60), 2: (276, 40), 5: (236, 40), 7: (300, 50), 8: (212, 50), 11: (330, 130),
            12: (182, 130), 13: (390, 200), 14: (122, 200), 15: (430, 260), 16: (82, 260),
            23: (300, 290), 24: (212, 290), 25: (310, 390), 26: (202, 390), 27: (315, 470),
            28: (197, 470), 29: (300, 490), 30: (212, 490), 31: (340, 500), 32: (172, 500)}


def standing():
    """That person as a detector gives it: float32 (25, 3)."""
    marks = np.zeros((33, 4))
    for number, place in STANDING.items():
        marks[number] = (*place, 0, 1)
    return from_mediapipe(marks)[:, :3]


@pytest.mark.parametrize('number, colour', [
    (0, (255, 0, 85)), (2, (170, 0, 255)), (5, (255, 0, 170)), (7, (85, 0, 255)),
    (8, (255, 0, 255)), (11, (170, 255, 0)), (12, (255, 85, 0)), (15, (0, 255, 0)),
    (16, (255, 255, 0)), (19, (0, 255, 0)), (20, (255, 255, 0)), (23, (0, 170, 255)),
    (24, (0, 255, 85)), (27, (0, 0, 255)), (28, (0, 255, 255)), (31, (0, 0, 255)),
    (32, (0, 255, 255))])
def test_a_landmark_has_the_colour_of_its_joint_or_the_nearest_of_its_side(number, colour):
    assert colours()[number] == colour and len(colours()) == 33


@pytest.mark.parametrize('line', [(11, 12), (11, 13), (14, 16), (23, 24), (11, 23), (25, 27)])
def test_a_line_has_the_colour_of_its_second_landmark_and_square_ends(line):
    picture = draw_pose(standing(), (512, 512), 'figment', line_width=4)
    middle = np.mean([STANDING[number] for number in line], 0).round().astype(int)
    assert tuple(picture[middle[1], middle[0]]) == colours()[line[1]]
    assert list(line) in LINES.tolist() and len(LINES) == 35


def test_at_512_px_lines_are_2_px_wide_and_points_8_px_as_figments():
    assert default_line_width((512, 512), 'figment') == 2
    picture = draw_pose(standing(), (512, 512), 'figment').max(-1) / 255
    shoulders = picture[110:150, 256]           # across the line
    assert shoulders.sum() == pytest.approx(2, abs=0.35)
    row = picture[260, 425:445]                 # across the wrist, away from its lines
    assert (picture[254:267, 424:437] > 0.5).sum() >= 40 and row.sum() == pytest.approx(8, abs=2.5)
    assert not picture[300:460, 250:262].any(), 'black, and no spine'


def test_lines_lie_over_points():
    picture = draw_pose(standing(), (512, 512), 'figment', line_width=4)
    x, y = STANDING[11]         # the last line through it, 11-23, leads down with the hip's colour
    assert tuple(picture[y + 3, x]) == colours()[23]


def test_landmarks_that_a_skeleton_lacks_lie_beyond_the_wrist_about_the_eyes_and_below_the_nose():
    marks = landmarks(standing(), BODY_25)
    known = sorted(MEDIAPIPE.values())
    assert np.allclose(marks[known, :2], [STANDING[number] for number in known])
    assert (marks[:, 2] > 0).all() and len(marks) == 33
    forearm = np.subtract(STANDING[15], STANDING[13])
    for finger in (17, 19, 21):
        beyond = (marks[finger, :2] - STANDING[15]) @ forearm / (forearm @ forearm)
        assert 0.15 < beyond < 0.35
    assert STANDING[5][0] < marks[4, 0] < marks[1, 0] < STANDING[2][0] < marks[3, 0]
    assert marks[10, 0] < STANDING[0][0] < marks[9, 0]
    assert marks[9, 1] > STANDING[0][1]


def test_an_unseen_joint_takes_what_is_reckoned_from_it_along():
    pose = standing()
    pose[BODY_25.index('LWrist')] = 0
    unseen = np.flatnonzero(landmarks(pose, BODY_25)[:, 2] == 0)
    assert unseen.tolist() == [15, 17, 19, 21]


def test_the_record_names_all_33_colours():
    assert len(draw_facts('figment', 2.0, 'BODY_25')['colours']['body'].split()) == 33
