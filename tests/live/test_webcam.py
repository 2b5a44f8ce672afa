"""webcam.py from one end to the other, and what it refuses before it loads anything."""
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

import webcam
from live.quality import QUALITIES
from live.report import check_report, write_report
from options.webcam_options import WebcamOptions
from util.errors import UserError
from util.noted import write_noted
from util.video import read_frames
from util.video_writer import VideoWriter

ROOT = Path(__file__).parents[2]
CODE = ('import sys, webcam\nfrom util.errors import run_main\n'
        'try:\n    run_main(webcam.main)\n'
        'finally:\n    print("loaded", [m for m in ("torch", "mediapipe") if m in sys.modules])')


@pytest.fixture(scope='module')
def checkpoints(prepared, tmp_path_factory):
    """A folder with `me`, a run of --model nearest that can be painted with."""
    import train
    folder = tmp_path_factory.mktemp('checkpoints')
    train.main(['--dataroot', str(prepared), '--name', 'me', '--checkpoints_dir', str(folder),
                '--model', 'nearest', '--no_html', '--display_id', '0'])
    return folder


@pytest.fixture
def live(checkpoints, demo_videos, tmp_path):
    """live(*flags) runs webcam.py as `me` before the drawn source; returns the figures."""
    def run(*flags, camera=demo_videos[1]):
        return webcam.main(['--name', 'me', '--checkpoints_dir', str(checkpoints),
                            '--camera', str(camera), '--results_dir', str(tmp_path / 'results'),
                            *map(str, flags)])
    return run


def refused(*flags, cwd):
    """What webcam.py prints where it refuses; it has loaded nothing by then."""
    done = subprocess.run([sys.executable, '-c', CODE, *map(str, flags)], capture_output=True,
                          text=True, cwd=cwd, env={'PYTHONPATH': str(ROOT), 'PATH': ''})
    assert done.returncode == 1 and 'loaded []' in done.stdout, done.stderr
    assert 'Traceback' not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.e2e
def test_a_file_before_the_camera_becomes_a_film_and_figures(live, demo_videos, tmp_path):
    film, report = tmp_path / 'out.mp4', tmp_path / 'live.json'
    live('--to', film, 'null', '--quality', 'least', '--report', report)
    frames = list(read_frames(film))
    assert len(frames) > 3 and frames[-1].time <= 2.0
    figures = json.loads(report.read_text())
    assert figures['fps'].keys() == {'in', 'pose', 'paint', 'out'}
    assert figures['latency_ms'].keys() == {'p50', 'p95', 'max'}
    assert {'capture', 'pose', 'paint', str(film), 'null'} <= figures['drops'].keys()
    assert figures['stage_ms'].keys() == {'capture', 'pose', 'paint'}
    assert 'least' in figures['ladder'] and figures['quality']['name'] == 'least'
    assert [*reversed(frames[0].image.shape[:2])] == figures['size']


@pytest.mark.e2e
def test_a_live_film_has_its_marks(live, tmp_path):
    plain, marked = tmp_path / 'plain.mp4', tmp_path / 'marked.mp4'
    live('--to', plain, '--quality', 'least', '--no_metadata')
    live('--to', marked, '--quality', 'least', '--watermark', 'not filmed')
    with av.open(str(plain)) as before, av.open(str(marked)) as after:
        assert 'comment' not in before.metadata
        assert after.metadata['comment'].startswith('painted by body2body')
        assert 'run me;' in after.metadata['comment']
    first = [next(read_frames(film)).image[-16:].astype(int) for film in (plain, marked)]
    assert np.abs(first[0] - first[1]).max() > 60


@pytest.mark.e2e
def test_a_session_ends_by_itself_after_its_seconds(live):
    assert live('--to', 'null', '--loop', '--seconds', 1, '--quality', 6)['seconds'] >= 1


@pytest.mark.e2e
def test_a_session_in_which_nobody_was_seen_says_so(live, tmp_path, capsys):
    empty = tmp_path / 'empty.mp4'
    with VideoWriter(empty, fps=12) as video:
        for _ in range(12):
            video.write(np.full((64, 64, 3), 90, np.uint8))
    assert live('--to', 'null', '--quality', 'least', camera=empty)['seen'] == 0
    assert 'nobody was seen' in capsys.readouterr().err
    assert live('--to', 'null', '--quality', 'least')['seen'] > 0.5
    assert 'nobody was seen' not in capsys.readouterr().err


@pytest.mark.e2e
def test_the_quality_is_measured_and_told_in_one_line(live, capsys):
    live('--to', 'null', '--loop', '--seconds', 0.5)
    assert capsys.readouterr().out.count('\nquality ') == 1


