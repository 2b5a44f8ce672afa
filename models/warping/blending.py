"""Blends several nearly correct images into one: the region to render, and per-pixel weights.

Shape letters: B batch, N images, C channels, H W pixels, K joints. Images are float32 in [-1, 1].
`size` is (width, height), `shape` is (height, width).
"""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.refiner import Refiner
from models.warping.bone_warp import Region, Warp, sampled
from models.warping.canvas import Decided, Trust
from models.warping.settings import BlendSettings, Body2BodySettings
from pose.silhouette import person_mask
from pose.skeleton import Skeleton

UNIT = Refiner.enlarges * Refiner.multiple      # px: the refiner takes multiples of it
AROUND = 0.12       # of the body's height: farther from the limbs than any matte reaches
# The difference to the background, of [-1, 1], that counts as half the person; a hard threshold
# leaves dotted edges.
DIFFERS = 0.08
BLEND_DEFAULTS = BlendSettings()


@dataclass(frozen=True)
class Masked:
    """Images and how sure each of their pixels is, in one tensor, so that both are sampled at once.

    packed   (B, C + 1, H, W) in [-1, 1]
    """
    packed: Tensor

    @property
    def image(self) -> Tensor:
        """(B, C, H, W)."""
        return self.packed[:, :-1]

    @property
    def mask(self) -> Tensor:
        """(B, 1, H, W), -1 to 1: how much of the pixel is the person, or how sure the background
        is there."""
        return self.packed[:, -1:]

    def __getitem__(self, region: Any) -> 'Masked':
        return Masked(self.packed[region])


class Candidates(NamedTuple):
    """The frames retrieved for the poses of a batch.

    frames  (B N, C, h, w), and how much of each pixel is the person
    source  (B N, K, 3) poses that they show
    query   (B N, K, 3) poses to be painted
    """
    frames: Masked
    source: Tensor
    query: Tensor


class Decision(NamedTuple):
    """What G decides for each pixel of a region; numbers without bounds.

    colour  (B, C, h, w) to paint
    trust   (B, N + 2, h, w) logits of each frame, of the background and of paint
    offset  (B N, 2, h, w) how far from its place each frame is sampled
    light   (B, C, h, w) added to the frames
    """
    colour: Tensor
    trust: Tensor
    offset: Tensor
    light: Tensor


def decide(generate: Callable[[Tensor], Tensor], x: Tensor, background: Masked, frames: Masked,
           warp: Warp) -> Decision:
    """What G decides about the bent frames. It sees half the size; what is shown is sampled once,
    at the full size.

    generate      G
    x, background of a region, (B, C, h, w) each
    frames        (B N, C, H, W), bent as `warp` says
    """
    colours, (h, w) = background.image.shape[1], warp.x.shape[-2:]
    count = len(frames.packed) // len(x)
    half = Warp(*halved(torch.stack(warp, 1)).unbind(1))
    bent = sampled(frames.packed, half.x, half.y, 'bilinear')
    shown = torch.cat([bent, 2 * half.nearness[:, None] - 1,
                       half.strain.clamp(max=2)[:, None] - 1], 1)
    shown = shown.reshape(len(x), -1, *shown.shape[-2:])
    output = generate(torch.cat([halved(x), shown, halved(background.packed)], 1))
    output = output[..., :h, :w].float()
    colour, trust, offset, light = output.split([colours, count + 2, 2 * count, colours], 1)
    return Decision(colour, trust, offset.reshape(-1, 2, h, w), light)


