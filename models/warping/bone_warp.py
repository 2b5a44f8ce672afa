"""A real frame moved, or bent bone by bone, into another pose. Nothing is trained.

Beier and Neely, "Feature-Based Image Metamorphosis", SIGGRAPH 1992, section 3.2: each pair of
directed lines, a bone in the pose wanted and the same bone in the frame, says of every pixel
wanted where it lies in the frame; all of them are averaged, the nearest bone counting most.
Two things differ. Beyond a bone's ends, and across it, lengths are not scaled with the bone (Eq. 3)
but with the body, so that a foreshortened forearm keeps its width, and a hand and the head their
shape; in a foot none are. And a pixel far from every bone follows the whole body: the frame is
moved and scaled there, not bent.

Shape letters: B batch, N bones, K joints, C channels, H W pixels wanted, h w pixels of the frame.
Poses are float32 (B, K, 3): x px, y px (pixel centres at integers), confidence, 0 = not seen.
"""
from dataclasses import dataclass
from functools import lru_cache
from types import EllipsisType
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from models.tensors import resized as resized
from pose.body import LEG, TORSO
from pose.skeleton import Skeleton

Fit: TypeAlias = tuple[Tensor, Tensor, Tensor]              # as torso_fit gives it
Part: TypeAlias = tuple[EllipsisType, slice, slice]         # of a picture: picture[part]
WHOLE: Part = ..., slice(None), slice(None)
# Each bone and how far it reaches, its thickness, in % of the body height.
BONES = {
    ('Neck', 'MidHip'): 9.0, ('RShoulder', 'RHip'): 7.0, ('LShoulder', 'LHip'): 7.0,
    ('Neck', 'RShoulder'): 5.0, ('Neck', 'LShoulder'): 5.0, ('RHip', 'LHip'): 6.0,
    ('RShoulder', 'RElbow'): 5.0, ('RElbow', 'RWrist'): 4.0,
    ('LShoulder', 'LElbow'): 5.0, ('LElbow', 'LWrist'): 4.0,
    ('RHip', 'RKnee'): 6.0, ('RKnee', 'RAnkle'): 4.5,
    ('LHip', 'LKnee'): 6.0, ('LKnee', 'LAnkle'): 4.5,
    ('RAnkle', 'RBigToe'): 3.0, ('LAnkle', 'LBigToe'): 3.0,
    ('RAnkle', 'RHeel'): 3.0, ('LAnkle', 'LHeel'): 3.0,
    ('Neck', 'Nose'): 6.0, ('REar', 'LEar'): 5.0, ('Nose', 'REye'): 4.0, ('Nose', 'LEye'): 4.0,
    ('REye', 'REar'): 4.0, ('LEye', 'LEar'): 4.0}
RIGID = {'RAnkle', 'LAnkle'}    # where bones begin that keep their length: a shoe is soon askew
SOFT, POWER = 0.4, 3.0      # weight = (reach / (SOFT reach + distance)) ** POWER; the paper's a, b
FAR = 0.003                 # weight of the whole body's movement, that of a bone 6.5 reaches away:
                            # sleeves and hair go with the bone they hang on
MISSING = 2.0               # strain where a frame does not show a bone
SHORTEST = 3.0              # px: a bone seen from its end has no direction
LEAST, MOST = 0.5, 2.0      # that a frame is scaled by
POINTS = 64                 # along the shorter side, at which bending is worked out
# Strain where the frame is drawn out to twice its width, or folded; and of how many points around
# strain is the mean, to each side: legs that were bent apart are no better beside the gap than in
# it, and a sleeve that hangs from an arm is shown whole, by one frame.
DRAWN_OUT, FOLDED, MEAN_OF = 0.4, 0.8, 6
TURNED = 4.0                # strain of the trunk for each body height that `turned` gives: one seen
                            # from the front is strained by 1 when it is to be seen from the side
TRUNK = {('Neck', 'MidHip'), ('RShoulder', 'RHip'), ('LShoulder', 'LHip')}


def moved(frames: Tensor, source: Tensor, wanted: Tensor, skeleton: Skeleton,
          size: tuple[int, int]) -> Tensor:
    """The frames (B, C, h, w), at pose `source`, moved and scaled so that neck and hips come to
    lie where `wanted` has them: (B, C, H, W) for size (W, H)."""
    x, y = grid(size, frames.device)
    return sampled(frames, *torch.broadcast_tensors(
        *move(x, y, torso_fit(source, wanted, skeleton))))


def bent(frames: Tensor, source: Tensor, wanted: Tensor, skeleton: Skeleton,
         size: tuple[int, int]) -> Tensor:
    """The frames (B, C, h, w), at pose `source`, bent into pose `wanted`: (B, C, H, W) for size
    (W, H)."""
    x, y, _, _ = bent_places(source, wanted, skeleton, size)
    return sampled(frames, x, y)


