"""Which faces are frontal, and where their eyes come to lie."""
import cv2
import numpy as np
import pytest

from pose.faces import PLACES, SIDE, cut_face, face_joints, is_frontal
from pose.skeleton import BODY_25, COCO_18

FRONT = np.array([[-20, 0], [20, 0], [0, 22], [-37, 8], [37, 8]], float)      # as JOINTS, px


def turned(degrees: float) -> np.ndarray:
    """FRONT, tilted in the picture."""
    angle = np.radians(degrees)
    return FRONT @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def looking_aside(amount: float) -> np.ndarray:
    """FRONT with the nose shifted to an ear."""
    face = FRONT.copy()
    face[2, 0] += amount
    return face


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
def test_a_face_has_joints_where_eyes_nose_and_ears_are_seen(skeleton):
    pose = np.zeros((len(skeleton.joints), 3), np.float32)
    for joint, place in zip(('REye', 'LEye', 'Nose', 'REar', 'LEar'), FRONT):
        pose[skeleton.index(joint)] = *(place + 50), 0.9
    assert np.allclose(face_joints(pose, skeleton), FRONT + 50)
    pose[skeleton.index('LEar'), 2] = 0
    assert face_joints(pose, skeleton) is None


def test_a_face_that_looks_to_the_camera_is_frontal_also_when_tilted():
    assert is_frontal(FRONT) and is_frontal(turned(30)) and is_frontal(looking_aside(6))


@pytest.mark.parametrize('face', [
    pytest.param(looking_aside(15), id='turned to a side'),
    pytest.param(FRONT * [-1, 1], id='seen from behind'),
    pytest.param(turned(60), id='lying'),
    pytest.param(FRONT * [1, 0.2], id='looking far up'),
    pytest.param(FRONT * 0.29, id='11.6 px from eye to eye')])
def test_others_are_not(face):
    assert not is_frontal(face)


def test_eyes_nose_and_mouth_come_to_their_places_at_any_tilt_and_size():
    points = 1.7 * (PLACES - 56) @ np.array([[0.9, 0.4], [-0.4, 0.9]]) + 150
    for point, place in zip(points, PLACES):
        picture = np.zeros((300, 300, 3), np.uint8)
        cv2.circle(picture, point.round().astype(int).tolist(), 5, (255, 255, 255), -1)
        cut = cut_face(picture, points)
        assert cut.shape == (SIDE, SIDE, 3) and cut.dtype == np.uint8
        rows, columns = np.nonzero(cut[..., 0] > 128)
        assert np.hypot(columns.mean() - place[0], rows.mean() - place[1]) < 1
