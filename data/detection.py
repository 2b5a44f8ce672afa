"""First pass over a source: every frame's pose, decoding and detecting side by side. No torch."""
import multiprocessing
import os
import signal
from collections.abc import Iterator
from itertools import islice
from queue import Empty
from typing import Any

import numpy as np

from data.sources import Source
from pose.detect import detectors
from pose.skeleton import skeleton_of
from pose.track import PictureWatch, PoseTrack, find_cuts
from util.errors import UserError
from util.progress import progress
from util.video import prefetch

WORTH_A_WORKER = 150     # frames: below, starting a process costs more than it saves

# number, time, pose or None, difference to the frame before
Found = tuple[int, float, np.ndarray | None, float]


def detect(source: Source, detector: str, num_workers: int | None = 1) -> PoseTrack:
    """The raw track of a source, with its shots told apart; nothing is repaired yet.

    num_workers   processes that share the work; None: one a core, up to 4

    UserError when no frame shows a person.
    """
    kind = detectors.find(detector)
    num_workers = min(num_workers or cores(), max(1, source.count // WORTH_A_WORKER))
    found = detect_alone(source, detector, 0, None) if num_workers == 1 else \
        detect_together(source, detector, num_workers)
    results = sorted(progress(found, f'finding poses ({detector})', source.count))
    if not results:
        raise UserError('the source has no frames.')
    index, times, poses, difference = zip(*results)
    if all(pose is None for pose in poses):
        raise UserError(f'no person was found in any of the {len(poses)} frames. The whole body '
                        f'must be seen, upright, and not too small; look at the video, or take '
                        f'another part of it with --start and --end.')
    nobody = np.zeros((len(skeleton_of(kind.skeleton).joints), 3), np.float32)
    joints = np.stack([nobody if pose is None else pose for pose in poses])
    shots = find_cuts(joints, np.array(times), np.array(difference), kind.skeleton)
    return PoseTrack(joints, np.array(times), np.array(index), kind.skeleton, source.size,
                     shots=shots)


def cores() -> int:
    """Processor cores this process may use, up to 4: each loads the detector anew."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return min(usable or 1, 4)


def detect_alone(source: Source, name: str, first: int, last: int | None) -> Iterator[Found]:
    """The frames number `first` to before `last` of those the source gives."""
    detector = detectors.find(name)()
    watch = PictureWatch()
    try:
        # the frame before the first is looked at too, so that a cut right there is seen
        ahead = max(first - 1, 0)
        for k, frame in enumerate(prefetch(islice(source.frames(), ahead, last)), ahead):
            difference = watch(frame.image)
            if k < first:
                continue
            if watch.jumped:
                detector.reset()
            yield frame.index, frame.time, detector(frame.image), difference
    finally:
        detector.close()


def detect_together(source: Source, name: str, num_workers: int) -> Iterator[Found]:
    """The same by several processes, each for one stretch; in no particular order."""
    context = multiprocessing.get_context('spawn')
    queue: Any = context.Queue(256)
    edges = [round(source.count * k / num_workers) for k in range(num_workers)]
    stretches = zip(edges, [*edges[1:], None])
    workers = [context.Process(target=work, args=(source, name, a, b, queue), daemon=True)
               for a, b in stretches]
    for worker in workers:
        worker.start()
    try:
        busy = num_workers
        while busy:
            try:
                item = queue.get(timeout=5)
            except Empty:
                if any(worker.exitcode for worker in workers):
                    raise UserError('a worker was stopped from outside, perhaps for want of '
                                    'memory. Try --num_workers 1.') from None
                continue
            if item is None:
                busy -= 1
            elif isinstance(item, str):
                raise UserError(item)
            else:
                yield item
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def work(source: Source, name: str, first: int, last: int | None, queue: Any) -> None:
    """One process of detect_together; None says that it is done, a str why it failed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C is the parent's to answer
    try:
        for item in detect_alone(source, name, first, last):
            queue.put(item)
        queue.put(None)
    except Exception as error:
        queue.put(f'finding poses failed in a worker: {error}. Try --num_workers 1.')