@pytest.mark.e2e
def test_ctrl_c_leaves_a_whole_film(checkpoints, demo_videos, tmp_path):
    film = tmp_path / 'out.mp4'
    session = subprocess.Popen(
        [sys.executable, ROOT / 'webcam.py', '--name', 'me', '--checkpoints_dir', checkpoints,
         '--camera', demo_videos[1], '--loop', '--to', film, '--quality', 'least'],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(2400):
            if list(tmp_path.glob('.*.mp4')):           # it has begun to write
                break
            assert session.poll() is None, session.communicate()
            time.sleep(0.05)
        session.send_signal(signal.SIGINT)
        out, err = session.communicate(timeout=60)
    finally:
        session.kill()
    assert session.returncode == 130 and 'Traceback' not in err, err
    assert len(list(read_frames(film))) >= 1 and not list(tmp_path.glob('.*'))


def test_a_run_that_is_not_trained_is_refused_with_those_that_are(checkpoints, tmp_path):
    (checkpoints / 'begun').mkdir(exist_ok=True)
    said = refused('--name', 'you', '--checkpoints_dir', checkpoints, cwd=tmp_path)
    assert 'you' in said and 'There is me' in said


def test_without_a_name_the_runs_are_named(checkpoints, tmp_path):
    said = refused('--checkpoints_dir', checkpoints, cwd=tmp_path)
    assert '--name is missing' in said and 'There is me' in said


def test_a_dataset_given_for_a_run_is_refused_with_the_command_that_makes_one(prepared, tmp_path):
    said = refused('--name', prepared, cwd=tmp_path)
    assert 'is a dataset, not a run' in said and f'train.py --dataroot {prepared}' in said
    said = refused('--name', prepared.name, '--checkpoints_dir', prepared.parent, cwd=tmp_path)
    assert 'is a dataset, not a run' in said


def test_a_camera_that_is_not_there_is_refused_before_anything_is_loaded(checkpoints, tmp_path):
    said = refused('--name', 'me', '--checkpoints_dir', checkpoints, '--camera', '77', '--to',
                   'null', cwd=tmp_path)
    assert '--camera 77: no such camera' in said and 'address does as well' in said


def test_a_port_in_use_is_refused_before_anything_is_loaded(checkpoints, demo_videos, tmp_path):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused('--name', 'me', '--checkpoints_dir', checkpoints, '--camera',
                       demo_videos[1], '--to', f'http:{port}', cwd=tmp_path)
    assert f'--to http:{port}' in said


def test_a_virtual_camera_without_its_driver_is_refused(checkpoints, demo_videos, tmp_path):
    said = refused('--name', 'me', '--checkpoints_dir', checkpoints, '--camera', demo_videos[1],
                   '--to', 'virtual:/dev/video99', cwd=tmp_path)
    assert '--to virtual' in said


def test_a_report_replaces_no_file_of_the_users(live, tmp_path):
    mine = tmp_path / 'mine.json'
    mine.write_text('mine')
    with pytest.raises(UserError, match='this program did not write it'):
        live('--to', 'null', '--report', mine)
    assert mine.read_text() == 'mine'
    with pytest.raises(UserError, match='written as JSON'):
        live('--to', 'null', '--report', tmp_path / 'report.txt')


def test_a_report_replaces_reports_only(live, tmp_path):
    """The record of a dataset is the program's own, and lost for good where it is replaced."""
    figures = 'me', '0', QUALITIES[0], (64, 96), 30.0, {'seconds': 3}
    write_report(tmp_path / 'live.json', *figures)
    check_report(str(tmp_path / 'live.json'))
    write_noted(tmp_path / 'dataset.json', '{"size": [64, 64]}')
    with pytest.raises(UserError, match='dataset.json: that file is no report of webcam.py'):
        check_report(str(tmp_path / 'dataset.json'))
    write_report(tmp_path / 'dataset.json', *figures)
    assert json.loads((tmp_path / 'dataset.json').read_text()) == {'size': [64, 64]}


def test_a_report_that_comes_during_a_session_stays(tmp_path, capsys):
    (tmp_path / 'live.json').write_text('of another session')
    write_report(tmp_path / 'live.json', 'me', '0', QUALITIES[0], (64, 96), 30.0, {'seconds': 3})
    assert (tmp_path / 'live.json').read_text() == 'of another session'
    assert json.loads((tmp_path / 'live-2.json').read_text())['seconds'] == 3
    assert 'live-2.json' in capsys.readouterr().err


@pytest.mark.parametrize('flags, says', [
    (['--rate', '0'], '--rate 0'), (['--seconds', '-1'], '--seconds -1'),
    (['--width', '640'], '--width and --height go together'), (['--fps', 'nan'], '--fps nan'),
    (['--quality', 'perfect'], '--quality perfect'), (['--to', 'tv'], '--to tv'),
    (['--detector', 'keypoints'], '--detector'), (['--background', 'no.png'], '--background')])
def test_flags_that_make_no_sense_are_refused(flags, says, live):
    with pytest.raises(UserError, match=says):
        live(*flags)


def test_a_run_fills_in_the_flags_of_its_networks(one_step):
    opt = WebcamOptions().parse(['--name', 'me', '--checkpoints_dir', str(one_step.parent)])
    assert (opt.model, opt.netG, opt.ngf) == ('pix2pix', 'unet_128', 4)


def test_help_shows_what_a_session_can_use_and_no_flag_of_training(capsys):
    with pytest.raises(SystemExit):
        WebcamOptions().parse(['--help'])
    shown = capsys.readouterr().out
    assert '--camera' in shown and '--which_epoch' in shown
    for flag in ('--dataroot', '--num_threads', '--netG', '--init_gain', '--loadSize', '--verbose'):
        assert flag not in shown, flag


def test_older_spellings_hold_in_webcam_py_too(one_step):
    run = ['--name', 'me', '--checkpoints_dir', str(one_step.parent)]
    opt = WebcamOptions().parse([*run, '--which_epoch', 'latest', '--batchSize', '2',
                                 '--which_model_netG', 'unet_128', '--no_flip'])
    assert opt.epoch == 'latest' and opt.batch_size == 2


def test_several_places_are_given_one_after_another_or_each_with_its_flag(one_step):
    run = ['--name', 'me', '--checkpoints_dir', str(one_step.parent)]
    assert WebcamOptions().parse([*run, '--to', 'null', 'http']).to == ['null', 'http']
    assert WebcamOptions().parse([*run, '--to', 'null', '--to', 'http']).to == ['null', 'http']
