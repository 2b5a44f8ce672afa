"""Evaluators score painted frames: each processes every frame once, in order.

An evaluator reads no files and knows no models. To add one, write a subclass and list it in
evaluation.evaluate.make_evaluators.

Shape letters: F frames, K joints, H W pixels.
"""
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from evaluation.frame_sets import REAL, FrameSet
from evaluation.silhouettes import Shares, Silhouettes, mean_of, person_masks
from pose.body import heights
from pose.detect.base import Detector
from pose.retargeting.room import Room, is_framed
from pose.skeleton import Skeleton, convert, skeleton_of
from util.images import resized, size_of
from util.metrics.frechet import frechet_distance
from util.metrics.lpips import SMALLEST, Lpips
from util.metrics.motion import Motion
from util.metrics.names import BOX, picture_scores
from util.metrics.poses import nearest_person, pose_error
from util.sampling import evenly_spaced

FLOW_SMALLEST = 12      # px: the least width and height for optical flow
BOX_SIDE = 224          # px: the longer side of a box of which the Fréchet distance is taken


class Evaluator:
    """Scores frames one by one; a subclass says how in `score`.

    frames[method][key]   one value for each processed frame, NaN where there is none; values that
                          are missing at the end are NaN too
    number                of the frame, from 0
    """

    def __init__(self) -> None:
        self.frames: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.number = 0

    def process(self, frame_set: FrameSet) -> None:
        """Score one frame by every method in it."""
        self.score(frame_set)
        self.number += 1

    def score(self, frame_set: FrameSet) -> None:
        raise NotImplementedError

    def scores(self) -> dict[str, dict[str, float]]:
        """{method: {key: mean over all frames}}; NaN where unknown."""
        scores = {}
        for method, frames in self.frames.items():
            scores[method] = {key: mean(values) for key, values in frames.items()}
        return scores

    def close(self) -> None:
        """Free its resources; the scores stay."""

    def keep(self, method: str, scores: dict[str, float]) -> None:
        """Keep the scores of the method's frame `number`."""
        for key, value in scores.items():
            values = self.frames[method][key]
            values += [math.nan] * (self.number - len(values))
            values.append(value)


class ImageEvaluator(Evaluator):
    """Every PictureScore of util.metrics.names, of the frame and in the box.

    thorough  also those that only --metrics all asks for
    """

    def __init__(self, thorough: bool):
        super().__init__()
        self.picture_scores = picture_scores(thorough)

    def score(self, frame_set: FrameSet) -> None:
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
    """LPIPS through one network, of the frame and of the person's box at PERSON_SIZE.

    key      of the score, such as 'lpips_alex'
    chosen   numbers of the frames it scores, from 0; it skips the others
    frechet  key of a Frechet distance over the same network's features; None for no such score
    methods  that it scores; None: all
    """

    def __init__(self, lpips: Lpips, key: str, chosen: Iterable[int], frechet: str | None = None,
                 methods: Collection[str] | None = None):
        super().__init__()
        self.lpips = lpips
        self.key = key
        self.chosen = set(chosen)
        self.frechet = frechet
        self.methods = methods
        self.pooled: dict[str, list[np.ndarray]] = defaultdict(list)

    def score(self, frame_set: FrameSet) -> None:
        real, box = frame_set.real, frame_set.box
        assert real is not None
        names = [name for name in frame_set.methods if not self.methods or name in self.methods]
        whole = inside = [math.nan] * len(names)
        if self.number in self.chosen and min(size_of(real)) >= SMALLEST:
            whole, pooled = self.distances([real, *(frame_set.methods[name] for name in names)])
            for name, vector in zip([REAL, *names], pooled):
                self.pooled[name].append(vector)
            if box and min(size_of(real[box])) >= SMALLEST:
                inside, _ = self.distances([frame_set.person(name) for name in (REAL, *names)])
        for name, of_frame, of_box in zip(names, whole, inside):
            self.keep(name, {self.key: of_frame, f'{BOX}{self.key}': of_box})

    def distances(self, images: Sequence[np.ndarray]) -> tuple[list[float], list[np.ndarray]]:
        """The LPIPS distance of each further image to the first, and of all images the features
        that Features calls pooled. The network sees one image at a time, which bounds memory."""
        first = self.lpips.features(images[0][None])
        distances = []
        pooled = [first.pooled[0]]
        for image in images[1:]:
            features = self.lpips.features(image[None])
            distances.append(float(self.lpips.distance(first, features)[0]))
            pooled.append(features.pooled[0])
        return distances, pooled

    def scores(self) -> dict[str, dict[str, float]]:
        scores = super().scores()
        if self.frechet and len(self.pooled[REAL]) > 1:
            real = np.stack(self.pooled[REAL])
            for name in scores:
                scores[name][self.frechet] = frechet_distance(np.stack(self.pooled[name]), real)
        return scores


