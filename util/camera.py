"""Where live pictures come from: a camera by its number, a video file at its own pace, an address.

A picture is uint8 (H, W, 3) RGB. Its time is that of the clock when it was captured.
"""
import os
import re
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import cv2
import numpy as np

from util.clock import Clock
from util.errors import UserError, warn
from util.images import fitted
from util.sound import Loop
from util.video import Frame, probe, read_frames, times_of

ADDRESS = re.compile(r'[a-z][a-z0-9+.-]+://', re.I)
LOCAL = 'file://'
DEVICE = re.compile('^/dev/video(?=[0-9]+$)')       # Linux's name of the camera of that number
LARGEST = 2 ** 31 - 1       # number of a camera that OpenCV takes
ASKED = 4                   # numbers that are tried where the system does not list its cameras
# s that a file may be behind its own pace. It is then played later: where decoding is too slow for
# that pace, every frame would be dropped. After a sudden stall it catches up by dropping frames
BEHIND = 0.5
MOST_FPS = 1000             # an address may say anything
ANSWER = 10_000             # ms in which an address must answer, and give the next picture
# what else there is, for webcam.py and for preprocess.py
LIVE_HINT = 'A video file or an address does as well: --camera dancer.mp4'
FILM_HINT = 'A video file does as well: --video me.mp4'


class Picture(NamedTuple):
    """number   from 0; numbers that are missing were dropped
    time     seconds on the clock at which it was captured
    image    uint8 (H, W, 3) RGB
    """
    number: int
    time: float
    image: np.ndarray


class Camera:
    """name         as --camera gives it
    fps          pictures a second; 0 where it does not say
    sound_from   a file whose sound belongs to the pictures, or None
    sound_loop   which of its seconds are played again and again, or None
    measured     whether a file begins again at its end until `rewind`, so that it lasts while the
                 stages are measured with it
    """
    name: str
    fps = 0.0
    sound_from: str | None = None
    sound_loop: Loop | None = None

    def __init__(self, mirror: bool = False):
        self.mirror = mirror
        self.closed = self.measured = False

    def pictures(self, clock: Clock) -> Generator[Picture, None, None]:
        """Every picture as it comes, until `close`. UserError where it stops giving any."""
        raise NotImplementedError

    def time_of(self, seconds: float) -> float:
        """The second of `sound_from` that belongs to a picture captured at that time of the
        clock."""
        return 0.0

    def rewind(self) -> None:
        """Let a file begin again now."""

    def close(self) -> None:
        """Give no more pictures."""
        self.closed = True

    def turned(self, image: np.ndarray) -> np.ndarray:
        """The picture, mirrored where that is asked for."""
        return np.ascontiguousarray(image[:, ::-1]) if self.mirror else image


