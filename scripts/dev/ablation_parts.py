"""The parts of --model body2body that an ablation takes away, and how what is left is shown."""
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.warping.settings import Body2BodySettings
from pose.matching.retrieval import RetrievalSettings
from scripts.gallery_page import named

SHOWN = 4                       # frames in a picture

TODAY = Body2BodySettings()


@dataclass(frozen=True)
class Part:
    """What is changed to take a part away.

    says      in words, what is painted then
    settings  of the model
    flags     of train.py
    trains    whether it is a part of training, so that nothing is seen of it before
    moves     flags of preprocess.py for the dancer
    in_room   of preprocess.main for the dancer
    """
    says: str
    settings: Body2BodySettings = TODAY
    flags: Sequence[str] = ()
    trains: bool = False
    moves: Sequence[str] = ()
    in_room: bool = True

    @property
    def is_of_moves(self) -> bool:
        """Whether it is about a dancer's poses: nothing is seen of it in one's own."""
        return bool(self.moves) or not self.in_room


def warp(**values: Any) -> Body2BodySettings:
    return replace(TODAY, warp=replace(TODAY.warp, **values))


def blend(**values: Any) -> Body2BodySettings:
    return replace(TODAY, blend=replace(TODAY.blend, **values))


def selection(**values: Any) -> Body2BodySettings:
    return replace(TODAY, selection=replace(TODAY.selection, **values))


def by_parts(**values: Any) -> Body2BodySettings:
    return replace(TODAY, parts=replace(TODAY.parts, **values))


ALL = 'all of it'
PARTS = {
    ALL: Part('as it is'),
    'frames': Part('one frame is retrieved, not three',
                   flags=('--num_frames', '1')),
    'complement': Part('further frames are the next nearest, not those that best show '
                       'what the first one hides',
                       selection(strain=0.0, whole=1.0)),
    'strain': Part('the nearest frame shows every limb, not the frame with the least '
                   'deformation there',
                   blend(strain=0.0)),
    'mirror': Part('no frame is mirrored',
                   selection(mirrored=1e6)),
    'side': Part('facing left counts the same as facing right',
                 selection(side=0.0)),
    'path': Part('the nearest frame each time, however much the sequence jumps',
                 selection(retrieval=RetrievalSettings(jump=0.0))),
    'bend': Part('frames are moved and scaled, not bent',
                 warp(body=1e6)),
    'drawn_out': Part('stretching and folding do not count as strain',
                      warp(stretch=0.0, fold=0.0)),
    'around': Part('strain is taken at each place alone, not as the mean around it',
                   warp(mean_of=0)),
    'turned': Part('a trunk that faces another way is no strain',
                   warp(facing=0.0)),
    'far': Part('pixels far from every bone follow the whole body, not the nearest bone',
                warp(body=0.05)),
    'feet': Part('feet are stretched with their bones',
                 warp(rigid_feet=False)),
    'shadow': Part('the shadow on the floor is cut out with the person',
                   replace(TODAY, darkest_shadow=2.0)),
    'masks': Part('the detector\'s masks are not used: matte and background go by the pose',
                  replace(TODAY, masks=False)),
    'parts': Part('whole frames alone, however far the pose is from them',
                  by_parts(strain=1e6, limb=1e6)),
    'looks': Part('a part is chosen by joints alone, whatever light or hem is on it',
                  by_parts(unlike=0.0)),
    'facing': Part('the dancer turns every way, filmed of the target or not',
                   moves=('--facing', 'as_is')),
    'room': Part('the dancer may leave the picture, and grow and shrink',
                 in_room=False),
    'temporal': Part('no temporal blending: nothing comes from the previous painted frame',
                     replace(TODAY, previous_frame=0.0)),
    'light': Part('the person keeps the light of the retrieved frame',
                  replace(TODAY, light=0.0), trains=True),
    'offset': Part('the network cannot shift where it samples',
                   replace(TODAY, offset_reach=0.0),
                   trains=True),
    'window': Part('each step sees the whole picture, not a window',
                   blend(window=1 << 16), trains=True),
    'wrong': Part('no wrong frames while training',
                  replace(TODAY, wrong_frames=0.0), trains=True),
    'noise': Part('no noise on the joints while training',
                  replace(TODAY, joint_noise=0.0),
                  trains=True),
    'lpips': Part("pix2pixHD's perceptual loss in place of LPIPS",
                  replace(TODAY, lpips=False),
                  trains=True),
    'perceptual': Part('no perceptual loss',
                       flags=('--no_vgg_loss',), trains=True),
    'adversary': Part('no adversary',
                      flags=('--lambda_GAN', '0', '--lambda_feat', '0'),
                      trains=True),
    'average': Part('the weights of the last step, not their running average (EMA)',
                    flags=('--ema', '0'), trains=True)}


def sheet(rows: Sequence[tuple[str, Sequence[np.ndarray]]]) -> np.ndarray:
    """(name, pictures) one below the other: uint8 (H, W, 3), all pictures of one size."""
    return np.vstack([named(np.hstack(pictures), name) for name, pictures in rows])