class PoseEvaluator(Evaluator):
    """How far the joints that a detector finds in a painted frame lie from the requested joints,
    and by its person masks, spill and gaps.

    detectors       {method that is scored: a fresh detector}: a detector follows people, so each
                    method has its own
    skeleton        of the requested poses; only the body's joints are compared
    min_confidence  joints with less confidence count as not found
    silhouettes     measures spill and gaps; None: they are not measured
    """

    def __init__(self, detectors: Mapping[str, Detector], skeleton: str, min_confidence: float,
                 silhouettes: Silhouettes | None = None):
        super().__init__()
        self.detectors = detectors
        self.min_confidence = min_confidence
        self.body = skeleton_of(skeleton.partition('+')[0])
        self.silhouettes = silhouettes
        self.found: dict[str, list[np.ndarray]] = defaultdict(list)
        self.shares: dict[str, list[Shares]] = defaultdict(list)
        self.requested: list[np.ndarray] = []
        self.size = (0, 0)

    def score(self, frame_set: FrameSet) -> None:
        assert frame_set.pose is not None
        requested = frame_set.pose[:self.body.body]
        for name, detector in self.detectors.items():
            painted = frame_set.methods[name]
            if not frame_set.follows:
                detector.reset()
            people = detector(painted, len(self.requested))
            if self.silhouettes:
                masks = person_masks(detector, painted, people)
                self.keep_silhouette(name, self.silhouettes, painted, masks, requested)
            people = convert(people[..., :3], skeleton_of(detector.skeleton), self.body)
            people[people[..., 2] < self.min_confidence] = 0
            person = nearest_person(people, requested)
            nobody = np.zeros_like(requested)
            self.found[name].append(nobody if person is None else people[person])
            self.size = size_of(painted)
        self.requested.append(requested)

    def keep_silhouette(self, name: str, silhouettes: Silhouettes, painted: np.ndarray,
                        masks: list[np.ndarray] | None, requested: np.ndarray) -> None:
        """Measure spill and gaps of one method's frame; unknown without masks or joints."""
        shares = None if masks is None else silhouettes.measure(painted, masks, requested)
        ratios = Shares(math.nan, math.nan)
        if shares:
            self.shares[name].append(shares)
            ratios = silhouettes.ratios(shares)
        self.keep(name, {'spill': ratios.spill, 'gaps': ratios.gaps})

    def scores(self) -> dict[str, dict[str, float]]:
        requested = np.stack(self.requested)
        tall = heights(requested, self.body)
        scores = {}
        for name, found in self.found.items():
            error = pose_error(np.stack(found), requested, tall, self.size)
            self.frames[name]['pose_error'] = error.frames.tolist()
            scores[name] = {'pose_error': error.akd, 'missed_joints': error.missed_joints,
                            'missed_people': error.missed_people}
            if self.silhouettes:
                ratios = self.silhouettes.ratios(mean_of(self.shares[name]))
                scores[name] |= {'spill': ratios.spill, 'gaps': ratios.gaps}
        return scores

    def close(self) -> None:
        for detector in self.detectors.values():
            detector.close()


