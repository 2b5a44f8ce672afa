"""Person masks of the detectors: MediaPipe's own, and those that other detectors borrow."""
import importlib.util

import numpy as np
import pytest

from pose.detect import make_detector, with_masks
from pose.detect.base import Detector
from pose.detect.decoders.borrowed_masks import mask_of
from pose.silhouette import person_mask
from pose.skeleton import BODY_25
from scripts.demo.body import TARGET
from scripts.demo.camera import TARGET_CAMERA
from scripts.demo.dance import TARGET_DANCE, choreograph
from scripts.demo.figure import draw_figure
from util.options import Options


@pytest.fixture(scope='module')
def drawn():
    """8 pictures of a drawn dancer, uint8 (H, W, 3), and the joints that are true, (25, 3)."""
    dance = choreograph(TARGET_DANCE, 21)
    return [draw_figure(TARGET, TARGET_CAMERA, dance.at(0.1 * f), 240) for f in range(8)]


class Given(Detector):
    """Finds the people that it was given."""

    def __init__(self, people):
        self.people = people

    def __call__(self, image, index):
        return self.people


def people_of(*poses):
    depth = np.full((len(BODY_25.joints), 1), np.nan)
    return np.array([np.hstack([pose, depth]) for pose in poses], np.float32)


def overlap(mask, pose, picture):
    """Shares of the thin silhouette that the mask covers, and of the mask that the fat one does."""
    size = picture.shape[1], picture.shape[0]
    shown = mask.drawn(size) > 127
    thin = person_mask(pose, BODY_25, size, -0.03)
    fat = person_mask(pose, BODY_25, size, 0.06)
    return (shown & thin).sum() / thin.sum(), (shown & fat).sum() / shown.sum()


def test_the_default_detector_gives_a_mask_of_each_person_that_it_just_found(drawn):
    pytest.importorskip('mediapipe')
    detector = make_detector('mediapipe')
    found = []
    for index, (picture, pose) in enumerate(drawn):
        both = np.hstack([picture, picture])
        people, masks = detector(both, index), detector.masks()
        assert len(masks) == len(people)
        for one, mask in zip(people, masks):
            right = one[BODY_25.index('Neck'), 0] > 240
            place = pose + (240 * right, 0, 0)
            found.append(overlap(mask, place, both))
    covered, inside = np.median(found, 0)
    assert len(found) >= 12 and covered > 0.9 and inside > 0.9
    detector.reset()
    detector(np.zeros((240, 240, 3), np.uint8), 8)
    assert detector.masks() == [], 'nobody was found'
    detector.close()


def test_another_detector_borrows_the_masks_of_its_people(drawn):
    pytest.importorskip('mediapipe')
    picture, pose = drawn[3]
    nowhere = pose.copy()
    nowhere[:, :2] = pose[:, :2] / 8                # a small body where none is
    unseen = np.zeros_like(pose)
    detector = with_masks(Given(people_of(nowhere, pose, unseen)))
    assert np.array_equal(detector(picture, 0), people_of(nowhere, pose, unseen), equal_nan=True)
    masks = detector.masks()
    assert masks[0] is None and masks[2] is None
    covered, inside = overlap(masks[1], pose, picture)
    assert covered > 0.85 and inside > 0.85
    detector.close()


@pytest.mark.parametrize('off, presence, is_there', [(0, 1, True), (90, 1, False), (0, 0, False)])
def test_a_mask_of_somebody_else_is_not_borrowed(off, presence, is_there):
    """The network may follow whoever fills the square better than the person asked for."""
    class Seen:
        def __call__(self, picture, square):
            marks = np.ones((39, 4))
            marks[:, :2] = 100 + off, 100
            return marks, presence

        def mask(self):
            return np.zeros((8, 8), np.uint8)
    pose = np.ones((25, 3))
    pose[:, :2] = 100 + np.random.default_rng(0).normal(0, 4, (25, 2))
    pose[BODY_25.index('RWrist'), :2] = 180, 100            # reaches 80 px far
    found = mask_of(Seen(), None, pose, BODY_25)
    assert (found is not None) == is_there


def test_without_mediapipe_there_are_no_masks_and_people_are_found_as_before(drawn, monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    people = people_of(drawn[0][1], drawn[0][1])
    detector = with_masks(Given(people))
    assert detector.masks() == [], 'before the first picture'
    assert np.array_equal(detector(drawn[0][0], 0), people, equal_nan=True)
    assert detector.masks() == [None, None]
    detector.reset()
    detector.close()


def test_a_detector_with_masks_of_its_own_lends_none():
    class Own(Given):
        def masks(self):
            return []
    own = Own(None)
    assert with_masks(own) is own and Detector(Options()).masks() == []
