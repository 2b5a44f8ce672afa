"""Joined, cut, turned, interlaced, HDR videos: the right frames, or a sentence that counts."""
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from preprocessing.sources import VideoSource
from tests.util.clips import beep, clip, ffmpeg, noisy, number
from util.errors import UserError
from util.frame_times import FrameTimes, in_place, lone, spaced
from util.video import count_frames, probe, read_frames, times_of
from util.video_writer import VideoWriter

STEPS = [k / 25 for k in range(25)]


def recording(path: Path, size: str = '64x48', seconds: float = 1.0, *how: object) -> Path:
    ffmpeg('-f', 'lavfi', '-i', f'testsrc2=s={size}:r=25:d={seconds}', '-pix_fmt', 'yuv420p',
           *how, path)
    return path


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b''.join(part.read_bytes() for part in parts))
    return path


def stamps_of(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [packet.dts for packet in container.demux(video=0) if packet.size]


def warned(capsys: pytest.CaptureFixture) -> list[str]:
    return capsys.readouterr().err.strip().splitlines()


def marked(path: Path) -> Path:
    """Upright, a light in the top left corner, a weaker one in the top right one."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:16, :16] = 255
    image[:16, -16:] = 128
    with VideoWriter(path, fps=10) as video:
        video.write(image)
    return path


@pytest.mark.parametrize('flags', [[], ['-display_hflip'], ['-display_vflip'],
                                   ['-display_rotation', 90], ['-display_rotation', 180],
                                   ['-display_rotation', 270],
                                   ['-display_rotation', 90, '-display_hflip'],
                                   ['-display_rotation', 270, '-display_hflip']])
def test_all_eight_orientations_are_shown_as_players_do(flags, tmp_path):
    turned = tmp_path / 'b.mp4'
    ffmpeg(*flags, '-i', marked(tmp_path / 'a.mp4'), '-c', 'copy', turned)
    shown = next(read_frames(turned)).image
    raw = ffmpeg('-i', turned, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-')
    player = np.frombuffer(raw, np.uint8).reshape(shown.shape)     # it applies the matrix itself
    assert probe(turned).size == shown.shape[1::-1]
    assert np.abs(shown.astype(int) - player).max() <= 3


def test_a_mirrored_video_is_not_called_turned(tmp_path):
    ffmpeg('-display_hflip', '-i', marked(tmp_path / 'a.mp4'), '-c', 'copy', tmp_path / 'b.mp4')
    assert probe(tmp_path / 'b.mp4').rotation == 0


def test_recordings_joined_end_to_end_give_all_frames_one_after_the_other(tmp_path, capsys):
    first = recording(tmp_path / 'a.ts')
    both = joined(tmp_path / 'both.ts', first, first)
    frames = list(read_frames(both))
    one = [frame.image for frame in read_frames(first)]
    assert len(frames) == 50 == VideoSource(str(both)).count and warned(capsys) == []
    assert np.diff([f.time for f in frames]) == pytest.approx(0.04, abs=1e-3)
    assert all(np.array_equal(frame.image, one[k % 25]) for k, frame in enumerate(frames))
    late = list(read_frames(both, stretch=slice(30, None)))
    assert [f.index for f in late] == list(range(30, 50))
    assert np.array_equal(late[0].image, one[5])


def test_a_recording_joined_with_less_than_a_frame_of_overlap_comes_after_the_first(tmp_path):
    first = recording(tmp_path / 'a.ts')
    second = tmp_path / 'b.ts'
    last = stamps_of(first)[-1] / 90000
    begin = stamps_of(first)[0] / 90000
    recording(second, '64x48', 1.0, '-output_ts_offset', last + 0.02 - begin)
    assert 0 < last - stamps_of(second)[0] / 90000 < 0.04
    frames = list(read_frames(joined(tmp_path / 'both.ts', first, second)))
    assert len(frames) == 50
    assert np.diff([f.time for f in frames]) == pytest.approx(0.04, abs=1e-3)


def test_frames_before_the_first_key_frame_are_counted_as_lost(tmp_path, capsys):
    whole = recording(tmp_path / 'a.ts', '64x48', 2.0, '-g', 20, '-x264-params', 'scenecut=0')
    data = whole.read_bytes()
    (tmp_path / 'cut.ts').write_bytes(data[188 * (len(data) // 188 // 3):])
    frames = list(read_frames(tmp_path / 'cut.ts'))
    known = len(times_of(tmp_path / 'cut.ts').seconds)
    lines = warned(capsys)
    assert 0 < len(frames) < known
    assert len(lines) == 1
    assert f'skipped {known - len(frames)} of {known} frames' in lines[0]
    list(read_frames(tmp_path / 'cut.ts', stretch=slice(0, known // 2)))
    assert len(list(read_frames(tmp_path / 'cut.ts'))) == len(frames)
    assert warned(capsys) == []                 # passes after the first say nothing more


def test_frames_with_the_same_stamp_are_all_read(tmp_path):
    path = tmp_path / 'a.mkv'
    with av.open(str(path), 'w') as out:
        stream = out.add_stream('mjpeg', rate=25, width=64, height=48, pix_fmt='yuvj420p')
        for k in range(6):
            image = np.full((48, 64, 3), 10 + 8 * k, np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')):
                packet.pts = packet.dts = k // 2
                out.mux(packet)
    frames = list(read_frames(path))
    assert [number(frame.image) for frame in frames] == list(range(6))
    assert (np.diff([frame.time for frame in frames]) > 0).all()


def test_a_frame_dropped_while_filming_leaves_a_gap_in_an_avi(tmp_path):
    recording(tmp_path / 'a.avi', '64x48', 1.0, '-c:v', 'mpeg4', '-vf', "select='not(eq(n,1))'")
    times = [frame.time for frame in read_frames(tmp_path / 'a.avi')]
    assert times[:3] == pytest.approx([0, 0.08, 0.12]) and times[-1] == pytest.approx(0.96)


@pytest.mark.parametrize('codec', ['mpeg4', 'libx264'])
def test_an_avi_with_frames_in_another_order_is_read_in_the_order_shown(codec, tmp_path):
    clip(tmp_path / 'a.mp4', STEPS)
    ffmpeg('-i', tmp_path / 'a.mp4', '-c:v', codec, '-bf', 2, '-q:v', 2, tmp_path / 'a.avi')
    frames = list(read_frames(tmp_path / 'a.avi'))
    assert [number(frame.image) for frame in frames] == list(range(25))


def test_the_video_is_chosen_not_the_preview_before_it(tmp_path):
    recording(tmp_path / 'still.mkv', '160x90', 0.04, '-c:v', 'mjpeg', '-pix_fmt',
              'yuvj420p')
    ffmpeg('-i', tmp_path / 'still.mkv', '-i', recording(tmp_path / 'a.mp4'), '-map', 0, '-map', 1,
           '-c', 'copy', '-disposition:v:0', 'default', '-disposition:v:1', 0, tmp_path / 'b.mov')
    assert (probe(tmp_path / 'b.mov').size, probe(tmp_path / 'b.mov').frames) == ((64, 48), 25)


def test_of_several_videos_the_default_one_is_taken(tmp_path):
    ffmpeg('-i', recording(tmp_path / 'large.mp4', '128x96'), '-i', recording(tmp_path / 'a.mp4'),
           '-map', 0, '-map', 1, '-c', 'copy', '-disposition:v:0', 0, '-disposition:v:1',
           'default', tmp_path / 'b.mkv')
    assert probe(tmp_path / 'b.mkv').size == (64, 48)


@pytest.mark.parametrize('later, bars', [('128x96', False), ('48x64', True)])
def test_frames_of_another_size_are_fitted_into_the_first_ones(later, bars, tmp_path, capsys):
    half = ['-vf', 'drawbox=c=black:t=fill,drawbox=w=iw/2:c=white:t=fill']
    both = joined(tmp_path / 'both.ts', recording(tmp_path / 'a.ts', '64x48', 1.0, *half),
                  recording(tmp_path / 'b.ts', later, 1.0, *half))
    frames = list(read_frames(both))
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    about_size = [line for line in warned(capsys) if 'another size' in line]
    assert len(about_size) == 1 and f'25 of 50 frames have another size ({later})' in about_size[0]
    assert (frames[-1].image[:, :13].max() == 0) == bars        # 48x64 is 36 wide in 64
    for frame in frames:
        assert frame.image[:, 20:28].min() > 200 > 50 > frame.image[:, 36:].max()
    from_the_second = next(read_frames(both, stretch=slice(30, None)))
    assert from_the_second.image.shape == (48, 64, 3)


def combs(image: np.ndarray) -> float:
    """How much more a row differs from the next than from the one after that."""
    rows = image.astype(int).mean(-1)
    near = np.abs(rows[1:-1] - rows[2:]).mean()
    return float(near - np.abs(rows[:-2] - rows[2:]).mean())


@pytest.mark.parametrize('name, codec', [('a.mpg', ['mpeg2video', '-q:v', '2', '-bf', '0']),
                                         ('a.mp4', ['libx264', '-crf', '5', '-bf', '0'])])
def test_fields_become_whole_frames_wherever_reading_starts(name, codec, tmp_path):
    path = tmp_path / name
    ffmpeg('-f', 'lavfi', '-i', 'color=black:s=96x64:r=50:d=2', '-f', 'lavfi', '-i',
           'testsrc2=s=48x64:r=50:d=2', '-filter_complex',
           '[0][1]overlay=x=mod(n*3\\,96),tinterlace=interleave_top', '-flags', '+ilme+ildct',
           '-top', '1', '-g', '20', '-c:v', *codec, path)
    with av.open(str(path)) as container:
        woven = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    keys = [k for k, packet in enumerate(packets) if packet.is_keyframe]
    frames = list(read_frames(path))
    assert len(frames) == len(woven) == 50
    assert combs(woven[20]) > 1 > 0.3 > combs(frames[20].image)
    for first in (1, 17, *keys[1:4]):
        sought = next(read_frames(path, stretch=slice(first, None)))
        assert np.array_equal(sought.image, frames[first].image)


FLAT = 'format=gbrp,setparams=colorspace=gbr:color_trc=bt709:color_primaries=bt709:range=pc,'
LINEAR = FLAT + 'zscale=t=linear:npl=203,format=gbrpf32le,'


@pytest.mark.parametrize('curve, how', [
    ('smpte2084', LINEAR + 'zscale=npl=203:p=bt2020:t=smpte2084:m=bt2020nc:r=tv'),
    ('arib-std-b67', LINEAR + 'zscale=npl=203:p=bt2020:t=arib-std-b67:m=bt2020nc:r=tv'),
    ('bt2020-10', FLAT + 'zscale=p=bt2020:t=bt709:m=bt2020nc:r=tv')])
@pytest.mark.parametrize('colour', [(255, 255, 255), (128, 128, 128), (200, 150, 120)])
def test_hdr_and_wide_colours_look_as_on_a_normal_screen(curve, how, colour, tmp_path):
    code = '0x' + ''.join(f'{value:02X}' for value in colour)
    ffmpeg('-f', 'lavfi', '-i', f'color=c={code}:s=64x64:r=5:d=0.4', '-vf',
           f'{how},format=yuv420p10le', '-c:v', 'libx265', '-x265-params', 'log-level=none',
           '-crf', 1, '-color_trc', curve, '-color_primaries', 'bt2020', '-colorspace',
           'bt2020nc', tmp_path / 'a.mp4')
    shown = next(read_frames(tmp_path / 'a.mp4')).image[30, 30].astype(int)
    least = colour if curve == 'bt2020-10' else np.minimum(colour, 226)    # room for highlights
    assert np.abs(shown - least).max() <= 8


def test_what_shows_through_a_transparent_video_is_black(tmp_path):
    ffmpeg('-f', 'lavfi', '-i', 'color=white@0.5:s=64x48:r=5:d=0.4,format=argb', '-c:v', 'qtrle',
           tmp_path / 'a.mov')
    assert next(read_frames(tmp_path / 'a.mov')).image[20, 20] == pytest.approx(127, abs=2)


@pytest.mark.parametrize('text', ['#EXTM3U\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n',
                                  "ffconcat version 1.0\nfile 'a.ts'\n"])
def test_a_list_of_other_files_is_no_video(text, tmp_path):
    recording(tmp_path / 'a.ts')
    (tmp_path / 'b.m3u8').write_text(text)
    with pytest.raises(UserError, match='b.m3u8: not a video'):
        probe(tmp_path / 'b.m3u8')


@pytest.mark.parametrize('name', ['12:30.mp4', 'data:x.mp4', '-a.mp4', '%03d.mp4'])
def test_a_name_is_a_file_whatever_it_looks_like(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with VideoWriter(name, fps=5) as video:
        video.write(np.zeros((48, 64, 3), np.uint8))
    assert probe(name).frames == 1


def test_a_gigantic_picture_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    path = recording(tmp_path / 'a.mp4')
    monkeypatch.setattr('util.containers.MAX_PIXELS', 64 * 48 - 1)
    with pytest.raises(UserError, match='a.mp4: .* 64x48, and at most'):
        probe(path)


def test_stamps_that_make_no_sense_take_no_memory():
    seconds = np.array([0.0, 1.0, 1e12])
    times = FrameTimes(seconds, np.arange(3), np.arange(3), 1.0, False, True, (), '')
    assert times.choose(0.0, None, 25.0).tolist() == [0, 1, 2]


@pytest.mark.parametrize('frame, off', [(30, 40.0), (30, -0.9), (49, 1e6), (20, 1e9)])
def test_one_damaged_stamp_moves_no_other_frame(frame, off):
    even = np.arange(50) / 25
    damaged = even.copy()
    damaged[frame] += off
    read = spaced(np.sort(in_place(damaged)), 1 / 25)
    assert np.delete(read, frame) == pytest.approx(np.delete(even, frame), abs=0.05)
    assert (np.diff(read) > 0).all()
    if frame != 49:                         # the last one might begin another recording
        assert np.flatnonzero(lone(damaged)).tolist() == [frame]


def test_damage_never_ends_in_a_traceback(tmp_path):
    """Random bytes anywhere in a file: frames, fewer frames, or one sentence with its name."""
    data = bytes(noisy(tmp_path / 'a.mp4', frames=12))
    rng = np.random.default_rng(0)
    for k in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 1 + k % 20):
            damaged[place] = rng.integers(256)
        path = tmp_path / f'{k}.mp4'
        path.write_bytes(damaged)
        try:
            found = [frame.index for frame in read_frames(path)]
            assert found == sorted(set(found)) and len(found) <= count_frames(path)
        except UserError as error:
            assert str(path) in str(error)


@pytest.mark.parametrize('name, how', [
    ('b.mpg', ['-c:v', 'mpeg1video', '-c:a', 'mp2']), ('b.ts', ['-c:v', 'mpeg2video', '-bf', 2]),
    ('b.mkv', ['-c:v', 'libx264', '-g', 12, '-x264-params', 'open-gop=1'])])
def test_wherever_reading_starts_a_frame_is_the_one_of_its_number(name, how, tmp_path):
    ffmpeg('-i', beep(tmp_path / 'a.mkv', seconds=60.0, at=41.0), *how, tmp_path / name)
    lights = [frame.index for frame in read_frames(tmp_path / name) if frame.image.mean() > 128]
    for first in range(1002, 1024, 3):
        sought = read_frames(tmp_path / name, stretch=slice(first, 1040))
        assert [frame.index for frame in sought if frame.image.mean() > 128] == lights


def test_frames_that_come_out_of_order_are_left_out_and_counted(tmp_path, capsys, monkeypatch):
    def exchanged(frames):
        frames = list(frames)
        frames[3], frames[4] = frames[4], frames[3]
        return iter(frames)
    monkeypatch.setattr('util.video.deinterlaced', exchanged)
    frames = list(read_frames(clip(tmp_path / 'a.mp4', STEPS)))
    assert [frame.index for frame in frames] == [0, 1, 2, *range(4, 25)]
    assert 'skipped 1 of 25 frames' in capsys.readouterr().err


def test_two_readers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = clip(tmp_path / 'a.mp4', STEPS)
    pairs = zip(read_frames(path), islice(read_frames(path), 5, None))
    assert [number(b.image) - number(a.image) for a, b in pairs] == [5] * 20
