"""A long skirt is one part in place of two legs: found in the mattes, chosen and painted whole."""
from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_dolls import PLACES, SIZE, WALL, drawn, in_front, pose
from test_parts import RAISED, both, film

from models.warping.part_choice import LiveParts, PartIndex
from models.warping.part_layers import Doll
from models.warping.part_legs import with_shins
from models.warping.part_maps import skirt_map
from models.warping.part_order import depth_signs, layers
from models.warping.part_pieces import Cutout, with_cloth_below
from models.warping.part_skirt import FEWEST, wears_skirt
from models.warping.part_widths import measured_parts
from models.warping.parts import Bodies, parts_of
from models.warping.settings import PartSettings
from pose.matching.retrieval import RetrievalSettings
from pose.skeleton import BODY_25

SKIRT, SHOES, LACE = (20, 60, 200), (250, 250, 120), (250, 120, 250)
WORN = parts_of(BODY_25, skirt=True)
LAST = 196                  # px, where the hem is


def stance(wide):
    """A person whose ankles are that many px from the middle, knees half as far."""
    knee, ankle = 6 + wide // 2, wide
    return pose(RKnee=(120 - knee, 166), LKnee=(120 + knee, 166), RAnkle=(120 - ankle, 204),
                LAnkle=(120 + ankle, 204))


def in_skirt(one, colour=SKIRT):
    """uint8 (H, W, 4): the person of a pose in a skirt that hides the legs but for the shoes."""
    upper = [name for name in in_front() if name not in ('trunk', 'head') and 'arm' not in name]
    picture = drawn(one, [name for name in in_front() if name not in upper])
    place = dict(zip(BODY_25.joints, one[:, :2].astype(int).tolist()))
    for side in 'RL':
        cv2.circle(picture, (place[side + 'Ankle'][0], place[side + 'Ankle'][1]), 5, (*SHOES, 255),
                   -1)
    right, left = (place[side + 'Ankle'][0] for side in 'RL')
    ring = [(103, 122), (137, 122), (left + 8, LAST), (right - 8, LAST)]
    cv2.fillConvexPoly(picture, np.array(ring), (*colour, 255))
    for name in ('R upper arm', 'R forearm', 'L upper arm', 'L forearm'):
        arm = drawn(one, [name])
        picture[arm[..., 3] > 0] = arm[arm[..., 3] > 0]
    return picture


class Pictures:
    """The people of some pictures, as a run keeps them."""

    size = SIZE

    def __init__(self, pictures):
        self.pictures = pictures

    def cutout(self, row):
        return Cutout(self.pictures[row], 0, 0)


def painted(picture, one, asked, parts=WORN):
    """uint8 (H, W, 3): a pose, painted from one frame that shows another."""
    doll = Doll(Pictures([picture]), Bodies(one[None], BODY_25, parts=parts))
    canvas = np.full((*SIZE[::-1], 3), WALL, np.uint8)
    query = Bodies(asked[None], BODY_25, parts=parts)
    order = layers({name: bool(sign[0]) for name, sign in depth_signs(query).items()}, query)
    doll.paint(canvas, np.zeros(SIZE[::-1], np.uint8), query, order, dict.fromkeys(order, 0))
    return canvas


def shows(canvas, colour):
    return np.abs(canvas.astype(int) - colour).max(-1) <= 12


def mattes(count, draw, wide=26):
    poses = [stance(wide + k % 3) for k in range(count)]
    pictures = [draw(one)[..., 3] for one in poses]
    return film(poses), pictures.__getitem__


def legs(one):
    return drawn(one, in_front())


def test_a_skirt_is_told_from_trousers_by_what_is_between_the_shins():
    assert wears_skirt(*mattes(20, in_skirt))
    assert not wears_skirt(*mattes(20, legs))


def test_who_never_stands_with_legs_apart_or_was_hardly_filmed_is_not_said_to_wear_one():
    """Trousers hang together too where the legs are closed."""
    assert not wears_skirt(*mattes(20, legs, wide=8))
    assert not wears_skirt(*mattes(20, in_skirt, wide=8))
    assert not wears_skirt(*mattes(FEWEST - 1, in_skirt))


def test_a_matte_with_a_hole_in_one_frame_of_ten_makes_no_trousers():
    track, matte = mattes(20, in_skirt)

    def torn(row):
        found = matte(row).copy()
        found[150:, 112:128] *= row % 10 > 0
        return found
    assert wears_skirt(track, torn)


def test_legs_that_are_not_seen_say_nothing():
    track, matte = mattes(20, in_skirt)
    poses = track.poses.copy()
    poses[:, [BODY_25.index('RAnkle'), BODY_25.index('LAnkle')]] = 0
    assert not wears_skirt(replace(track, poses=poses), matte)


def test_a_skirt_is_whole_in_a_pose_with_legs_farther_apart():
    """As two legs it has a gap that shows the wall."""
    one, asked = stance(16), stance(30)
    between = np.s_[140:185, 116:125]
    assert shows(painted(in_skirt(one), one, asked), SKIRT)[between].mean() > 0.97
    as_legs = painted(in_skirt(one), one, asked, parts_of(BODY_25))
    assert shows(as_legs, WALL)[between].mean() > 0.1


