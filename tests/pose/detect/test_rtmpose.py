"""--detector rtmpose: SimCC decoding, numberings, boxes, and the whole way through ONNX files.

No weights of RTMPose can be had here. The networks below are made of a few ONNX operators: joint
k lies where channel k % 3 of the picture is brightest.
"""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pose.detect import make_detector
from pose.detect.decoders.person_boxes import decode_boxes, letterbox
from pose.detect.decoders.simcc import (
    COCO,
    MEAN,
    NUMBERINGS,
    STD,
    canonical,
    crop_matrix,
    decode_simcc,
    network_picture,
    to_picture,
)
from pose.skeleton import BODY_25, SKELETONS
from util.errors import UserError

ALL = SKELETONS['BODY_25+face+hands']
RED, GREEN, BLUE = (220.0, 90.0), (150.0, 260.0), (250.0, 400.0)        # x, y px
WIDTH, HEIGHT = 96, 128             # of the small pose network's picture


def stage(*people, size=(640, 480)):
    """A black picture; each person, shifted by x, y, is a red, a green and a blue light."""
    width, height = size
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    image = np.zeros((height, width, 3))
    for right, down in people:
        for channel, (at_x, at_y) in enumerate((RED, GREEN, BLUE)):
            far = (x - at_x - right) ** 2 + (y - at_y - down) ** 2
            image[..., channel] += 255 * np.exp(-far / 200)
    return np.uint8(np.minimum(image, 255))


def light(joint, points=COCO):
    """Which of the three lights shows that joint."""
    return (RED, GREEN, BLUE)[points.index(joint) % 3]


def save_onnx(path, nodes, outputs, size):
    """A network of nodes (operator, inputs, outputs, attributes, constants), shown 1x3xHxW."""
    from onnx import TensorProto, helper, numpy_helper, save
    picture = helper.make_tensor_value_info('input', TensorProto.FLOAT, [1, 3, size[1], size[0]])
    results = [helper.make_tensor_value_info(
        name, TensorProto.INT64 if name == 'labels' else TensorProto.FLOAT, [None] * rank)
        for name, rank in outputs.items()]
    constants = [numpy_helper.from_array(np.asarray(value), name)
                 for *_, values in nodes for name, value in values.items()]
    made = [helper.make_node(kind, ins, outs, **attributes)
            for kind, ins, outs, attributes, _ in nodes]
    graph = helper.make_graph(made, 'test', [picture], results, constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8), path)
    return str(path)


def pose_onnx(path, points=17, peak=0.9, size=(WIDTH, HEIGHT)):
    """A network of that many points whose score for a joint in full light is `peak`."""
    white = float(((255 - MEAN) / STD).min())
    channels = np.arange(points, dtype=np.int64) % 3
    nodes = []
    for axis, over in (('x', 2), ('y', 3)):
        nodes += [
            ('ReduceMax', ['input'], [f'max_{axis}'], {'axes': [over], 'keepdims': 0}, {}),
            ('Gather', [f'max_{axis}', f'k_{axis}'], [f'joint_{axis}'], {'axis': 1},
             {f'k_{axis}': channels}),
            ('Mul', [f'joint_{axis}', f'scale_{axis}'], [f'score_{axis}'], {},
             {f'scale_{axis}': np.float32(peak / white)}),
            ('Resize', [f'score_{axis}', '', f'twice_{axis}'], [f'simcc_{axis}'],
             {'mode': 'nearest', 'coordinate_transformation_mode': 'asymmetric',
              'nearest_mode': 'floor'}, {f'twice_{axis}': np.float32([1, 1, 2])})]
    return save_onnx(path, nodes, {'simcc_x': 3, 'simcc_y': 3}, size)


def person_onnx(path, dets, labels=None, size=(320, 320)):
    """A network that finds these boxes in any picture: (1, B, 5), (1, B)."""
    nodes = [('Identity', ['boxes'], ['dets'], {}, {'boxes': np.float32(dets)})]
    outputs = {'dets': 3}
    if labels is not None:
        nodes.append(('Identity', ['kinds'], ['labels'], {},
                      {'kinds': np.array(labels, np.int64)}))
        outputs['labels'] = 2
    return save_onnx(path, nodes, outputs, size)


@pytest.fixture(autouse=True)
def needs_onnx():
    pytest.importorskip('onnx')
    pytest.importorskip('onnxruntime')


# SimCC, against numbers worked out by hand

def test_the_likeliest_bins_are_halved_and_the_lower_maximum_is_the_score():
    simcc_x, simcc_y = np.zeros((1, 3, 8)), np.zeros((1, 3, 10))
    simcc_x[0, 0, 5], simcc_y[0, 0, 9] = 0.7, 0.4
    simcc_x[0, 1, 0], simcc_y[0, 1, 4] = 0.2, 0.9
    simcc_x[0, 2], simcc_y[0, 2] = -1, 0.5
    assert np.allclose(decode_simcc(simcc_x, simcc_y),
                       [[(2.5, 4.5, 0.4), (0, 2, 0.2), (0, 0, 0)]])


