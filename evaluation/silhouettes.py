"""Spill and gaps: is a person painted where the pose wants one, and nowhere else?

    spill   pixels of people, or not of the background, where no body should be; over the body
    gaps    the share of the body's core in which no person is painted

The painted person is what the detector's own person masks cover. Cloth, hair and the detector's
errors leave neither at zero in any real film, so both are given as multiples of what the same
measure finds in real frames of the target: 1 is as in the target's own video.

Shape letters: K joints, N people, H W pixels.
"""
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from evaluation.target import Target
from pose.detect.base import Detector, gives_masks
from pose.silhouette import disc, person_mask
from pose.skeleton import Skeleton, convert, skeleton_of
from scene.background import TRUSTED, make_plate
from util.errors import UserError
from util.images import size_of
from util.metrics.poses import nearest_person

NO_MASKS = 'the detector of these poses has no person masks'
ROUNDED = 0.02          # aspects this near differ by the rounding to whole px, and to even ones
SURE = 128              # of 255: a mask's pixel counts as the person


@dataclass(frozen=True)
class SilhouetteSettings:
    """Numbers that an experiment may change, chosen on real frames of four targets, 256 px wide, to
    which an arm or a head was added, or from which an arm or a leg was erased.

    frames      of the target, over which the reference is the mean: each takes 0.1 s to detect
    side        px: the longer side of what is compared, so that time does not grow with the video
    margin      around the body, of its height. At 0.02 a wide skirt's own spill hides a third arm
    core        the same, negative: what is left of a limb lies along its bones. At -0.03 a slim
                target leaves 7 % of it uncovered in real frames, at -0.04 1 %
    least       share that any target counts as having: a ratio to less would be a ratio to noise
    difference  from the background, 0..255: less may be a shadow or a blur
    strays      multiple of the background's own mean change that is no difference either: leaves,
                water, and all of it where the camera moves
    seen        frames that must show a place for its background to be known
    clothes     of the picture's height: how far around a mask no background is taken
    """
    frames: int = 30
    side: int = 384
    margin: float = 0.03
    core: float = -0.04
    least: float = 0.01
    difference: float = 40.0
    strays: float = 3.0
    seen: int = 3
    clothes: float = 0.04


DEFAULTS = SilhouetteSettings()


@dataclass(frozen=True)
class Shares:
    """spill over the body's area, gaps over that of its core; or both as multiples."""
    spill: float
    gaps: float


@dataclass(frozen=True)
class View:
    """A frame at the size in which frames are compared.

    picture  uint8 (H, W, 3)
    people   bool (N, H, W): the mask of each person in it
    pose     float32 (K, 3), the requested joints in px of the picture
    hidden   bool (H, W): what is there counts for nothing
    """
    picture: np.ndarray
    people: np.ndarray
    pose: np.ndarray
    hidden: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, people: Sequence[np.ndarray], pose: np.ndarray,
           size: tuple[int, int]) -> 'View':
        """Of a frame of any size, which becomes `size`, (width, height).

        people   uint8 (H, W) each;  pose   in px of the image
        """
        scale = np.divide(size, size_of(image))
        method = cv2.INTER_AREA if scale[0] < 1 else cv2.INTER_LINEAR
        masks = np.zeros((len(people), *size[::-1]), bool)
        for n, mask in enumerate(people):
            masks[n] = cv2.resize(mask, size, interpolation=method) >= SURE
        small = cv2.resize(image, size, interpolation=method)
        hidden = np.zeros(size[::-1], bool)
        return cls(small, masks, pose * np.array([*scale, 1]), hidden)

    @property
    def everybody(self) -> np.ndarray:
        """bool (H, W)"""
        return np.asarray(self.people.any(0))

    def around(self, margin: float) -> np.ndarray:
        """bool (H, W): everybody, grown by that share of the picture's height."""
        grown = cv2.dilate(self.everybody.astype(np.uint8),
                           disc(round(margin * len(self.picture))))
        return np.asarray(grown > 0)

    def of_one(self, person: int, margin: float) -> 'View':
        """The view with that person alone; all others are hidden, with their margin."""
        others = replace(self, people=np.delete(self.people, person, 0))
        return replace(self, people=self.people[[person]], hidden=others.around(margin))


@dataclass(frozen=True)
class Background:
    """What is behind the target.

    colour     float32 (H, W, 3)
    tolerance  float32 (H, W): a greater change is certainly no background; infinite where it is
               not known
    """
    colour: np.ndarray
    tolerance: np.ndarray

    @classmethod
    def of(cls, views: Sequence[View], settings: SilhouetteSettings = DEFAULTS) -> 'Background':
        """Of what the people in these views, all of one size, leave free."""
        frames = [view.picture for view in views]
        masks = [view.around(settings.clothes) for view in views]
        plate = make_plate(frames, masks, still=True)
        colour = plate.picture.astype(np.float32)
        strays = np.zeros(masks[0].shape, np.float32)
        for frame, mask in zip(frames, masks):
            strays += change(frame, colour) * ~mask
        strays /= np.maximum(np.sum(~np.array(masks), 0), 1)
        tolerance = settings.difference + settings.strays * strays
        known = plate.confidence * TRUSTED >= min(settings.seen, len(views))
        return cls(colour, np.where(known, tolerance, np.inf).astype(np.float32))

    def is_left_by(self, picture: np.ndarray) -> np.ndarray:
        """bool (H, W): where a picture uint8 (H, W, 3) shows something else."""
        return change(picture, self.colour) > self.tolerance


