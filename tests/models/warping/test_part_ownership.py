"""Which pixels a part owns: hair over a back, the width of arms, and elbows."""
import cv2
import numpy as np
import pytest
from drawn_dolls import PLACES, SIZE, WALL, Frames, pose

from models.warping.part_layers import Doll
from models.warping.part_ownership import Ownership
from models.warping.part_widths import measured_parts
from models.warping.parts import Bodies
from pose.skeleton import BODY_25

HAIR = 60, 30, 20
STRAIGHT = {'RElbow': (70, 62), 'RWrist': (40, 62)}     # an arm held out sideways


def long_hair(one):
    """uint8 (H, W, 4): a drawn person whose hair hangs from the head to the middle of the trunk."""
    picture = Frames([one]).pictures[0]
    cv2.rectangle(picture, (108, 20), (132, 88), (*HAIR, 255), -1)
    return picture


def from_behind():
    """The person who stands, seen from behind: left and right are exchanged."""
    other = {'R': 'L', 'L': 'R'}
    places = {other.get(name[0], name[0]) + name[1:]: at for name, at in PLACES.items()
              if name[0] in 'RL'}
    return pose(**places)


def test_long_hair_over_a_back_goes_with_the_head():
    back = from_behind()
    ownership = Ownership(Bodies(back[None], BODY_25), SIZE, None, long_hair(back))
    assert ownership.of('head')[30:86, 112:129].min() > 0.9
    assert ownership.of('trunk')[66:86, 112:129].max() < 0.1
    assert ownership.of('head')[94:, :].max() == 0              # and no clothes do
    assert ownership.of('trunk')[95:105, 112:129].min() > 0.9


def test_a_dark_print_on_a_chest_stays_on_the_trunk():
    """Nobody who is seen from the front has hair there."""
    one = pose()
    ownership = Ownership(Bodies(one[None], BODY_25), SIZE, None, long_hair(one))
    assert ownership.of('trunk')[76:86, 112:129].min() > 0.9


def test_hair_of_the_colour_of_the_clothes_takes_none_of_them():
    back = from_behind()
    picture = long_hair(back)
    picture[(picture[..., :3] == 250).all(-1), :3] = HAIR
    ownership = Ownership(Bodies(back[None], BODY_25), SIZE, None, picture)
    assert ownership.of('trunk')[80:105, 112:129].min() > 0.9


def test_a_back_whose_hair_hides_it_shows_clothes_where_the_head_is_elsewhere():
    back = from_behind()
    frames = Frames([back])
    frames.pictures[0] = long_hair(back)
    doll = Doll(frames, Bodies(back[None], BODY_25))
    canvas = np.full((SIZE[1], SIZE[0], 3), WALL, np.uint8)
    order = ['trunk below', 'trunk']
    doll.paint(canvas, np.zeros(SIZE[::-1], np.uint8), Bodies(back[None], BODY_25), order,
               dict.fromkeys(order, 0))
    assert (canvas[70:110, 114:127].max(-1) > 110).all()


def widest_of(flap):
    """How wide a right forearm is at most, of which cloth hangs down by that many px."""
    poses = [pose(RElbow=(70 - k, 80), RWrist=(46 - k, 80)) for k in range(8)]
    frames = Frames(poses)
    for one, picture in zip(poses, frames.pictures):
        elbow, wrist = (one[BODY_25.index(joint), 0].astype(int) for joint in ('RElbow', 'RWrist'))
        picture[80:80 + flap, wrist:elbow] = 255, 90, 0, 255
    return measured_parts(frames, Bodies(np.stack(poses), BODY_25))['R forearm'].widest


def test_a_bare_arm_takes_nothing_from_around_and_a_wide_sleeve_is_kept():
    assert widest_of(0) < 1.8
    assert widest_of(15) > 1.4 * widest_of(0)


def test_a_forearm_that_lies_along_an_upper_arm_does_not_make_it_wide():
    poses = [pose(RElbow=(60 - k, 62), RWrist=(92 - k, 75)) for k in range(16)]
    parts = measured_parts(Frames(poses), Bodies(np.stack(poses), BODY_25))
    assert parts['R upper arm'].widest < 1.9


@pytest.mark.parametrize('name, x', [('R upper arm', 71), ('R forearm', 69)])
def test_an_arm_is_no_wider_at_its_elbow_than_it_is_thick(name, x):
    one = pose(**STRAIGHT)
    body = Bodies(one[None], BODY_25)
    owned = Ownership(body, SIZE).of(name)
    edge = round(62 - 1.7 * body.parts[name].reach * float(body.height[0]))
    assert owned[edge, x] < 0.1
    assert owned[edge, x + (8 if name == 'R upper arm' else -8)] > 0.6


def test_a_forearm_takes_over_slowly_from_the_upper_arm():
    body = Bodies(pose(**STRAIGHT)[None], BODY_25)
    reach = body.parts['R forearm'].reach * float(body.height[0])
    owned = Ownership(body, SIZE)
    before = 70 + round(0.4 * reach)
    assert 0.2 < owned.of('R forearm')[62, before] < 0.8
    assert owned.of('R upper arm')[62, before] == 1
    assert owned.of('R forearm')[62, 70 - round(0.3 * reach)] == 1


def test_a_forearm_bent_back_at_a_thick_upper_arm_has_no_notch_at_its_elbow():
    """The joint lies inside the elbow, as detectors find it: there is flesh on its outer side."""
    one = pose(RElbow=(50, 100), RWrist=(86, 108))
    body = Bodies(one[None], BODY_25)
    thin = body.parts['R forearm']
    body.parts['R upper arm'] = body.parts['R upper arm']._replace(reach=1.5 * thin.reach)
    away = thin.reach * float(body.height[0])
    along = np.array([36, 8]) / np.hypot(36, 8)
    across = np.array([-along[1], along[0]])        # down, away from the upper arm
    owned = Ownership(body, SIZE).of('R forearm')
    for share in (-0.3, 0, 0.3, 0.6, 0.9):
        x, y = np.rint(np.array([50, 100]) + away * (share * along + 0.8 * across)).astype(int)
        assert owned[y, x] > 0.5, share