def test_a_wide_and_a_tall_box_fill_the_networks_picture_to_four_fifths():
    # 100 x 50 px: its width, padded to 125, becomes the network's 96
    wide = crop_matrix(np.array([10, 20, 110, 70]), (96, 128))
    assert np.allclose(wide, [[0.768, 0, 48 - 0.768 * 60], [0, 0.768, 64 - 0.768 * 45]])
    # 40 x 200 px: its height, padded to 250, becomes the network's 128
    tall = crop_matrix(np.array([0, 0, 40, 200]), (96, 128))
    assert np.allclose(tall, [[0.512, 0, 48 - 0.512 * 20], [0, 0.512, 64 - 0.512 * 100]])


def test_points_come_back_from_the_networks_picture():
    matrix = crop_matrix(np.array([10, 20, 110, 70]), (96, 128))
    there = np.float32([[[0.768 * 33 + matrix[0, 2], 0.768 * 44 + matrix[1, 2], 0.5], [0, 0, 0]]])
    assert np.allclose(to_picture(there, matrix), [[[33, 44, 0.5], [0, 0, 0]]], atol=1e-4)


def test_the_network_is_shown_rgb_of_mean_0_and_variance_1():
    image = np.full((10, 8, 3), (124, 116, 255), np.uint8)
    shown = network_picture(image, np.eye(2, 3), (8, 10))
    assert shown.shape == (1, 3, 10, 8) and shown.dtype == np.float32
    assert np.allclose(shown[0, :, 3, 3], [(124 - 123.675) / 58.395, (116 - 116.28) / 57.12,
                                           (255 - 103.53) / 57.375])


# Numberings

@pytest.mark.parametrize('count', [17, 26, 133])
def test_every_numbering_has_coco_first_and_as_many_names_as_points(count):
    names = NUMBERINGS[count]
    assert len(names) == count and names[:17] == COCO
    known = [name for name in names if name]
    assert len(set(known)) == len(known) and set(known) <= set(ALL.joints)


@pytest.mark.parametrize(('count', 'joint', 'number'), [
    (17, 'LWrist', 9), (17, 'RAnkle', 16), (26, 'LBigToe', 20), (26, 'RBigToe', 21),
    (26, 'RSmallToe', 23), (26, 'LHeel', 24), (133, 'LBigToe', 17), (133, 'LHeel', 19),
    (133, 'RBigToe', 20), (133, 'Face0', 23), (133, 'Face67', 90), (133, 'LHand0', 91),
    (133, 'RHand0', 112), (133, 'RHand20', 132)])
def test_a_joint_has_the_number_of_its_dataset(count, joint, number):
    points = np.zeros((1, count, 3), np.float32)
    points[0, number] = 7, 8, 0.5
    poses = canonical(points, ALL)
    assert np.allclose(poses[0, ALL.index(joint)], [7, 8, 0.5])
    assert (poses[..., 2] > 0).sum() == 1


def test_neck_and_hips_middle_lie_half_way_whatever_halpe_says():
    points = np.zeros((1, 26, 3), np.float32)
    points[0, [5, 6, 11, 12]] = (110, 50, 0.9), (90, 52, 0.6), (105, 100, 0.5), (95, 100, 0.4)
    points[0, [17, 18, 19]] = (1, 1, 1)
    pose = canonical(points, BODY_25)[0]
    assert np.allclose(pose[BODY_25.index('Neck')], [100, 51, 0.6])
    assert np.allclose(pose[BODY_25.index('MidHip')], [100, 100, 0.4])


def test_the_pupils_lie_amid_the_eyes():
    points = np.zeros((1, 133, 3), np.float32)
    points[0, 23 + 36:23 + 42] = [(x, y, 0.8) for x in (10, 14, 18) for y in (20, 24)]
    points[0, 23 + 42:23 + 48] = 30, 30, 0.7
    points[0, 23 + 44, 2] = 0
    pose = canonical(points, ALL)[0]
    assert np.allclose(pose[ALL.index('Face68')], [14, 22, 0.8])        # the right one
    assert not pose[ALL.index('Face69')].any()                          # a point of it is missing


# Where people are