class FileCamera(Camera):
    """A video that is played at its own pace, as a camera would film it.

    A picture is late where it is taken or decoded too slowly; it is dropped where the next one is
    due already.

    size   (width, height) px that its pictures are scaled to; None: its own
    fps    most pictures a second that are taken; None: all
    loop   whether it begins again after its end

    begun          when the pass before this one began, and this one: seconds on the clock
    first          the second in the file of the first frame
    over           when the newest picture gives way to the next one
    behind         s that the frame before was behind its own pace; least: after a stall, the least
                   since then, else None
    """

    def __init__(self, path: str, mirror: bool = False, size: tuple[int, int] | None = None,
                 fps: float | None = None, loop: bool = False):
        super().__init__(mirror)
        self.info = probe(path)
        self.name = path
        self.thinned = fps
        self.fps = min(fps or self.info.fps, self.info.fps)
        self.sound_from = path if self.info.sound else None
        self.size = keeping_shape(self.info.size, size) if size else None
        self.loop = loop
        if loop and self.sound_from:
            times = times_of(path)
            played = times.seconds[times.choose(0.0, None, fps)]
            self.sound_loop = Loop(float(played[0]), float(played[-1]) + 1 / self.fps)
        self.first = self.over = 0.0
        self.begun = 0.0, 0.0
        self.behind = 0.0
        self.least: float | None = None
        self.number = 0
        self.rewound = False

    def pictures(self, clock: Clock) -> Generator[Picture, None, None]:
        self.over = clock.now()
        self.begun = self.over, self.over
        while not self.closed:
            self.begun = self.begun[1], self.over
            self.rewound = False
            yield from self.one_pass(clock)
            if self.rewound:
                self.over = clock.now()
            elif not self.loop and not self.measured:
                return

    def one_pass(self, clock: Clock) -> Generator[Picture, None, None]:
        """The pictures from the start of the file to its end, without those that are dropped."""
        frames = read_frames(self.name, fps=self.thinned)
        frame: Frame | None = next(frames)
        assert frame is not None
        self.first = frame.time
        while frame is not None and not self.closed and not self.rewound:
            after = next(frames, None)      # decoded while this one is waited for
            self.keep_pace(clock.now() - self.due(frame))
            due = self.due(frame)
            self.over = due + 1 / self.fps if after is None else self.due(after)
            clock.wait_for(lambda: self.closed or self.rewound, due)
            if not self.closed and not self.rewound and (self.over > clock.now() or after is None):
                yield Picture(self.number, due, self.shown(frame.image))
            self.number += 1
            frame = after

    def keep_pace(self, behind: float) -> None:
        """Play on later where a frame is too late, s, unless that is catching up after a stall."""
        is_stall = self.least is None and behind - self.behind >= BEHIND
        catches_up = self.least is not None and behind < self.least + BEHIND / 10
        if behind <= BEHIND:
            self.least = None
        elif is_stall or catches_up:
            self.least = behind if self.least is None else min(self.least, behind)
        else:
            self.begun = self.begun[0], self.begun[1] + behind
            self.least = None
        self.behind = behind

    def due(self, frame: Frame) -> float:
        """The time of the clock at which that frame is captured."""
        return self.begun[1] + frame.time - self.first

    def shown(self, image: np.ndarray) -> np.ndarray:
        return self.turned(fitted(image, self.size) if self.size else image)

    def time_of(self, seconds: float) -> float:
        before, this = self.begun
        since = seconds - this
        if since < 0 and this > before:         # a film may begin with a picture of an earlier pass
            since %= this - before
        return max(since, 0.0) + self.first

    def rewind(self) -> None:
        self.measured = False
        self.rewound = True


class OpenedCamera(Camera):
    """A camera or an address that OpenCV opens.

    number    of the camera; None: the name is an address
    is_film   whether the address is that of a film with an end, which is played at its own pace
    """

    def __init__(self, name: str, mirror: bool = False, size: tuple[int, int] | None = None,
                 fps: float | None = None, live: bool = True):
        """live   False: to be filmed with; the camera's settings stay as they are"""
        super().__init__(mirror)
        self.name = name
        self.number = int(name) if name.isdecimal() else None
        if self.number is not None and self.number > LARGEST:
            raise no_camera(name, LIVE_HINT if live else FILM_HINT)
        with quiet():
            self.capture = opened(name if self.number is None else self.number)
        if not self.capture.isOpened():
            raise no_camera(name, LIVE_HINT if live else FILM_HINT)
        if self.number is not None and live:
            self.ask(size, fps)
        said = self.capture.get(cv2.CAP_PROP_FPS) if live else 0.0
        self.fps = said if 0 < said < MOST_FPS else 0.0
        count = self.capture.get(cv2.CAP_PROP_FRAME_COUNT) if self.number is None else 0
        self.is_film = count > 0 and self.fps > 0

    def ask(self, size: tuple[int, int] | None, fps: float | None) -> None:
        """Ask the camera for a size and a rate; it gives what is nearest to them."""
        # a camera sends large pictures quickly enough only as JPEG
        self.capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*'MJPG'))
        width, height = size or (1280, 720)
        for what, value in ((cv2.CAP_PROP_FRAME_WIDTH, width),
                            (cv2.CAP_PROP_FRAME_HEIGHT, height), (cv2.CAP_PROP_FPS, fps or 30),
                            (cv2.CAP_PROP_BUFFERSIZE, 1)):
            self.capture.set(what, value)

    def pictures(self, clock: Clock) -> Generator[Picture, None, None]:
        number = 0
        start = clock.now()
        try:
            while not self.closed:
                is_read, image = self.capture.read()
                if self.is_film:
                    clock.wait_for(lambda: self.closed, start + number / self.fps)
                now = clock.now()
                if self.closed or self.is_film and not is_read:
                    return
                if not is_read:
                    raise UserError(f'--camera {self.name}: stopped giving pictures after '
                                    f'{now - start:.1f} s.')
                yield Picture(number, now, self.turned(np.ascontiguousarray(image[..., ::-1])))
                number += 1
        finally:
            self.capture.release()


