"""The background of training's frames as tensors: what the network sees behind the person."""
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from data.transforms import to_channels
from models.engine import Engine
from models.warping.blending import Masked
from scene.plate import Plate


class Backdrop:
    """Views of a plate in that many colour channels."""

    def __init__(self, plate: Plate, engine: Engine, channels: int):
        self.plate = plate
        self.engine = engine
        self.channels = channels
        # those of the frames in work, which a still camera shows again
        self.view = lru_cache(8)(self._view)

    def __call__(self, cameras: list[np.ndarray], size: tuple[int, int]) -> Masked:
        """(B, C, H, W): what lies behind the person, and how sure that is, in [-1, 1].

        cameras   float64 (3, 3) each: px of a picture of that (width, height) -> px of the plate
        """
        return Masked(torch.stack([self.view(camera.tobytes(), size) for camera in cameras]))

    def _view(self, camera: bytes, size: tuple[int, int]) -> Tensor:
        """(C + 1, H, W): the plate, and how sure it is; `camera` as nine float64."""
        picture, sure = self.plate.at(np.frombuffer(camera).reshape(3, 3), size)
        shown = self.engine.to_tensor(to_channels(picture, self.channels)[None])[0]
        return torch.cat([shown, 2 * torch.from_numpy(sure[None]).to(shown.device) - 1])
