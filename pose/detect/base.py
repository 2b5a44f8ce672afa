"""The base of all detectors. A detector's file must import without the detector's own package."""
import argparse

import numpy as np

from pose.masks import PersonMask
from util.options import Options


class Detector:
    """Finds everybody's joints in a picture; frames come in order, so that it may track.

    DESCRIPTION  one line for --help
    RATE         how fast it is and where that was measured, for --help
    NEEDS        the packages or files it needs, for --help; '' when requirements.txt has all
    PARTS        the --parts it can find: some of 'body', 'hands', 'face'
    LOOKS        whether it looks at the pictures; if not, it cannot find a pose in other pictures
    skeleton     the numbering of the joints it gives; it depends on the parts asked for
    """
    DESCRIPTION = ''
    RATE = ''
    NEEDS = ''
    PARTS: tuple[str, ...] = ('body',)
    LOOKS = True
    skeleton = 'BODY_25'

    @classmethod
    def declare_options(cls, group: 'argparse._ArgumentGroup') -> None:
        """Add this detector's own flags; no other detector has flags of these names."""

    @classmethod
    def check(cls, opt: Options) -> None:
        """UserError where a package or file is missing; called before any work."""

    @classmethod
    def check_source(cls, opt: Options, size: tuple[int, int], frames: int) -> None:
        """UserError where what was found elsewhere is not of a source of that (width, height) px
        and number of frames; called before any work."""

    def __init__(self, opt: Options):
        """opt: the flags it declared, and `parts`, the set of parts asked for."""

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        """Find everybody.

        image    uint8 (H, W, 3) RGB
        index    the frame's number in its source
        Returns  float32 (N, K, 4): x px, y px, confidence 0..1, depth px; N people, N may be 0.
                 Depth is relative to the middle of the hips, smaller is nearer to the camera;
                 NaN where the detector gives none. A joint with confidence 0 is 0, 0, 0, NaN.
        """
        raise NotImplementedError

    def masks(self) -> list[PersonMask | None]:
        """The mask of each person that the last call returned, None where there is none. A detector
        without masks of its own leaves this as it is: `with_masks` gives it MediaPipe's."""
        return []

    def reset(self) -> None:
        """Forget the frames before: the next one comes after a cut."""

    def close(self) -> None:
        """Release its resources; it is not called again."""


def gives_masks(detector: Detector) -> bool:
    """Whether a detector has person masks of its own."""
    return getattr(type(detector), 'masks', Detector.masks) is not Detector.masks
