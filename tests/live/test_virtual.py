"""The virtual camera, on stand-ins for devices that a machine of tests does not have."""
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from live import v4l2
from live.sinks import SINKS
from live.sinks.virtual import letterboxed
from tests.live.sinking import SIZE, Loopback, frame, made
from tests.live.test_http import until
from util.errors import UserError

BYTES = 1280 * 720 * 3 // 2


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Linux without pyvirtualcam, whatever the tests run on."""
    monkeypatch.setattr(sys, 'platform', 'linux')
    monkeypatch.setattr('live.sinks.virtual.has_pyvirtualcam',
                        lambda: 'pyvirtualcam' in sys.modules)
    yield


def test_the_structures_are_those_of_the_kernel() -> None:
    """sizeof and the ioctl numbers of linux/videodev2.h, as gcc prints them on x86-64."""
    assert v4l2.FORMAT.size == 208 and v4l2.CAPABILITY.size == 104
    assert v4l2.S_FMT == 0xc0d05605 and v4l2.QUERYCAP == 0x80685600
    packed = v4l2.FORMAT.pack(2, 1280, 720, v4l2.I420, 1, 1280, BYTES, 1, 0, 0, 0, 0, 0)
    assert packed[:40].hex() == ('0200000000000000' '00050000d0020000' '5955313201000000'
                                 '0005000000181500' '0100000000000000')


def test_a_loopback_device_gets_the_bytes_of_every_tick(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Loopback(tmp_path, monkeypatch)
    sink = made('virtual')
    sink.open()
    assert [asked[1:4] for asked in device.asked] == [(1280, 720, v4l2.I420)]
    first = frame(0)
    for tick, shown in enumerate((first, first, frame(9))):
        sink.send(shown, tick / 10)
    until(lambda: len(device.written) == 3 * BYTES)
    sink.close()
    sent = np.frombuffer(bytes(device.written), np.uint8).reshape(3, 1080, 1280)
    for tick, number in enumerate((0, 0, 9)):
        expected = letterboxed(frame(number).picture, (1280, 720))
        assert (sent[tick] == cv2.cvtColor(expected, cv2.COLOR_RGB2YUV_I420)).all()


def test_a_device_that_is_held_in_another_size_gets_that_one(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Loopback(tmp_path, monkeypatch, held=(320, 240))
    sink = made('virtual')
    sink.open()
    sink.send(frame(9), 0.0)
    until(lambda: len(device.written) == 320 * 240 * 3 // 2)
    sink.close()


@pytest.mark.parametrize('held, pixels', [((320, 240), b'YUYV'), ((321, 240), b'YU12')])
def test_a_device_that_is_held_in_a_form_that_cannot_be_written_is_refused(
        held: tuple[int, int], pixels: bytes, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    Loopback(tmp_path, monkeypatch, held, pixels)
    sink = made('virtual')
    with pytest.raises(UserError, match='another program holds it in a form that cannot be'):
        sink.open()
    sink.close()


def test_the_whole_picture_lies_between_black_bars() -> None:
    for size in ((1280, 720), (320, 240), (50, 400), (64, 96)):
        shown = letterboxed(np.full((SIZE[1], SIZE[0], 3), 200, np.uint8), size)
        assert shown.shape == (size[1], size[0], 3)
        rows, columns = np.nonzero(shown[:, :, 0])
        assert (shown[rows.min():rows.max() + 1, columns.min():columns.max() + 1] == 200).all()
        tall = rows.max() - rows.min() + 1
        wide = columns.max() - columns.min() + 1
        assert tall == size[1] or wide == size[0]
        assert abs(wide / tall - SIZE[0] / SIZE[1]) < 0.02
        assert abs((columns.min() + columns.max() + 1) / 2 - size[0] / 2) <= 1


def test_without_the_driver_one_sentence_says_what_to_install(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v4l2, 'DEVICES', tmp_path)
    (tmp_path / 'video0').touch()       # a camera, not a virtual one
    with pytest.raises(UserError, match='apt install v4l2loopback-dkms.*modprobe v4l2loopback'):
        SINKS.find('virtual').check('')


@pytest.mark.parametrize('system', ['darwin', 'win32'])
def test_on_other_systems_it_names_obs_and_pyvirtualcam(
        system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'platform', system)
    with pytest.raises(UserError, match='Install OBS .*pip install pyvirtualcam'):
        SINKS.find('virtual').check('')


def test_a_device_that_is_no_virtual_camera_is_refused_with_those_there_are(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Loopback(tmp_path, monkeypatch)
    kind = SINKS.find('virtual')
    kind.check('')
    kind.check(str(device.path))
    with pytest.raises(UserError, match=f'virtual:3: no virtual camera. There is '
                                        f'virtual:{device.path}'):
        kind.check('3')
    device.driver = b'uvcvideo'
    with pytest.raises(UserError, match='there is no virtual camera'):
        kind.check('')


def test_a_camera_that_goes_away_ends_with_its_sentence(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Loopback(tmp_path, monkeypatch)
    sink = made('virtual')
    sink.open()

    def gone(*_: Any) -> int:
        raise OSError(19, 'No such device')
    monkeypatch.setattr('os.write', gone)
    with pytest.raises(UserError, match='the virtual camera is gone .No such device'):
        sink.send(frame(0), 0.0)
    sink.close()


# pyvirtualcam, where somebody installed it

class FakeCamera:
    """What pyvirtualcam.Camera is to a program."""
    made: list['FakeCamera'] = []

    def __init__(self, width: int, height: int, fps: float, *, device: str | None = None):
        if device == 'nothing':
            raise RuntimeError("'nothing' backend: virtual camera not found")
        self.facts = width, height, fps, device
        self.sent: list[np.ndarray] = []
        self.is_open = True
        FakeCamera.made.append(self)

    def send(self, picture: np.ndarray) -> None:
        assert self.is_open and picture.shape == (720, 1280, 3) and picture.dtype == np.uint8
        self.sent.append(picture)

    def close(self) -> None:
        self.is_open = False


@pytest.fixture
def pyvirtualcam(monkeypatch: pytest.MonkeyPatch) -> type[FakeCamera]:
    module = types.ModuleType('pyvirtualcam')
    module.Camera = FakeCamera      # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'pyvirtualcam', module)
    monkeypatch.setattr(FakeCamera, 'made', [])
    return FakeCamera


def test_pyvirtualcam_is_used_where_it_is_installed(pyvirtualcam: type[FakeCamera]) -> None:
    kind = SINKS.find('virtual')
    kind.check('')
    assert [camera.is_open for camera in pyvirtualcam.made] == [False], 'tried, and let go'
    sink = made('virtual', '10')
    sink.open()
    sink.send(frame(3), 0.0)
    sink.send(frame(4), 0.1)
    sink.close()
    camera = pyvirtualcam.made[-1]
    assert camera.facts == (1280, 720, 10.0, '/dev/video10')
    assert [shown[360, 640, 0] for shown in camera.sent] == [34, 42]
    assert not camera.is_open


@pytest.mark.parametrize('system, how', [('linux', 'v4l2loopback'), ('darwin', 'OBS')])
def test_pyvirtualcam_without_a_driver_says_what_to_install(
        system: str, how: str, pyvirtualcam: type[FakeCamera],
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'platform', system)
    with pytest.raises(UserError, match=f'virtual camera not found.*{how}'):
        SINKS.find('virtual').check('nothing')
