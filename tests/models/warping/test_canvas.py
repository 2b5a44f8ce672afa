"""A person is drawn at film size from what was decided small: where, how much, and how sharp."""
import numpy as np
import pytest
import torch

from models.warping import blending
from models.warping.blending import Decision, Masked, compose, decided
from models.warping.bone_warp import Warp
from models.warping.canvas import (
    UNUSED,
    Canvas,
    Decided,
    Enlarged,
    carry_on,
    draw_frames,
    is_used,
    mix,
    opacities,
    shared,
)
from models.warping.cutouts import Cutout, gone_on
from models.warping.settings import Body2BodySettings
from util.images import scaling

SETTINGS = Body2BodySettings()
SMALL, LARGE = (24, 32), (72, 96)
SAME = np.eye(3)


def still(count=1, size=SMALL, shares=None):
    """Every pixel of a small picture lies where it is in each frame."""
    x, y = np.meshgrid(*map(np.arange, size))
    places = [np.tile(each.astype(np.float32), (count, 1, 1)) for each in (x, y)]
    if shares is None:
        shares = np.full((count, *x.shape), 1 / count, np.float32)
    return Decided(0, 0, *places, shares)


def noise(size, seed=0, sure=255):
    """A frame of random colours, all of it the person."""
    colours = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
    colours[..., 3] = sure
    return Cutout(colours, 0, 0)


def canvas(size):
    return Canvas.of(np.full((size[1], size[0], 3), 100, np.uint8))


def test_pixels_of_film_size_are_shown_as_they_are_where_nothing_is_bent():
    """Not enlarged small ones: every single pixel of noise is there."""
    picture, cutout = canvas(LARGE), noise(LARGE)
    into = scaling(SMALL, LARGE)
    draw_frames(picture, still(), [cutout], into, into, 3.0)
    inside = np.s_[4:-4, 4:-4]
    apart = np.abs(picture.picture.astype(int) - cutout.image[..., :3])[inside]
    assert apart.mean() < 3 and apart.max() < 20     # of noise: a 32nd of a pixel
    assert picture.alpha[inside].min() >= 253


@pytest.mark.parametrize('into', [scaling(SMALL, LARGE), scaling(SMALL, (60, 90)), SAME])
def test_a_region_comes_to_lie_where_its_part_of_the_whole_does(into):
    size = tuple(np.rint(np.diag(into)[:2] * SMALL).astype(int).tolist())
    y, x = np.mgrid[0:32, 0:24].astype(np.float32)
    field = np.dstack([x, 2 * y])
    whole, part = Enlarged(into, size, (0, 0), (32, 24)), Enlarged(into, size, (8, 16), (16, 12))
    shown = part(np.ascontiguousarray(field[16:, 8:20]))
    inside = np.s_[3:-3, 3:-3]
    np.testing.assert_allclose(shown[inside], whole(field)[part.box][inside], atol=0.1)


def test_a_frame_far_to_the_left_in_its_picture_is_sampled_from_its_own_corner():
    into, picture, cutout = scaling(SMALL, LARGE), canvas(LARGE), noise((30, 40))
    draw_frames(picture, still(), [cutout._replace(left=20, top=25)], into, into, 3.0)
    apart = np.abs(picture.picture[29:61, 24:46].astype(int) - cutout.image[4:36, 4:26, :3])
    assert apart.mean() < 3
    assert (picture.picture[:20] == 100).all() and (picture.alpha[:20] <= 1).all()


def test_without_a_network_a_matte_is_as_opaque_as_the_softmax_of_training_has_it():
    """For every share of a pixel, but for the paint that nobody decided on."""
    person = torch.linspace(-1, 1, 256).view(1, 1, 1, -1)
    zero = torch.zeros(1, 3, 1, 256)
    weights = blending.blend_weights(zero, person, torch.zeros(1, 1, 1, 256), SETTINGS.blend)
    of_frame, of_background, of_paint = weights[0, :, 0]
    expected = of_frame / (of_frame + of_background)
    np.testing.assert_allclose(opacities(SETTINGS.blend.person), expected, atol=1e-6)
    assert of_paint.max() < 0.03


def trained(count, size, seed):
    """What a network might say of a picture of one size, and frames for it."""
    random = torch.Generator().manual_seed(seed)
    h, w = size[1], size[0]
    smooth = lambda channels, of=1: torch.nn.functional.interpolate(
        torch.randn(of, channels, 4, 4, generator=random), (h, w), mode='bicubic')
    frames = torch.tanh(2 * smooth(4, count))
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing='ij')
    warp = Warp((x + smooth(1, count)[:, 0]).float(), (y + smooth(1, count)[:, 0]).float(),
                torch.ones(count, h, w), smooth(1, count)[:, 0].abs() / 20)
    decision = Decision(smooth(3), 3 * smooth(count + 2), smooth(2, count), smooth(3) / 10)
    return frames, warp, decision, torch.tanh(smooth(3))


