"""Video in and out keeps times, sound, colours and the right way up; or says what is wrong."""
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from util import video
from util.errors import UserError
from util.video import VideoWriter, prefetch, probe, read_frames, side_by_side

UNEVEN = [0.0, 0.033, 0.1, 0.12, 0.5, 0.51, 0.9]


def numbered(k: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A picture that says which it is: grey 10 + 8 k."""
    return np.full((height, width, 3), 10 + 8 * k, np.uint8)


def number(image: np.ndarray) -> int:
    return round((float(image.mean()) - 10) / 8)


def clip(path: Path, times: list[float], **options) -> Path:
    with VideoWriter(path, **options) as video:
        for k, seconds in enumerate(times):
            video.write(numbered(k), seconds)
    return path


def beep(path: Path, codec: str = 'aac', seconds: float = 3.0, at: float = 1.0) -> Path:
    """A clip that is white and beeps from `at` seconds for a fifth of a second."""
    rate = 44100
    samples = np.zeros((1, int(seconds * rate)), np.float32)
    t = np.arange(int(0.2 * rate)) / rate
    samples[0, int(at * rate):][:len(t)] = 0.8 * np.sin(2 * np.pi * 880 * t)
    with av.open(str(path), 'w') as out:
        picture = out.add_stream('libx264', rate=25, width=64, height=48, pix_fmt='yuv420p')
        sound = out.add_stream(codec, rate=rate, layout='mono')
        for k in range(int(seconds * 25)):
            light = 255 if at <= k / 25 < at + 0.2 else 0
            image = np.full((48, 64, 3), light, np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        kind = 'flt' if codec == 'pcm_f32le' else sound.codec_context.format.name
        frame = av.AudioFrame.from_ndarray(samples, format='fltp', layout='mono')
        frame.rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        for part in av.AudioResampler(kind, 'mono', rate, frame_size=1024).resample(frame):
            out.mux(sound.encode(part))
        out.mux([*picture.encode(None), *sound.encode(None)])
    return path


def loud_from(path: Path) -> float:
    """The second at which the sound of a video first gets loud."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud = np.flatnonzero(np.abs(frame.to_ndarray().reshape(-1, frame.samples)[0]) > 0.2)
            if len(loud):
                return frame.time + loud[0] / frame.rate
    raise AssertionError('silence')


def ffmpeg(*arguments: object) -> bytes:
    """The package's own, whatever is on the PATH: versions before 6 turn no picture by a flag."""
    return subprocess.run([get_ffmpeg_exe(), '-v', 'error', '-y', *map(str, arguments)], check=True,
                          capture_output=True).stdout


def test_importing_it_is_cheap():
    code = 'import sys, util.video; assert not {"av", "cv2", "torch"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, cwd=Path(__file__).parents[1])


def test_uneven_times_survive_writing_and_reading(tmp_path):
    path = clip(tmp_path / 'a.mp4', UNEVEN)
    frames = list(read_frames(path))
    assert [f.time for f in frames] == pytest.approx(UNEVEN, abs=1e-4)
    assert [f.index for f in frames] == [number(f.image) for f in frames] == list(range(7))


def test_times_may_begin_anywhere(tmp_path):
    path = clip(tmp_path / 'a.mp4', [5 + t for t in UNEVEN])
    assert [f.time for f in read_frames(path)] == pytest.approx(UNEVEN, abs=1e-4)


def test_without_times_pictures_come_at_the_given_rate(tmp_path):
    path = clip(tmp_path / 'a.mp4', [None] * 5, fps=12.5)
    assert [f.time for f in read_frames(path)] == pytest.approx([k / 12.5 for k in range(5)])
    info = probe(path)
    assert (info.frames, info.fps, info.duration) == (5, pytest.approx(12.5), pytest.approx(0.4))


def test_probe_says_what_a_video_is(tmp_path):
    info = probe(beep(tmp_path / 'a.mp4'))
    assert (info.size, info.frames, info.rotation, info.sound) == ((64, 48), 75, 0, True)
    assert (info.fps, info.duration) == (pytest.approx(25), pytest.approx(3.0))
    assert not probe(clip(tmp_path / 'b.mp4', UNEVEN)).sound


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


def test_wide_pixels_are_made_square_and_nearly_square_ones_left(tmp_path):
    clip(tmp_path / 'a.mp4', [0.0])
    ffmpeg('-i', tmp_path / 'a.mp4', '-vf', 'setsar=99/100', tmp_path / 'c.mp4')
    assert probe(tmp_path / 'c.mp4').size == (64, 48)
    ffmpeg('-i', tmp_path / 'a.mp4', '-vf', 'setsar=2', tmp_path / 'b.mp4')
    assert next(read_frames(tmp_path / 'b.mp4')).image.shape == (48, 128, 3)
    assert probe(tmp_path / 'b.mp4').size == (128, 48)


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
from util.video import VideoWriter
def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    rng = np.random.default_rng(0)
    with VideoWriter({str(tmp_path / "a.mp4")!r}, fps=10) as video:
        for _ in range(60):
            video.write(rng.integers(0, 255, (64, 64, 3), np.uint8))
run_main(main)'''
    run = subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[1],
                         capture_output=True, text=True, check=False)
    assert run.returncode == 1 and 'the disk is full' in run.stderr, run.stderr
    assert 'Traceback' not in run.stderr and list(tmp_path.iterdir()) == []


def test_nothing_to_write_is_an_error_and_no_file(tmp_path):
    with pytest.raises(UserError, match='no picture'), VideoWriter(tmp_path / 'a.mp4', fps=10):
        pass
    assert list(tmp_path.iterdir()) == []


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
                           (sound, 'sound but no moving picture'), (still, 'single picture'),
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


def noisy(path: Path, frames: int = 60) -> bytearray:
    """Pictures that need many bytes, each a key picture."""
    rng = np.random.default_rng(0)
    with av.open(str(path), 'w', options={'movflags': 'faststart'}) as out:
        stream = out.add_stream('libx264', rate=30, width=64, height=64, pix_fmt='yuv420p',
                                options={'g': '1', 'bf': '0'})
        for _ in range(frames):
            image = rng.integers(0, 255, (64, 64, 3), np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        out.mux(stream.encode(None))
    return bytearray(path.read_bytes())


def test_a_damaged_middle_is_left_out_with_one_warning(tmp_path, capsys):
    path = tmp_path / 'a.mp4'
    data = noisy(path)
    whole = {f.index: f.image for f in read_frames(path)}
    middle = len(data) // 2
    data[middle:middle + len(data) // 10] = bytes(len(data) // 10)
    path.write_bytes(data)
    read = {f.index: f.image for f in read_frames(path)}
    warnings = capsys.readouterr().err.strip().splitlines()
    assert len(warnings) == 1 and str(path) in warnings[0] and 'left out' in warnings[0]
    assert 40 <= len(read) < 60 and {0, 59} <= set(read)
    same = [np.array_equal(whole[k], read[k]) for k in read]
    assert sum(same) >= len(same) - 2                        # numbers still say which is which


def test_a_picture_the_decoder_calls_corrupt_is_left_out():
    frames = [SimpleNamespace(pts=k, is_corrupt=k == 1) for k in range(3)]
    container = SimpleNamespace(demux=lambda _: [SimpleNamespace(decode=lambda: frames)])
    faults: list[str] = []
    assert [f.pts for f in video._decode(container, None, faults)] == [0, 2] and faults


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


def test_the_last_picture_is_shown_as_long_as_the_one_before(tmp_path):
    path = clip(tmp_path / 'a.mp4', [0.0, 0.1, 0.5])
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(0.9)


def test_prefetch_gives_the_same_and_runs_ahead():
    made = []

    def source():
        for k in range(20):
            made.append(k)
            yield k
    ahead = prefetch(source(), n=4)
    first = next(ahead)
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 5 <= len(made) <= 7
    assert [first, *ahead] == list(range(20))


def test_prefetch_hands_on_errors_and_stops_when_left():
    closed = []

    def source():
        try:
            yield 1
            raise UserError('broken')
        finally:
            closed.append(True)
    ahead = prefetch(source())
    assert next(ahead) == 1
    with pytest.raises(UserError, match='broken'):
        next(ahead)

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.append(True)
    ahead = prefetch(endless())
    next(ahead)
    ahead.close()
    assert closed == [True, True]


def test_side_by_side_has_one_height_from_left_to_right():
    red, blue = np.zeros((20, 10, 3), np.uint8), np.zeros((40, 30, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 255
    both = side_by_side(red, blue)
    assert both.shape == (40, 20 + 30, 3)
    assert (both[:, :20] == (255, 0, 0)).all() and (both[:, 20:] == (0, 0, 255)).all()
    assert side_by_side(red, blue, height=20).shape == (20, 10 + 15, 3)


REAL = Path(__file__).parents[2] / 'shared' / 'data'


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
