"""What a target's dataset or run says of the ways it was filmed, and what is said of a dancer."""
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from data.target import Target, filmed
from pose.matching.coverage import shapes
from pose.track import PoseTrack
from preprocessing.placement import fitted
from preprocessing.report.dataset import Prepared
from preprocessing.report.write import fitting_notes
from tests.pose.retargeting.turning import half_turns, turning
from tests.preprocessing.preparing import prepare


def test_a_dataset_says_which_ways_its_person_was_filmed(prepared):
    facts = json.loads((prepared / 'dataset.json').read_text())
    assert facts['facing']['trunk']['front'] > 1 and facts['facing']['trunk']['back'] == 0
    assert facts['room']['size'] == facts['size'] and facts['room']['hidden'] == []


def test_an_older_dataset_and_a_run_are_measured_from_the_poses_they_keep(prepared, tmp_path):
    told = Target(str(prepared))
    facts = json.loads((prepared / 'dataset.json').read_text())
    older = {key: value for key, value in facts.items() if key not in ('facing', 'room')}
    old, run, bare = (tmp_path / name for name in ('old', 'run', 'bare'))
    for folder in (old, run / 'index', bare):
        folder.mkdir(parents=True)
    (old / 'dataset.json').write_text(json.dumps(older))
    shutil.copy(prepared / 'poses.npz', old)
    assert Target(str(old)).facing == told.facing and Target(str(old)).room == told.room
    track = PoseTrack.load(prepared / 'poses.npz')
    track.select(np.flatnonzero(track.kept)[:facts['split']['train']]).save(
        run / 'index' / 'poses.npz')
    for folder in (run, bare):
        (folder / 'run.json').write_text(json.dumps({'format': 1, 'dataset': older}))
    assert Target(str(run)).facing == told.facing
    assert Target(str(bare)).facing is None and Target(str(bare)).room is None


def test_what_was_done_is_said_in_one_line_and_in_the_report(tmp_path, capsys):
    target = tmp_path / 'me'
    target.mkdir()
    me = turning(np.linspace(-10, 10, 100))
    from pose.retargeting.ground import measure_ground
    (target / 'dataset.json').write_text(json.dumps(
        {'stage': measure_ground(me).to_dict(), 'size': list(me.size), 'skeleton': 'BODY_25',
         'draw': {'style': 'openpose', 'line_width': 2}, **filmed(me)}))
    opt = SimpleNamespace(retarget='global', walk='keep', facing='auto', retarget_to='me')
    placed = fitted(opt, turning(half_turns()), Target(str(target)))
    said = [line for line in capsys.readouterr().out.splitlines() if 'facing:' in line]
    assert len(said) == 1 and 'turns the back' in said[0]
    assert (shapes(placed.drawn.poses, placed.drawn.joints).turn > 0.3).all()
    assert placed.fit['framed']['after'] == 1
    dancer = tmp_path / 'dancer'
    dancer.mkdir()
    placed.drawn.save(dancer / 'poses.npz')
    turning(half_turns()).save(dancer / 'found.npz')
    (dancer / 'dataset.json').write_text(json.dumps({'fit': placed.fit, 'crop': None}))
    report = Prepared(dancer)
    assert 'turns the back' in fitting_notes(report)[0]
    rows = np.flatnonzero([row in range(45, 55) for row in range(len(placed.drawn))])
    right = report.track.joints.index('RWrist')
    assert report.before.poses[rows, right, 0] == pytest.approx(
        report.track.poses[rows, right, 0], abs=6), 'exchanged as the fitted poses are'


def test_the_flag_needs_somebody_to_be_fitted_to(tmp_path):
    from util.errors import UserError
    with pytest.raises(UserError, match='--retarget_to datasets/me'):
        prepare(tmp_path / 'x', '--video', 'none.mp4', '--facing', 'front')
