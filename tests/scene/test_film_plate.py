"""The background at film size: of a camera that moves behind the bars of a letterbox."""
import cv2
import numpy as np

from scene.background import make_plate
from scene.film_plate import film_plate
from tests.scene.test_background import HEIGHT, SIZE, STANDING, WALKS, WIDTH, film, pan

BAR = 14                    # px at the top and the bottom, of 120
COLOUR = 30


def test_bars_do_not_wander_through_the_scene_of_a_camera_that_pans():
    """Neither they nor their titles: a film showed a title on the wall, and a notch in a corner."""
    frames, masks = film(pan(frames=24), stands=lambda f: 20 + 4 * f)
    for frame in frames:
        frame[:BAR] = frame[-BAR:] = COLOUR
        frame[5:8, 30:70:2] = 235               # a title
    large = [cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
             for frame in frames]
    size = (2 * SIZE[0], 2 * SIZE[1])
    plate = film_plate(make_plate(frames, masks), large, masks, size)
    assert plate.bars[:2 * BAR - 2, :, 3].all() and not plate.bars[120, :, 3].any()
    scene = cv2.erode(255 - plate.bars[..., 3], np.ones((3, 3), np.uint8)) > 0
    assert (frames[0][BAR:-BAR].max(-1) > 70).all(), 'the wall is nowhere as dark as a bar'
    for f in range(0, len(frames), 8):
        shown, _ = plate.at(plate.camera(f), size)
        dark = shown.max(-1) < 60
        assert dark[scene].mean() < 1e-3, f
        assert dark[~scene & (plate.bars[..., :3].max(-1) < 60)].mean() > 0.9


def enlarged(frames, masks):
    """The same frames at film size, sharp to the pixel, and the size."""
    size = (2 * WIDTH, 2 * HEIGHT)
    rough = np.random.default_rng(3).integers(-40, 41, (*size[::-1], 1))
    large = []
    for frame, mask in zip(frames, masks, strict=True):
        fine = cv2.resize(frame, size).astype(int) + rough
        person = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        large.append(np.where(person[..., None], 0, fine.clip(0, 255)).astype(np.uint8))
    return large, size


def test_of_a_person_who_walks_through_every_pixel_is_of_film_size():
    frames, masks = film(STANDING, **WALKS)
    large, size = enlarged(frames, masks)
    plate = film_plate(make_plate(frames, masks), large, masks, size)
    seen = large[0].any(-1)
    assert np.abs(plate.picture.astype(int) - large[0])[seen].mean() < 3
    small = cv2.resize(frames[0], size).astype(int)
    assert np.abs(small - large[0])[seen].mean() > 12, 'as the small frames cannot show'


def test_where_a_person_always_stands_the_film_has_the_grain_of_what_is_around():
    frames, masks = film(STANDING)
    large, size = enlarged(frames, masks)
    plate = film_plate(make_plate(frames, masks), large, masks, size)
    inside = np.s_[100:180, 128:144]            # of her, at film size
    fine = plate.picture.astype(int) - cv2.GaussianBlur(plate.picture, (0, 0), 2)
    assert fine[inside].std() > 5
