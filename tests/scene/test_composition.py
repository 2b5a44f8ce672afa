"""Painted people over another scene: exact, in their places, the first one farthest away."""
import cv2
import numpy as np

from scene.composition import BRIGHTER, TINTED, Layer, composed, covering, layer_of, light_of

SIZE = 40, 50


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


def blob(x: int = 20, y: int = 25) -> np.ndarray:
    """uint8 (50, 40): a soft disc."""
    alpha = np.zeros(SIZE[::-1], np.uint8)
    cv2.circle(alpha, (x, y), 9, 255, -1)
    return cv2.GaussianBlur(alpha, (0, 0), 2)


def before(person: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return person * share + background * (1 - share)


def test_a_person_comes_before_another_background_as_if_blended_into_it() -> None:
    own, other, alpha = noise(1), noise(2), blob()
    person = cv2.GaussianBlur(noise(0), (0, 0), 8)
    picture = np.rint(before(person, alpha, own)).astype(np.uint8)
    layer = layer_of(picture, alpha, own)
    assert np.abs(composed(other, [layer]) - before(person, alpha, other)).max() <= 5
    nobody = composed(other, [layer_of(own, 0 * alpha, own)])
    assert np.array_equal(nobody, other) and nobody is not other


def test_a_layer_lies_where_its_place_says_and_as_large() -> None:
    layer = Layer(np.full((SIZE[1], SIZE[0], 3), 200, np.uint8), blob())
    place = np.array([[0.5, 0, 30], [0, 0.5, 40], [0, 0, 1.0]])
    shown = composed(np.zeros((120, 100, 3), np.uint8), [layer.moved(place)])
    there = np.argwhere(shown[..., 0] > 100)
    assert np.abs(there.mean(0) - (40 + 25 / 2, 30 + 20 / 2)).max() < 0.5
    assert abs(len(there) - (blob() > 127).sum() / 4) < 8
    assert shown.max() <= 200, 'no colour but that of the layer at its edge'


def test_a_slit_between_parts_is_closed_with_their_colour() -> None:
    red, wall = (220, 10, 10), (0, 160, 0)
    colours = np.full((400, 300, 3), wall, np.uint8)
    alpha = np.zeros((400, 300), np.uint8)
    for top, bottom in ((100, 200), (203, 300)):
        colours[top:bottom, 100:200] = red
        alpha[top:bottom, 100:200] = 255
    shown = Layer(colours, alpha).cleaned()
    assert (shown.alpha[100:300, 110:190] == 255).all() and not shown.alpha[:90].any()
    assert np.abs(shown.colours[201, 110:190].astype(int) - red).max() < 40


def test_of_two_people_the_first_is_behind_the_second() -> None:
    red, blue = (np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
                 for colour in ((255, 0, 0), (0, 0, 255)))
    layers = [Layer(red, blob(18)), Layer(blue, blob(24))]
    shown = composed(np.zeros_like(red), layers)
    assert shown[25, 24].tolist() == [0, 0, 255] and shown[25, 12, 0] > 200
    assert composed(np.zeros_like(red), layers[::-1])[25, 21, 0] > 250


def test_what_lies_outside_of_the_scene_is_not_shown() -> None:
    layer = Layer(np.full((SIZE[1], SIZE[0], 3), 9, np.uint8), blob())
    far = np.array([[1, 0, 500], [0, 1, 0], [0, 0, 1.0]])
    assert np.array_equal(composed(noise(3), [layer.moved(far)]), noise(3))
    assert covering(noise(3), (20, 25)).shape == (25, 20, 3)


def test_neither_ghosts_nor_the_old_walls_colour_are_left_at_an_edge() -> None:
    """A red person, cut out with a rim of the old grey wall, and the ghost of an arm."""
    colours = np.full((400, 300, 3), 128, np.uint8)
    colours[100:300, 100:200] = (200, 20, 20)
    alpha = np.zeros((400, 300), np.uint8)
    alpha[99:301, 99:201] = 255
    alpha[150:170, 210:280] = 70
    layer = Layer(colours, alpha).cleaned()
    shown = composed(np.zeros((400, 300, 3), np.uint8), [layer])
    assert not shown[150:170, 210:280].any() and shown.shape == (400, 300, 3)
    assert shown[99, 110:190, 1].max() < 60 and shown[200, 99, 1] < 60
    assert shown[200, 150].tolist() == [200, 20, 20]
    empty = Layer(colours, alpha // 8).cleaned()
    assert not empty.alpha.any() and empty.colours.shape == colours.shape


def test_a_person_goes_half_the_way_to_another_light_within_bounds() -> None:
    grey = np.full((90, 90, 3), 120, np.uint8)
    bluish = np.full((90, 90, 3), (114, 120, 126), np.uint8)
    layer = layer_of(grey, np.full((90, 90), 255, np.uint8), grey)
    assert np.array_equal(layer.lit(light_of(grey)).colours, grey)
    half = layer.lit(light_of(bluish)).colours[0, 0].astype(int)
    assert np.abs(half - (117, 120, 123)).max() <= 1
    far = layer.lit(np.array([10.0, 120, 250])).colours[0, 0] / 120
    assert (far <= BRIGHTER * TINTED + 0.01).all() and (far >= 0.99 / (BRIGHTER * TINTED)).all()
    assert far.max() / far.min() <= TINTED + 0.02
    assert Layer(grey, layer.alpha).lit(np.ones(3)).colours is grey
