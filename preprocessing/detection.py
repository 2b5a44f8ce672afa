"""First pass over a source: find everybody in every frame, in parallel. No torch."""
import os
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from operator import itemgetter

import cv2
import numpy as np

from pose.detect import detector_for, with_masks
from pose.masks import PersonMask
from pose.shots import PictureWatch, find_cuts
from pose.skeleton import skeleton_of, skeleton_with
from pose.track import PoseTrack
from pose.tracking.appearance import appearance_of
from pose.tracking.people import Picked, pick_person
from preprocessing.film import FilmAhead
from preprocessing.sources import Source
from util.errors import UserError
from util.options import Options
from util.parallel import merged, prefetch
from util.progress import progress

WORTH_A_WORKER = 75     # frames: below, finding everybody once more costs more than it saves
IN_MEMORY = 256         # frames of which all is found that wait to be taken

Masks = list[PersonMask | None]
# number, time, people (N, K, 4), looks (N, L), difference to the frame before, N masks
Found = tuple[int, float, np.ndarray, np.ndarray, float, Masks]


@dataclass(frozen=True)
class Detected:
    """Everybody in every frame of a source, as the detector gave it.

    index, times  int64 (F,) the frame's number; float64 (F,) seconds
    people        per frame float32 (N, K, 4): x px, y px, confidence, depth px; N may be 0
    looks         per frame float32 (N, L): the clothes' colours, as appearance_of gives them
    difference    float (F,) to the picture before, as PictureWatch gives it
    skeleton      the numbering of the K joints
    masks         per frame one for each of its people, None where there is none; [] if nobody asked
    """
    index: np.ndarray
    times: np.ndarray
    people: list[np.ndarray]
    looks: list[np.ndarray]
    difference: np.ndarray
    skeleton: str
    size: tuple[int, int]
    masks: list[Masks] = field(default_factory=list)

    def one(self, person: str) -> tuple[PoseTrack, Picked]:
        """The raw track of one person with its shots, and everybody there was to choose from."""
        picked = pick_person(self.people, self.looks, self.times, self.difference, self.skeleton,
                             self.size, person)
        nobody = np.zeros((len(skeleton_of(self.skeleton).joints), 4), np.float32)
        nobody[:, 3] = np.nan
        joints = np.stack([people[row] if row >= 0 else nobody
                           for people, row in zip(self.people, picked.rows)])
        shots = find_cuts(joints[..., :3], self.times, self.difference, self.skeleton)
        depth = joints[..., 3]
        return PoseTrack(joints[..., :3], self.times, self.index, self.skeleton, self.size,
                         shots=shots, depth=None if np.isnan(depth).all() else depth), picked


def detect(source: Source, opt: Options, film: FilmAhead | None = None) -> Detected:
    """Find everybody in every frame, with --detector, --parts and the detector's own flags.

    opt.num_workers   threads that share the work; None: one for each core, up to 4
    film              gets every frame, if given

    UserError if no frame shows a person.
    """
    num_workers = min(opt.num_workers or cores(), max(1, source.count // WORTH_A_WORKER))
    if num_workers == 1:
        found = detect_alone(source, opt, 0, None, film)
    else:
        found = detect_together(source, opt, num_workers, film)
    with closing(found):        # a signal may come while the bar is drawn: no thread works on
        results = sorted(progress(found, f'finding poses ({opt.detector})', source.count),
                         key=itemgetter(0))
    if not results:
        raise UserError('the source has no frames.')
    index, times, people, looks, difference, masks = zip(*results)
    joints = {each.shape[1] for each in people if len(each)}
    if not joints:
        raise UserError(f'no person was found in any of the {len(people)} frames. The whole body '
                        f'must be seen, upright, and not too small; look at the video, or take '
                        f'another part of it with --start and --end.')
    skeleton = skeleton_with(joints.pop()).name
    return Detected(np.array(index), np.array(times), list(people), list(looks),
                    np.array(difference), skeleton, source.size, list(masks))


Find = Callable[[Source, Options, FilmAhead | None], Detected]      # detect, or as it does


def cores() -> int:
    """Processor cores this process may use, up to 4, as each worker loads its own detector."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    return min(usable or 1, 4)


def detect_alone(source: Source, opt: Options, first: int, last: int | None,
                 film: FilmAhead | None = None) -> Generator[Found, None, None]:
    """The frames of the source from number `first` up to, without, `last`."""
    detector = detector_for(opt)
    cuts_out = not opt.poses_only or bool(opt.keep_scene)    # else only poses are written
    if cuts_out:
        detector = with_masks(detector)
    watch = PictureWatch()
    try:
        # the frame before the first is looked at too, so that a cut right there is seen
        ahead = max(first - 1, 0)
        for k, frame in enumerate(prefetch(source.frames(slice(ahead, last))), ahead):
            difference = watch(frame.image)
            if k < first:
                continue
            if film:
                film.write(frame)
            if watch.jumped:
                detector.reset()
            people = detector(frame.image, frame.index)
            looks = [appearance_of(frame.image, pose[:, :3], skeleton_with(len(pose)))
                     for pose in people]
            shown = np.stack(looks) if looks else np.zeros((0, 0), np.float32)
            masks = detector.masks() if cuts_out else []
            yield frame.index, frame.time, people, shown, difference, masks
    finally:
        detector.close()


def detect_together(source: Source, opt: Options, num_workers: int,
                    film: FilmAhead | None = None) -> Generator[Found, None, None]:
    """The same by several threads, one for each stretch; in no particular order.

    Networks, decoding and OpenCV run outside of Python, so that threads use all cores. A process
    would spend a second of a core on importing the detector again.
    """
    edges = [source.count * k // num_workers for k in range(num_workers)]
    before = cv2.getNumThreads()
    cv2.setNumThreads(max(1, (os.cpu_count() or 1) // num_workers))     # it takes all for each
    stretches = [detect_alone(source, opt, a, b, film) for a, b in zip(edges, [*edges[1:], None])]
    try:
        yield from merged(stretches, IN_MEMORY)
    finally:
        cv2.setNumThreads(before)
