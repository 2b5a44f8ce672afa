"""What a model gives for a batch of poses when it paints a film."""
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Painted:
    """Frames that a model painted.

    pictures   uint8 (B, H, W, C), of film size: as large as the batch's poses, or larger
    exact      what the model goes on from; by default float (B, C, H, W), before rounding
    """
    pictures: np.ndarray
    exact: Any
