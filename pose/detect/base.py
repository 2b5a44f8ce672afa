"""What every detector is. A detector's file must import without the detector's own package."""
import argparse

import numpy as np

from util.options import Options


class Detector:
    """Everybody's joints in a picture; frames come in their order, so it may track.

    DESCRIPTION  one line for --help
    RATE         how fast it is and where that was measured, for --help
    NEEDS        the packages or files it wants, for --help; '' when requirements.txt has all
    PARTS        which --parts it can find: some of 'body', 'hands', 'face'
    LOOKS        whether it looks at the pictures; else it cannot find a pose in others
    skeleton     the numbering of the joints it gives; the parts asked for decide it
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
        """UserError where a package or file is missing; called before any work is done."""

    def __init__(self, opt: Options):
        """opt: the flags it declared, and `parts`, the set of parts asked for."""

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        """Find everybody.

        image    uint8 (H, W, 3) RGB
        index    the frame's number in its source
        Returns  float32 (N, K, 4): x px, y px, confidence 0..1, depth px; N people, N may be 0.
                 Depth is measured from the middle of the hips, smaller is nearer to the camera;
                 NaN where the detector knows none. A joint with confidence 0 is 0, 0, 0, NaN.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget the frames before: the next one comes after a cut."""

    def close(self) -> None:
        """Give back what it holds; it is not called again."""
