"""What every detector is. A detector's file must import without the detector's own package."""
import numpy as np


class Detector:
    """One person's joints in a picture; frames come in their order, so it may track.

    DESCRIPTION  one line for --help
    NEEDS        the packages or files it wants, for --help; '' when requirements.txt has all
    skeleton     the numbering of the joints it gives
    """
    DESCRIPTION = ''
    NEEDS = ''
    skeleton = 'BODY_25'

    def __call__(self, image: np.ndarray) -> np.ndarray | None:
        """Find the person.

        image    uint8 (H, W, 3) RGB
        Returns  float32 (K, 3): x px, y px, confidence, or None when nobody is found
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Forget the frames before: the next one comes after a cut."""

    def close(self) -> None:
        """Give back what it holds; it is not called again."""
