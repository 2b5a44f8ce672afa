"""Pose images: what is drawn, where, how wide, in which colour."""
import json
import zlib

import cv2
import numpy as np
import pytest

from pose.draw import (
    EDN_FACE,
    LABELS,
    STYLES,
    default_line_width,
    draw_facts,
    draw_pose,
    labels_of,
)
from pose.skeleton import BODY_25, SKELETONS, mirror
from util.errors import UserError

JOINTS = {'Nose': (50, 20), 'Neck': (50, 30), 'RShoulder': (40, 30), 'RElbow': (30, 40),
          'RWrist': (20, 50), 'LShoulder': (60, 30), 'LElbow': (70, 40), 'LWrist': (80, 50),
          'MidHip': (50, 60), 'RHip': (44, 60), 'RKnee': (42, 75), 'RAnkle': (40, 90),
          'LHip': (56, 60), 'LKnee': (58, 75), 'LAnkle': (60, 90)}
FACE, RIGHT_HAND = np.s_[10:24, 40:60], np.s_[52:64, 10:30]      # where figure() has them
BODY_ONLY = {'figment'}         # styles that know neither face nor fingers
RIGHT_SIDE = 168                # x, at y = 180, of the line from shoulder to hip of figure(4)
every_drawing = pytest.mark.parametrize('style', STYLES)
every_skeleton = pytest.mark.parametrize('skeleton', SKELETONS)


def figure(scale=1.0, skeleton='BODY_25'):
    """Arms down and out; a ring of points for a face, five straight fingers a hand."""
    table = SKELETONS[skeleton]
    pose = np.zeros((len(table.joints), 3), np.float32)
    for joint, (x, y) in JOINTS.items():
        if joint in table.joints:
            pose[table.index(joint)] = x * scale, y * scale, 1
    turn = np.linspace(0, 2 * np.pi, 70, endpoint=False)
    fingers = np.array([(0, 0)] + [(f * k / 2, 2 * k) for f in range(-2, 3) for k in range(1, 5)])
    for part, points in (('face', np.stack([50 + 6 * np.sin(turn), 17 + 5 * np.cos(turn)], -1)),
                         ('left_hand', fingers + (80, 52)), ('right_hand', fingers + (20, 52))):
        there = table.part(part)
        pose[there, :2], pose[there, 2] = points[:there.stop - there.start] * scale, there.stop > 0
    return pose


def ink(pose, size, style, skeleton='BODY_25', **how):
    """bool (H, W): where something is drawn."""
    nothing = draw_pose(np.zeros_like(pose), size, style, skeleton)
    return (draw_pose(pose, size, style, skeleton, **how) != nothing).any(-1)


@every_skeleton
@every_drawing
def test_every_style_gives_an_rgb_picture_of_the_size_asked_for(style, skeleton):
    image = draw_pose(figure(1, skeleton), (120, 100), style, skeleton)
    assert image.shape == (100, 120, 3) and image.dtype == np.uint8
    drawn = ink(figure(1, skeleton), (120, 100), style, skeleton)
    assert drawn.any() and not drawn[:5].any()


@every_skeleton
@every_drawing
def test_face_and_hands_are_drawn_where_the_skeleton_has_them(style, skeleton):
    parts = () if style in BODY_ONLY else SKELETONS[skeleton].parts
    drawn = ink(figure(1, skeleton), (101, 101), style, skeleton)
    assert drawn[RIGHT_HAND].sum() > 20 if 'hands' in parts else not drawn[RIGHT_HAND][5:].any()
    assert drawn[12].any() == ('face' in parts), 'the forehead'


@every_skeleton
@every_drawing
def test_left_and_right_have_different_colours(style, skeleton):
    image = draw_pose(figure(4, skeleton), (400, 400), style, skeleton).astype(int)
    right, left = (image[4 * y, 4 * x] for x, y in (JOINTS['RElbow'], JOINTS['LElbow']))
    assert np.abs(right - left).sum() > (0 if style in LABELS else 100)


