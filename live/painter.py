"""Paints the poses of a live session, one after another, with a trained run."""
from __future__ import annotations

import argparse
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from live.backgrounds import Backgrounds
from live.frames import Posed
from live.quality import QUALITIES, Quality
from models.base_model import BaseModel
from models.live import LivePose
from models.painted import Painted
from pose.track import PoseTrack
from util.errors import UserError
from util.images import fitted, in_colour, scaling
from util.marks import Marks

GAP = 0.5               # s without a painted pose after which nothing goes on from the last one
NEEDED = 'size', 'draw', 'skeleton'


class Last(NamedTuple):
    """The pose that was painted last: its batch, what was painted, and its time, s."""
    batch: dict[str, Any]
    painted: Painted
    time: float


class LivePainter:
    """painter(posed) is the picture, uint8 (H, W, 3) RGB.

    size      (W, H) of it, even; follows `quality`
    quality   may be set between two pictures. What a run cannot do is left out: it paints no larger
              than its film, and another model than body2body retrieves no frames
    marks     the watermark is drawn into every picture

    Poses come in px of the frames that the run was trained on. One thread paints.
    """

    def __init__(self, model: BaseModel, facts: Mapping[str, Any], background: str = 'own',
                 quality: Quality = QUALITIES[0], marks: Marks | None = None):
        """model: with its weights loaded. facts: data.facts.trained_facts of the run.
        background: as `check` takes it."""
        from data.transforms import geometry
        self.model = model
        self.opt = opt = model.opt
        check_facts(opt.name, facts)
        width, height = facts['size']
        self.frame = int(width), int(height)        # of training, as the dataset has it
        self.draw = facts['draw']
        self.skeleton: str = facts['skeleton']
        self.how = geometry(*self.frame, opt.preprocess, opt.load_size, opt.crop_size)
        self.trained = self.how.result(self.frame)  # of training, as the model sees it
        self.largest = model.film_size or self.trained
        self.backgrounds = Backgrounds(background, model.HAS_ALPHA)
        self.marks = marks or Marks()
        self.last: Last | None = None
        self.thread: int | None = None
        self.quality = quality

    @staticmethod
    def check(kind: type[BaseModel], opt: argparse.Namespace, facts: Mapping[str, Any],
              background: str) -> None:
        """UserError, before anything is loaded, where a run cannot be painted with live.

        kind         its model's class
        background   own, source, green, or a picture's file
        """
        if opt.direction == 'BtoA':
            raise UserError(f'{opt.name} was trained with --direction BtoA: it paints poses from '
                            f'pictures. Train a run with --direction AtoB.')
        check_facts(opt.name, facts)
        kind.check_live(opt)
        Backgrounds.check(background, kind.HAS_ALPHA, opt.model)

    @property
    def quality(self) -> Quality:
        return self._quality

    @quality.setter
    def quality(self, quality: Quality) -> None:
        self._quality = quality
        self.size = self.size_for(quality.size)
        # smaller than in training, poses are drawn smaller; larger is what a model makes of them
        self.posed_at = self.size if self.size < self.trained else self.trained
        self.model.on_live(self.size, quality.num_frames, quality.network)
        self.last = None
        nobody = self.batch(np.zeros((len(self.table.joints), 3), np.float32), 'nobody')
        self.nobody = self.shown(self.model.paint_nobody(nobody))

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """Those of QUALITIES that differ for this run, best first."""
        found: dict[Any, Quality] = {}
        for quality in map(self.limited, QUALITIES):
            found.setdefault(replace(quality, name=''), quality)
        return tuple(found.values())

    def limited(self, quality: Quality) -> Quality:
        """What there is of a quality for this run."""
        size = min(quality.size, min(self.largest))
        if not hasattr(self.opt, 'num_frames'):
            return replace(quality, size=size, num_frames=1, network=True)
        return replace(quality, size=size, num_frames=min(quality.num_frames, self.opt.num_frames))

    @property
    def table(self) -> Any:
        from pose.skeleton import skeleton_of
        return skeleton_of(self.skeleton)

    def size_for(self, side: int) -> tuple[int, int]:
        """(W, H), even, of a picture whose shorter side has at most that many px."""
        whole = self.trained if side == min(self.trained) else self.largest
        share = min(1.0, side / min(whole))
        width, height = (max(2, 2 * round(share * length / 2)) for length in whole)
        return width, height

    def next_background(self) -> str:
        """Go on to the next background; its name."""
        return self.backgrounds.next()

    def __call__(self, posed: Posed) -> np.ndarray:
        self.use_one_thread()
        self.model.on_background(self.backgrounds.replaces)
        picture, alpha = self.nobody, None
        painted = None if posed.pose is None else self.paint(posed, posed.pose)
        if painted is None:
            self.last = None
        else:
            picture = self.shown(painted.pictures[0])
            if self.backgrounds.replaces:
                alpha = fitted(self.model.alpha(painted), self.size)
        shown = self.backgrounds(picture, alpha, self.nobody, posed,
                                 scaling(self.frame, self.size))
        return self.marks.drawn(shown)

    def prepare(self) -> bool:
        """Do a little that the next pose may need, while none waits; a pose that comes then waits
        for some milliseconds. Returns   whether there is more of it."""
        self.use_one_thread()
        return self.model.prepare()

    def paint(self, posed: Posed, pose: np.ndarray) -> Painted | None:
        """What the model paints of the pose of `posed`; None where it cannot."""
        import torch
        model, time, last = self.model, posed.captured.time, self.last
        depth = None if posed.depth is None else posed.depth[None]
        track = PoseTrack(pose[None], np.array([time]), np.array([posed.captured.seq]),
                          posed.skeleton, self.frame, depth=depth).numbered(self.skeleton)
        elapsed = 0.0 if last is None else time - last.time
        follows = last is not None and elapsed <= GAP
        name = f'live {posed.captured.seq}'
        if not model.on_pose(LivePose(name, track, elapsed, follows)):
            return None
        batch = self.batch(track.poses[0], name)
        before = last if follows else None
        exact = before.painted.exact if before and model.SEQUENTIAL else None
        with torch.inference_mode():
            painted = model.paint_film(batch, exact)
            if before and model.BLENDS_PREVIOUS:
                painted = model.blend_previous(batch, painted, before.batch, before.painted)
        self.last = Last(batch, painted, time)
        return painted

    def batch(self, pose: np.ndarray, name: str) -> dict[str, Any]:
        """A pose (K, 3), in px of training's frames, as the model takes it."""
        from data.transforms import to_channels
        from pose.draw import LABELS, draw_pose
        from pose.skeleton import moved
        style, width = self.draw['style'], self.draw['line_width']
        joints = self.how.joints(pose, self.table, self.frame)
        if self.posed_at == self.trained:
            picture = draw_pose(pose, self.frame, style, self.skeleton, width)
            picture = self.how(picture, style in LABELS)
        else:
            joints = moved(joints, scaling(self.trained, self.posed_at))
            width *= min(self.posed_at) / min(self.frame)
            picture = draw_pose(joints, self.posed_at, style, self.skeleton, width)
        batch: dict[str, Any] = self.model.engine.to_batch({
            'A': to_channels(picture, self.opt.input_nc)[None], 'A_paths': [name],
            'joints': joints[None].astype(np.float32)})
        return batch

    def shown(self, picture: np.ndarray) -> np.ndarray:
        """What a model painted, uint8 (h, w, 1 or 3), as it is put out."""
        return fitted(in_colour(picture), self.size)

    def use_one_thread(self) -> None:
        """Leave the other cores to the stages that run at the same time. PyTorch counts threads
        for each thread that asks."""
        if self.thread != threading.get_ident():
            import torch
            torch.set_num_threads(1)
            self.thread = threading.get_ident()


def check_facts(name: str, facts: Mapping[str, Any]) -> None:
    """UserError where the record of a run does not say how its poses are drawn."""
    if any(key not in facts for key in NEEDED) or not facts['draw'].get('line_width'):
        raise UserError(f'run {name} does not know how the poses of its dataset are drawn, so none '
                        f'can be drawn for it. Train it on a dataset made by preprocess.py.')

