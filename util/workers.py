"""Set-up of worker processes."""
import multiprocessing
import os
import signal
import threading


def begin_worker(threads: int = 1) -> None:
    """Set up this worker process: it ends with its parent and ignores Ctrl-C, which the parent
    handles.

    threads   of OpenCV, which uses all cores by default
    """
    import cv2
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, name='end with parent', daemon=True).start()
    cv2.setNumThreads(threads)


def end_with_parent() -> None:
    """Wait until the parent has ended, then end this process at once.

    The parent holds one end of a pipe. The pipe closes even if SIGKILL ends the parent, and is
    closed already if the parent ended before this call. Linux can send a signal instead
    (PR_SET_PDEATHSIG), but it does so when the thread that started the worker ends.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
