"""Reading keeps times, colours and the right way up; or says what is wrong."""
import gc
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from tests.util.clips import UNEVEN, beep, clip, ffmpeg, noisy, number
from util.containers import decode
from util.errors import UserError
from util.shown import upright
from util.video import probe, read_frames
from util.video_writer import VideoWriter


def test_importing_it_is_cheap():
    code = 'import sys, util.video_writer; assert not {"av", "cv2", "torch"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, cwd=Path(__file__).parents[2])


def test_uneven_times_survive_writing_and_reading(tmp_path):
    path = clip(tmp_path / 'a.mp4', UNEVEN)
    frames = list(read_frames(path))
    assert [f.time for f in frames] == pytest.approx(UNEVEN, abs=1e-4)
    assert [f.index for f in frames] == [number(f.image) for f in frames] == list(range(7))


def test_probe_says_what_a_video_is(tmp_path):
    info = probe(beep(tmp_path / 'a.mp4'))
    assert (info.size, info.frames, info.rotation, info.sound) == ((64, 48), 75, 0, True)
    assert (info.fps, info.duration) == (pytest.approx(25), pytest.approx(3.0))
    assert not probe(clip(tmp_path / 'b.mp4', UNEVEN)).sound


def test_frames_that_were_read_do_not_wait_in_memory_to_be_found(tmp_path):
    path = beep(tmp_path / 'a.mp4')

    def waiting():
        return sum(isinstance(each, av.VideoFrame) for each in gc.get_objects())
    gc.collect()
    gc.disable()
    try:
        before = waiting()
        for _ in read_frames(path):
            pass
        assert waiting() - before <= 2      # of 75
    finally:
        gc.enable()


@pytest.mark.parametrize('start, end, numbers', [
    (0.0, None, [0, 1, 2, 3, 4, 5, 6]), (0.1, 0.51, [2, 3, 4]), (0.5, None, [4, 5, 6]),
    (0.0, 0.05, [0, 1])])
def test_start_is_included_and_end_is_not(tmp_path, start, end, numbers):
    path = clip(tmp_path / 'a.mp4', UNEVEN)
    frames = list(read_frames(path, start=start, end=end))
    assert [f.index for f in frames] == [number(f.image) for f in frames] == numbers


def test_a_start_far_inside_gives_the_same_pictures_as_reading_up_to_it(tmp_path):
    rng = np.random.default_rng(0)
    with VideoWriter(tmp_path / 'a.mp4', fps=30) as video:
        for _ in range(300):
            video.write(rng.integers(0, 255, (4, 4, 3), np.uint8).repeat(16, 0).repeat(16, 1))
    straight = [f for f in read_frames(tmp_path / 'a.mp4') if f.time >= 9]
    sought = list(read_frames(tmp_path / 'a.mp4', start=9))
    assert [f.index for f in sought] == [f.index for f in straight] == list(range(270, 300))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(sought, straight))


def test_a_rate_takes_the_nearest_real_pictures_with_their_own_numbers_and_times(tmp_path):
    path = clip(tmp_path / 'a.mp4', UNEVEN)
    frames = list(read_frames(path, fps=4))                  # ticks 0, 0.25, 0.5, 0.75
    assert [f.index for f in frames] == [0, 3, 4, 6]
    assert [f.time for f in frames] == pytest.approx([0, 0.12, 0.5, 0.9], abs=1e-4)
    assert len(list(read_frames(path, fps=1000))) == 7       # never the same picture twice


@pytest.mark.parametrize('rate', [None, 15.0])
def test_stretches_laid_end_to_end_are_the_whole(tmp_path, rate):
    path = clip(tmp_path / 'a.mp4', [k / 30 for k in range(30)])
    whole = [frame.index for frame in read_frames(path, 0.2, fps=rate)]
    parts = [slice(0, 4), slice(4, 9), slice(9, None)]
    assert [number(frame.image) for part in parts
            for frame in read_frames(path, 0.2, fps=rate, stretch=part)] == whole
    assert not list(read_frames(path, 0.2, fps=rate, stretch=slice(30, None)))