def bent_places(source: Tensor, wanted: Tensor, skeleton: Skeleton, size: tuple[int, int],
                part: Part = WHOLE) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the pixels of a picture of size (W, H) at pose `wanted`, or of a part of it, lie in
    the frames at pose `source`: x and y px, the nearness that `bend` gives, and the strain, by that
    and by what is drawn out or folded, the mean around each pixel; (B, H, W) each."""
    step = max(1, min(size) // POINTS)
    (top, bottom, _), (left, right, _) = (
        side.indices(length) for side, length in zip(part[1:], size[::-1]))
    # with what lies around, so that a part is strained as it is in the whole
    beyond = MEAN_OF + 1
    x, y = (step * torch.arange(start // step - beyond, -(-end // step) + 1 + beyond,
                                dtype=torch.float32, device=source.device)
            for start, end in ((left, right), (top, bottom)))
    y = y[:, None]
    bones = Bones.of(source, wanted, skeleton)
    px, py, near, strain = bend(x, y, bones)
    strain = strain + drawn_out(*(each * bones.fit[0][:, None, None] / step for each in (px, py)))
    inside = ..., slice(beyond, -beyond), slice(beyond, -beyond)
    # slopes at the edge have one side only
    strain = F.avg_pool2d(strain[:, None, 1:-1, 1:-1], 2 * MEAN_OF + 1, 1)[:, 0]
    places = torch.stack([px[inside], py[inside], near[inside], strain], 1)
    full = [(points - 1) * step + 1 for points in places.shape[2:]]
    finer = F.interpolate(places, full, mode='bilinear', align_corners=True)
    across, down = left % step, top % step
    out_x, out_y, nearness, strain = finer[..., down:down + bottom - top,
                                           across:across + right - left].unbind(1)
    return out_x, out_y, nearness, strain


def drawn_out(x: Tensor, y: Tensor) -> Tensor:
    """(B, h, w): strain by how much closer the surroundings of each point lie in the frame, at
    x, y (B, h, w), than in the picture, where each is one from the next."""
    (x_down, x_right), (y_down, y_right) = (torch.gradient(each, dim=(1, 2)) for each in (x, y))
    square = x_right ** 2 + x_down ** 2 + y_right ** 2 + y_down ** 2
    area = x_right * y_down - x_down * y_right
    # singular values of the slopes: their squares add up to `square`, their product is `area`
    narrow = ((square - (square ** 2 - 4 * area ** 2).clamp(min=0).sqrt()) / 2).clamp(min=1e-4)
    strain = DRAWN_OUT * -torch.log2(narrow.sqrt()).clamp(max=0) + FOLDED * (area <= 0)
    return strain.clamp(max=4 * DRAWN_OUT)


def grid(size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """x float (W,) and y (H, 1) of every pixel."""
    x, y = (torch.arange(side, dtype=torch.float32, device=device) for side in size)
    return x, y[:, None]


def move(x: Tensor, y: Tensor, fit: Fit) -> tuple[Tensor, Tensor]:
    """Where the pixels at x (W,) and y (H, 1) of the picture wanted lie in the frame that fits it
    so: x (B, 1, W) and y (B, H, 1), px.

    Scaled and moved, never turned: a turned frame's floor would tilt. Where a pose shows no torso
    nothing is moved.
    """
    scale, there, here = fit
    scale, there, here = scale[:, None, None], there[..., None, None], here[..., None, None]
    return (x - there[:, 0]) / scale + here[:, 0], (y - there[:, 1]) / scale + here[:, 1]


@dataclass(frozen=True)
class Bones:
    """The bones that a skeleton has, in the poses wanted and in the frames; worked out once for
    all that is asked of them.

    names           N of BONES
    start, end      (B, N, 3) joints wanted, start_ and end_ those of the frame
    length, along   (B, N) px and (B, N, 2), as `direction` gives them, length_ and along_ likewise
    reach           (B, N) px: how thick those wanted are
    fit             as torso_fit gives it
    turned          (B,), as `turned` gives it
    """
    names: tuple[tuple[str, str], ...]
    start: Tensor
    end: Tensor
    start_: Tensor
    end_: Tensor
    length: Tensor
    along: Tensor
    length_: Tensor
    along_: Tensor
    reach: Tensor
    fit: Fit
    turned: Tensor

    @classmethod
    def of(cls, source: Tensor, wanted: Tensor, skeleton: Skeleton) -> 'Bones':
        both = ends(wanted, skeleton), ends(source, skeleton)
        (length, along), (length_, along_) = (direction(*pair) for pair in both)
        return cls(named_bones(skeleton), *both[0], *both[1], length, along, length_, along_,
                   reaches(wanted, skeleton), torso_fit(source, wanted, skeleton),
                   turned(source, wanted, skeleton))

    @property
    def alike(self) -> Tensor:
        """(B, N): the cosine of the angle between a bone wanted and that of the frame."""
        return (self.along * self.along_).sum(-1)

    @property
    def strains(self) -> Tensor:
        """(B, N): of each bone, 0 where it is as in the frame, 1 where it is turned by 60 degrees
        or foreshortened to a half, and the trunk's where it faces otherwise; MISSING where one of
        the two does not show it."""
        longer = torch.log2(self.length_.clamp(min=SHORTEST) / self.length.clamp(min=SHORTEST)
                            * self.fit[0][:, None]).abs()
        # of a bone shorter than it is thick, as in a face, joints off by a pixel say anything
        told = torch.maximum(self.length, self.length_)
        told = told / (told + self.reach)
        seen = torch.stack([self.start, self.end, self.start_, self.end_])[..., 2].amin(0) > 0
        trunk = torch.tensor([pair in TRUNK for pair in self.names], device=told.device)
        facing = TURNED * self.turned[:, None] * trunk
        # a bone that is not seen in one of the two is a limb that may be missing there
        return torch.where(seen, told * (2 - 2 * self.alike + longer) + facing, MISSING)


def bend(x: Tensor, y: Tensor, bones: Bones) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where the pixels at x (W,) and y (H, 1) of the picture wanted lie in the frame: x and y px.
    Besides, how much a bone decides that, nearly 1 upon one and a half where it reaches no
    farther; and the strain, 0 where the bones around are as they are in the frame, 1 where they
    are turned by 60 degrees or foreshortened to a half. (B, H, W) each."""
    P, Q, P_, Q_ = bones.start, bones.end, bones.start_, bones.end_
    length, along, length_, along_ = bones.length, bones.along, bones.length_, bones.along_
    scale, reach = bones.fit[0], bones.reach

    def wide(values: Tensor) -> Tensor:
        return values[..., None, None]              # (B, N) -> (B, N, 1, 1)
    ax, ay, ax_, ay_ = (wide(part) for part in (*along.unbind(-1), *along_.unbind(-1)))
    right, below = x - wide(P[..., 0]), y - wide(P[..., 1])
    u, v = ax * right + ay * below, ax * below - ay * right                 # px       Eq. 1, 2
    on_bone = u.clamp(min=0).minimum(wide(length))
    beyond = u - on_bone
    rigid = torch.tensor([pair[0] in RIGID for pair in bones.names], device=x.device)
    longer_by = torch.where(rigid, 1 / scale[:, None], length_ / length.clamp(min=1e-6))
    u_ = on_bone * wide(longer_by) + beyond / wide(scale[:, None])
    v_ = v / wide(scale[:, None])
    x_ = wide(P_[..., 0]) + ax_ * u_ - ay_ * v_                             # X'       Eq. 3
    y_ = wide(P_[..., 1]) + ay_ * u_ + ax_ * v_

    wanted_seen = torch.minimum(P[..., 2], Q[..., 2]) > 0
    seen = wanted_seen & (torch.minimum(P_[..., 2], Q_[..., 2]) > 0)
    use = seen & (torch.minimum(length, length_) > SHORTEST)
    nearness = wide(reach) / (SOFT * wide(reach) + torch.hypot(beyond, v) + 1e-6)
    # A bone that points the other way, by 120 degrees and more, bends nothing: the body has turned
    # around. Measured to be better so.
    weight = nearness ** POWER * wide(use * (1 + 2 * bones.alike).clamp(0, 1))
    told = weight.sum(1)
    total = told + FAR
    presence = nearness ** POWER * wide(wanted_seen)
    whole_x, whole_y = move(x, y, bones.fit)
    return (((weight * x_).sum(1) + FAR * whole_x) / total,
            ((weight * y_).sum(1) + FAR * whole_y) / total,
            told / (told + (1 + SOFT) ** -POWER),
            (presence * wide(bones.strains)).sum(1) / (presence.sum(1) + FAR))


