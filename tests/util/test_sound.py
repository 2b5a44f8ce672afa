"""Every sound goes along with its film, in step; one that cannot costs a warning."""
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.util.clips import beep, beeps, ffmpeg, loud_from
from util import sound
from util.containers import decode, open_video
from util.video import probe, read_frames
from util.video_writer import VideoWriter


def filmed(source: Path, start: float = 0.0, seconds: float = 10.0) -> Path:
    """A film of the video from `start` on, with its sound."""
    out = source.with_name('film.mp4')
    frames = list(read_frames(source, start=start, end=start + seconds))
    with VideoWriter(out, sound_from=source, sound_start=frames[0].time) as video:
        for frame in frames:
            video.write(frame.image, frame.time)
    return out


def light_from(path: Path) -> float:
    return next(frame.time for frame in read_frames(path) if frame.image.mean() > 128)


def other(tmp_path: Path, name: str, *how: object) -> Path:
    """The clip that beeps, with another sound."""
    wav = tmp_path / 'beep.wav'
    ffmpeg('-i', beep(tmp_path / 'in.mp4'), '-vn', wav)
    ffmpeg('-i', tmp_path / 'in.mp4', '-i', wav, '-map', '0:v', '-map', '1:a', *how,
           tmp_path / name)
    return tmp_path / name


def rates(path: Path) -> int:
    with av.open(str(path)) as container:
        return container.streams.audio[0].rate


@pytest.mark.parametrize('name, how, rate', [
    ('a.avi', ['-c:v', 'mpeg4', '-c:a', 'libmp3lame'], 44100),          # stamps of 26 ms
    ('a.avi', ['-c:v', 'mjpeg', '-c:a', 'pcm_u8', '-ar', 11024], 44100),
    ('a.mov', ['-c:v', 'copy', '-c:a', 'pcm_s16le', '-ar', 8000], 8000),
    ('a.mkv', ['-c:v', 'copy', '-c:a', 'flac', '-ar', 192000], 48000),
    ('a.mkv', ['-c:v', 'copy', '-c:a', 'ac3', '-ac', 6], 44100),
    ('a.mov', ['-c:v', 'copy', '-c:a', 'pcm_f64le', '-ac', 8], 44100),
    ('a.flv', ['-c:v', 'flv', '-c:a', 'nellymoser', '-ar', 22050], 22050),
    ('a.wmv', ['-c:v', 'wmv2', '-c:a', 'wmav2'], 44100),
    ('a.mkv', ['-c:v', 'copy', '-strict', -2, '-c:a', 'dca', '-ac', 6], 44100)])
@pytest.mark.parametrize('start', [0.0, 0.6])
def test_any_codec_rate_and_layout_stays_in_step(name, how, rate, start, tmp_path, capsys):
    film = filmed(other(tmp_path, name, *how), start)
    assert loud_from(film) == pytest.approx(light_from(film), abs=0.045)
    assert rates(film) == rate and capsys.readouterr().err == ''


@pytest.mark.parametrize('name, how', [
    ('a.mpg', ['-c:v', 'mpeg1video', '-c:a', 'mp2']), ('a.mp4', ['-c', 'copy']),
    ('a.mkv', ['-c:v', 'copy', '-c:a', 'libopus']), ('a.ts', ['-c:v', 'copy', '-c:a', 'mp2'])])
def test_a_film_from_the_middle_of_a_video_has_the_sound_from_there(name, how, tmp_path, capsys):
    ffmpeg('-i', beep(tmp_path / 'in.mkv', seconds=30.0, at=21.0), *how, tmp_path / name)
    film = filmed(tmp_path / name, 20.3, 2.0)
    assert loud_from(film) == pytest.approx(light_from(film), abs=0.03)
    assert capsys.readouterr().err == ''


def test_joined_recordings_keep_the_sound_of_both(tmp_path, capsys):
    part = beep(tmp_path / 'a.ts')
    (tmp_path / 'both.ts').write_bytes(part.read_bytes() * 2)
    loud = [begin for begin, _ in beeps(filmed(tmp_path / 'both.ts'))]
    assert loud == pytest.approx([1.0, 4.0], abs=0.06) and capsys.readouterr().err == ''


@pytest.mark.parametrize('rates', [(48000, 22050), (22050, 48000)])
def test_joined_recordings_may_have_sound_of_other_rates(rates, tmp_path, capsys):
    data = b''
    for rate in rates:
        part = tmp_path / f'{rate}.ts'
        ffmpeg('-i', beep(tmp_path / 'a.mp4'), '-c:v', 'copy', '-c:a', 'aac', '-ar', rate, part)
        data += part.read_bytes()
    (tmp_path / 'both.ts').write_bytes(data)
    loud = [begin for begin, end in beeps(filmed(tmp_path / 'both.ts')) if end - begin > 0.15]
    assert loud == pytest.approx([1.0, 4.0], abs=0.08) and capsys.readouterr().err == ''


