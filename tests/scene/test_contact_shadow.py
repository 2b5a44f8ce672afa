"""The shadow under painted feet: on the floor next to them, and nowhere else."""
import numpy as np

from scene.composition import Layer, composed, darkened
from scene.contact_shadow import contact_shadow

TALL = 200.0
FOOT = np.array([[100, 180], [96, 190], [125, 194]], float)      # ankle, heel, toe


def person() -> np.ndarray:
    """uint8 (240, 200): a leg that ends in a foot."""
    alpha = np.zeros((240, 200), np.uint8)
    alpha[20:196, 92:108] = alpha[186:196, 92:130] = 255
    return alpha


def test_the_floor_is_darkest_where_the_sole_touches_it():
    dark = contact_shadow(person(), [(FOOT, 0.0)], TALL).astype(int)
    below = dark[196:, 110]
    assert below[1] > 60 and (np.diff(below) <= 0).all(), 'softer with the distance'
    assert dark[:150].max() == 0 and dark[:, :60].max() < 3, 'only around the foot'
    assert dark.max() < 200, 'no black hole'


def test_a_foot_in_the_air_leaves_less_of_it():
    shown = [contact_shadow(person(), [(FOOT, high)], TALL).max() for high in (0, 0.03, 0.2)]
    assert shown[0] > shown[1] > 40 and shown[2] == 0


def test_a_foot_that_is_not_painted_leaves_none():
    nobody = np.zeros((240, 200), np.uint8)
    assert not contact_shadow(nobody, [(FOOT, 0.0)], TALL).any()
    assert not contact_shadow(person(), [(FOOT + (0, 400), 0.0)], TALL).any(), 'below the picture'


def test_a_shadow_falls_on_the_scene_and_on_nobody():
    """Also not on another person, whichever of both is the far one."""
    red, blue = (np.full((240, 200, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 0, 200)))
    other = np.zeros((240, 200), np.uint8)
    other[190:230, 110:150] = 255
    layers = [Layer(red, other),
              Layer(blue, person(), shadow=contact_shadow(person(), [(FOOT, 0.0)], TALL))]
    grey = np.full((240, 200, 3), 150, np.uint8)
    picture = composed(darkened(grey, layers), layers)
    assert picture[192, 100].tolist() == [0, 0, 200] and picture[198, 120].tolist() == [200, 0, 0]
    assert 60 < picture[198, 100, 0] < 130 and picture[20, 20, 0] == 150
