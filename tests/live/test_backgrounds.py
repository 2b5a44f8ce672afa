"""Another background behind the painted person: the camera's, green, or a picture."""
from dataclasses import replace

import cv2
import numpy as np
import pytest

from live.backgrounds import Backgrounds, seen_by_camera
from live.frames import Captured, Posed
from scene.composition import covering, replaced
from util.errors import UserError
from util.images import write_image

SIZE = 30, 40


def posed(image, scale=None):
    pose = np.ones((25, 3), np.float32)
    return Posed(Captured(0, 0.0, image), None, pose, None, 'BODY_25', scale)


def noise(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)


def test_a_replaced_background_is_as_if_the_person_were_blended_into_it():
    person, own, other = noise(0), noise(1), noise(2)
    alpha = np.random.default_rng(3).integers(0, 256, SIZE[::-1], np.uint8)
    share = alpha[..., None] / 255

    def before(background):
        return person * share + background * (1 - share)
    found = replaced(np.rint(before(own)).astype(np.uint8), alpha, own, other)
    assert np.abs(found - before(other)).max() <= 1.5


def test_the_cameras_picture_lies_where_its_person_is_painted():
    """A pixel of the camera comes to where `scale` takes it in the target's frame."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[20:24, 10:14] = 255
    scale = np.array([[0.5, 0, 3], [0, 0.5, 2], [0, 0, 1.0]])
    into = np.diag([2.0, 2.0, 1.0])
    shown = seen_by_camera(posed(image, scale), SIZE, into)
    rows, columns = np.nonzero(shown[..., 0] > 128)
    assert abs(rows.mean() - (21.5 + 4)) < 1 and abs(columns.mean() - (11.5 + 6)) < 1
    assert shown.shape == (SIZE[1], SIZE[0], 3)


def test_who_is_not_painted_over_is_not_shown_by_the_camera():
    """A pose is lost for a moment, or the person is beyond the edge: it is no empty room."""
    image = noise(3)
    seen = posed(image), replace(posed(image), pose=None)
    shown = [seen_by_camera(each, SIZE, np.eye(3)).astype(float) for each in seen]
    assert shown[1].std() < 0.4 * shown[0].std()
    assert abs(shown[0].mean() - shown[1].mean()) < 5


@pytest.mark.parametrize('size', [(64, 48), (48, 64), (10, 200), (30, 40), (200, 10)])
def test_a_picture_of_any_shape_covers_all_with_its_middle(size):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    cv2.circle(image, (size[0] // 2, size[1] // 2), min(size) // 4, (255, 255, 255), -1)
    shown = covering(image, SIZE)
    assert shown.shape == (SIZE[1], SIZE[0], 3)
    assert shown[SIZE[1] // 2, SIZE[0] // 2].min() > 200


def test_backgrounds_follow_each_other_and_a_file_is_the_last(tmp_path):
    write_image(tmp_path / 'wall.png', noise(5))
    backgrounds = Backgrounds(str(tmp_path / 'wall.png'), has_alpha=True)
    picture, own = noise(6), noise(7)
    shown = backgrounds(picture, None, own, posed(noise(8)), np.eye(3))
    assert np.array_equal(shown, noise(5))
    assert [backgrounds.next() for _ in range(4)] == ['own', 'source', 'green',
                                                      str(tmp_path / 'wall.png')]
    backgrounds.next()
    assert backgrounds(picture, None, own, posed(noise(8)), np.eye(3)) is picture


def test_without_alpha_there_is_only_the_own_background():
    backgrounds = Backgrounds('own', has_alpha=False)
    assert backgrounds.next() == 'own' and not backgrounds.replaces
    with pytest.raises(UserError, match='--background green: --model nearest'):
        Backgrounds.check('green', False, 'nearest')


def test_the_camera_is_the_source_and_nothing_is_transparent():
    picture = noise(6)
    scale = np.eye(3)
    for name in ('camera', 'source'):
        Backgrounds.check(name, has_alpha=True, model='body2body')
        shown = Backgrounds(name, has_alpha=True)(picture, None, noise(7), posed(noise(8), scale),
                                                  np.eye(3))
        assert np.array_equal(shown, noise(8))
    assert Backgrounds('camera', has_alpha=True).next() == 'green'
    with pytest.raises(UserError, match='--background alpha: live.*green'):
        Backgrounds.check('alpha', has_alpha=True, model='body2body')
