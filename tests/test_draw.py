"""Pose images: what is drawn, where, how wide, in which colour."""
import time

import numpy as np
import pytest

from pose.draw import STYLES, default_line_width, draw_pose
from pose.skeleton import BODY_25, mirror
from util.errors import UserError

JOINTS = {'Nose': (50, 20), 'Neck': (50, 30), 'RShoulder': (40, 30), 'RElbow': (30, 40),
          'RWrist': (20, 50), 'LShoulder': (60, 30), 'LElbow': (70, 40), 'LWrist': (80, 50),
          'MidHip': (50, 60), 'RHip': (44, 60), 'RKnee': (42, 75), 'RAnkle': (40, 90),
          'LHip': (56, 60), 'LKnee': (58, 75), 'LAnkle': (60, 90)}


def figure(scale=1.0):
    pose = np.zeros((25, 3), np.float32)
    for joint, (x, y) in JOINTS.items():
        pose[BODY_25.index(joint)] = x * scale, y * scale, 1
    return pose


@pytest.mark.parametrize('style', STYLES)
def test_every_style_gives_an_rgb_picture_of_the_size_asked_for(style):
    image = draw_pose(figure(), (120, 100), style)
    assert image.shape == (100, 120, 3) and image.dtype == np.uint8
    assert image.any() and not image[:5].any()


@pytest.mark.parametrize('style', STYLES)
def test_left_and_right_have_different_colours(style):
    right, left = (draw_pose(figure(4), (400, 400), style)[y * 4, x * 4].astype(int)
                   for x, y in (JOINTS['RElbow'], JOINTS['LElbow']))
    assert np.abs(right - left).sum() > 100


@pytest.mark.parametrize('style', STYLES)
def test_who_is_mirrored_is_drawn_as_if_he_stood_the_other_way_round(style):
    image = draw_pose(figure(), (101, 101), style)
    mirrored = draw_pose(mirror(figure(), BODY_25, 101), (101, 101), style)
    assert np.array_equal(mirrored.any(-1), image[:, ::-1].any(-1))
    assert not np.array_equal(mirrored, image[:, ::-1])


@pytest.mark.parametrize('style', STYLES)
def test_what_is_not_seen_is_not_drawn(style):
    pose = figure()
    pose[BODY_25.index('RWrist')] = 0
    image = draw_pose(pose, (101, 101), style)
    assert not image[45:55, 10:25].any()
    assert not draw_pose(np.zeros((25, 3)), (101, 101), style).any()


@pytest.mark.parametrize('style', STYLES)
def test_a_wild_joint_does_no_harm(style):
    pose = figure()
    pose[4] = 1e9, -1e9, 1
    pose[7] = np.nan, 5, 1
    assert draw_pose(pose, (101, 101), style).any()


def test_lines_grow_with_the_shorter_side():
    assert default_line_width((256, 256)) == 4
    assert default_line_width((1024, 512)) == 8
    small, large = (draw_pose(figure(s), (101 * s, 101 * s)).mean() for s in (3, 12))
    assert small == pytest.approx(large, rel=0.1)          # the same share of the picture is lit
    thin, thick = (draw_pose(figure(4), (404, 404), line_width=w).any(-1).sum() for w in (3, 9))
    assert thick > 2 * thin


def test_lines_are_antialiased_and_placed_between_pixels():
    image = draw_pose(figure(4), (404, 404))
    shades = np.unique(image[200:230, 190:210, 0])                    # the spine is red
    assert len(shades) > 5
    assert not np.array_equal(draw_pose(figure(4) + (0.4, 0, 0), (404, 404)), image)


def test_the_spine_lies_where_its_joints_lie():
    image = draw_pose(figure(4), (404, 404)).astype(float)
    row = image[180, 180:220, 0]
    assert (row * np.arange(180, 220)).sum() / row.sum() == pytest.approx(200, abs=0.3)


def test_drawing_keeps_up_with_a_video():
    pose = figure(2.5)
    draw_pose(pose, (256, 256))
    seconds = []
    for _ in range(30):
        start = time.perf_counter()
        draw_pose(pose, (256, 256))
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1.5e-3


def test_an_unknown_style_is_answered_with_the_nearest():
    with pytest.raises(UserError, match='Did you mean openpose'):
        draw_pose(figure(), (10, 10), 'openpos')