def areas(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """(B, N): how much of the body each bone is, by the picture that it covers; together 1, or 0
    where none is seen."""
    start, end = ends(pose, skeleton)
    length, _ = direction(start, end)
    reach = reaches(pose, skeleton)
    area = torch.maximum(length, reach) * reach * (torch.minimum(start[..., 2], end[..., 2]) > 0)
    return area / area.sum(1, keepdim=True).clamp(min=1e-6)


@lru_cache
def named_bones(skeleton: Skeleton) -> tuple[tuple[str, str], ...]:
    """Those of BONES that the skeleton has."""
    return tuple(pair for pair in BONES if set(pair) <= set(skeleton.joints))


def ends(pose: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
    """The joints at which each bone begins and ends, (B, N, 3) each."""
    first, last = ([skeleton.index(pair[end]) for pair in named_bones(skeleton)]
                   for end in (0, 1))
    return pose[:, first], pose[:, last]


def reaches(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """(B, N) px: how thick each bone of these poses is."""
    parts = [BONES[pair] / 100 for pair in named_bones(skeleton)]
    return torch.tensor(parts, device=pose.device) * body_height(pose, skeleton)[:, None]


def direction(start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Length (B, N) px and unit vector (B, N, 2) from joints (B, N, 3) to joints."""
    line = (end - start)[..., :2]
    length = line.norm(dim=-1)
    return length, line / length.clamp(min=1e-6)[..., None]


def torso_fit(source: Tensor, wanted: Tensor, skeleton: Skeleton) -> Fit:
    """How neck and hips of `source` come to lie on those of `wanted`: their middle exactly, each
    of them where the torso leans alike.

    Returns   scale (B,), and the torso's middle (B, 2) in the picture wanted and in the frame;
              1, 0 and 0 where a torso is not seen
    """
    (neck, hips), (neck_, hips_) = (torso(pose, skeleton) for pose in (wanted, source))
    seen = torch.stack([neck, hips, neck_, hips_])[..., 2].amin(0) > 0
    # of the body, not of the torso alone: that is short in a bow, when the legs are as long as ever
    scale = body_height(wanted, skeleton) / body_height(source, skeleton).clamp(min=1e-6)
    there, here = ((neck + hips) / 2)[:, :2], ((neck_ + hips_) / 2)[:, :2]
    nowhere = torch.zeros_like(there)
    return (torch.where(seen, scale.clamp(LEAST, MOST), 1.0),
            torch.where(seen[:, None], there, nowhere), torch.where(seen[:, None], here, nowhere))


def turned(source: Tensor, wanted: Tensor, skeleton: Skeleton) -> Tensor:
    """float (B,), in body heights: how far the line between the shoulders, and so the side of the
    chest that is seen, is another in the frame; 0 where not all four are seen."""
    right, left = (skeleton.index(joint) for joint in ('RShoulder', 'LShoulder'))
    lines = [(pose[:, left] - pose[:, right])[:, :2] /
             body_height(pose, skeleton).clamp(min=1e-6)[:, None] for pose in (source, wanted)]
    seen = torch.stack([pose[:, joint, 2] for pose in (source, wanted) for joint in (right, left)])
    return torch.where(seen.amin(0) > 0, (lines[1] - lines[0]).norm(dim=-1), 0.0)


def torso(pose: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
    """Neck and hips' middle, (B, 3) each; without confidence where not seen."""
    neck = pose[:, skeleton.index('Neck')]
    if 'MidHip' in skeleton.joints:
        return neck, pose[:, skeleton.index('MidHip')]
    right, left = (pose[:, skeleton.index(joint)] for joint in ('RHip', 'LHip'))
    sure = torch.minimum(right[:, 2:], left[:, 2:])
    return neck, torch.cat([(right + left)[:, :2] / 2, sure], 1)


def body_height(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """float (B,) px: from the torso or a leg, whichever is the least foreshortened, as
    pose.body.heights; 0 where neither is seen."""
    def length(*joints: Tensor) -> Tensor:
        chain = torch.stack(joints)
        bones = (chain[1:] - chain[:-1])[..., :2].norm(dim=-1).sum(0)
        return bones * (chain[..., 2].amin(0) > 0)
    legs = [length(*(pose[:, skeleton.index(side + joint)] for joint in ('Hip', 'Knee', 'Ankle')))
            for side in 'RL']
    return torch.stack([length(*torso(pose, skeleton)) / TORSO, *(leg / LEG for leg in legs)]
                       ).amax(0)


def sampled(frames: Tensor, x: Tensor, y: Tensor, mode: str = 'bicubic') -> Tensor:
    """The pixels of frames (B, C, h, w), in [-1, 1], at x and y, (B, H, W) px; the edge goes on
    outside. Cubic, since what is between pixels would be soft else; 'bilinear' is quicker."""
    h, w = frames.shape[-2:]
    places = torch.stack([x * (2 / max(w - 1, 1)), y * (2 / max(h - 1, 1))], -1) - 1
    # PyTorch has no cubic one for Apple's GPUs
    mode = 'bilinear' if frames.device.type == 'mps' else mode
    found = F.grid_sample(frames, places, mode=mode, padding_mode='border', align_corners=True)
    return found.clamp(-1, 1) if mode == 'bicubic' else found
