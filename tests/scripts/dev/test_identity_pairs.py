"""How well one threshold tells the same person from others."""
import numpy as np
import pytest

from pose.faces import SIDE
from scripts.dev import identity_pairs
from scripts.dev.identity_pairs import Face, cosines, histogram, shrunk, told_apart
from util.errors import UserError

A, B = np.float32([[1, 0], [0.8, 0.6]]), np.float32([[0, 1], [-0.6, 0.8], [-0.6, 0.8]])


def test_pairs_are_of_one_clip_or_of_two_and_no_face_meets_itself():
    same, other = cosines({'anna': A, 'ben': B})
    assert sorted(same) == pytest.approx([0.8, 0.8, 0.8, 1])
    assert len(other) == 6 and other.max() == pytest.approx(0.6)


def test_what_lies_apart_is_told_apart():
    auc, threshold, wrong = told_apart(np.array([0.7, 0.9]), np.array([0.1, 0.3]))
    assert (auc, wrong) == (1, 0) and 0.3 < threshold <= 0.7
    auc, _, wrong = told_apart(np.array([0.2, 0.9]), np.array([0.1, 0.3]))
    assert (auc, wrong) == (0.75, 0.25)


def test_a_histogram_holds_all_pairs():
    lines = histogram(np.array([0.95, 0.85, 0.85, 0.05]), np.array([0.0, 0.12]))
    shares = [[float(part.split()[-1]) for part in line.split('%')[:1]] for line in lines]
    assert sum(share for row in shares for share in row) == 100


def test_a_face_made_smaller_loses_detail_and_keeps_its_size():
    face = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    small = shrunk(face, 6)
    assert small.shape == face.shape and small.std() < face.std() / 3


def test_one_clip_is_not_enough(monkeypatch):
    monkeypatch.setattr('sys.argv', ['identity_pairs.py', 'anna.mp4', 'empty.mp4'])
    monkeypatch.setattr(identity_pairs, 'MobileFaceNet', lambda: None)
    face = Face(np.zeros((SIDE, SIDE, 3), np.uint8), 20.0)
    monkeypatch.setattr(identity_pairs, 'faces_of',
                        lambda clip, least: [face] * 3 if 'anna' in clip else [])
    with pytest.raises(UserError, match='two clips with two frontal faces'):
        identity_pairs.main()


def test_a_picture_of_the_users_is_not_written_over(monkeypatch, tmp_path):
    mine = tmp_path / 'faces.png'
    mine.write_text('mine')
    argv = ['identity_pairs.py', 'anna.mp4', 'ben.mp4', '--shrink', '--faces', str(mine)]
    monkeypatch.setattr('sys.argv', argv)
    monkeypatch.setattr(identity_pairs, 'MobileFaceNet',
                        lambda: lambda faces: np.eye(3, dtype=np.float32)[:len(faces)])
    face = Face(np.zeros((SIDE, SIDE, 3), np.uint8), 20.0)
    monkeypatch.setattr(identity_pairs, 'faces_of', lambda clip, least: [face] * 3)
    with pytest.raises(UserError, match='did not write it'):
        identity_pairs.main()
    assert mine.read_text() == 'mine'
    mine.unlink()
    for _ in range(2):              # its own picture it may
        identity_pairs.main()
    assert mine.read_bytes()[1:4] == b'PNG'
