"""Frames for the tests of sinks, and stand-ins for what a machine of tests does not have."""
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from live.controls import Controls
from live.frames import Captured, LiveFrame, Posed
from live.sinks import SINKS
from live.sinks.base import Sink
from util.sound import Loop

SIZE = 64, 96                           # (width, height) px of the painted pictures
FIGURES: dict[str, Any] = {
    'fps': {'in': 30.0, 'pose': 15.0, 'paint': 13.2, 'out': 30.0},
    'latency_ms': {'p50': 121.0, 'p95': 164.0, 'max': 240.0},
    'stage_ms': {'capture': 1.2, 'pose': 44.0, 'paint': 71.0}, 'drops': {'capture': 211, 'pose': 0},
    'ladder': 'medium: 256 px', 'seconds': 83.0, 'memory_mb': 812.4}


class Silent:
    """A camera without sound."""
    sound_from: str | None = None
    sound_loop: Loop | None = None

    def time_of(self, now: float) -> float | None:
        return None


def frame(number: int, time: float | None = None, nobody: bool = False) -> LiveFrame:
    """A painted picture that says which it is, grey 10 + 8 * number, of a camera picture twice as
    large in which somebody stands."""
    picture = np.full((SIZE[1], SIZE[0], 3), 10 + 8 * number, np.uint8)
    image = np.full((2 * SIZE[1], 2 * SIZE[0], 3), 200, np.uint8)
    found = np.ones((25, 4), np.float32)
    found[:, :2] = np.linspace((20, 20), (100, 170), 25)
    found[:, 3] = np.nan
    captured = Captured(number, number / 10 if time is None else time, image)
    posed = Posed(captured, None if nobody else found, None if nobody else found[:, :3] / 2, None,
                  'BODY_25')
    return LiveFrame(posed, picture)


def number_of(picture: np.ndarray) -> int:
    """Which picture it is, by the grey in its middle."""
    height, width = picture.shape[:2]
    return round((float(picture[height // 2, width // 2].mean()) - 10) / 8)


def made(name: str, argument: str = '', controls: Controls | None = None,
         figures: Callable[[], dict[str, Any]] = lambda: FIGURES, camera: Any = None) -> Sink:
    """A sink for pictures of SIZE, 10 a second."""
    kind = SINKS.find(name)
    return kind(argument, SIZE, 10.0, controls or Controls(), figures, camera or Silent())


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]


class Screen:
    """A window without a display: what `cv2` shows is kept, and keys are pressed by `keys`."""

    def __init__(self, monkeypatch: Any):
        import cv2
        self.shown: list[np.ndarray] = []
        self.titles: list[str] = []
        self.keys: list[str] = []
        self.is_open = False
        for name in ('namedWindow', 'resizeWindow', 'imshow', 'setWindowTitle', 'waitKey',
                     'getWindowProperty', 'destroyAllWindows'):
            monkeypatch.setattr(cv2, name, getattr(self, name))

    def namedWindow(self, *_: Any) -> None:
        self.is_open = True

    def resizeWindow(self, title: str, width: int, height: int) -> None:
        self.size = width, height

    def imshow(self, title: str, picture: np.ndarray) -> None:
        assert picture.flags.c_contiguous, 'cv2 takes no view that runs backwards'
        assert picture.shape == (self.size[1], self.size[0], 3), 'Qt enlarges no picture'
        self.shown.append(picture[:, :, ::-1])

    def setWindowTitle(self, window: str, title: str) -> None:
        self.titles.append(title)

    def waitKey(self, wait: int) -> int:
        return ord(self.keys.pop(0)) if self.keys else -1

    def getWindowProperty(self, *_: Any) -> float:
        import cv2
        if not self.is_open:
            raise cv2.error('NULL guiReceiver (please create a window)')        # as Qt has it
        return 1.0

    def destroyAllWindows(self) -> None:
        self.is_open = False


class Loopback:
    """A pipe in place of a device of v4l2loopback, and its answers to ioctl.

    held     (width, height) in which another program holds the device; None: it takes any size
    pixels   the form of its pictures in that case
    """

    def __init__(self, folder: Path, monkeypatch: Any, held: tuple[int, int] | None = None,
                 pixels: bytes = b'YU12'):
        import fcntl

        from live import v4l2
        self.path = folder / 'video7'
        os.mkfifo(self.path)
        self.held, self.pixels = held, pixels
        self.asked: list[tuple[int, ...]] = []
        self.written = bytearray()
        self.driver = v4l2.DRIVER
        # a pipe opened for both never waits for its other end
        self.end = os.open(self.path, os.O_RDWR)
        monkeypatch.setattr(v4l2, 'DEVICES', folder)
        monkeypatch.setattr(fcntl, 'ioctl', self.ioctl)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def ioctl(self, device: int, request: int, answer: bytearray) -> int:
        from live import v4l2
        if request == v4l2.QUERYCAP:
            answer[:len(self.driver)] = self.driver
        elif request == v4l2.S_FMT:
            self.asked.append(v4l2.FORMAT.unpack(answer))
            if self.held:
                answer[8:20] = struct.pack('@2I4s', *self.held, self.pixels)
        else:
            raise AssertionError(f'{request:x}')
        return 0

    def read(self) -> None:
        while block := os.read(self.end, 1 << 16):
            self.written += block
