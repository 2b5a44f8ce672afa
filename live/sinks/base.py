"""The interface of a sink: one place that the painted pictures go to."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from util.errors import UserError

if TYPE_CHECKING:                   # a sink's description must not import numpy
    from live.controls import Controls
    from live.frames import LiveFrame
    from util.sound import Loop


class Sounding(Protocol):
    """What a sink asks of the camera.

    sound_from   a file whose sound belongs to the pictures, or None
    sound_loop   which of its seconds are played again and again, or None
    """
    sound_from: str | None
    sound_loop: Loop | None

    def time_of(self, now: float) -> float | None:
        """The second of that file that was played at this time of the session's clock."""


class Sink:
    """One place that the painted pictures go to, chosen by `--to NAME[:ARGUMENT]`.

    argument   what stands behind the colon, '' where nothing does
    size       (width, height) px of every picture, both even
    rate       pictures a second that `send` is given; the last one again where none is new
    controls   the switches of the session; `press` is what a key of a window calls
    figures    gives the figures of the session, as `--report` writes them
    camera     where the pictures come from
    tags       what a film says of itself, as of VideoWriter

    `check` comes before anything is loaded. Then one thread calls `open`, `send` for each tick of
    the clock and, whatever happened, `close`. A UserError ends this sink with its sentence, and
    the session goes on if another is left. A sink that blocks misses pictures and harms no other.
    """
    NAME = ''
    DESCRIPTION = ''            # for --help, as in 'a window'
    TAKES = ''                  # what ARGUMENT is, for --help; '' where there is none
    MAIN_THREAD = False         # whether that thread is the main one: macOS shows windows from no
                                # other
    CLOSES_WITHIN = 0.5         # s that `close` is waited for: a film takes longer the longer it is

    @classmethod
    def check(cls, argument: str) -> None:
        """UserError where this cannot work on this machine, before anything is loaded."""
        if argument and not cls.TAKES:
            raise UserError(f'--to {cls.NAME}:{argument}: {cls.NAME} takes nothing behind a colon. '
                            f'Give --to {cls.NAME}.')

    @classmethod
    def place(cls, argument: str) -> str:
        """The place that the argument names, the same for all its spellings."""
        return argument

    def __init__(self, argument: str, size: tuple[int, int], rate: float, controls: Controls,
                 figures: Callable[[], dict[str, Any]], camera: Sounding,
                 tags: Mapping[str, str] | None = None):
        self.argument = argument
        self.size = size
        self.rate = rate
        self.controls = controls
        self.figures = figures
        self.camera = camera
        self.tags = tags

    def open(self) -> None:
        """Called once, before the first picture."""

    def send(self, frame: LiveFrame, now: float) -> None:
        """Show the picture; `now` is the session's clock, s. A picture that is repeated is the
        same object again."""

    def close(self) -> None:
        """The last call."""
