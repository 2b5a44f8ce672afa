"""The crop: one box, and joints that go where their pixels go."""
import numpy as np
import pytest

from preprocessing.crop import (
    box_around,
    choose_box,
    cut_out,
    into_box,
    keeping_aspect,
    output_size,
)
from util.errors import UserError


def body(left, top, right, bottom):
    return np.array([[[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]]],
                    np.float32)


def test_auto_is_one_box_around_the_whole_track_in_the_outputs_aspect():
    x, y, w, h = box_around(np.concatenate([body(100, 100, 150, 300), body(300, 100, 350, 300)]),
                            (640, 480), (256, 256))
    assert w == h and x < 100 and x + w > 350 and y < 100 and y + h > 300
    x, y, w, h = box_around(body(300, 100, 340, 300), (640, 480), (128, 256))
    assert h == 2 * w


def test_a_box_stays_in_the_picture_while_the_person_fits_and_never_cuts_an_arm_off():
    x, y, w, h = box_around(body(0, 10, 100, 470), (640, 480), (256, 256))
    assert (x, y, w, h) == (0, 0, 480, 480)
    x, y, w, h = box_around(body(10, 100, 630, 400), (640, 480), (256, 256))
    assert w == h >= 620 and cut_out(np.zeros((480, 640, 3), np.uint8), (x, y, w, h),
                                     (256, 256)).shape == (256, 256, 3)


def test_crop_none_keeps_the_aspect_and_center_the_middle():
    assert output_size('none', (960, 720), 256) == (341, 256)
    assert choose_box('none', (960, 720), (341, 256), body(0, 0, 1, 1)) == (0, 0, 960, 720)
    assert choose_box('center', (960, 720), (256, 256), body(0, 0, 1, 1)) == (120, 0, 720, 720)
    assert choose_box('1,2,3,4', (9, 9), (9, 9), body(0, 0, 1, 1)) == (1, 2, 3, 4)


def test_joints_go_where_their_pixels_go():
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:44, 120:124] = 255
    box, output = (100, 20, 60, 60), (240, 240)
    frame = cut_out(image, box, output)
    (ys, xs), pose = np.nonzero(frame[..., 0] > 128), np.array([[[121.5, 41.5, 1], [0, 0, 0]]])
    moved = into_box(pose.astype(np.float32), box, output)[0]
    assert moved[0, :2] == pytest.approx([xs.mean(), ys.mean()], abs=0.6)
    assert not moved[1].any(), 'an unseen joint stays unseen'


def test_a_box_outside_the_picture_is_refused_and_one_that_reaches_beyond_it_is_not():
    for crop in ('9,0,3,4', '0,9,3,4', '-3,0,3,4', '0,-4,3,4'):
        with pytest.raises(UserError, match='outside the picture, which is 9x9'):
            choose_box(crop, (9, 9), (9, 9), body(0, 0, 1, 1))
    assert choose_box('-2,8,3,4', (9, 9), (9, 9), body(0, 0, 1, 1)) == (-2, 8, 3, 4)


@pytest.mark.parametrize('crop', ['auto', 'center', 'none', '-20,-10,200,180', '100,60,300,90',
                                  '33,7,101,333'])
@pytest.mark.parametrize('video', [(720, 1264), (406, 720), (640, 360), (1921, 1079), (480, 480)])
def test_keeping_the_aspect_never_leaves_the_video(crop, video):
    for track in (body(0, 0, *video), body(-50, 10, 90, 400), body(200, 100, 240, 300),
                  np.zeros((1, 4, 3), np.float32)):
        (width, height), (x, y, w, h) = keeping_aspect(crop, video, 256, track)
        assert x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= video[0] and y + h <= video[1]
        assert width % 2 == height % 2 == 0 and min(width, height) == 256
        kept = (w, h) if ',' in crop else video
        longer = 256 * max(kept) / min(kept)
        assert max(width, height) == pytest.approx(longer, abs=1), 'even, so within a px'
        assert (width > height) == (kept[0] > kept[1]) or kept[0] == kept[1]
        assert w / h == pytest.approx(kept[0] / kept[1], abs=1.5 / min(w, h))


def test_keeping_the_aspect_auto_is_a_box_around_the_track_and_none_the_whole_picture():
    track = body(300, 500, 400, 900)
    _, (x, y, w, h) = keeping_aspect('auto', (720, 1264), 256, track)
    assert x < 300 and y < 500 and x + w > 400 and y + h > 900 and w < 720
    assert keeping_aspect('none', (720, 1264), 256, track) == ((256, 450), (0, 0, 720, 1264))
    assert keeping_aspect('10,20,300,150', (720, 1264), 256, track) == ((512, 256),
                                                                        (10, 20, 300, 150))
