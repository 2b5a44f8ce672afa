"""Where exactly a face is, near the joints that were asked for."""
import numpy as np
import pytest

from pose.detect.decoders import face_finder, mediapipe_graph
from pose.detect.decoders.face_finder import POINTS, FaceFinder
from util.errors import UserError

IMAGE = np.full((200, 200, 3), 90, np.uint8)
ASKED = np.array([[90, 90], [110, 90], [100, 101], [80, 94], [120, 94]], float)     # px


class Mesh:
    """In place of the network: a face of 60 px around a place, seen as surely as is said."""

    def __init__(self, middle=(100.0, 101.0), presence=1.0):
        rng = np.random.default_rng(0)
        self.marks = np.zeros((478, 4))
        self.marks[:, :2] = np.array(middle) + rng.uniform(-30, 30, (478, 2))
        self.marks[33, :2] = np.add(middle, (-15, -11))         # outer corners of the eyes
        self.marks[263, :2] = np.add(middle, (15, -11))
        self.presence = presence
        self.squares = []

    def __call__(self, picture, square):
        self.squares.append(square)
        return self.marks, self.presence


def finder_with(mesh, monkeypatch):
    monkeypatch.setattr(mediapipe_graph, 'face_landmarker', lambda: mesh)
    return FaceFinder()


def test_its_points_are_those_of_the_mesh_in_the_order_of_the_places(monkeypatch):
    mesh = Mesh()
    assert np.array_equal(finder_with(mesh, monkeypatch)(IMAGE, ASKED), mesh.marks[POINTS, :2])
    first, last = mesh.squares[0], mesh.squares[-1]
    assert (first.x, first.y) == pytest.approx((100, 101)) and first.turn == 0
    assert first.side == pytest.approx(4 * 22), 'four times the way from the eyes to the mouth'
    assert last.side == pytest.approx(1.5 * np.ptp(mesh.marks[:, :2], axis=0).max())


@pytest.mark.parametrize('mesh', [Mesh(presence=0.4), Mesh(middle=(100, 160))])
def test_what_is_unsure_or_elsewhere_is_no_face(mesh, monkeypatch):
    assert finder_with(mesh, monkeypatch)(IMAGE, ASKED) is None


def test_the_networks_see_no_face_in_an_empty_picture():
    pytest.importorskip('mediapipe')
    finder = FaceFinder()
    assert finder(IMAGE, ASKED) is None
    finder.close()


def test_without_mediapipe_it_says_what_to_type(monkeypatch):
    def missing():
        raise ImportError('No module named mediapipe')
    monkeypatch.setattr(face_finder.mediapipe_graph, 'face_landmarker', missing)
    with pytest.raises(UserError, match='needs MediaPipe.*pip install'):
        FaceFinder()
