"""Evaluators score painted frames: each processes every frame once, in order.

An evaluator reads no files and knows no models. To add one, write a subclass and list it in
evaluation.evaluate.make_evaluators.

Shape letters: F frames, K joints, H W pixels.
"""
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.silhouettes import Shares, Silhouettes, mean_of, person_masks
from pose.body import heights
from pose.detect.base import Detector
from pose.retargeting.room import Room, is_framed
from pose.skeleton import Skeleton, convert, skeleton_of
from util.images import resized, size_of
from util.metrics.frechet import frechet_distance
from util.metrics.lpips import SMALLEST, Features, Lpips
from util.metrics.motion import Motion
from util.metrics.names import BOX, picture_scores
from util.metrics.poses import nearest_person, pose_error
from util.sampling import evenly_spaced

Box = tuple[slice, slice]
FLOW_SMALLEST = 12      # px: the least width and height for optical flow
BOX_SIDE = 224          # px: the longer side of a box of which the Fréchet distance is taken


@dataclass(frozen=True)
class FrameSet:
    """One frame by every method, all of one size.

    methods  {name: uint8 (H, W, 3)}, the painted frame first, then the baselines
    real     uint8 (H, W, 3), None where there is no truth
    pose     float32 (K, 3), the requested joints in px of these images; None where unknown
    box      rows and columns around the person; None where there is nobody
    follows  whether the video continues here, without a cut or gap after the previous frame
    """
    methods: dict[str, np.ndarray]
    real: np.ndarray | None
    pose: np.ndarray | None
    box: Box | None
    follows: bool


class Evaluator:
    """frames[method][key]: one value for each processed frame, NaN where there is none."""

    def __init__(self) -> None:
        self.frames: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def process(self, frame_set: FrameSet) -> None:
        """Score one frame by every method."""
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
        """Append the scores of the method's next frame."""
        for key, value in scores.items():
            self.frames[method][key].append(value)


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
    """LPIPS through one network, of the frame and of its box.

    key      of the score, such as 'lpips_alex'
    chosen   numbers of the frames it scores, from 0; it skips the others
    frechet  key of a Frechet distance over the same network's features; None for no such score
    """

    def __init__(self, lpips: Lpips, key: str, chosen: Iterable[int], frechet: str | None = None):
        super().__init__()
        self.lpips = lpips
        self.key = key
        self.chosen = set(chosen)
        self.frechet = frechet
        self.number = 0                                         # of the next frame
        self.pooled: dict[str, list[np.ndarray]] = defaultdict(list)

    def process(self, frame_set: FrameSet) -> None:
        real, box = frame_set.real, frame_set.box
        names = list(frame_set.methods)
        assert real is not None
        whole = inside = np.full(len(names), math.nan)
        images = np.stack([real, *frame_set.methods.values()])
        if self.number in self.chosen and min(size_of(real)) >= SMALLEST:
            features = self.lpips.features(images)
            whole = self.distance_to_first(features)
            for name, pooled in zip(['real', *names], features.pooled):
                self.pooled[name].append(pooled)
            if box and min(size_of(real[box])) >= SMALLEST:
                cropped = images[(slice(None), *box)]
                inside = self.distance_to_first(self.lpips.features(cropped))
        for name, of_frame, of_box in zip(names, whole.tolist(), inside.tolist()):
            self.keep(name, {self.key: of_frame, f'{BOX}{self.key}': of_box})
        self.number += 1

    def distance_to_first(self, features: Features) -> np.ndarray:
        """float (N - 1,): the LPIPS distance of each further image of N to the first."""
        first = replace(features, layers=[layer[:1] for layer in features.layers])
        others = replace(features, layers=[layer[1:] for layer in features.layers])
        return self.lpips.distance(first, others)

    def scores(self) -> dict[str, dict[str, float]]:
        scores = super().scores()
        if self.frechet and len(self.pooled['real']) > 1:
            real = np.stack(self.pooled['real'])
            for name in scores:
                scores[name][self.frechet] = frechet_distance(np.stack(self.pooled[name]), real)
        return scores


class PoseEvaluator(Evaluator):
    """How far the joints that a detector finds in a painted frame lie from the requested joints,
    and by its person masks, spill and gaps.

    detectors       {method: a fresh detector}: a detector follows people, so each method has its
                    own
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

    def process(self, frame_set: FrameSet) -> None:
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

    def process(self, frame_set: FrameSet) -> None:
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
        self.number = 0                                         # of the next frame
        self.painted: dict[str, list[np.ndarray]] = defaultdict(list)

    def process(self, frame_set: FrameSet) -> None:
        if self.number in self.chosen and frame_set.box:
            for name, image in frame_set.methods.items():
                self.painted[name].append(self.features(image[frame_set.box]))
        self.number += 1

    def features(self, box: np.ndarray) -> np.ndarray:
        """float32 (D,): one vector of a box. Every box is seen at one size, whatever the video's
        and the person's."""
        scale = BOX_SIDE / max(box.shape[:2])
        size = [max(SMALLEST, round(scale * length)) for length in size_of(box)]
        return self.lpips.features(resized(box, (size[0], size[1]))[None]).pooled[0]

    def scores(self) -> dict[str, dict[str, float]]:
        """Of as many painted boxes as real ones: the fewer the boxes, the greater the distance."""
        scores = {}
        for name, painted in self.painted.items():
            count = min(len(painted), len(self.real))
            if count > 1:
                some, real = (np.stack(each)[evenly_spaced(len(each), count)]
                              for each in (painted, self.real))
                scores[name] = {f'{BOX}{self.key}': frechet_distance(some, real)}
        return scores


class MotionEvaluator(Evaluator):
    """Flicker and warped error relative to the real video; without one, the warped error by the
    painted video's own motion."""

    def __init__(self, has_truth: bool, with_flow: bool):
        super().__init__()
        self.has_truth = has_truth
        self.with_flow = with_flow
        self.motion = Motion(with_flow)
        self.methods: list[str] = []
        self.size = (0, 0)

    def process(self, frame_set: FrameSet) -> None:
        self.methods = list(frame_set.methods)
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
