"""A web page on this computer: the picture, the camera's skeleton, figures and buttons."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from live.sinks.base import Sink
from util.errors import NO_RIGHT, UserError, say

if TYPE_CHECKING:
    import numpy as np

    from live.frames import LiveFrame, Posed
    from live.server import Server

PORT = 8090
QUALITY = 85                # of the JPEGs, without blocks to be seen: 0.3 ms and 29 kB at 256x454,
                            # 2.4 ms and 140 kB at 720x1280 on an older EPYC, busy
SMALL = 320                 # px, longer side of the camera's picture on the page
DIM = 0.55                  # of the camera's brightness, so that the skeleton stands out
SKELETON_EVERY = 0.1        # s between two of its pictures: it is looked at in passing


class HttpSink(Sink):
    """Serves on the loopback address. Each picture is encoded once, while somebody looks."""
    NAME = 'http'
    DESCRIPTION = 'a web page on this computer, also for OBS'
    TAKES = 'PORT'
    server: Server | None = None
    newest: LiveFrame | None = None         # what was sent to /video last
    camera_after = 0.0                      # s of the session's clock: the next one for /skeleton

    @classmethod
    def check(cls, argument: str) -> None:
        from tornado.netutil import bind_sockets
        port = port_of(argument)
        try:
            for taken in bind_sockets(port, '127.0.0.1'):
                taken.close()
        except OSError as error:
            raise refused(port, error) from error

    @classmethod
    def place(cls, argument: str) -> str:
        return str(port_of(argument))

    def open(self) -> None:
        from live.page import obs_page, page
        from live.server import Server, Stream
        port = port_of(self.argument)
        self.streams = {'/video': Stream(), '/skeleton': Stream()}
        try:
            self.server = Server(port, {'/': page(self.size), '/obs': obs_page()}, self.streams,
                                 self.answer, self.press)
        except OSError as error:
            raise refused(port, error) from error
        say(f'the picture: http://127.0.0.1:{self.server.port}/')

    def answer(self) -> dict[str, Any]:
        """What /figures answers."""
        return {**self.figures(), 'switches': self.controls.state()}

    def press(self, key: str) -> bool:
        from live.controls import KEYS
        if key not in KEYS:
            return False
        self.controls.press(key)
        return True

    def send(self, frame: LiveFrame, now: float) -> None:
        assert self.server is not None, 'open comes first'
        video = self.streams['/video']
        if video.watched and (frame is not self.newest or video.is_bare):
            self.newest = frame
            self.server.put('/video', jpeg(frame.picture))
        if self.streams['/skeleton'].watched and now >= self.camera_after:
            self.camera_after = now + SKELETON_EVERY
            self.server.put('/skeleton', jpeg(with_skeleton(frame.posed)))

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
        self.server = None


def port_of(argument: str) -> int:
    """The port that the user named, or the usual one."""
    if not argument:
        return PORT
    is_number = argument.isascii() and argument.isdecimal()
    if not is_number or not 0 < int(argument) < 65536:
        raise UserError(f'--to http:{argument}: a port is a number from 1 to 65535. '
                        f'Give --to http:{PORT}.')
    return int(argument)


def refused(port: int, error: OSError) -> UserError:
    reason = 'another program uses this port'
    if error.errno in NO_RIGHT:
        reason = 'this port is for the system'
    other = PORT if port != PORT else PORT + 1
    return UserError(f'--to http:{port}: {reason}. Give another one, such as --to http:{other}.')


def jpeg(picture: np.ndarray) -> bytes:
    """uint8 (H, W, 3) RGB as JPEG."""
    import cv2
    how = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    _, encoded = cv2.imencode('.jpg', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), how)
    return encoded.tobytes()


def with_skeleton(posed: Posed) -> np.ndarray:
    """The camera's picture, small and dim, with the skeleton that was found in it."""
    import cv2
    import numpy as np

    from pose.draw import draw_pose
    image = posed.captured.image
    height, width = image.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.convertScaleAbs(small, alpha=DIM)
    if posed.found is None:
        return small
    joints = np.nan_to_num(posed.found[:, :3] * (scale, scale, 1))
    drawn = draw_pose(joints, size, skeleton=posed.skeleton)
    return np.where(drawn.any(2, keepdims=True), drawn, small)
