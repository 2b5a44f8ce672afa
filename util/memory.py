"""Memory that the program no longer uses goes back to the system."""
import ctypes
import gc
import sys


def give_back() -> None:
    """Return what was freed. The C library keeps it, for each thread its own, where a later step
    in other threads does not find it. Elsewhere than on Linux nothing happens, nor with a C library
    that has no such call."""
    gc.collect()
    if sys.platform == 'linux':
        trim = getattr(ctypes.CDLL(None), 'malloc_trim', None)
        if trim is not None:
            trim(0)
