"""What every worker process of ours does first."""
import multiprocessing
import os
import signal
import threading


def begin_worker(threads: int = 1) -> None:
    """Set up this worker process: it ends with its parent, and leaves Ctrl-C to it.

    threads   of OpenCV, which takes all cores unasked
    """
    import cv2
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, name='end with parent', daemon=True).start()
    cv2.setNumThreads(threads)


def end_with_parent() -> None:
    """Wait for the parent's end, however that comes, and then end this process at once.

    The parent holds one end of a pipe, which closes even where SIGKILL took it, and which is
    closed already where it died before this. Linux could send a signal instead
    (PR_SET_PDEATHSIG), but it does so when the thread ends that started the worker.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
