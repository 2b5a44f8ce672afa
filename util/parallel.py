"""Work done by a pool ahead of who asks for it, and handed over in order."""
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

Result = TypeVar('Result')
T = TypeVar('T')


def in_order(pool: Executor, work: Callable[..., Result], given: Iterable[tuple[Any, ...]],
             most: int) -> Generator[Result, None, None]:
    """work(*arguments) for each of `given`, in order; what one raises is raised in its turn.

    most  how many are begun or done before they are asked for: few wait in memory

    Whoever stops before the end closes it: what has not begun by then is not done.
    """
    ahead: deque[Future[Result]] = deque()
    try:
        for arguments in given:
            ahead.append(pool.submit(work, *arguments))
            if len(ahead) > most:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def prefetch(iterator: Iterable[T], n: int = 8) -> Iterator[T]:
    """The same items, made up to `n` ahead in a thread; its errors come out here."""
    ready: Queue[tuple[bool, Any]] = Queue(n)
    left = Event()

    def put(item: tuple[bool, Any]) -> None:
        while not left.is_set():
            with suppress(Full):
                return ready.put(item, timeout=0.1)

    def fill() -> None:
        try:
            for item in iterator:
                put((True, item))
                if left.is_set():
                    return
            put((False, None))
        except BaseException as error:    # raised again where it is waited for
            put((False, error))

    thread = Thread(target=fill, daemon=True)
    thread.start()
    try:
        while True:
            more, item = ready.get()
            if more:
                yield item
            elif item is None:
                return
            else:
                raise item
    finally:
        left.set()
        with suppress(Empty):
            while True:
                ready.get_nowait()
        thread.join()
