"""OpenPose: people out of part affinity fields, and the networks that give them."""
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose.detect import make_detector
from pose.detect.decoders import paf
from pose.detect.decoders.paf import LAYOUTS, assemble, decode, layout_of
from pose.skeleton import BODY_25, convert, skeleton_of
from util.downloads import weights_path
from util.errors import UserError
from util.video import read_frames

# Someone standing, BODY_25, about 32 cells tall.
STANDING = np.array([
    (0, 3.3), (.3, 7.2), (-3.6, 7.6), (-6.2, 12.4), (-7.3, 16.8), (4.1, 7.3), (6.8, 11.7),
    (9.2, 15.9), (.2, 17.4), (-2.2, 17.6), (-2.9, 24.3), (-3.4, 31.2), (2.4, 17.2), (3.3, 24.1),
    (4.7, 30.8), (-1.2, 2.1), (1.3, 2.2), (-2.8, 2.7), (2.7, 2.6), (6.4, 33.9), (8.1, 32.7),
    (3.4, 32.7), (-5.5, 33.8), (-7.2, 32.9), (-2.2, 33.1)])
SIZE = (46, 62)               # rows and columns of the maps


def person(x, y, layout, scale=1.0, without=()):
    """Someone at x, y in cells, float (P, 3), lacking the joints of these names."""
    joints = np.concatenate([STANDING * scale + (x, y), np.ones((25, 1))], 1)
    joints = convert(joints, BODY_25, skeleton_of(layout.skeleton))
    names = skeleton_of(layout.skeleton).joints
    joints[[names.index(name) for name in without]] = 0
    return joints


def drawn(people, layout, size=SIZE):
    """The maps a perfect network would give: Gaussians (Eq. 6, 7) and fields (Eq. 8, 9)."""
    rows, columns = np.mgrid[:size[0], :size[1]]
    heat = np.zeros((layout.joints + 1, *size))
    fields = np.zeros((len(layout.limbs) * 2, *size))
    count = np.zeros((len(layout.limbs), *size))
    for joints in people:
        for k, (x, y, seen) in enumerate(joints):
            if seen:
                away = (columns - x) ** 2 + (rows - y) ** 2
                heat[k] = np.maximum(heat[k], np.exp(-away / (2 * 1.2 ** 2)))
        for limb, (a, b) in enumerate(layout.limbs):
            if joints[a, 2] and joints[b, 2]:
                way = joints[b, :2] - joints[a, :2]
                length = np.hypot(*way)
                vx, vy = way / length
                along = (columns - joints[a, 0]) * vx + (rows - joints[a, 1]) * vy
                across = np.abs((columns - joints[a, 0]) * vy - (rows - joints[a, 1]) * vx)
                on = (along > -.5) & (along < length + .5) & (across < 1.2)
                fields[layout.fields[limb]] += on * vx
                fields[layout.fields[limb] + 1] += on * vy
                count[limb] += on
    for limb, channel in enumerate(layout.fields):
        fields[channel:channel + 2] /= np.maximum(count[limb], 1)
    return np.concatenate([heat, fields]).astype(np.float32)


def by_place(people):
    """People from left to right, by their necks."""
    return sorted(people, key=lambda joints: joints[1, 0])


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.skeleton)
def layout(request):
    return request.param


def test_two_people_are_found_to_within_half_a_cell(layout):
    true = [person(15.3, 4.6, layout), person(43.7, 8.2, layout, scale=0.9)]
    found = by_place(decode(drawn(true, layout), layout))
    assert len(found) == 2
    for joints, truth in zip(found, true):
        assert joints.dtype == np.float32 and (joints[:, 2] > 0.8).all()
        assert np.abs(joints[:, :2] - truth[:, :2]).max() < 0.5
        assert np.isnan(joints[:, 3]).all()


