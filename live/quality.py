"""The qualities that a live session may paint in, best first."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Quality:
    """What is given up for speed, one value of each.

    name         as --quality takes it
    size         shorter side of the painted picture, px; never more than the run can paint
    num_frames   frames that body2body retrieves for a picture
    network      whether body2body's network finishes the picture
    every        the detector looks at every n-th picture of the camera; joints move on between
    """
    name: str
    size: int
    num_frames: int
    network: bool
    every: int

    def __str__(self) -> str:
        frames = f'{self.num_frames} frame{"s" if self.num_frames > 1 else ""} retrieved'
        network = 'network' if self.network else 'no network'
        looks = 'every picture' if self.every == 1 else f'every {self.every} pictures'
        return f'{self.name} ({self.size} px, {frames}, {network}, pose found in {looks})'


QUALITIES = (
    Quality('best', 720, 3, True, 1),
    Quality('high', 512, 3, True, 1),
    Quality('good', 384, 3, True, 2),
    Quality('medium', 256, 3, True, 2),
    Quality('low', 256, 1, False, 2),
    Quality('least', 192, 1, False, 3))
