"""A window on the screen, whose keys are those of the session."""
from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from live.sinks.base import Sink
from util.errors import UserError

if TYPE_CHECKING:
    from live.frames import LiveFrame

TITLE = 'body2body'
INSTEAD = 'Give --to http to see the picture in a browser, or --to out.mp4 to record it.'
# a display that does not answer ends the process that asks it, so another one asks
PROBE = "import cv2; cv2.namedWindow('probe'); cv2.destroyAllWindows()"
ANSWERS_WITHIN = 20.0       # s in which a window opens on the slowest machine
TELLS_EVERY = 1.0           # s between two updates of the title
LONGER = 720                # px, longer side of what is shown: seen from some steps away, and not
                            # larger than a small screen. Qt's windows enlarge no picture


class WindowSink(Sink):
    """The picture in a window. Closing it ends the session, as the key q does."""
    NAME = 'window'
    DESCRIPTION = 'a window on the screen'
    MAIN_THREAD = True

    @classmethod
    def check(cls, argument: str) -> None:
        super().check(argument)
        reason = why_not()
        if reason:
            raise UserError(f'--to window: {reason}. {INSTEAD}')

    def open(self) -> None:
        import cv2
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        scale = LONGER / max(self.size)
        self.shown = round(self.size[0] * scale), round(self.size[1] * scale)
        cv2.resizeWindow(TITLE, *self.shown)
        self.titled_at = 0.0

    def send(self, frame: LiveFrame, now: float) -> None:
        import cv2

        from util.images import fitted
        picture = cv2.cvtColor(fitted(frame.picture, self.shown), cv2.COLOR_RGB2BGR)
        cv2.imshow(TITLE, cv2.flip(picture, 1) if self.controls.flipped else picture)
        if now - self.titled_at >= TELLS_EVERY:
            self.titled_at = now
            cv2.setWindowTitle(TITLE, title(self.figures(), self.controls.recording))
        key = cv2.waitKey(1)
        if 0 <= key < 0x110000:
            self.controls.press(chr(key))
        if not is_open():
            self.controls.end()

    def close(self) -> None:
        import cv2
        cv2.destroyAllWindows()
        cv2.waitKey(1)


def is_open() -> bool:
    """Whether the window is there still."""
    import cv2
    try:
        return cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:           # Qt's word for no window at all
        return False


def why_not() -> str:
    """Why no window can be shown here; '' where one can."""
    import cv2
    toolkit = cv2.currentUIFramework()
    if not toolkit:
        return 'this OpenCV was built without windows (opencv-python-headless)'
    if sys.platform != 'linux':
        return ''
    if not os.environ.get('DISPLAY') and not os.environ.get('WAYLAND_DISPLAY'):
        return 'there is no display here'
    try:
        asked = subprocess.run([sys.executable, '-c', PROBE], capture_output=True,
                               timeout=ANSWERS_WITHIN)
    except subprocess.TimeoutExpired:
        return 'the display does not answer'
    return 'the display cannot be opened' if asked.returncode else ''


def title(figures: dict, recording: bool) -> str:
    """The title of the window: the rate that is painted, the delay, and whether it is recorded."""
    parts = [TITLE]
    painted = figures.get('fps', {}).get('paint')
    delay = figures.get('latency_ms', {}).get('p50')
    if painted is not None:
        parts.append(f'{painted:.0f} pictures a second')
    if delay is not None:
        parts.append(f'{delay:.0f} ms')
    if recording:
        parts.append('recording')
    return ' · '.join(parts)