def test_two_people_whose_limbs_cross_stay_apart(layout):
    true = [person(24, 5, layout), person(34.5, 5.6, layout)]     # forearms and upper arms cross
    true[0][7, :2], true[1][4, :2] = (34.6, 17.2), (24.2, 16.9)
    found = by_place(decode(drawn(true, layout), layout))
    assert len(found) == 2
    for joints, truth in zip(found, true):
        seen = joints[:, 2] > 0
        assert seen.sum() >= layout.joints - 1 and seen[[4, 7]].all()
        assert np.abs(joints[seen, :2] - truth[seen, :2]).max() < 1


def test_a_missing_joint_is_not_seen_and_the_rest_is(layout):
    truth = person(30, 5, layout, without=['LWrist', 'LEar'])
    (joints,) = decode(drawn([truth], layout), layout)
    missing = truth[:, 2] == 0
    assert np.array_equal(joints[:, 2] == 0, missing)
    assert (joints[missing, :3] == 0).all()


def test_a_head_turned_away_keeps_its_ears(layout):
    truth = person(30, 5, layout, without=['Nose', 'REye', 'LEye'])
    (joints,) = decode(drawn([truth], layout), layout)
    assert np.array_equal(joints[:, 2] > 0, truth[:, 2] > 0)


def test_nobody_gives_no_people(layout):
    assert decode(drawn([], layout), layout).shape == (0, layout.joints, 4)


def test_a_few_joints_are_not_a_person(layout):
    truth = person(30, 5, layout)
    truth[5:] = 0                          # one arm from the neck is left
    truth[0] = 0
    assert len(decode(drawn([truth], layout), layout)) == 0


def test_a_person_barely_there_is_nobody(layout):
    maps = drawn([person(30, 5, layout)], layout)
    assert len(decode(maps * 0.5, layout)) == 1 and len(decode(maps * 0.15, layout)) == 0


def test_a_field_must_run_most_of_the_way_to_be_a_limb(layout):
    truth = person(30, 5, layout)
    names = skeleton_of(layout.skeleton).joints
    knee, ankle = names.index('RKnee'), names.index('RAnkle')
    maps = drawn([truth], layout)
    field = layout.joints + 1 + layout.fields[layout.limbs.index((knee, ankle))]
    maps[field:field + 2, int(truth[[knee, ankle], 1].mean()):] = 0
    (joints,) = decode(maps, layout)
    assert joints[knee, 2] > 0 and joints[ankle, 2] == 0


def test_the_surest_and_most_complete_person_comes_first(layout):
    bust = person(15, 6, layout)
    bust[8:15 if layout.joints == 25 else 14] = 0
    clear, faint = drawn([bust], layout), drawn([person(45, 6, layout)], layout)
    first, second = decode(clear + faint * 0.8, layout)
    assert first[1, 0] > 40 > second[1, 0]


def test_limbs_go_to_the_nearer_of_two_people_who_stand_close(layout):
    true = [person(26, 5, layout), person(29.6, 5.4, layout)]
    found = by_place(decode(drawn(true, layout), layout))
    assert len(found) == 2
    for joints, truth in zip(found, true):
        assert np.abs(joints[:, :2] - truth[:, :2]).max() < 1.2


def test_a_joint_between_two_cells_is_one_peak():
    heat = drawn([person(30, 5, LAYOUTS[0])], LAYOUTS[0])[:18]
    heat[0] = 0
    heat[0, 3:6, 7:9] = [[.5], [.9], [.5]]
    joint, places, _ = paf.find_peaks(heat)
    assert np.array_equal(joint, np.arange(18)) and np.allclose(places[0], (7.5, 4))


@pytest.mark.parametrize('beyond', [0, 0.4])
def test_a_joint_at_the_edge_stays_in_the_picture(layout, beyond):
    toes = ['LBigToe', 'LSmallToe', 'RBigToe', 'RSmallToe'] if layout.joints == 25 else []
    truth = person(30, 11, layout, without=toes)
    truth[11, 1] = SIZE[0] - 1 + beyond
    (joints,) = decode(drawn([truth], layout), layout)
    assert abs(joints[11, 0] - truth[11, 0]) < 0.5 and abs(joints[11, 1] - SIZE[0] + 1) < 0.2


