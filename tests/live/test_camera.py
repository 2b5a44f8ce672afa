"""Where live pictures come from: files at their own pace, cameras and addresses."""
import itertools
import socket
import threading

import numpy as np
import pytest
from fakes import FakeCamera, FakeClock

import util.camera
from live.controls import Controls
from live.frames import Captured, LiveFrame, Posed
from live.sinks.http import HttpSink
from util.camera import FileCamera, OpenedCamera, open_camera
from util.clock import Clock
from util.errors import UserError
from util.video import read_frames
from util.video_writer import VideoWriter

FPS = 10


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """Six frames of 32x16, brighter from one to the next; the left half is black."""
    path = tmp_path_factory.mktemp('clip') / 'clip.mp4'
    with VideoWriter(path, fps=FPS) as video:
        for k in range(6):
            image = np.zeros((16, 32, 3), np.uint8)
            image[:, 16:] = 40 * k
            video.write(image)
    return str(path)


def taken(camera, clock, count=None):
    found = []
    for picture in camera.pictures(clock):
        found.append(picture)
        if count and len(found) == count:
            camera.close()
    return found


def numbers(images):
    """Which frame of the clip each of these is."""
    return [round(float(image[:, 20:28].mean()) / 40) for image in images]


def test_a_file_is_played_at_its_own_pace(clip):
    clock = FakeClock()
    pictures = taken(FileCamera(clip), clock)
    assert [p.time for p in pictures] == pytest.approx([k / FPS for k in range(6)], abs=1e-3)
    assert [p.number for p in pictures] == numbers(p.image for p in pictures) == [*range(6)]


def test_a_file_that_is_taken_too_slowly_drops_the_frames_that_are_late(clip):
    clock = FakeClock()
    seen = []
    for picture in FileCamera(clip).pictures(clock):
        seen.append(picture.number)
        assert clock.now() - picture.time < 1 / FPS
        clock.sleep(2.5 / FPS)
    assert seen == [0, 2, 5]


def test_a_file_that_is_decoded_too_slowly_is_played_slowly_and_not_dropped(clip, monkeypatch):
    clock = FakeClock()

    def slow(path, fps):
        for frame in read_frames(path):
            clock.sleep(3 / FPS)
            yield frame
    monkeypatch.setattr('util.camera.read_frames', slow)
    camera = FileCamera(clip, loop=True)
    pictures = taken(camera, clock, 12)
    assert np.diff([p.time for p in pictures]).max() < 12 / FPS
    assert abs(camera.time_of(clock.now()) - 5 / FPS) < 6 / FPS


def test_where_each_frame_takes_long_to_decode_none_is_a_stall(clip, monkeypatch):
    clock = FakeClock()

    def slow(path, fps):
        still = next(read_frames(path))
        for k in range(60):
            clock.sleep(0.8)
            yield still._replace(time=k / FPS)
    monkeypatch.setattr('util.camera.read_frames', slow)
    numbers = [picture.number for picture in taken(FileCamera(clip), clock)]
    assert len(numbers) > 0.9 * (numbers[-1] + 1)


def test_after_a_stall_a_file_is_back_at_its_own_pace_and_its_sound_in_step(clip, monkeypatch):
    clock = FakeClock()

    def stalled(path, fps):
        for number, frame in enumerate(long):
            if number == 20:
                clock.sleep(3)              # the computer stands still
            yield frame
    long = [frame._replace(time=number / FPS)
            for number, frame in enumerate([*read_frames(clip)] * 20)]
    monkeypatch.setattr('util.camera.read_frames', stalled)
    camera = FileCamera(clip)
    times = [picture.time for picture in taken(camera, clock)]
    late = [time for time in times if time > 5]
    assert np.diff(late) == pytest.approx(np.full(len(late) - 1, 1 / FPS), abs=1e-3)
    assert max(times) == pytest.approx(11.9, abs=1e-3)
    assert camera.time_of(10.0) == pytest.approx(10.0, abs=1e-3)