def keeping_shape(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a picture of that size, scaled to fit into a (width, height)."""
    share = min(np.divide(room, size))
    return max(1, round(share * size[0])), max(1, round(share * size[1]))


def opened(name: str | int) -> cv2.VideoCapture:
    if isinstance(name, int):
        return cv2.VideoCapture(name)
    patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, ANSWER, cv2.CAP_PROP_READ_TIMEOUT_MSEC, ANSWER]
    return cv2.VideoCapture(name, cv2.CAP_FFMPEG, patience)


def open_camera(name: str, mirror: bool = False, size: tuple[int, int] | None = None,
                fps: float | None = None, loop: bool = False) -> Camera:
    """The camera of that number, video file or address. UserError where there is none.

    size, fps   what a camera is asked for; of a file what its pictures become; None: as it has
    """
    name = DEVICE.sub('', name)
    if name.lower().startswith(LOCAL):      # OpenCV mirrors no picture, and reads no sound
        name = url2pathname(urlsplit(name).path)
    if name.isdecimal() or ADDRESS.match(name):
        camera = OpenedCamera(name, mirror, size, fps)
        if camera.is_film:      # OpenCV takes the first stream, and turns and mirrors nothing
            warn(f'--camera {name}: a film at an address is shown as it is stored: not upright if '
                 f'a phone was held upright, without its sound, HDR too dark. Save it and give '
                 f'its file to have it as players show it.')
        return camera
    if not Path(name).is_file():
        raise no_camera(name)
    return FileCamera(name, mirror, size, fps, loop)


def no_camera(name: str, hint: str = LIVE_HINT) -> UserError:
    """The error for a camera, file or address that cannot be opened; lists the cameras.

    hint   what else there is
    """
    if ADDRESS.match(name):
        return UserError(f'--camera {name}: nobody gives a video there. Check the address, or give '
                         f'a file or the number of a camera.')
    if Path(name).is_dir():
        return UserError(f'--camera {name}: that is a folder. Give a video file in it, the number '
                         f'of a camera, as in --camera 0, or an address.')
    if not name.isdecimal():
        return UserError(f'--camera {name}: there is no such file. Give the number of a camera, '
                         f'as in --camera 0, a video file or an address.')
    numbers = cameras()
    if int(name) in numbers:
        return UserError(f'--camera {name}: no such camera that gives pictures: another program '
                         f'holds it, or you may not open it. Close that program. {hint}')
    there = ', '.join(map(str, numbers))
    there = f'There is {there}.' if numbers else 'This computer shows none.'
    return UserError(f'--camera {name}: no such camera. {there} {hint}')


def cameras() -> list[int]:
    """The numbers of the cameras that there are."""
    if sys.platform == 'linux':
        names = (path.name[len('video'):] for path in Path('/dev').glob('video*'))
        return sorted(int(name) for name in names if name.isdecimal())
    found = []
    with quiet():
        for number in range(ASKED):
            capture = cv2.VideoCapture(number)
            if capture.isOpened():
                found.append(number)
            capture.release()
    return found


@contextmanager
def quiet() -> Iterator[None]:
    """Within the block OpenCV prints nothing of what it cannot open."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')       # FFmpeg's word for nothing
    level = cv2.getLogLevel()
    cv2.setLogLevel(0)
    try:
        yield
    finally:
        cv2.setLogLevel(level)
