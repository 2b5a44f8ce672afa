"""The bones of poses, as tensors: where they lie, how thick they are, and what strains them.

Shape letters: B batch, N bones, K joints. Poses are float32 (B, K, 3): x px, y px (pixel centres at
integers), confidence, 0 = not seen.
"""
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from pose.body import LEG, TORSO
from pose.skeleton import Skeleton

# Each bone and how far it reaches, its thickness, in % of the body height.
THICKNESS = {
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
FEET = {'RAnkle', 'LAnkle'}     # where the bones of a foot start
TRUNK = {('Neck', 'MidHip'), ('RShoulder', 'RHip'), ('LShoulder', 'LHip')}
MISSING = 2.0               # strain where a frame does not show a bone
SHORTEST = 3.0              # px: a bone seen from its end has no direction
LEAST_SCALE, MOST_SCALE = 0.5, 2.0      # that a frame is scaled by


class Anatomy(NamedTuple):
    """What is known of the N bones of a skeleton, whatever the pose.

    first, last    int (N,) numbers of the joints at which each starts and ends
    thickness      (N,) share of the body height
    trunk          (N,) 1 for the bones of the trunk, else 0
    outside_feet   (N,) 0 for the bones of the feet, else 1
    """
    first: Tensor
    last: Tensor
    thickness: Tensor
    trunk: Tensor
    outside_feet: Tensor

    @classmethod
    @lru_cache
    def of(cls, skeleton: Skeleton, device: torch.device) -> 'Anatomy':
        names = named_bones(skeleton)
        first = [skeleton.index(start) for start, _ in names]
        last = [skeleton.index(end) for _, end in names]
        thickness = [THICKNESS[pair] / 100 for pair in names]
        trunk = [float(pair in TRUNK) for pair in names]
        outside_feet = [float(start not in FEET) for start, _ in names]
        # kept for training too, whoever asks first
        with torch.inference_mode(False):
            return cls(*(torch.tensor(values, device=device)
                         for values in (first, last, thickness, trunk, outside_feet)))


class Fit(NamedTuple):
    """How the torso of a frame comes to lie on that of the query.

    scale        (B,) query px for each px of the frame
    query_middle, frame_middle   (B, 2) px, the middle of neck and hips in both
    """
    scale: Tensor
    query_middle: Tensor
    frame_middle: Tensor


class BoneSet(NamedTuple):
    """The bones of one set of poses.

    start, end   (B, N, 3) joints
    length       (B, N) px
    along        (B, N, 2) unit vectors
    """
    start: Tensor
    end: Tensor
    length: Tensor
    along: Tensor

    @classmethod
    def of(cls, pose: Tensor, skeleton: Skeleton) -> 'BoneSet':
        anatomy = Anatomy.of(skeleton, pose.device)
        start, end = pose[:, anatomy.first], pose[:, anatomy.last]
        return cls(start, end, *direction(start, end))

    @property
    def seen(self) -> Tensor:
        """bool (B, N): both joints of the bone are seen."""
        return torch.minimum(self.start[..., 2], self.end[..., 2]) > 0


@dataclass(frozen=True)
class Bones:
    """The bones that a skeleton has, in the query's poses and in the frames; computed once for all
    that uses them.

    anatomy        of the skeleton
    query, frame   the bones in both
    reach          (B, N) px: how thick those of the query are
    fit            as torso_fit gives it
    facing         (B,), as facing_difference gives it
    """
    anatomy: Anatomy
    query: BoneSet
    frame: BoneSet
    reach: Tensor
    fit: Fit
    facing: Tensor

    @classmethod
    def of(cls, source: Tensor, query: Tensor, skeleton: Skeleton) -> 'Bones':
        """`source` are the poses (B, K, 3) of the frames, `query` those to be painted."""
        anatomy = Anatomy.of(skeleton, query.device)
        heights = body_height(source, skeleton), body_height(query, skeleton)
        return cls(anatomy, BoneSet.of(query, skeleton), BoneSet.of(source, skeleton),
                   anatomy.thickness * heights[1][:, None],
                   torso_fit(source, query, skeleton, heights),
                   facing_difference(source, query, skeleton, heights))

    @property
    def alike(self) -> Tensor:
        """(B, N): the cosine of the angle between a bone of the query and that of the frame."""
        return (self.query.along * self.frame.along).sum(-1)

    def strains(self, facing: float) -> Tensor:
        """(B, N): the strain of each bone, 0 where it is as in the frame, 1 where it is turned by
        60 degrees or foreshortened to a half; the trunk's also where it faces another way;
        MISSING where one of the two does not show the bone.

        facing   as WarpSettings has it
        """
        frame_length = self.frame.length.clamp(min=SHORTEST)
        query_length = self.query.length.clamp(min=SHORTEST)
        longer = torch.log2(frame_length / query_length * self.fit.scale[:, None]).abs()
        # where a bone is shorter than it is thick, as in a face, an error of a pixel turns it far
        weight = torch.maximum(self.query.length, self.frame.length)
        weight = weight / (weight + self.reach)
        seen = self.query.seen & self.frame.seen
        turned = facing * self.facing[:, None] * self.anatomy.trunk
        # a bone that is not seen in one of the two is a limb that may be missing there
        return torch.where(seen, weight * (2 - 2 * self.alike + longer) + turned, MISSING)


def areas(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """(B, N): how much of the body each bone is, by the area that it covers; the sum is 1, or 0
    where none is seen."""
    bones = BoneSet.of(pose, skeleton)
    reach = reaches(pose, skeleton)
    area = torch.maximum(bones.length, reach) * reach * bones.seen
    return area / area.sum(1, keepdim=True).clamp(min=1e-6)


@lru_cache
def named_bones(skeleton: Skeleton) -> tuple[tuple[str, str], ...]:
    """The bones of THICKNESS that the skeleton has."""
    return tuple(pair for pair in THICKNESS if set(pair) <= set(skeleton.joints))


def reaches(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """(B, N) px: how thick each bone of these poses is."""
    return Anatomy.of(skeleton, pose.device).thickness * body_height(pose, skeleton)[:, None]


def direction(start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Length (B, N) px and unit vector (B, N, 2) from joints (B, N, 3) to joints."""
    line = (end - start)[..., :2]
    length = line.norm(dim=-1)
    return length, line / length.clamp(min=1e-6)[..., None]


def torso_fit(source: Tensor, query: Tensor, skeleton: Skeleton,
              heights: tuple[Tensor, Tensor] | None = None) -> Fit:
    """How neck and hips of `source` come to lie on those of `query`: their middle exactly, each of
    them where the torso leans alike; 1, 0 and 0 where a torso is not seen.

    heights   body_height of both, where it is known
    """
    neck, hips = torso(query, skeleton)
    frame_neck, frame_hips = torso(source, skeleton)
    seen = torch.stack([neck, hips, frame_neck, frame_hips])[..., 2].amin(0) > 0
    # of the body, not of the torso alone: a bow shortens the torso, but not the legs
    source_height, query_height = heights or (body_height(source, skeleton),
                                              body_height(query, skeleton))
    scale = query_height / source_height.clamp(min=1e-6)
    query_middle = ((neck + hips) / 2)[:, :2]
    frame_middle = ((frame_neck + frame_hips) / 2)[:, :2]
    nowhere = torch.zeros_like(query_middle)
    return Fit(torch.where(seen, scale.clamp(LEAST_SCALE, MOST_SCALE), 1.0),
               torch.where(seen[:, None], query_middle, nowhere),
               torch.where(seen[:, None], frame_middle, nowhere))


def facing_difference(source: Tensor, query: Tensor, skeleton: Skeleton,
                      heights: tuple[Tensor, Tensor] | None = None) -> Tensor:
    """float (B,), in body heights: how far the line between the shoulders, and so the side of the
    chest that is seen, differs in the frame; 0 where not all four shoulders are seen.

    heights   body_height of both, where it is known
    """
    source_height, query_height = heights or (body_height(source, skeleton),
                                              body_height(query, skeleton))
    right, left = skeleton.index('RShoulder'), skeleton.index('LShoulder')

    def shoulder_line(pose: Tensor, height: Tensor) -> Tensor:
        line = (pose[:, left] - pose[:, right])[:, :2]
        return line / height.clamp(min=1e-6)[:, None]
    confidence = [pose[:, joint, 2] for pose in (source, query) for joint in (right, left)]
    apart = (shoulder_line(query, query_height) - shoulder_line(source, source_height)).norm(dim=-1)
    return torch.where(torch.stack(confidence).amin(0) > 0, apart, 0.0)


def torso(pose: Tensor, skeleton: Skeleton) -> tuple[Tensor, Tensor]:
    """Neck and the hips' middle, (B, 3) each; without confidence where not seen."""
    neck = pose[:, skeleton.index('Neck')]
    if 'MidHip' in skeleton.joints:
        return neck, pose[:, skeleton.index('MidHip')]
    right, left = pose[:, skeleton.index('RHip')], pose[:, skeleton.index('LHip')]
    sure = torch.minimum(right[:, 2:], left[:, 2:])
    return neck, torch.cat([(right + left)[:, :2] / 2, sure], 1)


def body_height(pose: Tensor, skeleton: Skeleton) -> Tensor:
    """float (B,) px: from the torso or a leg, whichever is the least foreshortened, as
    pose.body.heights; 0 where neither is seen."""
    def length(*joints: Tensor) -> Tensor:
        chain = torch.stack(joints)
        bones = (chain[1:] - chain[:-1])[..., :2].norm(dim=-1).sum(0)
        return bones * (chain[..., 2].amin(0) > 0)
    found = [length(*torso(pose, skeleton)) / TORSO]
    for side in 'RL':
        leg = [pose[:, skeleton.index(side + joint)] for joint in ('Hip', 'Knee', 'Ankle')]
        found.append(length(*leg) / LEG)
    return torch.stack(found).amax(0)