def test_a_file_that_is_looped_goes_on_without_a_jump_in_time(clip):
    pictures = taken(FileCamera(clip, loop=True), FakeClock(), 15)
    times = [p.time for p in pictures]
    assert np.diff(times) == pytest.approx(np.full(14, 1 / FPS), abs=1e-3)
    assert numbers(p.image for p in pictures) == [*range(6), *range(6), 0, 1, 2]
    assert [p.number for p in pictures] == [*range(15)]


def test_a_rewound_file_begins_again_and_then_ends_at_its_end(clip):
    camera = FileCamera(clip)
    camera.measured = True
    seen = []
    for picture in camera.pictures(FakeClock()):
        seen += numbers([picture.image])
        if len(seen) == 8:
            camera.rewind()
    assert seen == [*range(6), 0, 1, *range(6)]


def test_a_rewound_file_gives_no_picture_that_it_waited_with(clip, monkeypatch):
    clock, camera, seen = FakeClock(), FileCamera(clip), []
    camera.measured = True
    waited = clock.wait_for

    def wait_for(condition, until=0.0):
        if len(seen) == 3 and not camera.rewound and camera.measured:
            camera.rewind()
        return waited(condition, until)
    monkeypatch.setattr(clock, 'wait_for', wait_for)
    for picture in camera.pictures(clock):
        seen += numbers([picture.image])
    assert seen == [*range(3), *range(6)]


def test_the_second_of_the_sound_is_that_of_the_picture(clip):
    clock = FakeClock()
    clock.sleep(100)
    camera = FileCamera(clip)
    for picture in camera.pictures(clock):
        assert camera.time_of(picture.time) == pytest.approx(picture.number / FPS, abs=1e-3)
    assert camera.sound_from is None        # the clip has none


def test_a_picture_keeps_its_second_of_the_sound_after_a_looped_file_began_again(clip):
    clock = FakeClock()
    clock.sleep(100)
    camera = FileCamera(clip, loop=True)
    pictures = taken(camera, clock, 15)
    seconds = [camera.time_of(picture.time) for picture in pictures[6:]]    # of this pass and of
    assert seconds == pytest.approx([k % 6 / FPS for k in range(9)], abs=1e-3)  # the one before


def test_what_a_camera_sees_can_be_mirrored_and_a_file_scaled_and_thinned(clip):
    clock = FakeClock()
    camera = open_camera(clip, mirror=True, size=(16, 8), fps=5)
    pictures = taken(camera, clock)
    assert [p.time for p in pictures] == pytest.approx([0, 0.2, 0.4], abs=0.06)
    assert pictures[-1].image.shape == (8, 16, 3)       # half of 32x16
    assert pictures[-1].image[:, :4].mean() > 100 > pictures[-1].image[:, 12:].mean()


def test_a_file_given_as_an_address_is_read_as_a_file_is(clip):
    camera = open_camera('file://' + clip.replace('clip.mp4', 'cl%69p.mp4'))
    assert isinstance(camera, FileCamera) and camera.name == clip


class Device:
    """cv2.VideoCapture for camera 1 and one address, which give three pictures."""
    asked, count = None, -1

    def __init__(self, name, *how):
        self.there, self.left, self.settings, self.released = name in (1, 'udp://x:1'), 3, {}, False
        Device.asked = self

    def isOpened(self):
        return self.there

    def set(self, what, value):
        self.settings[what] = value

    def get(self, what):
        return self.count if what == 7 else 25.0        # 7: CAP_PROP_FRAME_COUNT

    def read(self):
        self.left -= 1
        blue = np.zeros((4, 6, 3), np.uint8)
        blue[..., 0] = 255                  # OpenCV's first channel
        return self.left >= 0, blue

    def release(self):
        self.released = True


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr('util.camera.cv2.VideoCapture', Device)
    return Device


def test_a_camera_gives_rgb_until_it_is_unplugged(device):
    camera = open_camera('1')
    found = []
    with pytest.raises(UserError, match='--camera 1: stopped giving pictures after'):
        for picture in camera.pictures(Clock()):
            found.append(picture)
    assert len(found) == 3 and (found[0].image[0, 0] == (0, 0, 255)).all()
    assert device.asked.released and camera.fps == 25