def test_sound_of_the_second_recording_alone_is_heard_with_it(tmp_path):
    part = beep(tmp_path / 'a.ts')
    ffmpeg('-i', beep(tmp_path / 'a.mp4'), '-an', '-c', 'copy', tmp_path / 'mute.ts')
    both = tmp_path / 'both.ts'
    both.write_bytes((tmp_path / 'mute.ts').read_bytes() + part.read_bytes())
    assert loud_from(filmed(both)) == pytest.approx(4.0, abs=0.06)


@pytest.mark.parametrize('flags, at', [(['-itsoffset', 0.5], 1.5), (['-itsoffset', -0.5], 0.5)])
def test_sound_that_begins_later_or_earlier_than_the_picture_does_so_in_the_film(
        flags, at, tmp_path):
    source = beep(tmp_path / 'in.mp4')
    ffmpeg('-i', source, *flags, '-i', source, '-map', '0:v', '-map', '1:a', '-c', 'copy',
           tmp_path / 'b.mkv')
    film = filmed(tmp_path / 'b.mkv')
    assert loud_from(film) - light_from(film) == pytest.approx(at - 1.0, abs=0.05)


def test_the_default_sound_of_two_is_taken(tmp_path):
    ffmpeg('-i', beep(tmp_path / 'in.mp4'), '-f', 'lavfi', '-i', 'anullsrc=r=44100:cl=stereo',
           '-map', '0:v', '-map', '1:a', '-map', '0:a', '-t', 3, '-c:v', 'copy', '-disposition:a:0',
           0, '-disposition:a:1', 'default', tmp_path / 'b.mkv')
    assert loud_from(filmed(tmp_path / 'b.mkv')) == pytest.approx(1.0, abs=0.05)


def test_long_sound_is_decoded_no_further_than_the_film(tmp_path, monkeypatch):
    source = other(tmp_path, 'a.mkv', '-af', 'apad', '-t', 60, '-c:v', 'copy', '-c:a',
                   'libopus', '-ac', 2)
    heard = []

    def counted(*arguments):
        for frame in decode(*arguments):
            heard.append(frame.samples)
            yield frame
    monkeypatch.setattr(sound, 'decode', counted)
    tracemalloc.start()
    film = filmed(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(heard) / 48000 < 4 and peak < 20e6
    assert loud_from(film) == pytest.approx(1.0, abs=0.05)


def test_a_gap_of_hours_is_silence_made_bit_by_bit():
    track = sound._Track(48000)
    pieces = track.move_to(7200.0)
    assert next(pieces).shape == (2, sound.SILENCE) and track.written == sound.SILENCE


def frame_of(samples: np.ndarray, kind: str = 'flt', layout: str = 'mono',
             rate: int = 8000) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples, kind, layout)
    frame.rate = rate
    return frame


def laid(*parts: tuple[float | None, float]) -> np.ndarray:
    """8000 samples a second of frames of 0.1 s: (seconds, level of all samples)."""
    frames = [(seconds, frame_of(np.full((1, 800), level, np.float32)))
              for seconds, level in parts]
    return np.concatenate(list(sound.end_to_end(frames, 8000)), axis=1)[0]


def test_gaps_are_silent_and_what_was_heard_is_not_heard_again():
    levels = laid((0.1, 0.5), (0.2, 0.6), (0.5, 0.7), (0.3, 0.8), (0.55, 0.9), (None, 0.4))
    tenth = [levels[k * 800 + 600:k * 800 + 780].mean() for k in range(7)]
    share = levels.max() / 0.9          # of a mono sample in each of two channels
    assert np.divide(tenth, share) == pytest.approx([0, 0.5, 0.6, 0, 0, 0.7, 0.4], abs=0.02)
    assert len(levels) == 6000


def test_stamps_that_are_only_rounded_change_nothing():
    even = laid(*((k / 10, 0.5) for k in range(8)))
    rounded = laid(*((k / 10 + (0.02 if k % 2 else -0.01), 0.5) for k in range(8)))
    assert abs(len(even) - len(rounded)) < 100 and (rounded[200:] > 0.1).all()


