"""Writing keeps times, colours and sound; a file is whole or not there."""
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from tests.util.clips import UNEVEN, beep, clip, ffmpeg, loud_from, numbered
from util.errors import UserError
from util.noted import noted_file
from util.parallel import prefetch
from util.video import probe, read_frames
from util.video_writer import VideoWriter

REAL = Path(__file__).parents[3] / 'shared' / 'data'


def test_times_may_begin_anywhere(tmp_path):
    path = clip(tmp_path / 'a.mp4', [5 + t for t in UNEVEN])
    assert [f.time for f in read_frames(path)] == pytest.approx(UNEVEN, abs=1e-4)


def test_a_film_that_cannot_be_encoded_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match='a.mp4: cannot be written'), \
            VideoWriter(tmp_path / 'a.mp4', fps=10) as video:
        video.write(np.zeros((2, 20_000, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_without_times_pictures_come_at_the_given_rate(tmp_path):
    path = clip(tmp_path / 'a.mp4', [None] * 5, fps=12.5)
    assert [f.time for f in read_frames(path)] == pytest.approx([k / 12.5 for k in range(5)])
    info = probe(path)
    assert (info.frames, info.fps, info.duration) == (5, pytest.approx(12.5), pytest.approx(0.4))


def test_an_odd_size_is_padded_by_its_own_edge(tmp_path):
    image = np.zeros((33, 41, 3), np.uint8)
    image[:, 30:] = image[25:] = 200
    with VideoWriter(tmp_path / 'a.mp4', fps=10) as video:
        video.write(image)
    read = next(read_frames(tmp_path / 'a.mp4')).image
    assert read.shape == (34, 42, 3)
    assert np.abs(read[33].astype(int) - 200).max() < 6
    assert np.abs(read[:, 41].astype(int) - 200).max() < 6


@pytest.mark.parametrize('colour', [(200, 30, 30), (30, 200, 30), (30, 30, 200), (255, 255, 255),
                                    (0, 0, 0), (190, 140, 110)])
def test_colours_come_back_and_players_see_the_same(tmp_path, colour):
    with VideoWriter(tmp_path / 'a.mp4', fps=5) as video:
        video.write(np.full((48, 64, 3), colour, np.uint8))
    read = next(read_frames(tmp_path / 'a.mp4')).image
    raw = ffmpeg('-i', tmp_path / 'a.mp4', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-')
    assert np.abs(read.astype(int) - colour).max() <= 3
    assert np.abs(np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(int) - colour).max() <= 3


@pytest.mark.parametrize('codec, container', [('aac', 'mp4'), ('pcm_s16le', 'mov'),
                                              ('libopus', 'mkv'), ('aac', 'ts')])
@pytest.mark.parametrize('start', [0.0, 0.6])
def test_sound_stays_in_step_with_the_picture(tmp_path, codec, container, start):
    source = beep(tmp_path / f'in.{container}', codec) if codec != 'libopus' else None
    if source is None:
        source = tmp_path / 'in.mkv'
        ffmpeg('-i', beep(tmp_path / 'in.mp4'), '-c:v', 'copy', '-c:a', 'libopus', source)
    with VideoWriter(tmp_path / 'out.mp4', sound_from=source, sound_start=start) as video:
        for frame in read_frames(source, start=start, end=start + 2):
            video.write(frame.image, frame.time)
    with av.open(str(tmp_path / 'out.mp4')) as out:
        sound = out.streams.audio[0]
        assert sound.codec_context.name == 'aac'
        assert float(sound.duration * sound.time_base) == pytest.approx(2, abs=0.06)
    light = next(f.time for f in read_frames(tmp_path / 'out.mp4') if f.image.mean() > 128)
    assert loud_from(tmp_path / 'out.mp4') == pytest.approx(light, abs=0.045)


def test_a_source_without_sound_gives_a_video_without(tmp_path):
    source = clip(tmp_path / 'a.mp4', UNEVEN)
    assert not probe(clip(tmp_path / 'b.mp4', UNEVEN, sound_from=source)).sound


def test_a_missing_source_of_sound_is_said_before_any_work(tmp_path):
    with pytest.raises(UserError, match='nope.mp4'):
        VideoWriter(tmp_path / 'a.mp4', fps=10, sound_from=tmp_path / 'nope.mp4').__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_fails_half_way_leaves_what_was_there(tmp_path):
    path = clip(tmp_path / 'a.mp4', UNEVEN)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), VideoWriter(path, fps=10) as video:
        video.write(numbered(0))
        video.write(numbered(1))
        raise ZeroDivisionError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    code = f'''
import resource, sys
import numpy as np
from util.errors import run_main
from util.video_writer import VideoWriter
def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    rng = np.random.default_rng(0)
    with VideoWriter({str(tmp_path / "a.mp4")!r}, fps=10) as video:
        for _ in range(60):
            video.write(rng.integers(0, 255, (64, 64, 3), np.uint8))
run_main(main)'''
    run = subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[2],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 1 and 'the disk is full' in run.stderr, run.stderr
    assert 'Traceback' not in run.stderr and list(tmp_path.iterdir()) == []


def test_nothing_to_write_is_an_error_and_no_file(tmp_path):
    with pytest.raises(UserError, match='no frame'), VideoWriter(tmp_path / 'a.mp4', fps=10):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_names_the_film_not_its_part(tmp_path):
    for frames, words in ((0, 'not written'), (1, 'cannot be written')):
        with pytest.raises(UserError, match=words) as told, \
                noted_file(tmp_path, 'a.mp4') as part, VideoWriter(part, fps=10) as video:
            for _ in range(frames):
                video.write(np.zeros((2, 20_000, 3), np.uint8))
        assert str(told.value).startswith(f'{tmp_path / "a.mp4"}: {words}')


def test_the_last_picture_is_shown_as_long_as_the_one_before(tmp_path):
    path = clip(tmp_path / 'a.mp4', [0.0, 0.1, 0.5])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(0.9)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason='no ../shared/data')
@pytest.mark.parametrize('name, frames, seconds', [('taichi2', 901, 30.1), ('karate1', 192, 7.68)])
def test_a_real_clip_comes_back_picture_for_picture_with_its_sound(tmp_path, name, frames, seconds):
    source = REAL / f'{name}.mp4'
    times = []
    with VideoWriter(tmp_path / 'a.mp4', sound_from=source) as video:
        for frame in prefetch(read_frames(source)):
            video.write(frame.image, frame.time)
            times.append(frame.time)
    info = probe(tmp_path / 'a.mp4')
    assert info.frames == frames == len(times) and info.sound
    assert info.duration == pytest.approx(seconds, abs=0.05)
    assert [f.time for f in read_frames(tmp_path / 'a.mp4')] == pytest.approx(times, abs=1e-4)
