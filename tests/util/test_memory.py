"""What was freed goes back to the system."""
import ctypes
import resource
import sys
from pathlib import Path
from threading import Thread

import pytest

from util.memory import give_back

BLOCK = 50_000      # bytes: less than what the C library takes from the system one by one
COUNT = 2_000


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path('/proc/self/statm').read_text(encoding='ascii').split()[1])
    return resource.getpagesize() * pages


@pytest.mark.skipif(sys.platform != 'linux' or not hasattr(ctypes.CDLL(None), 'malloc_trim'),
                    reason='needs Linux with glibc')
def test_what_a_thread_freed_goes_back_though_something_small_is_kept():
    kept = []

    def work():
        blocks = [bytearray(b'x' * BLOCK) for _ in range(COUNT)]
        kept.append(bytearray(b'y' * BLOCK))        # above the others, so that these stay held
        blocks.clear()
    thread = Thread(target=work)
    thread.start()
    thread.join()
    held = resident()
    give_back()
    assert held - resident() > 0.5 * BLOCK * COUNT
    assert len(kept[0]) == BLOCK


def test_without_such_a_call_nothing_happens(monkeypatch):
    monkeypatch.setattr('util.memory.ctypes.CDLL', lambda _: object())
    give_back()
