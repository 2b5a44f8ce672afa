"""Work done by a pool ahead of who asks for it, and handed over in order."""
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

Result = TypeVar('Result')


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
