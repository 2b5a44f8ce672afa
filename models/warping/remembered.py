"""A cache that is bounded by bytes and shared by threads."""
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar('Value')


class Remembered(Generic[Value]):
    """remembered(*key) is get(*key), computed once and kept.

    size    bytes of a value
    most    bytes of all that are kept; what was asked for longest ago goes first

    A thread that asks for what another one is computing waits for it.
    """

    def __init__(self, get: Callable[..., Value], size: Callable[[Value], int], most: float):
        self.get = get
        self.size = size
        self.most = most
        self.bytes = 0
        self.lock = Lock()
        self.kept: OrderedDict[Hashable, Future[Value]] = OrderedDict()

    def __contains__(self, key: tuple[Hashable, ...]) -> bool:
        with self.lock:
            return key in self.kept

    def __call__(self, *key: Hashable) -> Value:
        with self.lock:
            found = self.kept.get(key)
            known = found is not None
            if found is None:
                found = self.kept[key] = Future()
            self.kept.move_to_end(key)
        if not known:
            self._compute(key, found)
        return found.result()

    def _compute(self, key: tuple[Hashable, ...], found: 'Future[Value]') -> None:
        try:
            value = self.get(*key)
        except BaseException as error:
            with self.lock:
                del self.kept[key]
            found.set_exception(error)
            return
        with self.lock:
            found.set_result(value)
            self.bytes += self.size(value)
            self._forget()

    def _forget(self) -> None:
        """Let the oldest go until the rest fits; what is still being computed stays."""
        for key in list(self.kept):
            if self.bytes <= self.most or len(self.kept) == 1:
                return
            if self.kept[key].done():
                self.bytes -= self.size(self.kept.pop(key).result())