@every_skeleton
@every_drawing
def test_who_is_mirrored_is_drawn_as_if_he_stood_the_other_way_round(style, skeleton):
    pose, table = figure(1, skeleton), SKELETONS[skeleton]
    drawn = ink(pose, (101, 101), style, skeleton)
    mirrored = ink(mirror(pose, table, 101), (101, 101), style, skeleton)
    # unsmoothed edges may fall one pixel to the other side
    assert (mirrored != drawn[:, ::-1]).sum() <= (0.1 * drawn.sum() if style in LABELS else 0)
    image = draw_pose(pose, (101, 101), style, skeleton)
    assert not np.array_equal(draw_pose(mirror(pose, table, 101), (101, 101), style, skeleton),
                              image[:, ::-1])


@every_drawing
def test_what_is_not_seen_is_not_drawn(style):
    pose = figure()
    pose[BODY_25.index('RWrist')] = 0
    assert not ink(pose, (101, 101), style)[45:55, 10:25].any()
    assert ink(figure(), (101, 101), style)[45:55, 10:25].any()
    assert len(np.unique(draw_pose(np.zeros((25, 3)), (101, 101), style))) == 1


@every_skeleton
@every_drawing
def test_a_wild_joint_does_no_harm(style, skeleton):
    pose = figure(1, skeleton)
    pose[4] = 1e9, -1e9, 1
    pose[7] = np.nan, 5, 1
    pose[-1] = np.inf, np.nan, np.nan
    image = draw_pose(pose, (101, 101), style, skeleton)
    assert ink(pose, (101, 101), style, skeleton)[30:60, 50].any(), 'the spine is there'
    pose[[7, -1]] = 0
    assert np.array_equal(draw_pose(pose, (101, 101), style, skeleton), image), 'not a number'


@every_skeleton
@every_drawing
@pytest.mark.parametrize('shift', [(-45, 0), (60, 0), (0, -50), (0, 80), (3000, 0), (-0.4, 0.3)])
def test_strokes_that_leave_the_picture_are_cut_at_its_edge(style, skeleton, shift):
    pose = figure(1, skeleton)
    there = pose + np.float32((*shift, 0)) * (pose[:, 2:] > 0)
    wider = there + np.float32((100, 100, 0)) * (pose[:, 2:] > 0)
    cut = draw_pose(there, (100, 100), style, skeleton, 2.0)
    whole = draw_pose(wider, (300, 300), style, skeleton, 2.0)[100:200, 100:200]
    # where a stroke meets the edge, cv2 rounds it its own way
    assert (cut != whole).any(-1).sum() < 0.004 * cut.size / 3


def test_lines_grow_with_the_shorter_side():
    assert default_line_width((256, 256)) == 4
    assert default_line_width((1024, 512)) == 8
    small, large = (draw_pose(figure(s), (101 * s, 101 * s)).mean() for s in (3, 12))
    assert small == pytest.approx(large, rel=0.1)          # the same share of the picture is lit


@every_drawing
def test_a_wider_line_lights_more(style):
    thin, thick = (ink(figure(4), (404, 404), style, line_width=w).sum() for w in (3, 9))
    assert thick > 2 * thin


@pytest.mark.parametrize('style', sorted(STYLES.keys() - LABELS))
def test_lines_are_antialiased_and_placed_between_pixels(style):
    image = draw_pose(figure(4), (404, 404), style)
    left = RIGHT_SIDE - 5 if style in BODY_ONLY else 190    # along the side, or the spine
    assert len(np.unique(image[200:230, left:left + 20].sum(-1))) > 5
    assert not np.array_equal(draw_pose(figure(4) + (0.4, 0, 0), (404, 404), style), image)


@every_drawing
def test_the_trunk_lies_where_its_joints_lie(style):
    x = RIGHT_SIDE if style in BODY_ONLY else 200           # it has sides in place of a spine
    row = draw_pose(figure(4), (404, 404), style)[180, x - 20:x + 20].sum(-1).astype(float)
    row = abs(row - row[0])
    assert (row * np.arange(x - 20, x + 20)).sum() / row.sum() == pytest.approx(x, abs=0.3)


@pytest.mark.parametrize('skeleton, checksum', [('BODY_25', 0xf738a50f), ('COCO_18', 0x283ff643)])
def test_what_runs_were_trained_on_is_still_drawn_the_same(skeleton, checksum):
    drawn = draw_pose(figure(2.3, skeleton), (240, 230), skeleton=skeleton)
    assert zlib.crc32(drawn) == checksum


