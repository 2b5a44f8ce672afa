"""The background at film size: of a camera that moves behind the bars of a letterbox."""
import cv2
import numpy as np

from scene.background import make_plate
from scene.film_plate import film_plate
from tests.scene.test_background import SIZE, film, pan

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
