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
from contextlib import AbstractContextManager, nullcontext
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


class CoarseWarp(NamedTuple):
    """A Warp at the points of a grid; between them it is linear.

    warp        (B, h, w) each: rows and columns of grid points
    left, top   px of the picture where the first point lies
    step        px of the picture from point to point
    """
    warp: Warp
    left: int
    top: int
    step: int


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
    the frames at pose `source`: coarse_warp, enlarged to the region."""
    warp, left, top, step = coarse_warp(source, query, skeleton, size, region, settings)
    coarse = torch.stack(warp, 1)
    full = [(points - 1) * step + 1 for points in coarse.shape[2:]]
    finer = F.interpolate(coarse, full, mode='bilinear', align_corners=True)
    top_px, bottom_px, _ = region[1].indices(size[1])
    left_px, right_px, _ = region[2].indices(size[0])
    rows = slice(top_px - top, bottom_px - top)
    columns = slice(left_px - left, right_px - left)
    return Warp(*finer[..., rows, columns].unbind(1))


@torch.no_grad()
def coarse_warp(source: Tensor, query: Tensor, skeleton: Skeleton, size: tuple[int, int],
                region: Region = EVERYWHERE,
                settings: WarpSettings = WARP_DEFAULTS) -> CoarseWarp:
    """warp_field at grid points that enclose the region. The strain includes that of stretching
    and folding, and is the mean around each point. It has no gradient: poses are data."""
    step = max(1, min(size) // GRID_POINTS)
    top, bottom, _ = region[1].indices(size[1])
    left, right, _ = region[2].indices(size[0])
    # with a margin, so that a region has the strain that it has in the whole image
    margin = settings.mean_of + 1
    x = coarse_axis(left, right, step, margin, source.device)
    y = coarse_axis(top, bottom, step, margin, source.device)[:, None]
    # products of matrices in bfloat16 would be wrong by pixels
    with without_autocast(source.device.type):
        bones = Bones.of(source, query, skeleton)
        warp = bend(x, y, bones, settings)
        scale = bones.fit.scale[:, None, None] / step
        strain = warp.strain + stretch_strain(warp.x * scale, warp.y * scale, settings)
        # gradients at the edge are one-sided
        strain = mean_around(strain[:, 1:-1, 1:-1], settings.mean_of)
    inside = ..., slice(margin, -margin), slice(margin, -margin)
    found = Warp(warp.x[inside], warp.y[inside], warp.nearness[inside], strain)
    return CoarseWarp(found, left // step * step, top // step * step, step)


def without_autocast(device: str) -> AbstractContextManager:
    """Within the block float32 stays float32 on that type of device."""
    if not torch.amp.is_autocast_available(device):
        return nullcontext()
    return torch.autocast(device, enabled=False)


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


def mean_around(values: Tensor, radius: int) -> Tensor:
    """(B, h - 2 radius, w - 2 radius): the mean of values (B, h, w) over the square of that radius
    around each point. By products with banded matrices, ten times as fast as F.avg_pool2d."""
    def band(points: int) -> Tensor:
        ones = values.new_ones(points - 2 * radius, points)
        return ones.triu().tril(2 * radius).div_(2 * radius + 1)
    return band(values.shape[1]) @ values @ band(values.shape[2]).T


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
    """Where the pixels at x (W,) and y (H, 1) of the picture lie in the frame.

    X' of each bone is where the whole body's movement brings the pixel, and to that a part linear
    in x, y and the pixel's place along the bone. Its mean over the bones needs two pictures of each
    bone alone, its weight and its weight times that place, of which bone_terms makes all sums in
    one product of matrices: a fifth of the time that pictures of every term take.
    """
    pictures = bone_pictures(x, y, bones, settings)
    sums = (bone_terms(bones, settings) @ pictures.flatten(2)).unflatten(2, pictures.shape[2:])
    decided, slope, across, more_x, more_y, present, strain = sums.unbind(1)
    total = decided + settings.body
    whole_x, whole_y = move(x, y, bones.fit)
    return Warp(whole_x + more_x.addcmul(slope, x).addcmul_(across, y).div_(total),
                whole_y + more_y.addcmul(slope, y).addcmul_(across, x, value=-1).div_(total),
                decided / (decided + (1 + settings.softness) ** -settings.power),
                strain / (present + settings.body))


def bone_pictures(x: Tensor, y: Tensor, bones: Bones, settings: WarpSettings) -> Tensor:
    """(B, 2 N, H, W), at x (W,) and y (H, 1): the weight of each bone of the query, by the distance
    alone, and after them that weight times the px from the bone's start to the nearest place on
    it."""
    ax, ay = bones.query.along[..., None, None, :].unbind(-1)
    Px, Py = bones.query.start[..., None, None, :2].unbind(-1)
    length, reach = bones.query.length[..., None, None], bones.reach[..., None, None]
    found = x.new_empty(*bones.reach.shape[:1], 2 * bones.reach.shape[1], len(y), len(x))
    weight, place = found.chunk(2, 1)
    right, below = x - Px, y - Py
    # in place where it may be: memory takes longer than arithmetic
    u = ax * right + ay * below                                             # px       Eq. 1
    v = ax * below - ay * right                                             # px       Eq. 2
    torch.clamp(u, min=0, out=place).clamp_(max=length)
    distance = u.sub_(place).square_().add_(v.square_()).sqrt_()
    near = torch.div(reach, distance.add_(settings.softness * reach + 1e-6), out=distance)
    if settings.power == 3:         # torch.pow takes as long as all of the above
        torch.mul(near, near, out=weight).mul_(near)
    else:
        torch.pow(near, settings.power, out=weight)
    place.mul_(weight)
    return found


def bone_terms(bones: Bones, settings: WarpSettings) -> Tensor:
    """(B, 7, 2 N): what a unit of each picture of bone_pictures adds to

        1, slope, across, more_x, more_y    of the bones that may bend the frame, so that (slope x +
                                            across y + more_x, slope y - across x + more_y) is the
                                            pixel as the bones have it, less the pixel as the whole
                                            body has it
        1, strain                           of the bones that the query shows
    """
    query, frame, fit = bones.query, bones.frame, bones.fit
    ax, ay = query.along.unbind(-1)
    ax_, ay_ = frame.along.unbind(-1)
    Px, Py, _ = query.start.unbind(-1)
    Px_, Py_, _ = frame.start.unbind(-1)
    here_x, here_y = fit.query_middle[..., None].unbind(1)
    there_x, there_y = fit.frame_middle[..., None].unbind(1)
    each_px = 1 / fit.scale[:, None]
    # X' = P' + u' along' + v' across', u' = u / scale + longer place, v' = v / scale        Eq. 3
    cosine, sine = bones.alike * each_px, (ax_ * ay - ay_ * ax) * each_px
    more_x = Px_ - cosine * Px - sine * Py + here_x * each_px - there_x
    more_y = Py_ - cosine * Py + sine * Px + here_y * each_px - there_y
    longer = frame.length / query.length.clamp(min=1e-6) - each_px
    if settings.rigid_feet:
        longer = longer * bones.anatomy.outside_feet
    # A bone turned by 120 degrees or more has no weight: the body has turned around. Measured to
    # be better so.
    long_enough = torch.minimum(query.length, frame.length) > SHORTEST
    use = (query.seen & frame.seen & long_enough) * (1 + 2 * bones.alike).clamp(0, 1)
    seen = query.seen.to(use)
    nothing = torch.zeros_like(use)
    of_weight = torch.stack([use, use * (cosine - each_px), use * sine, use * more_x, use * more_y,
                             seen, seen * bones.strains(settings.facing)], 1)
    of_place = torch.stack([nothing, nothing, nothing, use * longer * ax_, use * longer * ay_,
                            nothing, nothing], 1)
    return torch.cat([of_weight, of_place], 2)


def sampled(frames: Tensor, x: Tensor, y: Tensor, mode: str = 'bicubic') -> Tensor:
    """The pixels of frames (B, C, h, w), in [-1, 1], at x and y, (B, H, W) px; the edge is
    repeated outside. Cubic, since linear sampling blurs between pixels; 'bilinear' is faster."""
    h, w = frames.shape[-2:]
    places = torch.stack([x * (2 / max(w - 1, 1)), y * (2 / max(h - 1, 1))], -1) - 1
    # PyTorch has no cubic sampling on Apple's GPUs
    mode = 'bilinear' if frames.device.type == 'mps' else mode
    found = F.grid_sample(frames, places, mode=mode, padding_mode='border', align_corners=True)
    return found.clamp(-1, 1) if mode == 'bicubic' else found