class Silhouettes:
    """Measures painted frames by the target's own.

    skeleton    of the requested poses, the body alone
    background  None where it cannot be compared; then only people are spilt
    size        (width, height) of the views of painted frames
    reference   the mean of the target's own frames
    """

    def __init__(self, skeleton: Skeleton, background: Background | None, views: Sequence[View],
                 size: tuple[int, int], settings: SilhouetteSettings = DEFAULTS):
        self.skeleton = skeleton
        self.background = background
        self.size = size
        self.settings = settings
        shares = [self.shares(view) for view in views]
        self.reference = mean_of([share for share in shares if share])

    def measure(self, image: np.ndarray, people: Sequence[np.ndarray], pose: np.ndarray
                ) -> Shares | None:
        """Of a painted frame, as shares; None where no joint is requested.

        image   uint8 (H, W, 3);  people  uint8 (H, W) each, 0..255
        pose    float32 (K, 3) in px of the image
        """
        return self.shares(View.of(image, people, pose, self.size))

    def shares(self, view: View) -> Shares | None:
        if not (view.pose[:, 2] > 0).any():
            return None
        found = view.everybody
        painted = found
        if self.background is not None:
            painted = found | self.background.is_left_by(view.picture)
        size = size_of(view.picture)
        near = person_mask(view.pose, self.skeleton, size, self.settings.margin)
        body = person_mask(view.pose, self.skeleton, size, 0)
        core = person_mask(view.pose, self.skeleton, size, self.settings.core)
        return Shares(float((painted & ~near & ~view.hidden).sum() / max(body.sum(), 1)),
                      float((core & ~found).sum() / max(core.sum(), 1)))

    def ratios(self, shares: Shares) -> Shares:
        """As multiples of the target's own."""
        least = self.settings.least
        return Shares(max(shares.spill, least) / max(self.reference.spill, least),
                      max(shares.gaps, least) / max(self.reference.gaps, least))


def silhouettes_of(target: Target, detector: Detector, skeleton: Skeleton, size: tuple[int, int],
                   settings: SilhouetteSettings = DEFAULTS) -> Silhouettes:
    """Measures the target's own frames.

    skeleton  of the requested poses, the body alone
    size      (width, height) of the painted frames
    UserError where the detector has no masks or finds nobody.
    """
    if not gives_masks(detector):
        raise UserError(NO_MASKS)
    views = []
    own = []
    for image, pose in target.some(settings.frames):
        detector.reset()
        people = detector(image, 0)
        masks = person_masks(detector, image, people)
        if masks is None:
            raise UserError(NO_MASKS)
        requested = convert(pose, target.track.joints, skeleton)
        found = convert(people[..., :3], skeleton_of(detector.skeleton), skeleton)
        person = nearest_person(found, requested)
        if person is not None:
            view = View.of(image, masks, requested, view_size(size_of(image), settings.side))
            views.append(view)
            own.append(view.of_one(person, settings.clothes))
    if not views:
        raise UserError('the detector finds nobody in the target\'s own frames')
    own_size = size_of(views[0].picture)
    is_alike = abs(math.log(size[0] / size[1] * own_size[1] / own_size[0])) < ROUNDED
    is_known = is_alike and len({view.picture.shape for view in views}) == 1
    background = Background.of(views, settings) if is_known else None
    painted_size = own_size if is_known else view_size(size, settings.side)
    return Silhouettes(skeleton, background, own, painted_size, settings)


def view_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(width, height) of the view of a frame of that size: its longer side becomes `side` px."""
    scale = side / max(size)
    return max(1, round(scale * size[0])), max(1, round(scale * size[1]))


def person_masks(detector: Detector, image: np.ndarray, people: np.ndarray
                 ) -> list[np.ndarray] | None:
    """The mask of each person that the detector has just found in an image, uint8 (H, W), 0..255;
    None where the detector has no masks, or none of one of them.

    people   float32 (N, K, 4), what the detector returned
    """
    if not gives_masks(detector):
        return None
    found = [mask for mask in detector.masks() if mask is not None]
    if len(found) != len(people):
        return None
    return [mask.drawn(size_of(image)) for mask in found]


def mean_of(shares: Sequence[Shares]) -> Shares:
    """The mean of each; NaN of nothing."""
    if not shares:
        return Shares(np.nan, np.nan)
    return Shares(float(np.mean([share.spill for share in shares])),
                  float(np.mean([share.gaps for share in shares])))


def change(picture: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """float32 (H, W): the greatest difference of a channel, without the noise of single pixels."""
    difference = cv2.GaussianBlur(picture.astype(np.float32) - colour, (0, 0), 1.0)
    return np.asarray(np.abs(difference).max(-1))