def test_a_camera_is_asked_for_jpeg_and_holds_no_old_pictures(device):
    import cv2
    open_camera('1', size=(640, 480), fps=60)
    asked = device.asked.settings
    assert asked[cv2.CAP_PROP_FRAME_WIDTH] == 640 and asked[cv2.CAP_PROP_FPS] == 60
    assert asked[cv2.CAP_PROP_BUFFERSIZE] == 1 and asked[cv2.CAP_PROP_FOURCC]


def test_an_address_is_opened_and_asked_for_nothing(device):
    assert len(taken(open_camera('udp://x:1'), Clock(), 2)) == 2
    assert not device.asked.settings


def test_the_address_of_a_film_is_played_at_its_own_pace_to_its_end(device, monkeypatch):
    monkeypatch.setattr(device, 'count', 3)
    times = [picture.time for picture in open_camera('udp://x:1').pictures(FakeClock())]
    assert times == pytest.approx([0, 0.04, 0.08])


def test_what_is_lost_of_a_film_at_an_address_is_said(device, monkeypatch, capsys):
    open_camera('udp://x:1')
    assert capsys.readouterr().err == ''
    monkeypatch.setattr(device, 'count', 3)
    open_camera('udp://x:1')
    assert 'udp://x:1: a film at an address is shown as it is stored' in capsys.readouterr().err


def test_a_camera_to_film_with_keeps_its_settings(device):
    OpenedCamera('1', live=False)
    assert not device.asked.settings


@pytest.mark.parametrize('there, says', [
    ([], 'This computer shows none'), ([1, 3], 'There is 1, 3')])
def test_a_camera_that_is_not_there_names_those_that_are_and_what_else_does(
        there, says, device, monkeypatch):
    monkeypatch.setattr(util.camera, 'cameras', lambda: there)
    with pytest.raises(UserError, match=says) as error:
        open_camera('7')
    assert 'a file' in str(error.value).replace('video file', 'file').lower()
    assert 'address' in str(error.value)


def test_a_camera_that_another_program_holds_is_said_to_be(device, monkeypatch):
    monkeypatch.setattr(util.camera, 'cameras', lambda: [7])
    with pytest.raises(UserError, match='another program holds it'):
        open_camera('7')


@pytest.mark.parametrize('name, says', [
    ('no.mp4', 'no such file'), ('udp://x:2', 'nobody gives a video there'),
    ('/', 'that is a folder'), ('/dev/video4242', 'no such camera'), (f'{2 ** 70}', 'no such cam')])
def test_a_file_or_address_that_is_not_there_is_refused(name, says, device):
    with pytest.raises(UserError, match=says):
        open_camera(name)


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / 'a.mp4').write_text('no film')
    with pytest.raises(UserError, match='not a video'):
        open_camera(str(tmp_path / 'a.mp4'))


def test_the_page_of_one_session_can_be_the_camera_of_another():
    """Over real sockets, as any address that gives MJPEG."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    sink = HttpSink(str(port), (64, 48), 30.0, Controls(), dict, FakeCamera())
    sink.open()
    ended = threading.Event()

    def feed():
        for k in itertools.count():
            captured = Captured(k, 0.0, np.full((48, 64, 3), 200, np.uint8))
            posed = Posed(captured, None, None, None, 'BODY_25')
            sink.send(LiveFrame(posed, captured.image), 0.0)
            if ended.wait(1 / 60):
                return
    feeding = threading.Thread(target=feed)
    feeding.start()
    try:
        pictures = taken(open_camera(f'http://127.0.0.1:{port}/video'), Clock(), 3)
    finally:
        ended.set()
        feeding.join()
        sink.close()
    assert len(pictures) == 3 and pictures[0].image.shape == (48, 64, 3)
    assert abs(pictures[0].image.mean() - 200) < 3
