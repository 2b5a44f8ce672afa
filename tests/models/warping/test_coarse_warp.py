"""What is computed fast, and at few points, is what the equations say of every pixel."""
import pytest
import torch
import torch.nn.functional as F

from models.warping.bone_warp import (
    WARP_DEFAULTS,
    bend,
    coarse_warp,
    grid,
    mean_around,
    warp_field,
)
from models.warping.bones import FEET, Bones, named_bones
from models.warping.settings import WarpSettings
from pose.skeleton import BODY_25
from tests.models.warping.test_bone_warp import SIZE, pose


def plain_bend(source, query, settings):
    """x, y, nearness and strain (H, W) of every pixel, by the equations bone by bone, in double
    precision."""
    x, y = (places.double() for places in grid(SIZE, source.device))
    bones = Bones.of(source.double(), query.double(), BODY_25)
    s, here, there = (values[0] for values in bones.fit)
    strains = bones.strains(settings.facing)[0]
    decided, present, strain, across, down = (torch.zeros(SIZE[::-1]).double() for _ in range(5))
    for number, (start, _) in enumerate(named_bones(BODY_25)):
        (P, along, length), (P_, along_, length_) = (
            (bone.start[0, number], bone.along[0, number], bone.length[0, number])
            for bone in (bones.query, bones.frame))
        seen, seen_ = bones.query.seen[0, number], bones.frame.seen[0, number]
        u = along[0] * (x - P[0]) + along[1] * (y - P[1])                           # Eq. 1
        v = along[0] * (y - P[1]) - along[1] * (x - P[0])                           # Eq. 2
        on_bone = u.clamp(min=0).minimum(length)
        rigid = settings.rigid_feet and start in FEET
        longer_by = 1 / s if rigid else length_ / length.clamp(min=1e-6)
        u_, v_ = on_bone * longer_by + (u - on_bone) / s, v / s
        reach = bones.reach[0, number]
        near = (reach / (settings.softness * reach + torch.hypot(u - on_bone, v) + 1e-6)
                ) ** settings.power
        alike = (1 + 2 * bones.alike[0, number]).clamp(0, 1)
        weight = near * alike * (seen & seen_ & (min(length, length_) > 3))
        across += weight * (P_[0] + along_[0] * u_ - along_[1] * v_)                # Eq. 3
        down += weight * (P_[1] + along_[1] * u_ + along_[0] * v_)
        decided += weight
        present += near * seen
        strain += near * seen * strains[number]
    total = decided + settings.body
    return ((across + settings.body * ((x - here[0]) / s + there[0])) / total,
            (down + settings.body * ((y - here[1]) / s + there[1])) / total,
            decided / (decided + (1 + settings.softness) ** -settings.power),
            strain / (present + settings.body))


@pytest.mark.parametrize('settings', [WARP_DEFAULTS, WarpSettings(power=2.2, rigid_feet=False)])
@pytest.mark.parametrize('case', range(4))
def test_frames_are_bent_as_the_equations_say(case, settings):
    some = torch.Generator().manual_seed(case)
    feet = {'RBigToe': (31, 86), 'RHeel': (44, 86), 'LBigToe': (65, 86), 'REye': (46, 12),
            'LEye': (50, 12), 'REar': (43, 13), 'LEar': (53, 13)}
    poses = []
    for hidden in ({}, {'LWrist': None} if case else {}):
        one = pose(**feet | hidden)
        moves = 4 * case * torch.randn(1, 25, 2, generator=some)
        poses.append(torch.cat([one[..., :2] * (1 + 0.1 * case) + moves, one[..., 2:]], -1))
    x, y = grid(SIZE, poses[0].device)
    found = bend(x, y, Bones.of(*poses, BODY_25), settings)
    tolerances = 0.02, 0.02, 1e-4, 1e-4
    for values, plain, tolerance in zip(found, plain_bend(*poses, settings), tolerances,
                                        strict=True):
        assert torch.allclose(values[0].double(), plain, rtol=0, atol=tolerance)


def test_frames_are_bent_alike_where_networks_run_in_half_the_precision():
    wanted = pose(RElbow=(27, 24), RWrist=(17, 18))
    plain = coarse_warp(pose(), wanted, BODY_25, SIZE)
    with torch.autocast('cpu', torch.bfloat16):
        found = coarse_warp(pose(), wanted, BODY_25, SIZE)
    assert all(torch.equal(*both) for both in zip(found.warp, plain.warp, strict=True))


@pytest.mark.parametrize('region', [(..., slice(0, 250), slice(0, 330)),
                                    (..., slice(13, 59), slice(7, 96))])
def test_the_coarse_points_lie_where_they_say_and_enclose_the_region(region):
    size, wanted = (330, 250), pose(RElbow=(27, 24), RWrist=(17, 18))
    warp, left, top, step = coarse_warp(pose(), wanted, BODY_25, size, region)
    full = warp_field(pose(), wanted, BODY_25, size)
    rows = torch.arange(top, min(region[1].stop, size[1]), step)
    columns = torch.arange(left, min(region[2].stop, size[0]), step)
    for points, pixels in zip(warp, full, strict=True):
        there = points[0, :len(rows), :len(columns)]
        assert torch.allclose(there, pixels[0][rows][:, columns], atol=1e-3)
    assert left <= region[2].start and top <= region[1].start
    assert left + (warp.x.shape[2] - 1) * step >= region[2].stop - 1
    assert top + (warp.x.shape[1] - 1) * step >= region[1].stop - 1


def test_the_mean_around_is_that_of_a_square():
    values = torch.rand(2, 20, 31)
    assert torch.allclose(mean_around(values, 3), F.avg_pool2d(values, 7, 1), atol=1e-6)
    assert torch.equal(mean_around(values, 0), values)
