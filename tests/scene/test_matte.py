"""Cutting the person out: what differs from the background and hangs together with the body."""
import cv2
import numpy as np
import pytest

from pose.silhouette import person_mask
from pose.skeleton import BODY_25
from scene.matte import matte
from tests.conftest import joints
from tests.scene.test_background import HEIGHT, PERSON, SIZE, WIDTH, cut_of

SURE = np.ones((HEIGHT, WIDTH), np.float32)


def body():
    """Who stands in the middle, 90 px high, arms hanging."""
    pose = joints(0)
    seen = pose[:, 2] > 0
    pose[seen, :2] = (pose[seen, :2] - (6, 8)) * 9 + (80, 18)
    return pose


@pytest.fixture
def shown():
    """behind, frame, pose, and bool: where the person truly is."""
    behind, pose = cut_of(100, 40), body()
    true = person_mask(pose, BODY_25, SIZE, 0.02)
    frame = np.where(true[..., None], PERSON, behind)
    frame = frame + np.random.default_rng(0).normal(0, 2, frame.shape)
    return behind, frame.clip(0, 255).astype(np.uint8), pose, true


def alike(found, true):
    """Intersection over union."""
    found = found[..., 0] > 127
    return (found & true).sum() / (found | true).sum()


def test_the_person_is_cut_out_where_clothes_end_and_not_where_the_pose_does(shown):
    behind, frame, pose, true = shown
    found = matte(frame, behind, SURE, pose, BODY_25)
    assert found.shape == (HEIGHT, WIDTH, 1) and found.dtype == np.uint8
    # a pixel less all around: the outermost ones are of both
    assert alike(found, true) > max(0.85, alike(
        255 * person_mask(pose, BODY_25, SIZE, 0.10)[..., None], true) + 0.1)
    assert (found[..., 0] > 127)[~true].sum() < 0.03 * true.sum()


def test_a_thing_beside_the_person_stays_background(shown):
    behind, frame, pose, true = shown
    frame[20:60, 10:30] = PERSON                    # far from the body
    away = cv2.distanceTransform((~true).astype(np.uint8), cv2.DIST_L2, 5)
    away *= person_mask(pose, BODY_25, SIZE, 0.10)
    row, column = np.unravel_index(away.argmax(), away.shape)
    frame[row - 1:row + 2, column - 1:column + 2] = PERSON      # and near it, hanging on nothing
    found = matte(frame, behind, SURE, pose, BODY_25)[..., 0]
    assert not found[20:60, 10:30].any() and not found[row, column]


