"""The time that threads share, and what they wait on. A test gives one that jumps."""
import math
import threading
import time
from collections.abc import Callable


class Clock:
    """changed   held while something is changed that another thread may wait for, and notified"""

    def __init__(self) -> None:
        self.changed = threading.Condition()

    def now(self) -> float:
        """Seconds from any origin; they never go back."""
        return time.monotonic()

    def wait_for(self, is_so: Callable[[], bool], until: float = math.inf) -> bool:
        """Wait until `is_so()`, which is asked whenever `changed` is notified, or until that time.
        Returns whether it is so."""
        with self.changed:
            left = None if until == math.inf else max(until - self.now(), 0)
            return self.changed.wait_for(is_so, left)

    def tell(self) -> None:
        """Let every thread that waits ask again."""
        with self.changed:
            self.changed.notify_all()