def test_a_limb_between_two_part_people_makes_one_of_them():
    joint = np.array([0, 1, 2, 3])
    (one,) = assemble(joint, np.array([0, 2, 1]), np.array([1, 3, 2]))
    assert sorted(one[0]) == [0, 1, 2, 3] and one[1] == [0, 1, 2]


def test_two_people_with_the_same_joint_are_never_made_one():
    joint = np.array([0, 0, 1, 1])
    a, b = np.array([0, 1, 0]), np.array([2, 3, 3])
    assert sorted(sorted(peaks) for peaks, _ in assemble(joint, a, b)) == [[0, 2], [1, 3]]


def test_noise_costs_no_more_than_the_peaks_that_are_kept(layout, monkeypatch):
    monkeypatch.setattr(paf, 'MAX_PEAKS', 3)
    noise = np.random.default_rng(0).uniform(0, 1, (layout.joints, *SIZE)).astype(np.float32)
    joint, places, confidence = paf.find_peaks(noise)
    assert np.array_equal(joint, np.repeat(np.arange(layout.joints), 3))
    assert np.isfinite(places).all() and confidence.min() > 0.9


def test_every_map_has_one_meaning(layout):
    skeleton = skeleton_of(layout.skeleton)
    assert layout.joints == skeleton.body
    assert sorted(layout.fields) == list(range(0, 2 * len(layout.limbs), 2))
    assert {joint for limb in layout.limbs for joint in limb} == set(range(layout.joints))
    assert set(layout.limbs) == {*skeleton.limbs, *layout.limbs[-layout.spare:]}
    assert layout_of(layout.channels) is layout and layout_of(layout.channels + 1) is None


@pytest.fixture
def caffe(tmp_path):
    """Flags for a network without weights: `repeats` copies of the picture, an eighth as large."""
    def make(repeats):
        folder = tmp_path / os.fsdecode(b'caf\xe9')     # OpenCV must not be handed the path
        folder.mkdir(exist_ok=True)
        proto, model = folder / 'toy.prototxt', folder / 'toy.caffemodel'
        bottoms = repeats * ' bottom: "small"'
        proto.write_text(
            'input: "image" input_dim: 1 input_dim: 3 input_dim: 16 input_dim: 16\n'
            'layer { name: "small" type: "Pooling" bottom: "image" top: "small"\n'
            '  pooling_param { pool: AVE kernel_size: 8 stride: 8 } }\n'
            f'layer {{ name: "net_output" type: "Concat" top: "net_output"{bottoms}\n'
            '  concat_param { axis: 1 } }\n')
        model.write_bytes(b'\x0a\x03toy')           # a NetParameter with nothing but its name
        return {'openpose_model': str(model), 'openpose_proto': str(proto)}
    return make


@pytest.mark.parametrize('repeats, name', [(19, 'COCO_18'), (26, 'BODY_25')])
def test_cmus_networks_are_told_apart_and_shown_what_they_were_trained_on(caffe, repeats, name):
    detector = make_detector('openpose', **caffe(repeats))
    assert detector.layout.skeleton == name and detector.skeleton == 'BODY_25'
    red, green, blue = 255, 64, 0
    picture = np.full((96, 128, 3), (red, green, blue), np.uint8)
    maps = detector.maps(picture, (64, 48))
    assert maps.shape == (3 * repeats, 6, 8)
    shown = np.array([blue, green, red]) / 256 - 0.5
    assert np.allclose(maps[:3], shown[:, None, None], atol=1e-5)


def test_another_network_is_refused_by_its_number_of_maps(caffe):
    with pytest.raises(UserError, match='30 maps.*57 .COCO_18. or 78 .BODY_25.'):
        make_detector('openpose', **caffe(10))


def test_what_is_no_network_is_refused(caffe):
    flags = caffe(19)
    proto = Path(flags['openpose_proto'])
    layer = 'type: "Convolution" convolution_param { num_output: 3 kernel_size: 1 }'
    for text in ('<html>not found</html>',
                 proto.read_text().replace('type: "Pooling"', layer)):     # it has no weights
        proto.write_text(text)
        with pytest.raises(UserError, match='is no network that OpenCV'):
            make_detector('openpose', **flags)