def test_no_seam_opens_between_a_skirt_and_a_trunk_that_leans():
    one = stance(16)
    asked = pose(**{joint: (x + (126 - y) // 4, y) for joint, (x, y) in PLACES.items() if y < 126})
    canvas = painted(in_skirt(one), one, asked)
    assert not shows(canvas, WALL)[110:150, 112:128].any()


def test_of_legs_that_are_closer_together_the_cloth_is_hardly_narrower():
    one = stance(26)
    wide = shows(in_skirt(one)[..., :3], SKIRT)[170].sum()
    assert shows(painted(in_skirt(one), one, stance(8)), SKIRT)[170].sum() > 0.8 * wide


def test_shoes_go_with_the_hem():
    one, asked = stance(16), stance(16)
    asked[:, 0] += 20
    canvas = painted(in_skirt(one), one, asked)
    there = np.argwhere(shows(canvas, SHOES))
    assert len(there) > 60 and LAST - 2 < there[:, 0].mean() < 212
    assert abs(there[:, 1].mean() - 140) < 3


def test_a_hole_of_the_matte_between_the_legs_is_cloth():
    """The detector's mask lacks the light lace in the middle of a dark skirt."""
    one = stance(26)
    picture = in_skirt(one)
    picture[150:185, 114:127, :3] = LACE
    picture[150:185, 114:127, 3] = 0
    canvas = painted(picture, one, one)
    assert shows(canvas, LACE)[152:183, 116:125].mean() > 0.9


def test_a_hand_before_a_skirt_does_not_stay_there():
    down = {'RElbow': (96, 100), 'RWrist': (112, 150)}
    one = stance(16)
    for joint, place in down.items():
        one[BODY_25.index(joint), :2] = place
    canvas = painted(in_skirt(one), one, stance(16))
    assert shows(canvas, (255, 90, 0))[135:175, 104:122].mean() < 0.08


def test_layers_and_choice_know_a_skirt_in_place_of_legs():
    lifted = {**RAISED, 'RKnee': (84, 158), 'RAnkle': (64, 190)}
    known = both([stance(8), stance(16), pose(**lifted)])
    asked = pose(**lifted | {'RAnkle': (62, 190)})
    query = Bodies(asked[None], BODY_25, parts=WORN)
    index = PartIndex(known, PartSettings(), RetrievalSettings(), parts=WORN)
    rows = index.choose(film([asked]), query)
    assert set(rows) == {*WORN, 'trunk below'} and rows['skirt'][0] % 3 == 2
    order = layers({name: bool(sign[0]) for name, sign in depth_signs(query).items()}, query)
    assert order.index('trunk below') < order.index('skirt') < order.index('trunk')
    assert not any(name.endswith(('thigh', 'shin', 'foot')) for name in order)
    live = LiveParts(known, PartSettings(), RetrievalSettings(), parts=WORN)
    shown = live.next(film([asked]), np_strains(len(known)), 0.0)
    assert shown.far == 1 and shown.rows['skirt'] % 3 == 2


def np_strains(count):
    import torch

    from models.warping.bones import named_bones
    return torch.ones(count, 1, len(list(named_bones(BODY_25))))


def test_a_skirt_looks_as_it_does_from_the_side_that_is_filmed():
    """From behind it has no lace; a dark stain on it is none of its looks from any side."""
    poses = [stance(16 + k % 3) for k in range(16)]
    for one in poses[8:]:                           # their backs
        for joint in ('Shoulder', 'Hip'):
            sides = [BODY_25.index(side + joint) for side in 'RL']
            one[sides] = one[sides[::-1]]
    pictures = [in_skirt(one, LACE if k < 8 else SKIRT) for k, one in enumerate(poses)]
    stained = pictures[12]
    stained[140:190][shows(stained[140:190, :, :3], SKIRT)] = 0, 0, 0, 255
    index = PartIndex(both(poses), PartSettings(), RetrievalSettings(), pictures.__getitem__, WORN)
    flaws = index.flaws['skirt'][:16]
    others = np.delete(flaws, 12)
    assert flaws[12] > others.max() + 0.05 and np.ptp(others) < 0.05


def test_skirts_are_not_measured_and_get_no_shins():
    one = stance(16)
    bodies = Bodies(np.stack([one] * 8), BODY_25, parts=WORN)
    assert measured_parts(Pictures([in_skirt(one)] * 8), bodies)['skirt'] == WORN['skirt']
    assert set(with_shins(bodies.one(0), SIZE[1]).placed) == set(WORN)


@pytest.mark.parametrize('lifted', [
    {'RKnee': (104, 86), 'RAnkle': (104, 46)},
    {'RKnee': (80, 122), 'LKnee': (160, 122), 'RAnkle': (42, 118), 'LAnkle': (198, 118)}])
def test_a_skirt_goes_on_hanging_while_a_leg_is_lifted(lifted):
    asked, filmed = (Bodies(one[None], BODY_25, parts=WORN) for one in (pose(**lifted), stance(26)))
    matrix = skirt_map(asked, filmed, 1.0)
    waist, hem = (matrix @ [120, y, 1] for y in (124, 200))
    assert np.abs(waist - [120, 124]).max() < 5 and np.abs(hem - [120, 200]).max() < 20


def test_trousers_of_who_sits_cross_legged_are_no_skirt():
    def sits(k):
        return pose(RKnee=(90 - k, 142), LKnee=(150 + k, 142), RAnkle=(124, 152),
                    LAnkle=(116, 150))
    seated = [sits(k % 3) for k in range(20)]
    pictures = [legs(one)[..., 3] for one in seated]
    assert np.mean([picture[146, 120] > 0 for picture in pictures]) > 0.5
    assert not wears_skirt(film(seated), pictures.__getitem__)


def test_the_floor_below_a_short_hem_is_no_cloth():
    one = stance(26)
    short = in_skirt(one)
    short[180:, :, 3] = 0                               # a hem above the ankles, without shoes
    between = np.full(short.shape[:2], 255, np.uint8)
    cloth = with_cloth_below(short[..., 3], between)
    assert not cloth[185:].any() and cloth[130:170, 115:125].all()