@pytest.mark.parametrize('seed', range(3))
def test_at_the_size_of_training_it_is_what_training_composes(seed):
    count, size = 3, (48, 40)
    frames, warp, decision, behind = trained(count, size, seed)
    expected = compose(decision, Masked(torch.cat([behind, behind[:, :1]], 1)), Masked(frames),
                       warp, SETTINGS)[0].permute(1, 2, 0)
    as_bytes = lambda image: np.rint(127.5 * (np.asarray(image) + 1)).clip(0, 255).astype(np.uint8)
    picture = Canvas.of(as_bytes(behind[0].permute(1, 2, 0)))
    whole = ..., slice(0, size[1]), slice(0, size[0])
    what = decided(warp, decision, whole, (size[1], size[0]), SETTINGS)
    cutouts = [Cutout(as_bytes(frame.permute(1, 2, 0)), 0, 0) for frame in frames]
    draw_frames(picture, what, cutouts, SAME, SAME, SETTINGS.blend.person)
    inside = np.s_[4:-4, 4:-4]
    apart = np.abs(picture.picture.astype(int) - as_bytes(expected))[inside]
    assert apart.mean() < 2 and np.percentile(apart, 99) < 12


def test_a_frame_that_shows_next_to_nothing_is_not_read():
    shares = np.zeros((3, 4, 4), np.float32)
    shares[0], shares[1, 2, 2], shares[2] = 1, 2 * UNUSED, UNUSED / 2
    assert is_used(shares).tolist() == [True, True, False]
    even = np.full((100, 4, 4), 0.0101, np.float32)
    assert is_used(even).all()


def test_two_frames_are_blended_by_their_shares():
    shares = np.zeros((2, 32, 24), np.float32)
    shares[0], shares[1] = 0.25, 0.75
    one, other = (Cutout(np.full((32, 24, 4), level, np.uint8), 0, 0) for level in (40, 240))
    for each in (one, other):
        each.image[..., 3] = 255
    picture = canvas(SMALL)
    draw_frames(picture, still(2, shares=shares), [one, other], SAME, SAME, 3.0)
    assert np.abs(picture.picture[5:-5, 5:-5].astype(int) - 190).max() <= 2


def test_the_person_before_is_carried_on_by_its_share_where_there_is_a_person_now():
    before = Canvas(np.full((32, 24, 3), 200, np.uint8), np.full((32, 24), 255, np.uint8))
    now = Canvas(np.full((32, 24, 3), 100, np.uint8), np.zeros((32, 24), np.uint8))
    now.alpha[:, :12] = 255
    what = still()
    carry_on(now, before, (0, 0), what.x[0], what.y[0], SAME, 0.5)
    assert np.abs(now.picture[4:-4, 4:12].astype(int) - 150).max() <= 1
    assert (now.picture[:, 12:] == 100).all()


def test_a_mixture_takes_its_share_of_pictures_and_of_what_they_cover():
    one, other = canvas(SMALL), canvas(SMALL)
    other.picture[:], other.alpha[:] = 200, 200
    mix(one, other, 0.25)
    assert (one.picture == 125).all() and (one.alpha == 50).all()


@pytest.mark.parametrize('left, top', [(0, 0), (10, 0), (0, 10), (42, 56), (10, 10)])
def test_a_person_cut_off_by_the_edge_of_the_picture_goes_on_a_little(left, top):
    cutout = noise((30, 40))._replace(left=left, top=top)
    more = gone_on(cutout, LARGE)
    grown = np.subtract(more.image.shape[:2], cutout.image.shape[:2])
    assert (grown[1] > 0) == (left in (0, 42)) and (grown[0] > 0) == (top in (0, 56))
    shift = left - more.left, top - more.top
    own = more.image[shift[1]:shift[1] + 40, shift[0]:shift[0] + 30]
    assert np.array_equal(own, cutout.image)
    if left == 0:
        assert np.array_equal(more.image[:, 0], more.image[:, shift[0]]), 'the edge is repeated'


@pytest.mark.parametrize('steep', [6, 12])
def test_where_one_frame_takes_over_from_another_the_edge_is_no_staircase(steep):
    """A straight edge decided on small pixels is straight to a seventh of a px of a picture 2.8
    times as large, and as narrow as there; shares enlarged as they are leave steps."""
    small, size = (64, 64), (180, 180)
    y, x = np.mgrid[0:64, 0:64]
    along = np.cos(0.4), np.sin(0.4)
    logit = steep * (x * along[0] + y * along[1] - 40)
    first = (1 / (1 + np.exp(np.clip(logit, -6, 6)))).astype(np.float32)
    large = Enlarged(scaling(small, size), size, (0, 0), small[::-1])
    one, other = shared(first, large), shared(1 - first, large)
    share = other / (one + other)
    rows = np.arange(20, 160)
    column = np.argmax(share[rows] >= 0.5, axis=1)
    before, after = share[rows, column - 1], share[rows, column]
    crossing = column - 1 + (0.5 - before) / (after - before)
    scale = size[0] / small[0]
    off = (crossing + 0.5 - scale / 2) * along[0] + (rows + 0.5 - scale / 2) * along[1]
    assert np.std(off) < 0.15