@pytest.mark.parametrize('flags, message', [
    ({'openpose_model': 'a.caffemodel'}, '--openpose_proto is missing'),
    ({'openpose_proto': 'a.prototxt'}, '--openpose_model is missing'),
    ({'openpose_model': 'a.caffemodel', 'openpose_proto': 'a.prototxt'}, 'no such file'),
    ({'openpose_size': 370}, 'multiple of 16'),
    ({}, 'python scripts/get_models.py openpose')])
def test_what_is_missing_is_said_before_any_work(flags, message, tmp_path, monkeypatch):
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path))
    with pytest.raises(UserError, match=message):
        make_detector('openpose', **flags)


@pytest.mark.parametrize('repeats', [19, 26])
def test_joints_are_given_in_px_of_the_picture(caffe, monkeypatch, repeats):
    detector = make_detector('openpose', **caffe(repeats), openpose_size=SIZE[0] * 8)
    truth = person(30, 5, detector.layout)
    monkeypatch.setattr(detector, 'maps', lambda image, size: drawn(
        [truth], detector.layout, (size[1] // 8, size[0] // 8)))
    (joints,) = detector(np.zeros((720, 976, 3), np.uint8), 0)
    # 720 x 976 px become 46 x 62 cells; the centre of cell 0, 0 is half a cell from the edge.
    px = (truth[:, :2] + 0.5) * (976 / 62, 720 / 46) - 0.5
    px = convert(np.column_stack([px, truth[:, 2]]), skeleton_of(detector.layout.skeleton), BODY_25)
    seen = joints[:, 2] > 0
    assert joints.shape == (25, 4) and seen[BODY_25.index('MidHip')]
    assert np.array_equal(seen, px[:, 2] > 0)
    assert np.abs(joints[seen, :2] - px[seen, :2]).max() < 4
    assert np.isnan(joints[:, 3]).all()


@pytest.fixture(scope='module')
def mobilenet():
    """The fetched network; what needs it is skipped where nobody fetched it."""
    try:
        weights_path('openpose')
    except UserError as error:
        pytest.skip(str(error))
    return make_detector('openpose')


def test_the_real_network_finds_a_drawn_dancer(mobilenet, demo_videos):
    errors = []
    for path in demo_videos:
        known = np.load(path.with_name(f'{path.stem}_joints.npz'))
        for index, frame in enumerate(read_frames(path)):
            if index % 20 == 0:
                (joints,) = mobilenet(frame.image, index)
                truth, seen = known['poses'][index], joints[:, 2] > 0
                assert seen.sum() > 15
                away = np.hypot(*(joints[seen, :2] - truth[seen, :2]).T)
                errors.append(away / known['height'][index])
    assert np.median(np.concatenate(errors)) < 0.05


def test_every_field_of_the_real_network_runs_along_its_limb(mobilenet, demo_videos):
    layout, size = mobilenet.layout, (368, 368)
    affinity = []
    for frame in read_frames(demo_videos[0], end=0.5, fps=8):
        maps = mobilenet.maps(frame.image, size)
        (joints,) = decode(maps, layout)
        a, b = joints[np.array(layout.limbs), :2].swapaxes(0, 1).astype(float)
        affinity.append(paf.line_integrals(maps[layout.joints + 1:], np.array(layout.fields),
                                           a, b)[0])
    assert np.median(affinity, 0).min() > 0.3


def test_the_real_network_tells_two_dancers_apart_and_sees_nobody_in_noise(mobilenet,
                                                                           demo_videos):
    pictures = [next(read_frames(path)).image for path in demo_videos]
    found = by_place(mobilenet(np.hstack(pictures), 0))
    assert len(found) == 2
    width = pictures[0].shape[1]
    for joints, left in zip(found, (0, width)):
        x = joints[joints[:, 2] > 0, 0]
        assert len(x) > 15 and left < x.min() and x.max() < left + width
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    assert mobilenet(cv2.GaussianBlur(noise, (0, 0), 2), 0).shape == (0, 25, 4)
