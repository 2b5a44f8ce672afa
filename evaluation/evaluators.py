"""What measures painted films, frame by frame: each evaluator is shown every frame once, in order.

An evaluator knows nothing of files and models. One more: a subclass, and its place in
evaluation.evaluate.make_evaluators.

Shape letters: F frames, K joints, H W pixels.
"""
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pose.body import heights
from pose.detect.base import Detector
from pose.skeleton import convert, skeleton_of
from util.images import size_of
from util.metrics.frechet import frechet_distance
from util.metrics.lpips import SMALLEST, Features, Lpips
from util.metrics.motion import Motion
from util.metrics.names import BOX, picture_scores
from util.metrics.poses import pose_error

Box = tuple[slice, slice]
FLOW_SMALLEST = 12      # px: optical flow needs as many


@dataclass(frozen=True)
class FrameSet:
    """One frame of every film, all of one size.

    methods      {name: uint8 (H, W, 3)}, the painted one first
    real     uint8 (H, W, 3), None where there is no truth
    pose     float32 (K, 3) that was asked for, in px of these pictures; None where unknown
    box      rows and columns about the person; None where nobody is
    follows  whether it comes right after the frame before
    """
    methods: dict[str, np.ndarray]
    real: np.ndarray | None
    pose: np.ndarray | None
    box: Box | None
    follows: bool


class Evaluator:
    """frames[film][key]: a number for each frame that was looked at, NaN where it has none."""

    def __init__(self) -> None:
        self.frames: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def process(self, frame_set: FrameSet) -> None:
        """Measure one frame of every film."""
        raise NotImplementedError

    def scores(self) -> dict[str, dict[str, float]]:
        """{film: {key: value}} of whole films; NaN where unknown."""
        return {film: {key: mean(values) for key, values in keys.items()}
                for film, keys in self.frames.items()}

    def close(self) -> None:
        """Give back what it holds; the scores stay."""

    def keep(self, film: str, found: dict[str, float]) -> None:
        """What was found of the film's next frame."""
        for key, value in found.items():
            self.frames[film][key].append(value)


class ImageEvaluator(Evaluator):
    """Every PictureScore of util.metrics.names, of the frame and in the box.

    thorough  also those that only --metrics all asks for
    """

    def __init__(self, thorough: bool):
        super().__init__()
        self.picture_scores = picture_scores(thorough)

    def process(self, frame_set: FrameSet) -> None:
        real, box = frame_set.real, frame_set.box
        assert real is not None
        for name, painted in frame_set.methods.items():
            found = {key: score.measure(painted, real)
                     for key, score in self.picture_scores.items()}
            for key, score in self.picture_scores.items():
                if score.boxed:
                    inside = score.measure_box(painted, real, box) if box else math.nan
                    found[f'{BOX}{key}'] = inside
            self.keep(name, found)


class LpipsEvaluator(Evaluator):
    """LPIPS through one network, of the frame and of what is cut out by the box.

    key      'lpips_alex', say
    rows     numbers of the frames it looks at, from 0
    frechet  key of a Frechet distance over the same network's features, if that is wanted
    """

    def __init__(self, lpips: Lpips, key: str, rows: Iterable[int], frechet: str | None = None):
        super().__init__()
        self.lpips, self.key, self.rows, self.frechet = lpips, key, set(rows), frechet
        self.row = 0
        self.pooled: dict[str, list[np.ndarray]] = defaultdict(list)

    def process(self, frame_set: FrameSet) -> None:
        real, box, names = frame_set.real, frame_set.box, list(frame_set.methods)
        assert real is not None
        whole = inside = np.full(len(names), math.nan)
        pictures = np.stack([real, *frame_set.methods.values()])
        if self.row in self.rows and min(size_of(real)) >= SMALLEST:
            seen = self.lpips.features(pictures)
            whole = self.to_first(seen)
            for name, pooled in zip(['real', *names], seen.pooled):
                self.pooled[name].append(pooled)
            if box and min(pictures[0][box].shape[:2]) >= SMALLEST:
                inside = self.to_first(self.lpips.features(pictures[(slice(None), *box)]))
        for name, *found in zip(names, whole.tolist(), inside.tolist()):
            self.keep(name, dict(zip((self.key, f'{BOX}{self.key}'), found)))
        self.row += 1

    def to_first(self, seen: Features) -> np.ndarray:
        """float (N,): how far each further picture is from the first."""
        first, others = (replace(seen, layers=[layer[part] for layer in seen.layers])
                         for part in (slice(0, 1), slice(1, None)))
        return self.lpips.distance(first, others)

    def scores(self) -> dict[str, dict[str, float]]:
        found = super().scores()
        if self.frechet and len(self.pooled['real']) > 1:
            real = np.stack(self.pooled['real'])
            for name in found:
                found[name][self.frechet] = frechet_distance(np.stack(self.pooled[name]), real)
        return found


