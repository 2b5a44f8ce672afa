"""A real frame moved, or bent bone by bone, into another pose. Nothing is trained.

Beier and Neely, "Feature-Based Image Metamorphosis", SIGGRAPH 1992, section 3.2: each pair of
directed lines, a bone of the query pose and the same bone in the frame, says of every pixel of the
picture where it lies in the frame; all of them are averaged, the nearest bone counting most.
Two things differ. Beyond a bone's ends, and across it, lengths are not scaled with the bone (Eq. 3)
but with the body, so that a foreshortened forearm keeps its width, and a hand and the head their
shape; in a foot none are. And a pixel far from every bone follows the whole body: the frame is
moved and scaled there, not bent.

Shape letters: B batch, N bones, K joints, C channels, H W pixels of the picture, h w pixels of the
frame. Poses are float32 (B, K, 3): x px, y px (pixel centres at integers), confidence, 0 = not
seen. A prime in an equation, x_ in code, marks what lies in the frame.
"""
from types import EllipsisType
from typing import NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from models.warping.bones import SHORTEST, Bones, Fit, torso_fit
from models.warping.settings import WarpSettings
from pose.skeleton import Skeleton

Region: TypeAlias = tuple[EllipsisType, slice, slice]       # rows and columns: picture[region]
EVERYWHERE: Region = ..., slice(None), slice(None)
FEET = {'RAnkle', 'LAnkle'}     # where the bones of a foot start
GRID_POINTS = 64                # along the shorter side, at which bending is computed
WARP_DEFAULTS = WarpSettings()


class Warp(NamedTuple):
    """Where each pixel of a picture lies in a frame; (B, H, W) each.

    x, y       px of the frame
    nearness   weight of the bones in it: nearly 1 on a bone, one half at the end of its reach
    strain     0 where the bones around are as they are in the frame, 1 where they are turned by 60
               degrees or foreshortened to a half
    """
    x: Tensor
    y: Tensor
    nearness: Tensor
    strain: Tensor


def moved(frames: Tensor, source: Tensor, query: Tensor, skeleton: Skeleton,
          size: tuple[int, int]) -> Tensor:
    """The frames (B, C, h, w), at pose `source`, moved and scaled so that neck and hips come to
    lie where `query` has them: (B, C, H, W) for size (W, H)."""
    x, y = grid(size, frames.device)
    places = move(x, y, torso_fit(source, query, skeleton))
    return sampled(frames, *torch.broadcast_tensors(*places))


def bent(frames: Tensor, source: Tensor, query: Tensor, skeleton: Skeleton,
         size: tuple[int, int]) -> Tensor:
    """The frames (B, C, h, w), at pose `source`, bent into pose `query`: (B, C, H, W) for size
    (W, H)."""
    warp = warp_field(source, query, skeleton, size)
    return sampled(frames, warp.x, warp.y)


