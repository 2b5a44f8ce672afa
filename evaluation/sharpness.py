"""Is the painted person as sharp as filmed? Measured at film size, without resizing."""
import math

import cv2
import numpy as np

from evaluation.bounds import scaled_box
from evaluation.evaluators import Evaluator, mean
from evaluation.frame_sets import REAL, FrameSet
from evaluation.target import Target
from pose.silhouette import person_box, person_mask
from pose.skeleton import Skeleton, convert, skeleton_of
from util.errors import UserError
from util.images import size_of
from util.metrics.sharpness import mean_gradient

TARGET_FRAMES = 16      # of the target, over which the reference is the mean
ROUNDED = 0.02          # of the size: film sizes this near differ by rounding


class SharpnessEvaluator(Evaluator):
    """The mean gradient of the painted person, as a multiple of the real one's.

    skeleton    of the requested poses, the body alone
    reference   grey levels a px: the same of the target's own frames; None: the real frame of the
                same pose is the reference
    """

    def __init__(self, skeleton: Skeleton, reference: float | None = None):
        super().__init__()
        self.skeleton = skeleton
        self.reference = reference
        self.painted: list[float] = []
        self.real: list[float] = []

    def score(self, frame_set: FrameSet) -> None:
        real = math.nan if self.reference is None else self.reference
        painted = math.nan
        if frame_set.box and frame_set.pose is not None:
            size = size_of(frame_set.methods['painted'])
            pose = frame_set.pose[:self.skeleton.body]
            painted = person_gradient(frame_set.at_film_size('painted'), pose, size, self.skeleton)
            if self.reference is None:
                real = person_gradient(frame_set.at_film_size(REAL), pose, size, self.skeleton)
        ratio = painted / real if real else math.nan
        if not math.isnan(ratio):
            self.painted.append(painted)
            self.real.append(real)
        self.keep('painted', {'sharpness': ratio})

    def scores(self) -> dict[str, dict[str, float]]:
        if not self.real:
            return {'painted': {'sharpness': math.nan}}
        return {'painted': {'sharpness': mean(self.painted) / mean(self.real)}}


def person_gradient(image: np.ndarray, pose: np.ndarray, size: tuple[int, int],
                    skeleton: Skeleton) -> float:
    """The mean gradient within the body's silhouette; nan where it is not in the picture.

    pose   float (K, 3) in px of the same picture at `size`, in which the silhouette is drawn
    """
    box = person_box(pose, size)
    if box is None:
        return math.nan
    large = image[scaled_box(box, size, size_of(image))]
    small = person_mask(pose, skeleton, size, 0)[box].astype(np.uint8)
    mask = cv2.resize(small, size_of(large), interpolation=cv2.INTER_NEAREST)
    return mean_gradient(large, np.asarray(mask > 0))


def target_gradient(target: Target, skeleton: str, film_size: tuple[int, int]) -> float:
    """The mean gradient of the target's person in its own frames at film size.

    skeleton   of the requested poses
    UserError where the target's frames are not kept at that size, or show nobody.
    """
    body = skeleton_of(skeleton.partition('+')[0])
    found = []
    for image, pose in target.some_large(TARGET_FRAMES):
        own = min(size_of(image))
        if abs(own / min(film_size) - 1) > ROUNDED:
            raise UserError(f'the target\'s own frames are kept at {own} px, the film has '
                            f'{min(film_size)}')
        requested = convert(pose, target.track.joints, body)
        found.append(person_gradient(image, requested, size_of(image), body))
    reference = mean(found)
    if math.isnan(reference):
        raise UserError('the target\'s own frames show nobody')
    return reference