def window(query: Tensor, shape: tuple[int, int],
           settings: BlendSettings = BLEND_DEFAULTS) -> Region:
    """A square around a random visible joint, in an image of that (height, width): there is
    something to learn there, and the time of a step does not depend on the image's size."""
    height, width = shape
    side = max(UNIT, min(settings.window, height, width) // UNIT * UNIT)
    seen = query[0, query[0, :, 2] > 0, :2].cpu()
    joint = torch.tensor([width / 2, height / 2])
    if len(seen):
        joint = seen[int(torch.randint(len(seen), ()))]
    left = int((joint[0] - side / 2).clamp(0, width - side))
    top = int((joint[1] - side / 2).clamp(0, height - side))
    return ..., slice(top, top + side), slice(left, left + side)


def person_region(query: np.ndarray, skeleton: Skeleton, shape: tuple[int, int]) -> Region:
    """The rectangle of an image of that (height, width) that holds the people of poses (B, K, 3),
    clothes and hair included. Outside it the image is the unpainted background, which takes no
    time."""
    size = shape[1], shape[0]
    mask = np.any([person_mask(pose, skeleton, size, AROUND) for pose in query], 0)
    return ..., occupied(mask.any(1)), occupied(mask.any(0))


def occupied(line: np.ndarray) -> slice:
    """From the first to the last True of a bool (n,), widened to multiples of UNIT within it."""
    there = np.flatnonzero(line)
    first, last = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, UNIT)
    return slice(first // UNIT * UNIT, min(-(-last // UNIT) * UNIT, len(line)))


def difference(image: Tensor, background: Masked) -> Tensor:
    """(B, 1, H, W), 0 to 1: how much an image (B, C, H, W) is not the background."""
    apart = (image - background.image).abs().amax(1, keepdim=True)
    return (apart / DIFFERS - 0.5).clamp(0, 1)


def halved(images: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, H / 2, W / 2), rounded up: each pixel the mean of four."""
    return F.avg_pool2d(images, 2, ceil_mode=True)


def blend_weights(logits: Tensor, person: Tensor, strain: Tensor,
                  settings: BlendSettings = BLEND_DEFAULTS) -> Tensor:
    """(B, N + 2, H, W), with the sum 1: how much of each pixel is of each frame, of the background
    and of paint.

    logits   (B, N + 2, H, W) of G; where they are 0 the frame with the least strain is shown where
             that frame shows the person, elsewhere the background
    person   (B, N, H, W) -1..1: how much each frame shows the person there
    strain   (B, N, H, W) as bone_warp.warp_field gives it
    """
    best = ranked(strain, settings)
    there = settings.person * (person * best.softmax(1)).sum(1, keepdim=True)
    paint = torch.full_like(there, -settings.person)
    prior = torch.cat([settings.person * person + best, -there, paint], 1)
    return (prior + swayed(logits, settings)).softmax(1)


def ranked(strain: Tensor, settings: BlendSettings) -> Tensor:
    """Logits of the frames before G has its say; strain and result (B, N, H, W)."""
    rank = torch.arange(strain.shape[1], device=strain.device).view(1, -1, 1, 1)
    best = -settings.strain * strain - settings.rank * rank
    return (best - best.amax(1, keepdim=True)).clamp(min=-settings.sway)


def swayed(logits: Tensor, settings: BlendSettings) -> Tensor:
    """G's logits, bounded, but with a gradient everywhere, so that one at the bound can return."""
    return settings.sway * F.softsign(logits / settings.sway)


def compose(decision: Decision, background: Masked, frames: Masked, warp: Warp,
            settings: Body2BodySettings) -> Tensor:
    """(B, C, h, w): frames, background and paint, blended as decided.

    background   of the region, (B, C, h, w)
    frames       (B N, C, H, W), sampled where `warp` and the decision's offset say
    """
    batch = len(decision.colour)
    count = decision.trust.shape[1] - 2
    h, w = warp.x.shape[-2:]
    reach = settings.offset_reach * max(frames.packed.shape[-2:]) / 256
    offset = reach * F.softsign(decision.offset)
    shown = Masked(sampled(frames.packed, warp.x + offset[:, 0], warp.y + offset[:, 1]))
    person = shown.mask.reshape(batch, count, h, w)
    strain = warp.strain.reshape(batch, count, h, w)
    weights = blend_weights(decision.trust, person, strain, settings.blend)
    of_frames, of_background, of_paint = weights.split([count, 1, 1], 1)
    images = shown.image.reshape(batch, count, -1, h, w)
    light = settings.light * F.softsign(decision.light) * of_frames.sum(1, keepdim=True)
    blended = (images * of_frames[:, :, None]).sum(1) + of_background * background.image
    return blended + light + of_paint * F.softsign(decision.colour)


def decided(warp: Warp, decision: Decision | None, region: Region, frames: tuple[int, int],
            settings: Body2BodySettings) -> Decided:
    """What is drawn of one pose at film size: the parts of `compose` that are computed once for
    all sizes.

    warp       of the region, (N, h, w) each
    decision   with B = 1; None where no network takes part
    frames     (h, w) of the small frames
    """
    best = ranked(warp.strain[None], settings.blend)
    shares = numbers(best.softmax(1)[0])
    x, y, trust = warp.x, warp.y, None
    if decision is not None:
        offset = settings.offset_reach * max(frames) / 256 * F.softsign(decision.offset)
        x, y = x + offset[:, 0], y + offset[:, 1]
        of_frames, background, paint = swayed(decision.trust, settings.blend).split(
            [len(warp.x), 1, 1], 1)
        colour = 127.5 * (F.softsign(decision.colour) + 1)
        light = 127.5 * settings.light * F.softsign(decision.light)
        trust = Trust(numbers((best + of_frames)[0]), numbers(background[0, 0]),
                      numbers(paint[0, 0]), in_channels(colour), in_channels(light))
    return Decided(region[2].start, region[1].start, numbers(x), numbers(y), shares, trust)


def numbers(tensor: Tensor) -> np.ndarray:
    """float32, contiguous, in the main memory."""
    return np.ascontiguousarray(tensor.float().cpu().numpy())


def in_channels(image: Tensor) -> np.ndarray:
    """(1, C, h, w) -> float32 (h, w, 3)."""
    return numbers(image[0].expand(3, -1, -1).permute(1, 2, 0))