class PoseEvaluator(Evaluator):
    """How far the joints found in a painted frame lie from those that were asked for.

    detectors       {film: a detector in its first state}: each film is followed by its own
    skeleton        the numbering of the poses asked for; the body's joints are compared
    min_confidence  what was found less surely is not found
    """

    def __init__(self, detectors: Mapping[str, Detector], skeleton: str, min_confidence: float):
        super().__init__()
        self.detectors, self.min_confidence = detectors, min_confidence
        self.body = skeleton_of(skeleton.partition('+')[0])
        self.found: dict[str, list[np.ndarray]] = defaultdict(list)
        self.wanted: list[np.ndarray] = []
        self.size = (0, 0)

    def process(self, frame_set: FrameSet) -> None:
        assert frame_set.pose is not None
        wanted = frame_set.pose[:self.body.body]
        for name, detector in self.detectors.items():
            painted = frame_set.methods[name]
            if not frame_set.follows:
                detector.reset()
            people = detector(painted, len(self.wanted))[..., :3]
            people = convert(people, skeleton_of(detector.skeleton), self.body)
            people[people[..., 2] < self.min_confidence] = 0
            self.found[name].append(likest(people, wanted))
            self.size = size_of(painted)
        self.wanted.append(wanted)

    def scores(self) -> dict[str, dict[str, float]]:
        wanted = np.stack(self.wanted)
        out = {}
        for name, found in self.found.items():
            error = pose_error(np.stack(found), wanted, heights(wanted, self.body), self.size)
            self.frames[name]['pose_error'] = error.frames.tolist()
            out[name] = {'pose_error': error.akd, 'missed_joints': error.missed_joints,
                         'missed_people': error.missed_people}
        return out

    def close(self) -> None:
        for detector in self.detectors.values():
            detector.close()


class MotionEvaluator(Evaluator):
    """Flicker and warped error beside the real film; without one, by the painted film's own
    motion."""

    def __init__(self, has_truth: bool, with_flow: bool):
        super().__init__()
        self.has_truth, self.with_flow = has_truth, with_flow
        self.motion = Motion(with_flow)
        self.films: list[str] = []
        self.size = (0, 0)

    def process(self, frame_set: FrameSet) -> None:
        self.films = list(frame_set.methods)
        real = frame_set.methods['painted'] if frame_set.real is None else frame_set.real
        # a folder's pictures may differ in size
        large_enough = min(self.size) >= FLOW_SMALLEST
        follows = frame_set.follows and size_of(real) == self.size and large_enough
        self.size = size_of(real)
        self.motion.add(real, frame_set.methods if self.has_truth else {}, follows)

    def scores(self) -> dict[str, dict[str, float]]:
        if not self.has_truth:
            return {'painted': {'own_warp_error': self.motion.own_warp_error()}}
        out = {}
        for name in self.films:
            changes = {'flicker': self.motion.flicker(name)}
            if self.with_flow:
                changes['warp_error'] = self.motion.warp_error(name)
            for key, change in changes.items():
                self.frames[name][key] = change.ratios.tolist()
            out[name] = {key: change.ratio for key, change in changes.items()}
        return out


def likest(people: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """float32 (K, 3): of people (N, K, 3) the one nearest to the pose wanted, in the mean over the
    joints seen in both; nobody where N is 0."""
    if not len(people):
        return np.zeros_like(wanted)
    both = (people[..., 2] > 0) & (wanted[:, 2] > 0)
    apart = np.linalg.norm(people[..., :2] - wanted[:, :2], axis=-1)
    means = np.where(both, apart, 0).sum(1) / np.maximum(both.sum(1), 1)
    return people[np.where(both.any(1), means, np.inf).argmin()]


def mean(values: Sequence[float]) -> float:
    """Of those that are known; NaN where none is."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