def test_sound_before_the_film_begins_is_left_out():
    levels = laid((-0.25, 0.3), (-0.15, 0.3), (-0.05, 0.6), (0.05, 0.9))
    assert len(levels) == 1200 and levels[0] == pytest.approx(levels[300], abs=0.01)


@pytest.mark.parametrize('kind, planar', [('s16', False), ('s16p', True)])
def test_channels_without_names_are_taken_for_left_and_right(kind, planar):
    from types import SimpleNamespace
    three = np.array([[1, 2], [10, 20], [99, 99]], np.int16)
    samples = three if planar else three.T.reshape(1, -1)
    unnamed = SimpleNamespace(layout=SimpleNamespace(name='3 channels', nb_channels=3),
                              format=SimpleNamespace(name=kind, is_planar=planar), rate=8000,
                              samples=2, to_ndarray=lambda: samples)
    known = sound.with_known_layout(unnamed)
    assert known.layout.name == 'stereo' and known.rate == 8000
    assert known.to_ndarray().reshape(-1).tolist() == ([1, 2, 10, 20] if planar else
                                                       [1, 10, 2, 20])


def test_damaged_sound_costs_one_warning_and_not_the_film(tmp_path, capsys):
    source = other(tmp_path, 'a.mp4', '-c:v', 'copy', '-c:a', 'ac3')
    with open_video(source) as (container, _):
        packets = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    data = source.read_bytes()
    for packet in packets[20:60]:
        data = data.replace(packet, b'\xff' * len(packet))
    source.write_bytes(data)
    film = filmed(source)
    lines = capsys.readouterr().err.strip().splitlines()
    assert probe(film).frames == 75 and len(lines) == 1
    assert str(source) in lines[0] and 'sound' in lines[0]


def test_sound_that_no_encoder_takes_costs_one_warning_and_not_the_film(
        tmp_path, capsys, monkeypatch):
    def failing(pieces, stream, rate):
        yield from ()
        raise av.ArgumentError(22, 'no such thing')
    monkeypatch.setattr(sound, 'encoded', failing)
    film = filmed(beep(tmp_path / 'in.mp4'))
    lines = capsys.readouterr().err.strip().splitlines()
    assert probe(film).frames == 75 and len(lines) == 1
    assert 'in.mp4: its sound cannot be kept' in lines[0]


def test_samples_that_are_no_numbers_are_silent(tmp_path, capsys):
    source = tmp_path / 'a.mov'
    with av.open(str(source), 'w') as out:
        picture = out.add_stream('libx264', rate=25, width=64, height=48, pix_fmt='yuv420p')
        track = out.add_stream('pcm_f32le', rate=8000, layout='mono')
        for _ in range(10):
            image = np.zeros((48, 64, 3), np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        frame = frame_of(np.full((1, 3200), np.nan, np.float32))
        frame.pts, frame.time_base = 0, Fraction(1, 8000)
        out.mux([*track.encode(frame), *picture.encode(None), *track.encode(None)])
    assert probe(filmed(source)).sound and capsys.readouterr().err == ''


def test_an_empty_sound_gives_a_film_without_one(tmp_path):
    with av.open(str(tmp_path / 'a.mkv'), 'w') as out:
        picture = out.add_stream('libx264', rate=25, width=64, height=48, pix_fmt='yuv420p')
        out.add_stream('aac', rate=44100, layout='stereo')
        for _ in range(10):
            image = np.zeros((48, 64, 3), np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        out.mux(picture.encode(None))
    assert not probe(filmed(tmp_path / 'a.mkv')).sound


@pytest.mark.parametrize('stamped', [True, False])
@pytest.mark.parametrize('end', [1.0, 0.8])
def test_the_sound_of_a_video_that_begins_again_is_heard_again_in_step(
        end: float, stamped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 0.8 its sound is longer than what is played of it, and cut within the beep."""
    source = beep(tmp_path / 'beep.mp4', seconds=1.0, at=0.7)
    timed = sound.timed
    if not stamped:
        monkeypatch.setattr(sound, 'timed', lambda *how: ((None, f) for _, f in timed(*how)))
    with VideoWriter(tmp_path / 'out.mp4', sound_from=source, sound_start=0.2,
                     sound_loop=sound.Loop(0.0, end)) as video:
        for tick in range(28):
            video.write(np.zeros((48, 64, 3), np.uint8), tick / 10)
    heard = np.array(beeps(tmp_path / 'out.mp4'))
    assert heard[:, 0] == pytest.approx(0.5 + end * np.arange(3), abs=0.05)
    assert np.ptp(heard, axis=1) == pytest.approx(np.full(3, min(0.2, end - 0.7)), abs=0.05)
