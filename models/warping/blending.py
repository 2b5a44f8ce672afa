"""Of several pictures that are nearly right one: where it is to be painted, and by which of them.

Shape letters: B batch, N pictures, C channels, H W pixels, K joints. Images are float32 in [-1, 1].
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.refiner import Refiner
from models.warping.bone_warp import Part
from pose.silhouette import person_mask
from pose.skeleton import Skeleton

# Logits of whom to trust: by how much G may change them, so that nobody is ever shut out, and, to
# begin with, of who is the person or is not, by how much each frame is less than the one before,
# and less for its strain. Hard choices: mixed textures are soft, and LPIPS was 4 % worse at 10.
SWAY, SURE, LATER, STRAIN = 6.0, 3.0, 2.0, 150.0
AROUND = 0.12       # of the body's height: farther from the limbs than any matte reaches
WINDOW = 128        # px that a step looks at
# By how much, of [-1, 1], the person differs from the background, half at that: a hard edge is
# dotted.
DIFFERS = 0.08


def window(wanted: Tensor, size: tuple[int, int]) -> Part:
    """A square about one of the joints seen: that is where something is to be learnt, and a
    step takes as long for a large picture as for a small one."""
    unit = Refiner.enlarges * Refiner.multiple
    side = max(unit, min(WINDOW, *size) // unit * unit)
    seen = wanted[0, wanted[0, :, 2] > 0, :2].cpu()
    joint = seen[int(torch.randint(len(seen), ()))] if len(seen) else torch.tensor(
        [size[1] / 2, size[0] / 2])
    left, top = (int((middle - side / 2).clamp(0, full - side)) for middle, full in
                 zip(joint, (size[1], size[0])))
    return ..., slice(top, top + side), slice(left, left + side)


def about(wanted: np.ndarray, skeleton: Skeleton, size: tuple[int, int]) -> Part:
    """The rectangle in which the people of poses (B, K, 3) are, clothes and hair included: what
    lies beside it is the background, still and unpainted, and takes no time."""
    unit = Refiner.enlarges * Refiner.multiple
    mask = np.any([person_mask(pose, skeleton, (size[1], size[0]), AROUND) for pose in wanted], 0)
    sides = []
    for axis in (1, 0):
        there = np.flatnonzero(mask.any(axis))
        first, last = (there[0], there[-1] + 1) if len(there) else (0, unit)
        sides.append(slice(int(first) // unit * unit, min(-(-int(last) // unit) * unit,
                                                          mask.shape[1 - axis])))
    return ..., sides[0], sides[1]


def differing(picture: Tensor, behind: Tensor) -> Tensor:
    """(B, 1, H, W), 0 to 1: how much a picture (B, C, H, W) is not the background (B, C + 1, H,
    W)."""
    apart = (picture - behind[:, :-1]).abs().amax(1, keepdim=True)
    return (apart / DIFFERS - 0.5).clamp(0, 1)


def halved(pictures: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, H / 2, W / 2), rounded up: each pixel the mean of four."""
    return F.avg_pool2d(pictures, 2, ceil_mode=True)


def shares(said: Tensor, person: Tensor, strain: Tensor) -> Tensor:
    """(B, N + 2, H, W), together 1: how much of each pixel is of each frame, of the background
    and of paint.

    said     (B, N + 2, H, W) what G says; where that is 0 it is the frame that is strained least
             where that shows the person, elsewhere the background
    person   (B, N, H, W) -1..1: how much each frame shows the person there
    strain   (B, N, H, W) as bone_warp.bent_places gives it
    """
    later = torch.arange(strain.shape[1], device=strain.device).view(1, -1, 1, 1)
    best = -STRAIN * strain - LATER * later
    best = (best - best.amax(1, keepdim=True)).clamp(min=-SWAY)
    there = SURE * (person * best.softmax(1)).sum(1, keepdim=True)
    begun = torch.cat([SURE * person + best, -there, torch.full_like(there, -SURE)], 1)
    # bounded, but with a slope everywhere: what went too far comes back
    return (begun + SWAY * F.softsign(said / SWAY)).softmax(1)