def warp_field(source: Tensor, query: Tensor, skeleton: Skeleton, size: tuple[int, int],
               region: Region = EVERYWHERE, settings: WarpSettings = WARP_DEFAULTS) -> Warp:
    """Where the pixels of a picture of size (W, H) at pose `query`, or of a region of it, lie in
    the frames at pose `source`. The strain includes that of stretching and folding, and is the
    mean around each pixel."""
    step = max(1, min(size) // GRID_POINTS)
    top, bottom, _ = region[1].indices(size[1])
    left, right, _ = region[2].indices(size[0])
    # with a margin, so that a region has the strain that it has in the whole image
    margin = settings.mean_of + 1
    x = coarse_axis(left, right, step, margin, source.device)
    y = coarse_axis(top, bottom, step, margin, source.device)[:, None]
    bones = Bones.of(source, query, skeleton)
    warp = bend(x, y, bones, settings)
    scale = bones.fit.scale[:, None, None]
    strain = warp.strain + stretch_strain(warp.x * scale / step, warp.y * scale / step, settings)
    # gradients at the edge are one-sided
    strain = F.avg_pool2d(strain[:, None, 1:-1, 1:-1], 2 * settings.mean_of + 1, 1)[:, 0]
    inside = ..., slice(margin, -margin), slice(margin, -margin)
    coarse = torch.stack([warp.x[inside], warp.y[inside], warp.nearness[inside], strain], 1)
    full = [(points - 1) * step + 1 for points in coarse.shape[2:]]
    finer = F.interpolate(coarse, full, mode='bilinear', align_corners=True)
    row, column = top % step, left % step
    found = finer[..., row:row + bottom - top, column:column + right - left]
    return Warp(*found.unbind(1))


def coarse_axis(start: int, end: int, step: int, margin: int, device: torch.device) -> Tensor:
    """px of the grid points, `step` apart, that enclose start to end, and of `margin` more points
    to each side."""
    points = torch.arange(start // step - margin, -(-end // step) + 1 + margin,
                          dtype=torch.float32, device=device)
    return step * points


def stretch_strain(x: Tensor, y: Tensor, settings: WarpSettings) -> Tensor:
    """(B, h, w): strain by how much closer the surroundings of each point lie in the frame, at
    x, y (B, h, w), than in the picture, where neighbours are 1 apart."""
    x_down, x_right = torch.gradient(x, dim=(1, 2))
    y_down, y_right = torch.gradient(y, dim=(1, 2))
    square = x_right ** 2 + x_down ** 2 + y_right ** 2 + y_down ** 2
    area = x_right * y_down - x_down * y_right
    # singular values of the slopes: their squares add up to `square`, their product is `area`
    narrow = ((square - (square ** 2 - 4 * area ** 2).clamp(min=0).sqrt()) / 2).clamp(min=1e-4)
    stretched = settings.stretch * -torch.log2(narrow.sqrt()).clamp(max=0)
    strain = stretched + settings.fold * (area <= 0)
    return strain.clamp(max=4 * settings.stretch)


def grid(size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """x float (W,) and y (H, 1) of every pixel."""
    x = torch.arange(size[0], dtype=torch.float32, device=device)
    y = torch.arange(size[1], dtype=torch.float32, device=device)
    return x, y[:, None]


def move(x: Tensor, y: Tensor, fit: Fit) -> tuple[Tensor, Tensor]:
    """Where the pixels at x (W,) and y (H, 1) of the picture lie in a frame of that fit: x
    (B, 1, W) and y (B, H, 1), px.

    Scaled and moved, never turned: a turned frame's floor would tilt. Where a pose shows no torso
    nothing is moved.
    """
    scale = fit.scale[:, None, None]
    here, there = fit.query_middle[..., None, None], fit.frame_middle[..., None, None]
    return (x - here[:, 0]) / scale + there[:, 0], (y - here[:, 1]) / scale + there[:, 1]


def bend(x: Tensor, y: Tensor, bones: Bones, settings: WarpSettings = WARP_DEFAULTS) -> Warp:
    """Where the pixels at x (W,) and y (H, 1) of the picture lie in the frame."""
    P, P_ = bones.query.start, bones.frame.start
    length, length_ = bones.query.length, bones.frame.length
    scale = bones.fit.scale
    reach = bones.reach

    def wide(values: Tensor) -> Tensor:
        return values[..., None, None]              # (B, N) -> (B, N, 1, 1)
    ax, ay = (wide(part) for part in bones.query.along.unbind(-1))
    ax_, ay_ = (wide(part) for part in bones.frame.along.unbind(-1))
    right, below = x - wide(P[..., 0]), y - wide(P[..., 1])
    u = ax * right + ay * below                                             # px       Eq. 1
    v = ax * below - ay * right                                             # px       Eq. 2
    on_bone = u.clamp(min=0).minimum(wide(length))
    beyond = u - on_bone
    rigid = torch.tensor([settings.rigid_feet and start in FEET for start, _ in bones.names],
                         device=x.device)
    longer_by = torch.where(rigid, 1 / scale[:, None], length_ / length.clamp(min=1e-6))
    u_ = on_bone * wide(longer_by) + beyond / wide(scale[:, None])
    v_ = v / wide(scale[:, None])
    x_ = wide(P_[..., 0]) + ax_ * u_ - ay_ * v_                             # X'       Eq. 3
    y_ = wide(P_[..., 1]) + ay_ * u_ + ax_ * v_

    use = bones.query.seen & bones.frame.seen & (torch.minimum(length, length_) > SHORTEST)
    nearness = wide(reach) / (settings.softness * wide(reach) + torch.hypot(beyond, v) + 1e-6)
    # A bone turned by 120 degrees or more has no weight: the body has turned around. Measured to
    # be better so.
    weight = nearness ** settings.power * wide(use * (1 + 2 * bones.alike).clamp(0, 1))
    decided = weight.sum(1)
    total = decided + settings.body
    presence = nearness ** settings.power * wide(bones.query.seen)
    strain = (presence * wide(bones.strains(settings.facing))).sum(1)
    whole_x, whole_y = move(x, y, bones.fit)
    return Warp(((weight * x_).sum(1) + settings.body * whole_x) / total,
                ((weight * y_).sum(1) + settings.body * whole_y) / total,
                decided / (decided + (1 + settings.softness) ** -settings.power),
                strain / (presence.sum(1) + settings.body))


def sampled(frames: Tensor, x: Tensor, y: Tensor, mode: str = 'bicubic') -> Tensor:
    """The pixels of frames (B, C, h, w), in [-1, 1], at x and y, (B, H, W) px; the edge is
    repeated outside. Cubic, since linear sampling blurs between pixels; 'bilinear' is faster."""
    h, w = frames.shape[-2:]
    places = torch.stack([x * (2 / max(w - 1, 1)), y * (2 / max(h - 1, 1))], -1) - 1
    # PyTorch has no cubic sampling on Apple's GPUs
    mode = 'bilinear' if frames.device.type == 'mps' else mode
    found = F.grid_sample(frames, places, mode=mode, padding_mode='border', align_corners=True)
    return found.clamp(-1, 1) if mode == 'bicubic' else found
