"""Paints poses at film size with what a run keeps: the background, whole frames, and parts."""
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from threading import Lock
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from models.warping.blending import Decision, decided, numbers, person_region
from models.warping.bone_warp import Region, Warp, warp_field
from models.warping.canvas import Canvas, carry_on, draw_frames, is_used
from models.warping.cutouts import Cutout, SmallMattes
from models.warping.kept import Kept
from models.warping.part_choice import PartsShown
from models.warping.part_layers import Doll
from models.warping.part_legs import with_shins
from models.warping.part_specks import remove_specks
from models.warping.part_widths import doll_of, measured_bodies
from models.warping.parts import Bodies, Part
from models.warping.remembered import Remembered
from models.warping.settings import Body2BodySettings
from pose.skeleton import moved
from scene.film_plate import between_plates
from util.images import scaling

Size: TypeAlias = tuple[int, int]
Decide: TypeAlias = Callable[[Region, Warp], Decision]


class Painter:
    """Draws into canvases of film size. What it is asked for is in small px: those of the poses.

    A pose of another size than the run's frames is painted at its own size.

    tight   paint the person alone from whole frames, without the shadow on the wall and what else
            lies close around: another background comes behind
    """

    tight = False

    def __init__(self, kept: Kept, settings: Body2BodySettings,
                 parts: Mapping[str, Part] | None = None):
        """parts: of the person, as measured before; None measures them when they are needed."""
        self.kept = kept
        self.settings = settings
        self.parts = parts
        self.into_plate = between_plates(kept.plate, kept.film_plate)
        self.into_frame = scaling(kept.index.track.size, kept.cutouts.size)
        self.view = lru_cache(4)(self._view)        # a still camera shows the same one again
        # a pose is drawn, and then what goes on from the one before
        self.person_region = lru_cache(4)(self._person_region)
        self._doll: Doll | None = None
        self._making = Lock()

    def film_size(self, small: Size) -> Size:
        """(W, H) of the picture for a pose in a small one of that size."""
        return self.kept.cutouts.size if small == self.kept.index.track.size else small

    def canvas(self, camera: np.ndarray, small: Size) -> Canvas:
        """The background as a camera shows it, and nobody.

        camera   float64 (3, 3): small px -> px of the small plate
        """
        size = self.film_size(small)
        seen = self.into_plate @ camera @ scaling(size, small)
        return Canvas.of(self.view(seen.tobytes(), size))

    def _view(self, camera: bytes, size: Size) -> np.ndarray:
        picture, _ = self.kept.film_plate.at(np.frombuffer(camera).reshape(3, 3), size)
        return picture

    def region(self, query: Tensor, small: Size) -> Region:
        """Where the person of a pose (1, K, 3) is."""
        return self.person_region(query.float().cpu().numpy().tobytes(), small)

    def _person_region(self, pose: bytes, small: Size) -> Region:
        query = np.frombuffer(pose, np.float32).reshape(1, -1, 3)
        return person_region(query, self.kept.index.track.joints, small[::-1])

    def draw_whole(self, canvas: Canvas, query: Tensor, rows: np.ndarray, small: Size,
                   decide: Decide | None) -> None:
        """Draw one pose, (1, K, 3), from whole frames: `rows` of index.both.

        decide   what a trained network says of a region and of the frames bent into it; None
                 without one
        """
        known, settings = self.kept.index.both, self.settings
        region = self.region(query, small)
        source = torch.from_numpy(known.poses[rows]).to(query.device)
        warp = warp_field(source, query.expand(len(rows), -1, -1), known.joints, small, region,
                          settings.warp)
        decision = decide(region, warp) if decide else None
        what = decided(warp, decision, region, known.size[::-1], settings)
        # a network may trust any of them
        cutouts = self.read(rows, is_used(what.shares) | (decision is not None))
        draw_frames(canvas, what, cutouts, scaling(small, canvas.size), self.into_frame,
                    settings.blend.person)

    def read(self, rows: np.ndarray, used: np.ndarray) -> list[Cutout | None]:
        """The cutouts of those rows that are `used`, bool (N,)."""
        return [self.whole(int(row)) if use else None for row, use in zip(rows, used)]

    @property
    def whole(self) -> Remembered[Cutout]:
        """The cutouts of whole frames."""
        return self.kept.cutouts.cutout if self.tight else self.kept.cutouts.loose

    def draw_parts(self, canvas: Canvas, query: np.ndarray, shown: PartsShown, small: Size
                   ) -> None:
        """Draw one pose (K, 3) part by part."""
        doll = self.doll
        pose = moved(query, scaling(small, canvas.size))
        asked = Bodies(pose[None], doll.bodies.skeleton, parts=doll.bodies.parts)
        body = with_shins(asked, canvas.size[1])
        doll.paint(canvas.picture, canvas.alpha, body, shown.order, shown.rows)
        remove_specks(canvas, body)

    @property
    def doll(self) -> Doll:
        """The parts of all frames; made when a pose first needs them."""
        with self._making:
            if self._doll is None:
                self._doll = doll_of(self.kept.index, self.kept.cutouts, self.parts)
            return self._doll

    def prepare(self, rows: Iterable[int], parts: Mapping[str, np.ndarray]) -> bool:
        """Read one of these frames, or cut out one of these {layer: rows}, for a pose to come, the
        first that is not in memory. Returns   whether there was one."""
        for row in rows:
            if (row,) not in self.whole:
                self.whole(row)
                return True
        for rank in range(max(map(len, parts.values()), default=0)):
            for layer, best in parts.items():
                if rank < len(best) and self.doll.prepare(int(best[rank]), layer):
                    return True
        return False

    def carry_on(self, canvas: Canvas, before: Canvas, query: Tensor, query_before: Tensor,
                 small: Size, share: float) -> None:
        """Take a share of the person from the canvas before, which shows the pose
        `query_before`; (1, K, 3) both."""
        skeleton = self.kept.index.track.joints
        region = self.region(query, small)
        warp = warp_field(query_before, query, skeleton, small, region, self.settings.warp)
        carry_on(canvas, before, (region[2].start, region[1].start), numbers(warp.x[0]),
                 numbers(warp.y[0]), scaling(small, canvas.size), share)
        self.put_bars(canvas)

    def put_bars(self, canvas: Canvas) -> None:
        """Lay the bars of a letterbox over the canvas, where the video has some."""
        plate = self.kept.film_plate
        if plate.bars.any():
            picture, there = plate.bars_at(canvas.size)
            canvas.picture[there] = picture[there]
            canvas.alpha[there] = 0


def painter_at(size: Size, kept: Kept, settings: Body2BodySettings,
               parts: Mapping[str, Part] | None) -> Painter:
    """A painter for pictures of that size. The parts of the person are measured unless they are
    given: the first pose that is far from whole frames cannot wait for that."""
    if parts is None:
        parts = measured_bodies(kept.index, SmallMattes(kept.index)).parts
    return Painter(kept.at(size), settings, parts)
