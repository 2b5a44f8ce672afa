"""A virtual camera, which video calls and OBS list among the cameras."""
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from live.sinks.base import Sink
from util.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from live.frames import LiveFrame

# px: what every program of video calls takes. A camera of another shape is cropped or refused by
# some of them, and none takes a change of size
SIZE = (1280, 720)
USUAL_RATE = 30.0           # pictures a second, to try whether there is a camera
HOW = {
    'linux': 'Install its driver once: sudo apt install v4l2loopback-dkms. Then, after each start '
             'of the computer: sudo modprobe v4l2loopback exclusive_caps=1 card_label=body2body',
    'darwin': 'Install OBS (obsproject.com), start and stop its virtual camera once, then: '
              'pip install pyvirtualcam',
    'win32': 'Install OBS (obsproject.com), then: pip install pyvirtualcam'}


class Device(Protocol):
    """A camera that can be written to; `size` is (width, height) px of its pictures."""
    size: tuple[int, int]

    def write(self, picture: np.ndarray) -> None: ...

    def close(self) -> None: ...


class VirtualSink(Sink):
    """Pictures of a fixed size, at a fixed rate, between black bars where the shape is another."""
    NAME = 'virtual'
    DESCRIPTION = 'a virtual camera for video calls'
    TAKES = 'DEVICE'
    device: Device | None = None
    newest: LiveFrame | None = None

    @classmethod
    def check(cls, argument: str) -> None:
        if has_pyvirtualcam():
            PyVirtualCam(argument, USUAL_RATE).close()
            return
        if not sys.platform.startswith('linux'):
            how = HOW.get(sys.platform, HOW['win32'])
            raise UserError(f'--to virtual: there is no virtual camera to write to. {how}.')
        found_device(argument)

    def open(self) -> None:
        if has_pyvirtualcam():
            self.device = PyVirtualCam(self.argument, self.rate)
        else:
            from live.v4l2 import V4l2Camera
            self.device = V4l2Camera(found_device(self.argument), SIZE)

    def send(self, frame: LiveFrame, now: float) -> None:
        assert self.device is not None, 'open comes first'
        if frame is not self.newest:
            self.newest = frame
            self.picture = letterboxed(frame.picture, self.device.size)
        self.device.write(self.picture)

    def close(self) -> None:
        if self.device is not None:
            self.device.close()
        self.device = None


class PyVirtualCam:
    """The camera of pyvirtualcam: OBS on macOS and Windows, v4l2loopback on Linux.

    Its licence is the GPL, so it is used where somebody installed it, and comes with nothing here.
    """
    size = SIZE

    def __init__(self, name: str, rate: float):
        import pyvirtualcam
        self.camera: Any = None
        try:
            self.camera = pyvirtualcam.Camera(*SIZE, rate, device=named(name) or None)
        except (RuntimeError, ValueError) as error:     # its only words for what is missing
            how = HOW.get(sys.platform, HOW['win32'])
            raise UserError(f'--to virtual: no virtual camera can be opened ({error}). '
                            f'{how}.') from error

    def write(self, picture: np.ndarray) -> None:
        self.camera.send(picture)

    def close(self) -> None:
        self.camera.close()


def has_pyvirtualcam() -> bool:
    return importlib.util.find_spec('pyvirtualcam') is not None


def found_device(argument: str) -> Path:
    """The device of that name, or the first one there is. UserError where there is none."""
    from live.v4l2 import is_loopback, loopbacks
    there = list(loopbacks())
    if not there:
        raise UserError(f'--to virtual: there is no virtual camera to write to. {HOW["linux"]}.')
    if not argument:
        return there[0]
    path = Path(named(argument))
    if not is_loopback(path):
        names = ', '.join(f'virtual:{path}' for path in there)
        raise UserError(f'--to virtual:{argument}: no virtual camera. There is {names}.')
    return path


def named(argument: str) -> str:
    """'10' is /dev/video10; any other name stays as it is."""
    return f'/dev/video{argument}' if argument.isdigit() else argument


def letterboxed(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The whole picture as large as fits into (width, height) px, in its middle, the rest black."""
    import cv2
    import numpy as np
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    wide = min(size[0], max(1, round(width * scale)))
    tall = min(size[1], max(1, round(height * scale)))
    if (wide, tall) != (width, height):
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        picture = cv2.resize(picture, (wide, tall), interpolation=how)
    left = (size[0] - wide) // 2
    top = (size[1] - tall) // 2
    whole = np.zeros((size[1], size[0], 3), np.uint8)
    whole[top:top + tall, left:left + wide] = picture
    return whole
