"""A place for one value between two threads. The newest wins, so nothing ever waits in a queue."""
import math
from typing import Generic, TypeVar

from util.clock import Clock

T = TypeVar('T')


class Mailbox(Generic[T]):
    """dropped   values that gave way to a newer one before anybody took them"""

    def __init__(self, clock: Clock):
        self.clock = clock
        self.dropped = 0
        self._value: T | None = None
        self._closed = False

    def put(self, value: T) -> T | None:
        """Leave a value in place of the one that lies there, which is returned. Never waits."""
        with self.clock.changed:
            before = self._value
            self.dropped += before is not None
            self._value = value
            self.clock.changed.notify_all()
            return before

    def take(self) -> T | None:
        """The value if there is one; it is then gone. Never waits."""
        with self.clock.changed:
            value = self._value
            self._value = None
            return value

    def get(self, until: float = math.inf) -> T | None:
        """The same, waiting for it until that time of the clock; None too where the box is closed
        and empty."""
        with self.clock.changed:
            self.clock.wait_for(lambda: self._value is not None or self._closed, until)
            return self.take()

    def close(self) -> None:
        """No value comes any more. One that lies there can still be taken."""
        with self.clock.changed:
            self._closed = True
            self.clock.changed.notify_all()

    @property
    def is_over(self) -> bool:
        """Whether it is closed and empty."""
        return self._closed and self._value is None
