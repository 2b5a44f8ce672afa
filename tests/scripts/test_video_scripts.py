"""The scripts for those who stitch by hand."""
import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import util.owned
from scripts.ffmpeg import ffmpeg_path
from scripts.take_frames import take_frames
from util.errors import UserError

ROOT = Path(__file__).parents[2]


def run(script: str, *arguments: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(ROOT / 'scripts' / script), *map(str, arguments)],
                          capture_output=True, text=True, check=False, **options)


@pytest.fixture
def results(tmp_path):
    """Painted frames 1, 2 and 10, each of the grey of its number, and their poses."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for k in (1, 2, 10):
        for kind in ('fake_B', 'real_A'):
            Image.fromarray(np.full((8, 8, 3), k, np.uint8)).save(folder / f'frame{k}_{kind}.png')
    return folder


def greys(folder: Path) -> dict[str, int]:
    return {f.name: int(np.asarray(Image.open(f))[0, 0, 0]) for f in folder.iterdir()}


def test_frames_are_numbered_in_the_order_a_person_counts(results, tmp_path):
    done = run('take_frames.py', results, tmp_path / 'frames', cwd=tmp_path)
    assert done.returncode == 0 and '3 frames' in done.stdout, done.stderr
    assert greys(tmp_path / 'frames') == {'0.png': 1, '1.png': 2, '2.png': 10}


def test_what_macos_keeps_next_to_a_frame_is_no_frame(results, tmp_path):
    (results / '._frame1_fake_B.png').write_bytes(b'colours of the Finder')
    assert take_frames(results, tmp_path / 'frames') == 3


def test_a_full_folder_is_left_alone_unless_told(results, tmp_path):
    frames = tmp_path / 'frames'
    frames.mkdir()
    (frames / '7.png').write_text('old')
    (frames / 'notes.txt').write_text('mine')
    with pytest.raises(UserError, match='--overwrite'):
        take_frames(results, frames)
    with pytest.raises(UserError, match='7.png: is there already'):
        take_frames(results, frames, overwrite=True)
    assert (frames / '7.png').read_text() == 'old'
    (frames / '7.png').rename(tmp_path / '7.png')
    take_frames(results, frames, overwrite=True)
    assert {f.name for f in frames.iterdir()} == {'0.png', '1.png', '2.png', 'notes.txt'}


def test_frames_of_a_longer_run_are_replaced_but_a_retouched_one_is_not(results, tmp_path):
    frames = tmp_path / 'frames'
    take_frames(results, frames)
    (results / 'frame10_fake_B.png').unlink()
    take_frames(results, frames, overwrite=True)
    assert greys(frames) == {'0.png': 1, '1.png': 2}
    (frames / '1.png').write_text('retouched')
    with pytest.raises(UserError, match='1.png: is there already'):
        take_frames(results, frames, overwrite=True)
    assert (frames / '1.png').read_text() == 'retouched'


@pytest.mark.parametrize('moves', range(4))
def test_frames_that_a_stopped_call_took_are_replaced_by_the_next(
        moves, results, tmp_path, monkeypatch):
    frames = tmp_path / 'frames'
    take_frames(results, frames)
    shutil.rmtree(frames)
    move, moved = util.owned._move, []

    def killed_on_the_way(source, target):
        if len(moved) == moves:
            raise KeyboardInterrupt
        moved.append(target)
        move(source, target)
    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(util.owned, '_move', killed_on_the_way)
        take_frames(results, frames)
    (results / 'frame10_fake_B.png').unlink()
    take_frames(results, frames, overwrite=True)
    assert greys(frames) == {'0.png': 1, '1.png': 2}


def test_what_is_missing_is_said_in_one_sentence(results, tmp_path):
    done = run('take_frames.py', tmp_path / 'nope', tmp_path / 'frames')
    assert done.returncode == 1 and done.stderr.count('\n') == 1 and 'no such folder' in done.stderr
    with pytest.raises(UserError, match='There is fake_B, real_A'):
        take_frames(results, tmp_path / 'frames', 'real_B')
    with pytest.raises(UserError, match='another folder'):
        take_frames(results, results, overwrite=True)
    with pytest.raises(UserError, match='is a file'):
        take_frames(results, results / 'frame1_fake_B.png')
    assert len(list(results.iterdir())) == 6 and not (tmp_path / 'frames').exists()


def test_ffmpeg_runs_with_its_own_exit_status():
    assert 'ffmpeg version' in run('ffmpeg.py', '-version').stdout
    arguments = ['-v', 'error', '-i', 'nope.mp4']
    for path in (os.environ['PATH'], ''):              # some on the PATH end with 1, as Debian's
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv('PATH', path)
            own = subprocess.run([ffmpeg_path(), *arguments], capture_output=True)
            done = run('ffmpeg.py', *arguments)
        assert done.returncode == own.returncode != 0
    assert done.returncode != 1                        # the package's own: no run_main's status


def test_the_ffmpeg_on_the_path_comes_first(tmp_path, monkeypatch):
    own = tmp_path / 'ffmpeg'
    own.write_text('#!/bin/sh\nexit 7\n')
    own.chmod(0o755)
    assert run('ffmpeg.py', env=os.environ | {'PATH': str(tmp_path)}).returncode == 7
    monkeypatch.setenv('PATH', '')
    assert Path(ffmpeg_path()).is_file()
