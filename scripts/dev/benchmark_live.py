"""A whole live session, from the camera to the output; called by benchmark.py live.

The camera is a file of 30 pictures a second, played at its own pace.
"""
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from scripts.dev.filmed import NAME, Size, dancer, film_dataset, indexed
from util.errors import say

RATE = 30.0
STUB_MS = 100.0                 # what the painter of the first session takes
SECONDS = 20.0
WITHIN = 2                      # drops that may differ from those reckoned
SIZE = (256, 256)               # of the run
CAMERA = (406, 720)             # of the camera
FILMED = 150                    # frames of the run's film, and of the camera's
# asked of two old cores, and aimed at: painted pictures a second, delay of 95 of 100 pictures, ms
ASKED, AIM = (12.0, 200.0), (15.0, 150.0)


def sessions(seconds: float = SECONDS, name: str | None = None, checkpoints: str | None = None,
             camera: str | None = None) -> dict[str, Any]:
    """A session with a painter that takes 100 ms for anything, and one that paints with a run.

    name, checkpoints   the run; default: body2body of a drawn dancer, 256x256
    camera              the film before the camera; default: a drawn dancer
    Returns             the figures of the second one
    """
    with tempfile.TemporaryDirectory() as folder:
        film = camera or str(camera_film(CAMERA, FILMED, Path(folder, 'camera.mp4')))
        say(stubbed(film, min(seconds, SECONDS)))
        if name is None:
            indexed(film_dataset(SIZE, FILMED, Path(folder)), Path(folder))
            name, checkpoints = NAME, str(Path(folder, 'runs'))
        run = ['--name', name, '--checkpoints_dir', checkpoints or './checkpoints']
        figures = painted(run, film, seconds)
    say(told(figures))
    return figures


def camera_film(size: Size, count: int, path: Path) -> Path:
    """A film of 30 pictures a second of the drawn dancer."""
    from util.video_writer import VideoWriter
    with VideoWriter(path, fps=RATE) as video:
        for picture, _ in dancer(size, count):
            video.write(picture)
    return path


def painted(run: Sequence[str], camera: str, seconds: float) -> dict[str, Any]:
    """The figures of webcam.py."""
    import webcam
    with redirect_stdout(StringIO()):
        return webcam.main([*run, '--camera', camera, '--loop', '--to', 'null', '--rate',
                            f'{RATE:g}', '--seconds', f'{seconds:g}'])


def told(figures: dict[str, Any]) -> str:
    from live.figures import line
    fps = figures['fps']['paint']
    delay = figures['latency_ms']['p95'] or np.inf
    stages = ', '.join(f'{name} {ms} ms' for name, ms in figures['stage_ms'].items())
    asked = 'as asked' if fps >= ASKED[0] and delay <= ASKED[1] else 'NOT as asked'
    return (f'live: {line(figures)}\n  {figures["ladder"]}\n  {stages}; {figures["memory_mb"]} MB '
            f'at the end\n  painted {fps:.1f} a second (asked {ASKED[0]:g}, aim {AIM[0]:g}), 95 of '
            f'100 within {delay:.0f} ms (asked {ASKED[1]:g}, aim {AIM[1]:g}): {asked}')


def stubbed(camera: str, seconds: float) -> str:
    """What a session does whose painter takes 100 ms, against what is reckoned."""
    from live.controls import Controls
    from live.figures import Figures
    from live.ladder import Ladder
    from live.quality import Quality
    from live.session import Parts, Session
    from live.stages import Output
    from util.camera import FileCamera
    from util.clock import Clock
    quality = Quality('stub', min(SIZE), 1, False, 1)
    clock, controls = Clock(), Controls()
    figures = Figures(clock)
    filming = FileCamera(camera, loop=True)
    sink = Order()
    parts = Parts(filming, NoPose(), Slow(clock, quality), Ladder([quality], RATE), controls,
                  lambda size: [Output('null', sink, clock, figures)])    # type: ignore[arg-type]
    with redirect_stdout(StringIO()):
        Session(parts, clock, figures, RATE, seconds).run()
    total = figures.total()
    fps = total['fps']
    delay = total['latency_ms']['p95'] or np.inf
    reckoned = round(total['seconds'] * (filming.fps - 1e3 / STUB_MS))
    bound = STUB_MS + 1e3 / filming.fps + 1e3 / RATE
    order = 'kept' if sink.is_kept else 'BROKEN'
    return (f'a painter of {STUB_MS:g} ms: {fps["paint"]:.1f} painted a second, {fps["out"]:.1f} '
            f'out; {total["drops"]["paint"]} dropped before it ({reckoned} reckoned, +-{WITHIN}); '
            f'95 of 100 within {delay:.0f} ms (bound {bound:.0f}); order {order}')


class NoPose:
    """Finds nobody, in no time."""
    every = 1

    def __call__(self, captured: Any) -> Any:
        from live.frames import Posed
        return Posed(captured, None, None, None, 'BODY_25')

    def measure_again(self) -> None: ...


class Slow:
    """Paints nothing in STUB_MS."""

    def __init__(self, clock: Any, quality: Any):
        self.clock, self.quality, self.size = clock, quality, SIZE
        self.picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)

    def __call__(self, posed: Any) -> np.ndarray:
        self.clock.wait_for(lambda: False, self.clock.now() + STUB_MS / 1e3)
        return self.picture

    def next_background(self) -> None: ...

    def prepare(self) -> bool:
        return False


class Order:
    """A sink that only looks whether pictures come in their order."""
    MAIN_THREAD = False
    CLOSES_WITHIN = 0.5
    newest = -1
    is_kept = True

    def open(self) -> None: ...

    def send(self, frame: Any, now: float) -> None:
        self.is_kept &= frame.seq >= self.newest
        self.newest = frame.seq

    def close(self) -> None: ...