def test_the_whole_picture_is_shown_to_a_person_detector_in_bgr_over_grey():
    image = np.full((100, 200, 3), (10, 20, 30), np.uint8)
    shown, ratio = letterbox(image, (64, 64), normalise=False)
    assert ratio == 0.32 and shown.shape == (1, 3, 64, 64)
    assert shown[0, :, 31, 63].tolist() == [30, 20, 10]
    assert shown[0, :, 32, 0].tolist() == [114, 114, 114]
    normal, _ = letterbox(image, (64, 64), normalise=True)
    assert np.allclose(normal[0, :, 0, 0], [(30 - 103.53) / 57.375, (20 - 116.28) / 57.12,
                                            (10 - 123.675) / 58.395])


def test_boxes_without_duplicates_are_taken_surest_first_people_only():
    dets = np.float32([[[0, 0, 9, 9, 0.5], [1, 1, 8, 8, 0.9], [2, 2, 7, 7, 0.2],
                        [3, 3, 6, 6, 0.8]]])
    labels = np.array([[0, 0, 0, 16]])
    assert decode_boxes([dets, labels], (64, 64)).tolist() == [[1, 1, 8, 8], [0, 0, 9, 9]]
    assert len(decode_boxes([dets], (64, 64))) == 3
    assert decode_boxes([dets[:, :0], labels[:, :0]], (64, 64)).shape == (0, 4)


def test_yoloxs_bare_cells_become_one_box_a_person():
    cells = np.zeros((1, 64 + 16 + 4, 85), np.float32)          # 64 px: 8x8, 4x4 and 2x2 cells
    # column 1, row 2 of the 16 px cells: middle 16 * (1.5, 2.25), size 16 * (2, 4)
    person = 64 + 2 * 4 + 1
    cells[0, person, :6] = 0.5, 0.25, np.log(2), np.log(4), 0.9, 0.9
    cells[0, person + 1, :6] = -0.25, 0.25, np.log(2), np.log(4), 0.8, 0.8  # 4 px beside it
    cells[0, 9, :7] = 0, 0, 0, 0, 0.9, 0, 0.9                               # not a person
    cells[0, 82, :6] = 0, 0, 0, 0, 0.5, 0.5                                 # not sure
    assert np.allclose(decode_boxes([cells], (64, 64)), [[8, 4, 40, 68]])
    assert decode_boxes([0 * cells], (64, 64)).shape == (0, 4)


@pytest.mark.parametrize('shape', [(1, 84, 4), (1, 80, 85), (1, 5), (1, 3, 8, 8)])
def test_outputs_of_something_else_are_no_boxes(shape):
    assert decode_boxes([np.zeros(shape, np.float32)], (64, 64)) is None


# The whole way

def test_joints_are_found_where_the_picture_shows_them(tmp_path):
    detector = make_detector('rtmpose', pose_onnx=pose_onnx(tmp_path / 'pose.onnx'))
    people = detector(stage((0, 0)), 0)
    assert people.shape == (1, 25, 4) and people.dtype == np.float32
    assert np.isnan(people[..., 3]).all()
    pixel = 640 * 1.25 / WIDTH              # of the network, in px of the picture
    for joint in COCO:
        x, y, confidence, _ = people[0, BODY_25.index(joint)]
        assert np.abs(np.subtract((x, y), light(joint))).max() < 0.6 * pixel, joint
        assert 0.6 < confidence <= 1
    assert not people[0, BODY_25.index('LHeel'), :3].any()


def test_the_next_frame_is_looked_at_where_the_person_was(tmp_path):
    detector = make_detector('rtmpose', pose_onnx=pose_onnx(tmp_path / 'pose.onnx'))
    detector(stage((500, 0), size=(1000, 500)), 0)
    box = detector.box                                              # the lights: 100 x 310 px
    assert box[0] < 650 < 750 < box[2] and box[2] - box[0] < 200
    nose = detector(stage((505, 4), size=(1000, 500)), 1)[0, BODY_25.index('Nose'), :2]
    assert np.abs(nose - (505, 4) - light('Nose')).max() < 4        # 13 px a pixel before
    detector.reset()
    assert detector.box is None


def test_an_empty_stage_shows_nobody_and_is_searched_as_a_whole(tmp_path):
    detector = make_detector('rtmpose', pose_onnx=pose_onnx(tmp_path / 'pose.onnx'))
    assert len(detector(stage((0, 0)), 0)) == 1
    assert detector(stage(), 1).shape == (0, 25, 4)
    assert len(detector(stage((380, 0)), 2)) == 1


@pytest.mark.parametrize(('parts', 'joints'), [(['face'], 95), (['hands'], 67),
                                               (['hands', 'face'], 137)])
def test_a_network_of_133_points_gives_the_parts_asked_for(tmp_path, parts, joints):
    detector = make_detector('rtmpose', parts, pose_onnx=pose_onnx(tmp_path / 'pose.onnx', 133))
    people = detector(stage((0, 0)), 0)
    assert people.shape == (1, joints, 4) and (people[..., 2] > 0).all()
    names = SKELETONS[detector.skeleton].joints
    for joint in {'Face5', 'LHand7', 'RHand20', 'LHeel'} & set(names):
        found = people[0, names.index(joint), :2]
        assert np.hypot(*(found - light(joint, NUMBERINGS[133]))) < 6, joint