class FramedEvaluator(Evaluator):
    """Whether all requested joints lie in the picture, 1 or 0, but for what lay beyond that edge in
    the target's own frames; unknown where none is requested.

    room   what the target's own frames show; None where unknown: then nothing may lie outside
    """

    def __init__(self, skeleton: Skeleton, room: Room | None):
        super().__init__()
        self.skeleton = skeleton
        self.room = room

    def score(self, frame_set: FrameSet) -> None:
        assert frame_set.pose is not None
        size = size_of(frame_set.methods['painted'])
        pose = frame_set.pose.copy()
        if self.room:
            pose[[self.skeleton.index(joint) for joint in self.room.hidden
                  if joint in self.skeleton.joints]] = 0
        framed = math.nan
        if (pose[:, 2] > 0).any():
            framed = float(is_framed(pose, self.skeleton, size, self.room))
        self.keep('painted', {'framed': framed})


class BoxFrechetEvaluator(Evaluator):
    """The Fréchet distance of the person's box in painted frames to the target's own boxes.

    lpips    the network whose features are compared, those of its last layer
    key      of the score
    boxes    uint8 (H, W, 3) each, of any size: the target's own
    count    of the frames that it will be given
    """

    def __init__(self, lpips: Lpips, key: str, boxes: Iterable[np.ndarray], count: int):
        super().__init__()
        self.lpips = lpips
        self.key = key
        self.real = [self.features(box) for box in boxes]
        self.chosen = set(evenly_spaced(count, len(self.real)).tolist())
        self.painted: list[np.ndarray] = []

    def score(self, frame_set: FrameSet) -> None:
        if self.number in self.chosen and frame_set.box:
            self.painted.append(self.features(frame_set.methods['painted'][frame_set.box]))

    def features(self, box: np.ndarray) -> np.ndarray:
        """float32 (D,): one vector of a box. Every box is seen at one size, whatever the video's
        and the person's."""
        scale = BOX_SIDE / max(box.shape[:2])
        size = [max(SMALLEST, round(scale * length)) for length in size_of(box)]
        return self.lpips.features(resized(box, (size[0], size[1]))[None]).pooled[0]

    def scores(self) -> dict[str, dict[str, float]]:
        """Of as many painted boxes as real ones: the fewer the boxes, the greater the distance."""
        count = min(len(self.painted), len(self.real))
        if count < 2:
            return {}
        some, real = (np.stack(each)[evenly_spaced(len(each), count)]
                      for each in (self.painted, self.real))
        return {'painted': {f'{BOX}{self.key}': frechet_distance(some, real)}}


class MotionEvaluator(Evaluator):
    """Flicker and warped error relative to the real video; without one, the warped error by the
    painted video's own motion."""

    def __init__(self, has_truth: bool, with_flow: bool):
        super().__init__()
        self.has_truth = has_truth
        self.with_flow = with_flow
        self.motion = Motion(with_flow)
        self.methods: dict[str, None] = {}                      # in the order of a table
        self.size = (0, 0)

    def score(self, frame_set: FrameSet) -> None:
        self.methods |= dict.fromkeys(frame_set.methods)
        real = frame_set.methods['painted'] if frame_set.real is None else frame_set.real
        # the images of a folder may differ in size
        large_enough = min(self.size) >= FLOW_SMALLEST
        follows = frame_set.follows and size_of(real) == self.size and large_enough
        self.size = size_of(real)
        self.motion.add(real, frame_set.methods if self.has_truth else {}, follows)

    def scores(self) -> dict[str, dict[str, float]]:
        if not self.has_truth:
            return {'painted': {'own_warp_error': self.motion.own_warp_error()}}
        scores = {}
        for name in self.methods:
            changes = {'flicker': self.motion.flicker(name)}
            if self.with_flow:
                changes['warp_error'] = self.motion.warp_error(name)
            for key, change in changes.items():
                self.frames[name][key] = change.ratios.tolist()
            scores[name] = {key: change.ratio for key, change in changes.items()}
        return scores


def mean(values: Sequence[float]) -> float:
    """The mean of the known values; NaN where none is known."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan
