"""What a model does to paint live poses, one after another, without those to come.

A live pose is a batch of one, as a dataset without frames gives it: A, A_paths, joints. What a
dataset would have told of it comes by `on_pose` before.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import argparse

    from models.engine import Batch
    from models.painted import Painted
    from models.warping.canvas import Canvas
    from pose.track import PoseTrack
    from scene.composition import Layer


@dataclass(frozen=True)
class LivePose:
    """A pose to be painted.

    name      stands in its batch's A_paths for a file
    track     that one pose, in px of the frames of the dataset that the run was trained on
    elapsed   s since the pose before
    follows   whether the pose before was painted, and this one is the same person going on
    """
    name: str
    track: PoseTrack
    elapsed: float = 0.0
    follows: bool = False


class PaintsLive:
    """The part of a model that is asked for live; a model writes what differs.

    HAS_ALPHA   whether it knows how much of each painted pixel is the person (`alpha`, `layer`), so
                that another background may lie behind. Painted.exact are canvases then
    """

    HAS_ALPHA = False

    @staticmethod
    def check_live(opt: argparse.Namespace) -> None:
        """UserError where a run of these options paints from more than a pose."""

    @property
    def film_size(self) -> tuple[int, int] | None:
        """(W, H) of the largest picture that it paints; None: as large as the poses given to it."""
        return None

    def on_live(self, size: tuple[int, int], num_frames: int, network: bool) -> None:
        """Called before the first live pose, and when the quality changes.

        size         (W, H) to paint at, at most `film_size`
        num_frames   real frames that each picture is made of, at most
        network      whether a network has its say, where the model paints without one too
        """

    def on_pose(self, pose: LivePose) -> bool:
        """Called before a live pose is painted. Returns   whether it can be painted."""
        return True

    def prepare(self) -> bool:
        """Do a little, of some milliseconds, that a pose to come may need, while none waits.
        Returns   whether there is more of it."""
        return False

    def on_background(self, replaced: bool) -> None:
        """Called before painting: whether another background than the run's own comes behind the
        person."""

    def alpha(self, painted: Painted) -> np.ndarray:
        """uint8 (H, W): how much of each pixel of one painted frame is the person."""
        canvas: Canvas = painted.exact[0]
        return canvas.alpha

    def layer(self, painted: Painted, i: int = 0) -> Layer:
        """The person alone of one painted frame."""
        canvas: Canvas = painted.exact[i]
        return canvas.layer()

    def paint_nobody(self, batch: Batch) -> np.ndarray:
        """uint8 (H, W, C): the picture without anybody; `batch` holds a pose without joints."""
        picture: np.ndarray = self.paint_film(batch).pictures[0]        # type: ignore[attr-defined]
        return picture