@pytest.mark.parametrize('style', sorted(STYLES.keys() - LABELS))
@pytest.mark.parametrize('body', ['BODY_25', 'COCO_18'])
def test_the_body_is_drawn_the_same_whether_or_not_hands_and_face_are_known(style, body):
    both = f'{body}+face+hands'
    plain, more = figure(2, body), np.zeros_like(figure(2, both))
    more[:len(plain)] = plain
    assert np.array_equal(draw_pose(plain, (200, 200), style, body),
                          draw_pose(more, (200, 200), style, both))


def test_a_finger_has_its_own_colour_and_the_face_is_white():
    skeleton = 'BODY_25+face+hands'
    pose = figure(4, skeleton)
    image = draw_pose(pose, (404, 404), skeleton=skeleton)
    tips = [pose[SKELETONS[skeleton].index(f'RHand{k}'), :2].astype(int) for k in (4, 8, 20)]
    assert [tuple(image[y, x]) for x, y in tips] == [(255, 0, 0), (255, 255, 0), (255, 0, 255)]
    x, y = pose[SKELETONS[skeleton].index('Face35'), :2].round().astype(int)
    assert image[y, x].min() > 200


def test_edn_is_the_authors_stick_figure():
    """White paper; a limb is 60 % of its near joint's colour; eight points of the face, black."""
    skeleton = 'BODY_25+face'
    pose = figure(4, skeleton)
    pose[25:, :2] = [(10 * (k % 35) + 20, 360 + 20 * (k // 35)) for k in range(70)]   # apart
    image = draw_pose(pose, (404, 404), 'edn', skeleton, line_width=6)
    assert image[0, 0].tolist() == [255] * 3
    assert image[180, 100].tolist() == [102, 204, 255]     # forearm: the elbow's, red for blue
    points = pose[25:, :2].astype(int)
    assert tuple(k for k, (x, y) in enumerate(points) if image[y, x].max() < 40) == EDN_FACE
    assert default_line_width((512, 512), 'edn') == pytest.approx(8 / 1080 * 512, rel=0.06)


@every_skeleton
def test_a_label_map_holds_one_number_for_each_limb_and_survives_a_file(skeleton):
    table = SKELETONS[skeleton]
    pose = figure(8, skeleton)
    labels = draw_pose(pose, (808, 808), 'pix2pixhd_labels', skeleton, line_width=4)
    assert (labels == labels[..., :1]).all()
    drawable = {k + 1 for k, (a, b) in enumerate(table.limbs) if pose[[a, b], 2].all()}
    assert set(np.unique(labels)) == drawable | {0}
    assert labels_of(skeleton) == len(table.limbs) + 1 > max(drawable)
    read = cv2.imdecode(cv2.imencode('.png', labels)[1], cv2.IMREAD_COLOR)
    assert np.array_equal(read, labels)
    for number in drawable:
        a, b = (pose[joint, :2] for joint in table.limbs[number - 1])
        x, y = ((a + b) / 2).round().astype(int)
        assert number in labels[y - 4:y + 5, x - 4:x + 5], table.limbs[number - 1]


@every_skeleton
@every_drawing
def test_what_fixes_the_look_is_written_down(style, skeleton):
    facts = draw_facts(style, 2.5, skeleton)
    assert json.loads(json.dumps(facts)) == facts
    assert facts['style'] == style and facts['line_width'] == 2.5
    assert facts['skeleton'] == skeleton and facts['joints'].startswith('Nose Neck RShoulder')
    assert facts.get('labels') == (labels_of(skeleton) if style in LABELS else None)
    parts = '' if style in BODY_ONLY else skeleton
    assert set(facts.get('colours', ())) == (set() if style in LABELS else {'body'} | (
        {'face'} if 'face' in parts else set()) | (
        {'left_hand', 'right_hand'} if 'hands' in parts else set()))


def test_an_unknown_style_is_answered_with_the_nearest():
    with pytest.raises(UserError, match='Did you mean openpose'):
        draw_pose(figure(), (10, 10), 'openpos')