@pytest.mark.parametrize(('peak', 'confidence'), [(0.8, 0.8), (1.05, 1), (6.0, 0.6)])
def test_scores_of_either_training_become_confidences(tmp_path, peak, confidence):
    file = pose_onnx(tmp_path / 'pose.onnx', peak=peak, size=(192, 256))
    detector = make_detector('rtmpose', pose_onnx=file)
    nose = detector(stage((0, 0)), 0)[0, BODY_25.index('Nose')]
    assert confidence - 0.1 < nose[2] <= confidence + 1e-6


def test_each_box_of_a_person_detector_is_looked_into(tmp_path):
    # 640x480 is shown at 1/2 in 320x320
    dets = [[[60, 20, 140, 220, 0.9], [210, 20, 290, 220, 0.8], [0, 0, 50, 50, 0.9],
             [60, 20, 140, 220, 0.1]]]
    detector = make_detector(
        'rtmpose', pose_onnx=pose_onnx(tmp_path / 'pose.onnx'),
        person_onnx=person_onnx(tmp_path / 'person.onnx', dets, [[0, 0, 7, 0]]))
    people = detector(stage((0, 0), (300, 0)), 0)
    assert len(people) == 2
    for pose, shift in zip(people, (0, 300)):
        for joint in ('Nose', 'LEye', 'RWrist'):
            found = pose[BODY_25.index(joint), :2] - (shift, 0)
            assert np.hypot(*np.subtract(found, light(joint))) < 4, joint


def test_a_person_detector_that_finds_nobody_is_believed(tmp_path):
    detector = make_detector(
        'rtmpose', pose_onnx=pose_onnx(tmp_path / 'pose.onnx'),
        person_onnx=person_onnx(tmp_path / 'person.onnx', np.zeros((1, 1, 5)), [[0]]))
    assert detector(stage((0, 0)), 0).shape == (0, 25, 4)


# What is refused

def test_without_a_network_the_files_names_are_given():
    with pytest.raises(UserError, match='--pose_onnx.*rtmpose-m_.*DWPose has dw-ll_ucoco_384.onnx'):
        make_detector('rtmpose')


@pytest.mark.parametrize('flag', ['pose_onnx', 'person_onnx'])
def test_a_file_that_is_not_there_or_no_onnx_is_named(tmp_path, flag):
    files = {'pose_onnx': pose_onnx(tmp_path / 'pose.onnx'), flag: str(tmp_path / 'a.onnx')}
    with pytest.raises(UserError, match=f'--{flag} .*a.onnx: no such file'):
        make_detector('rtmpose', **files)
    (tmp_path / 'a.onnx').write_text('no network')
    with pytest.raises(UserError, match=f'--{flag} .*a.onnx: cannot be read as ONNX'):
        make_detector('rtmpose', **files)


def test_a_network_of_other_points_is_refused(tmp_path):
    with pytest.raises(UserError, match='finds 21 points.*17, 26 or 133'):
        make_detector('rtmpose', pose_onnx=pose_onnx(tmp_path / 'hand.onnx', 21))
    body = pose_onnx(tmp_path / 'body.onnx', 26)
    with pytest.raises(UserError, match='none of face or hands.*133'):
        make_detector('rtmpose', ['hands'], pose_onnx=body)


def test_a_network_that_is_none_for_poses_or_people_is_refused(tmp_path):
    boxes = person_onnx(tmp_path / 'boxes.onnx', np.zeros((1, 1, 5)), [[0]])
    with pytest.raises(UserError, match='boxes.onnx: answers .*give simcc_x and simcc_y'):
        make_detector('rtmpose', pose_onnx=boxes)
    pose = pose_onnx(tmp_path / 'pose.onnx')
    detector = make_detector('rtmpose', pose_onnx=pose, person_onnx=pose)
    with pytest.raises(UserError, match='pose.onnx: answers .*neither YOLOX nor RTMDet'):
        detector(stage((0, 0)), 0)


def test_without_onnxruntime_it_says_what_to_install(tmp_path):
    code = ('import sys; sys.modules["onnxruntime"] = None\n'
            'from pose.detect import make_detector\n'
            f'try: make_detector("rtmpose", pose_onnx={pose_onnx(tmp_path / "pose.onnx")!r})\n'
            'except Exception as error: print(type(error).__name__, error)')
    done = subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[3], text=True,
                          capture_output=True, check=True)
    assert done.stdout.startswith('UserError') and 'pip install onnxruntime==1.31.1' in done.stdout
