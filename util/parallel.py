"""Runs work in the background and hands the results over in order."""
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
    """An ordered map: work(*arguments) for each of `given`; raises an exception in its turn.

    most  how many calls may run or be finished before their result is read; limits memory

    Closing the generator early cancels every call that has not started.
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
    """The same items, produced up to `n` ahead in a thread; raises the thread's errors here."""
    return merged([iterator], n)


def merged(iterators: Iterable[Iterable[T]], n: int) -> Iterator[T]:
    """The items of all iterators as they come, each iterator in a thread of its own, together up
    to `n` ahead; raises the threads' errors here."""
    ready: Queue[tuple[bool, Any]] = Queue(n)
    left = Event()

    def put(item: tuple[bool, Any]) -> None:
        while not left.is_set():
            with suppress(Full):
                return ready.put(item, timeout=0.1)

    def fill(iterator: Iterable[T]) -> None:
        try:
            for item in iterator:
                put((True, item))
                if left.is_set():
                    if isinstance(iterator, Generator):
                        iterator.close()
                    return
            put((False, None))
        except BaseException as error:    # raised again in the thread that waits
            put((False, error))

    threads = [Thread(target=fill, args=(each,), daemon=True) for each in iterators]
    busy = len(threads)
    try:
        for thread in threads:
            thread.start()
        while busy:
            more, item = ready.get()
            if more:
                yield item
            elif item is None:
                busy -= 1
            else:
                raise item
    finally:
        left.set()
        with suppress(Empty):
            while True:
                ready.get_nowait()
        for thread in threads:
            if thread.ident is not None:        # it was started
                thread.join()