def test_the_shadow_on_the_floor_is_not_the_person_and_dark_shoes_are(shown):
    behind, frame, pose, true = shown
    feet = int(pose[pose[:, 2] > 0, 1].max())
    dark = np.zeros((HEIGHT, WIDTH), bool)
    dark[feet - 4:feet + 4, 50:110] = True
    shadow, shoes = dark & ~true, dark & true
    frame[shadow] = (0.75 * behind[shadow]).astype(np.uint8)
    frame[shoes] = (0.2 * behind[shoes]).astype(np.uint8)
    found = matte(frame, behind, SURE, pose, BODY_25)[..., 0]
    near = cv2.dilate(true.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert shadow[~near].any() and found[shadow & ~near].mean() < 5
    assert (found[shoes] > 127).mean() > 0.5
    raised = matte(np.roll(frame, -40, 0), np.roll(behind, -40, 0), SURE, pose, BODY_25)[..., 0]
    assert raised[np.roll(shadow & ~near, -40, 0)].max() > 127, 'what is dark higher up is clothes'


def test_clothes_that_look_like_the_wall_leave_no_holes(shown):
    behind, frame, pose, true = shown
    x, y = pose[BODY_25.index('MidHip'), :2].astype(int)
    frame[y - 6:y - 3, x - 2:x + 2] = behind[y - 6:y - 3, x - 2:x + 2]
    assert matte(frame, behind, SURE, pose, BODY_25)[y - 6:y - 3, x - 2:x + 2].min() == 255


def test_where_nobody_saw_the_background_the_pose_tells(shown):
    behind, frame, pose, _ = shown
    found = matte(frame, behind * 0, SURE * 0, pose, BODY_25)
    assert alike(found, person_mask(pose, BODY_25, SIZE, 0)) > 0.7
    assert not found[..., 0][~person_mask(pose, BODY_25, SIZE, 0.10)].any()


def test_a_background_that_never_fits_is_noise_and_no_person(shown):
    behind, frame, pose, true = shown
    behind = (behind * 0.85).astype(np.uint8)       # the lamps were turned up
    assert alike(matte(frame, behind, SURE, pose, BODY_25), true) > 0.8


# With the detector's mask

def told(person, others=None):
    """uint8 (H, W, 3): a detector's mask, its edge as soft and a little off as a network's is."""
    def soft(where):
        return cv2.GaussianBlur(np.where(where, 255, 0).astype(np.uint8), (0, 0), 1.5)
    nobody = np.zeros_like(person)
    return np.dstack([soft(person), soft(nobody if others is None else others),
                      nobody.astype(np.uint8)])


def core_of(true, px=2):
    return cv2.erode(true.astype(np.uint8), np.ones((2 * px + 1, 2 * px + 1))) > 0


def far_from(true, px=2):
    return cv2.dilate(true.astype(np.uint8), np.ones((2 * px + 1, 2 * px + 1))) == 0


def test_cloth_of_the_walls_colour_stays_the_person_where_the_mask_says_so(shown):
    behind, frame, pose, true = shown
    x, y = pose[BODY_25.index('MidHip'), :2].astype(int)
    cloth = true & (np.abs(np.arange(HEIGHT) - y + 8) < 14)[:, None]
    frame[cloth] = behind[cloth]
    found = matte(frame, behind, SURE, pose, BODY_25, mask=told(true))[..., 0]
    assert found[core_of(true) & cloth].mean() > 230
    assert matte(frame, behind, SURE, pose, BODY_25)[..., 0][core_of(true) & cloth].mean() < 180


def test_a_shadow_on_the_wall_is_not_the_person(shown):
    """As large as the body, right next to it, at the height of the chest."""
    behind, frame, pose, true = shown
    shadow = np.roll(true, 9, 1) & ~true
    frame[shadow] = (0.65 * behind[shadow]).astype(np.uint8)
    found = matte(frame, behind, SURE, pose, BODY_25, mask=told(true))
    assert found[..., 0][shadow & far_from(true)].mean() < 12 and alike(found, true) > 0.85
    assert matte(frame, behind, SURE, pose, BODY_25)[..., 0][shadow & far_from(true)].mean() > 60


def test_somebody_else_near_by_is_not_the_person(shown):
    behind, frame, pose, true = shown
    other = np.roll(true, 24, 1) & ~true
    frame[other] = (20, 30, 120)
    mask = told(true, other)
    mask[other, 0] = np.maximum(mask[other, 0], 90)         # the network is not quite sure
    found = matte(frame, behind, SURE, pose, BODY_25, mask=mask)[..., 0]
    assert found[other & far_from(true)].mean() < 12 and found[core_of(true)].mean() > 230


def test_where_the_background_was_never_seen_the_mask_alone_decides(shown):
    behind, frame, pose, true = shown
    nonsense = np.random.default_rng(1).integers(0, 255, behind.shape, np.uint8)
    found = matte(frame, nonsense, 0 * SURE, pose, BODY_25, mask=told(true))
    assert alike(found, true) > 0.9
    soft = (found > 30) & (found < 225)
    assert soft.mean() > 0.02, 'its edge is soft'


def test_the_difference_to_the_background_moves_the_edge_to_its_place(shown):
    """The mask is two pixels too wide all around; on the other side a hand is missing in it."""
    behind, frame, pose, true = shown
    wide = cv2.dilate(true.astype(np.uint8), np.ones((5, 5))) > 0
    found = matte(frame, behind, SURE, pose, BODY_25, mask=told(wide))
    assert alike(found, true) > alike(told(wide)[..., :1], true) + 0.05
    wrist = pose[BODY_25.index('RWrist'), :2].astype(int)
    hand = np.zeros_like(true)
    hand[wrist[1] - 4:wrist[1] + 5, wrist[0] - 4:wrist[0] + 5] = True
    found = matte(frame, behind, SURE, pose, BODY_25, mask=told(true & ~hand))[..., 0]
    assert found[hand & core_of(true, 1)].mean() > 150