@pytest.mark.parametrize('degrees', [90, 180, 270])
def test_a_phone_held_upright_gives_upright_pictures(tmp_path, degrees):
    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = 255                                    # a light in the top left corner
    with VideoWriter(tmp_path / 'a.mp4', fps=10) as video:
        video.write(image)
    ffmpeg('-display_rotation', degrees, '-i', tmp_path / 'a.mp4', '-c', 'copy',
           tmp_path / 'b.mp4')
    info = probe(tmp_path / 'b.mp4')
    shown = next(read_frames(tmp_path / 'b.mp4')).image
    raw = ffmpeg('-i', tmp_path / 'b.mp4', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-')
    player = np.frombuffer(raw, np.uint8).reshape(shown.shape)     # a player turns it by itself
    assert info.rotation == degrees
    assert info.size == shown.shape[1::-1] == ((64, 48) if degrees == 180 else (48, 64))
    assert np.abs(shown.astype(int) - player).max() <= 3


@pytest.mark.parametrize('matrix', [((a, 0), (0, b)) for a in (1, -1) for b in (1, -1)]
                         + [((0, a), (b, 0)) for a in (1, -1) for b in (1, -1)])
def test_every_pixel_of_a_turned_or_mirrored_picture_is_where_its_matrix_puts_it(matrix):
    image = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    turned = upright(image, np.array(matrix, float))
    places = np.mgrid[:7, :5].reshape(2, -1)                # x, y of every pixel
    x, y = np.array(matrix) @ places
    x, y = x - x.min(), y - y.min()
    assert turned.flags.c_contiguous
    assert np.array_equal(turned[y, x], image[places[1], places[0]])


def test_wide_pixels_are_made_square_and_nearly_square_ones_left(tmp_path):
    clip(tmp_path / 'a.mp4', [0.0])
    ffmpeg('-i', tmp_path / 'a.mp4', '-vf', 'setsar=99/100', tmp_path / 'c.mp4')
    assert probe(tmp_path / 'c.mp4').size == (64, 48)
    ffmpeg('-i', tmp_path / 'a.mp4', '-vf', 'setsar=2', tmp_path / 'b.mp4')
    assert next(read_frames(tmp_path / 'b.mp4')).image.shape == (48, 128, 3)
    assert probe(tmp_path / 'b.mp4').size == (128, 48)


@pytest.mark.parametrize('mark, matrix', [('bt709', 'bt709'), ('smpte170m', 'bt601'),
                                          (None, 'bt601')])
def test_the_colour_matrix_a_file_is_marked_with_is_used(tmp_path, mark, matrix):
    marks = ['-colorspace', mark] if mark else []
    ffmpeg('-f', 'lavfi', '-i', 'color=c=0xC81E1E:s=64x48:d=0.2', '-vf',
           f'scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p', *marks, '-bsf:v',
           f'h264_metadata=matrix_coefficients={ {"bt709": 1, "smpte170m": 6, None: 2}[mark]}',
           tmp_path / 'a.mp4')
    read = next(read_frames(tmp_path / 'a.mp4')).image[24, 32]
    assert np.abs(read.astype(int) - (200, 30, 30)).max() <= 4


def test_bad_files_are_named_with_what_to_do(tmp_path):
    text, sound, still = tmp_path / 'a.txt', tmp_path / 'a.m4a', tmp_path / 'a.png'
    text.write_text('no video')
    ffmpeg('-f', 'lavfi', '-i', 'sine=d=0.2', sound)
    ffmpeg('-f', 'lavfi', '-i', 'color=s=16x16', '-frames:v', 1, still)
    (tmp_path / 'empty.mp4').touch()
    whole = clip(tmp_path / 'a.mp4', UNEVEN).read_bytes()
    (tmp_path / 'head.mp4').write_bytes(whole[:300])
    for path, sentence in [(tmp_path / 'nope.mp4', 'there is no such file'),
                           (tmp_path, 'is a folder'), (text, 'not a video'),
                           (sound, 'sound but no video stream'), (still, 'single image'),
                           (tmp_path / 'empty.mp4', 'not a video'),
                           (tmp_path / 'head.mp4', 'not a video')]:
        for reader in (probe, lambda p: list(read_frames(p))):
            with pytest.raises(UserError, match=sentence) as error:
                reader(path)
            assert str(path) in str(error.value)


def test_a_time_outside_the_video_is_an_error_that_says_how_long_it_is(tmp_path):
    path = clip(tmp_path / 'a.mp4', UNEVEN)
    with pytest.raises(UserError, match='0.90 s'):
        list(read_frames(path, start=7))


def test_a_damaged_middle_is_left_out_with_one_warning(tmp_path, capsys):
    path = tmp_path / 'a.mp4'
    data = noisy(path)
    whole = {f.index: f.image for f in read_frames(path)}
    middle = len(data) // 2
    data[middle:middle + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(data)
    read = {f.index: f.image for f in read_frames(path)}
    warnings = capsys.readouterr().err.strip().splitlines()
    assert len(warnings) == 1 and str(path) in warnings[0] and 'skipped' in warnings[0]
    assert 40 <= len(read) < 60 and {0, 59} <= set(read)
    same = [np.array_equal(whole[k], read[k]) for k in read]
    assert sum(same) >= len(same) - 2                        # numbers still say which is which


def test_a_picture_the_decoder_calls_corrupt_is_left_out():
    frames = [SimpleNamespace(pts=k, is_corrupt=k == 1) for k in range(3)]
    container = SimpleNamespace(demux=lambda _: [SimpleNamespace(decode=lambda: frames)])
    faults: list[str] = []
    assert [f.pts for f in decode(container, None, faults)] == [0, 2] and faults


def test_a_file_cut_short_gives_what_there_is_with_one_warning(tmp_path, capsys):
    path = tmp_path / 'a.mp4'
    data = noisy(path)
    path.write_bytes(data[:len(data) // 2])
    assert 20 < len(list(read_frames(path))) < 40
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    probe(path)


def test_a_file_cut_short_between_two_pictures_is_noticed_too(tmp_path, capsys):
    path = tmp_path / 'a.mp4'
    data = noisy(path, frames=120)
    with av.open(str(path)) as container:
        cut = [p.pos for p in container.demux(video=0) if p.size][50]
    path.write_bytes(data[:cut])
    assert len(list(read_frames(path))) == 50
    assert 'ends early' in capsys.readouterr().err
    list(read_frames(path, end=1.0))
    assert capsys.readouterr().err == ''                     # nothing asked for is missing


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='Windows has no such pipes')
def test_a_pipe_is_not_called_a_folder(tmp_path):
    os.mkfifo(tmp_path / 'live.mp4')
    with pytest.raises(UserError, match='such as a pipe'):
        probe(tmp_path / 'live.mp4')
