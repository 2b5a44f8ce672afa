"""Parts that look unlike themselves: another light, something over them, something held at them."""
import cv2
import numpy as np
import pytest
from drawn_dolls import SIZE, drawn, in_front, pose

from models.warping.part_choice import PartIndex
from models.warping.part_legs import with_shins
from models.warping.part_looks import FEWEST, unlikeness
from models.warping.part_ownership import PAST, Ownership
from models.warping.parts import Bodies
from models.warping.settings import PartSettings
from pose.matching.retrieval import RetrievalSettings
from pose.skeleton import BODY_25, mirror
from pose.track import PoseTrack

COUNT = 9
ARMS_OUT = {'RElbow': (72, 66), 'RWrist': (46, 70), 'LElbow': (168, 66), 'LWrist': (194, 70)}
SKIN = 220, 170, 140


def frames(count=COUNT):
    """Poses whose forearms sink, and their pictures, both arms of the same colour."""
    poses = []
    for k in range(count):
        poses.append(pose(**ARMS_OUT | {'RWrist': (46, 42 + 7 * k), 'LWrist': (194, 42 + 7 * k)}))
    pictures = [drawn(one, in_front()) for one in poses]
    for picture in pictures:
        arms = np.zeros(picture.shape[:2], bool)
        for colour in ((200, 0, 0), (255, 90, 0), (0, 0, 200), (0, 120, 255)):
            arms |= (picture[..., :3] == colour).all(-1)
        picture[arms, :3] = SKIN
    return poses, pictures


def both(poses):
    return np.concatenate([np.stack(poses), mirror(np.stack(poses), BODY_25, SIZE[0])])


def unlike(poses, pictures):
    bodies = Bodies(both(poses), BODY_25)
    clear = dict.fromkeys(bodies.parts, np.ones(2 * len(poses), bool))
    return unlikeness(bodies, lambda row: pictures[row], clear)


def lit(picture, joints, colour):
    """Colour the surroundings of a bone."""
    start, end = (tuple(int(v) for v in joint[:2]) for joint in joints)
    where = np.zeros(picture.shape[:2], np.uint8)
    cv2.line(where, start, end, (1,), 15)
    picture[(where > 0) & (picture[..., 3] > 0), :3] = colour


def bone(one, start, end):
    return one[BODY_25.index(start)], one[BODY_25.index(end)]


def test_a_forearm_in_another_light_looks_unlike_itself():
    poses, pictures = frames()
    lit(pictures[4], bone(poses[4], 'RElbow', 'RWrist'), (200, 0, 180))
    found = unlike(poses, pictures)['R forearm'][:COUNT]
    assert found[4] > 0.2 and np.delete(found, 4).max() < 0.1


def test_light_from_one_side_speaks_against_mirrored_arms():
    """One arm white, one purple: mirrored, each is lit from the wrong side."""
    poses, pictures = frames()
    for one, picture in zip(poses, pictures):
        for start, end in (('LShoulder', 'LElbow'), ('LElbow', 'LWrist')):
            lit(picture, bone(one, start, end), (200, 0, 180))
    found = unlike(poses, pictures)
    for name in ('L forearm', 'R forearm', 'L upper arm'):
        assert found[name][:COUNT].max() < 0.1 < 0.3 < found[name][COUNT:].min()


def test_a_hand_at_the_head_makes_the_head_unlike_itself():
    poses, pictures = frames()
    cv2.circle(pictures[3], (98, 24), 12, (*SKIN, 255), -1)
    found = unlike(poses, pictures)['head'][:COUNT]
    assert found[3] > 2 * np.delete(found, 3).max()


def test_a_head_cut_off_at_its_top_looks_unlike_itself():
    poses, pictures = frames()
    pictures[3][:38, :, 3] = 0
    found = unlike(poses, pictures)['head'][:COUNT]
    assert found[3] > 2 * np.delete(found, 3).max()


def test_a_few_frames_do_not_say_how_a_part_usually_looks():
    poses, pictures = frames(FEWEST - 1)
    lit(pictures[2], bone(poses[2], 'RElbow', 'RWrist'), (200, 0, 180))
    assert not any(values.any() for values in unlike(poses, pictures).values())


@pytest.mark.parametrize('weight, shown', [(0.0, 4), (PartSettings().unlike, None)])
def test_a_part_is_shown_by_a_frame_in_which_it_looks_as_usual(weight, shown):
    """The nearest frame has a forearm of another colour; with no weight it is shown anyway."""
    poses, pictures = frames()
    lit(pictures[4], bone(poses[4], 'RElbow', 'RWrist'), (200, 0, 180))
    times, numbers = np.tile(2.0 * np.arange(COUNT), 2), np.tile(50 * np.arange(COUNT), 2)
    track = PoseTrack(both(poses), times, numbers, 'BODY_25', SIZE,
                      shots=np.repeat([0, 1], COUNT))
    index = PartIndex(track, PartSettings(unlike=weight), RetrievalSettings(),
                      lambda row: pictures[row])
    asked = PoseTrack(poses[4][None], np.zeros(1), np.zeros(1, int), 'BODY_25', SIZE)
    row = index.choose(asked, Bodies(poses[4][None], BODY_25))['R forearm'][0]
    assert row == shown if shown is not None else row != 4


# Hips

def test_the_clothes_on_the_hips_begin_above_them_and_narrow_towards_the_crotch():
    """A straight edge below or above would stick out beside thighs that lie otherwise."""
    bodies = Bodies(pose()[None], BODY_25)
    _, hips, _ = Ownership(bodies, SIZE).under_trunk()
    reach = bodies.parts['trunk'].reach * float(bodies.height[0])
    middle, apart = 126, 20         # PLACES: the hips' height, and how far apart they are
    widths = hips.sum(1)
    assert widths[round(middle - 0.6 * reach)] > apart
    last = round(middle + PAST * reach)
    assert widths[middle + 2] > apart + reach / 2 and not widths[last + 1:].any()
    assert (np.diff(widths[middle + 3:last]) <= 0).all()
    assert widths[last - 1] < apart + reach / 2


# Legs that lead out of the picture

def knees_only(y):
    """A pose with its knees at that height and no ankles."""
    one = pose(RKnee=(108, y), LKnee=(132, y))
    for joint in ('RAnkle', 'LAnkle'):
        one[BODY_25.index(joint)] = 0
    return one


@pytest.mark.parametrize('knee, leads_out', [(220, True), (180, False), (250, False)])
def test_a_leg_whose_ankle_nobody_shows_leads_out_of_the_picture(knee, leads_out):
    """A knee far above the lower edge has no shin, which would end in the air, too."""
    body = Bodies(knees_only(knee)[None], BODY_25)
    found = with_shins(body, SIZE[1])
    for side in 'RL':
        shin = found.placed[f'{side} shin']
        assert shin.seen.any() == leads_out
        assert not body.placed[f'{side} shin'].seen.any(), 'the asked body stays as it is'
        if leads_out:
            assert (shin.start[0, 0] == body.joint(f'{side}Knee')[0, :2]).all()
            assert shin.end[0, 0, 1] >= SIZE[1]


def test_a_leg_with_an_ankle_stays_as_it_is():
    body = Bodies(pose()[None], BODY_25)
    found = with_shins(body, 200)
    assert all((found.placed[name].end == body.placed[name].end).all() for name in body.parts)
