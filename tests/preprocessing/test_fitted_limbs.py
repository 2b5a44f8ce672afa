"""Legs that a dancer's picture cuts off, fitted to a target; and the letterbox of a target."""
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from data.target import Target, filmed
from pose.cleaning.hidden_limbs import GUESSED
from pose.retargeting.ground import measure_ground
from pose.skeleton import BODY_25
from preprocessing.placement import fitted
from tests.pose.retargeting.turning import turning
from tests.preprocessing.preparing import prepare

FEET = [BODY_25.index(side + joint) for side in 'RL' for joint in ('Knee', 'Ankle', 'BigToe')]
OPTIONS = SimpleNamespace(retarget='global', walk='keep', facing='auto', retarget_to='me')


def target(folder, track):
    """The target who is filmed so."""
    (folder / 'dataset.json').write_text(json.dumps(
        {'stage': measure_ground(track).to_dict(), 'size': list(track.size),
         'skeleton': 'BODY_25', 'draw': {'style': 'openpose', 'line_width': 2}, **filmed(track)}))
    return Target(str(folder))


def to_the_knees():
    """A dancer who sways, filmed to just below the knees; nothing below is found."""
    swaying = turning(8 * np.sin(np.arange(100) / 8), picture=(320, 160))
    poses = swaying.poses.copy()
    poses[poses[..., 1] > 162] = 0
    return replace(swaying, poses=poses)


def test_a_target_with_feet_stands_on_them_and_it_is_said(tmp_path, capsys):
    me = target(tmp_path, turning(np.linspace(-10, 10, 100)))
    placed = fitted(OPTIONS, to_the_knees(), me)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith('legs:')]
    assert len(said) == 1 and '100 %' in said[0]
    assert (placed.drawn.poses[:, FEET, 2] > 0).all()
    assert placed.fit['legs'] and placed.fit['framed']['after'] == 1
    ankles = placed.drawn.poses[:, [BODY_25.index('RAnkle'), BODY_25.index('LAnkle')], 1]
    assert ankles == pytest.approx(180, abs=8)              # the target's own are at 180


def test_a_target_without_feet_gets_none(tmp_path, capsys):
    me = target(tmp_path, turning(np.linspace(-10, 10, 100), size=2.0, y=70.0, picture=(320, 200)))
    placed = fitted(OPTIONS, to_the_knees(), me)
    assert 'legs:' not in capsys.readouterr().out and not placed.fit['legs']
    assert not placed.drawn.poses[:, [BODY_25.index('RAnkle'), BODY_25.index('LAnkle')]].any()


@pytest.mark.parametrize('degrees, turned, kept', [
    (0, 20, True),          # the dancer faces the camera
    (-100, 20, True),       # as a target who never turned the back: shown from the front
    (-100, 180, False),     # as one who did: the body hides the arm, and would show a hand alone
])
def test_a_guessed_arm_is_kept_where_the_painted_body_shows_it(degrees, turned, kept, tmp_path):
    me = target(tmp_path, turning(np.concatenate([np.zeros(50), np.linspace(0, turned, 50),
                                                  np.full(50, turned)])))
    dancer = turning(np.full(100, float(degrees)))
    arm = [BODY_25.index(joint) for joint in ('RElbow', 'RWrist')]
    poses = dancer.poses.copy()
    poses[:, arm, 2] = GUESSED
    drawn = fitted(OPTIONS, replace(dancer, poses=poses), me).drawn
    either = arm + [BODY_25.partners[k] for k in arm]
    assert (drawn.poses[:, either, 2] > 0).all() == kept
    assert drawn.shown().all()


def test_the_room_of_a_dataset_ends_at_its_bars(short_videos, tmp_path, monkeypatch):
    monkeypatch.setattr('preprocessing.prepare.bars_of', lambda *_: (0, 2, 0, 3))
    prepare(tmp_path / 'data', '--video', short_videos[0])
    beyond = json.loads((tmp_path / 'data' / 'dataset.json').read_text())['room']['beyond']
    assert [beyond['trunk'][1], beyond['trunk'][3]] == [-2, -3]
