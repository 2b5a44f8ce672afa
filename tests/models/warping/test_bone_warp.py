"""A frame is moved or bent into another pose: what lies on a bone comes to lie on that bone."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.tensors import resized
from models.warping.bone_warp import (
    WARP_DEFAULTS,
    bent,
    moved,
    sampled,
    stretch_strain,
    warp_field,
)
from models.warping.bones import body_height, facing_difference
from models.warping.settings import WarpSettings
from pose.body import heights
from pose.skeleton import BODY_25, COCO_18, convert

SIZE = 96, 96
PLACES = {
    'Nose': (48, 14), 'Neck': (48, 26), 'RShoulder': (38, 26), 'LShoulder': (58, 26),
    'RElbow': (28, 34), 'LElbow': (68, 34), 'RWrist': (18, 40), 'LWrist': (78, 40),
    'MidHip': (48, 50), 'RHip': (43, 50), 'LHip': (53, 50), 'RKnee': (42, 66), 'LKnee': (54, 66),
    'RAnkle': (41, 82), 'LAnkle': (55, 82)}


def pose(skeleton=BODY_25, **changed):
    """float32 (1, K, 3): a body with its arms out, some joints elsewhere; None for not seen."""
    joints = np.zeros((1, 25, 3), np.float32)
    for joint, place in (PLACES | changed).items():
        if place is not None:
            joints[0, BODY_25.index(joint)] = *place, 1
    return torch.from_numpy(convert(joints, BODY_25, skeleton))


def dots(*places, size=SIZE):
    """A black frame (1, 3, H, W) with a soft white dot at each of the places."""
    y, x = torch.meshgrid(torch.arange(size[1]), torch.arange(size[0]), indexing='ij')
    frame = sum(torch.exp(-((x - a) ** 2 + (y - b) ** 2) / 4.0) for a, b in places)
    return frame.expand(1, 3, *frame.shape).clone()


def brightest(frame):
    """(x, y) of the brightest pixel."""
    place = int(frame[0, 0].argmax())
    return place % frame.shape[-1], place // frame.shape[-1]


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
@pytest.mark.parametrize('align', [moved, bent])
def test_a_frame_in_its_own_pose_stays_as_it_is(align, skeleton):
    frame = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    same = align(frame, pose(skeleton), pose(skeleton), skeleton, SIZE)
    assert torch.allclose(same, frame, atol=1e-3)


@pytest.mark.parametrize('joint', ['Neck', 'MidHip'])
def test_moving_makes_neck_and_hips_meet(joint):
    wanted = pose()
    wanted[..., :2] = wanted[..., :2] * 0.75 + torch.tensor([20.0, 5.0])
    frame = moved(dots(PLACES[joint]), pose(), wanted, BODY_25, SIZE)
    assert brightest(frame) == pytest.approx(wanted[0, BODY_25.index(joint), :2].tolist(), abs=0.6)


def test_between_pixels_a_frame_stays_sharp_and_in_range():
    y, x = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing='ij')
    waves = (1.6 * torch.sin(x * 1.2)).clamp(-1, 1).expand(1, 1, 48, 48)
    true = (1.6 * torch.sin((x[None] + 0.5) * 1.2)).clamp(-1, 1)
    shown = sampled(waves, x[None] + 0.5, y[None])[0, :, 8:40, 8:40]
    assert shown.abs().max() <= 1
    linear = (waves[..., :-1] + waves[..., 1:])[0, :, 8:40, 8:40] / 2
    apart = [float((picture - true[:, 8:40, 8:40]).abs().mean()) for picture in (shown, linear)]
    assert apart[0] < 0.7 * apart[1]


def test_a_foot_keeps_its_length_and_a_shin_does_not():
    feet = {'RBigToe': (31, 86), 'RHeel': (44, 86)}
    source, wanted = pose(**feet), pose(**feet | {'RBigToe': (21, 88)})
    x, y, _, _ = warp_field(source, wanted, BODY_25, SIZE)
    shown = torch.tensor([x[0, 88, 21] - 41, y[0, 88, 21] - 82])
    assert float(shown.norm()) > 1.5 * np.hypot(10, 4), 'beyond the toes of the frame'
    x, y, _, _ = warp_field(pose(), pose(RKnee=(42, 56)), BODY_25, SIZE)
    assert y[0, 69, 41] == pytest.approx(74, abs=1.5), 'half way down either shin'


@pytest.mark.parametrize('size', [(96, 96), (330, 250)])
@pytest.mark.parametrize('rows, columns', [((0, 64), (32, 96)), ((13, 59), (7, 96)), ((40, 41),
                                                                                     (90, 91))])
def test_a_part_is_bent_as_it_is_in_the_whole(size, rows, columns):
    wanted = pose(RElbow=(27, 24), RWrist=(17, 18))
    part = ..., slice(*rows), slice(*columns)
    for whole, alone in zip(warp_field(pose(), wanted, BODY_25, size),
                            warp_field(pose(), wanted, BODY_25, size, part), strict=True):
        assert torch.allclose(alone, whole[part], atol=1e-3)


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
@pytest.mark.parametrize('joint', ['RWrist', 'RElbow', 'LWrist', 'RAnkle', 'Nose'])
def test_bending_brings_every_limb_where_it_is_wanted(joint, skeleton):
    changed = {'RElbow': (27, 24), 'RWrist': (17, 18), 'RKnee': (36, 64), 'RAnkle': (30, 80),
               'Nose': (51, 14)}
    wanted = pose(skeleton, **changed)
    frame = bent(dots(PLACES[joint]), pose(skeleton), wanted, skeleton, SIZE)
    x, y = (PLACES | changed)[joint]
    assert frame[0, 0, y, x] > 0.85, 'what was at the joint lies where the joint is wanted'


def test_the_other_side_of_the_body_is_left_alone():
    frame = dots(PLACES['RWrist'], PLACES['LWrist'], PLACES['RAnkle'])
    there = bent(frame, pose(), pose(RElbow=(27, 24), RWrist=(17, 18)), BODY_25, SIZE)
    change = (there - frame).abs()[0, 0]
    assert change[10:25, 10:25].max() > 0.8 and change[:, 50:].max() < 0.1
    assert change[60:].max() < 0.1


def test_a_shortened_forearm_keeps_its_width():
    frame = torch.zeros(1, 3, 96, 96)
    frame[..., 36:45, 60:80] = 1                                # 9 px wide, along x
    source = pose(LElbow=(62, 40), LWrist=(78, 40))
    wanted = pose(LElbow=(62, 40), LWrist=(70, 40))             # half as long
    column = bent(frame, source, wanted, BODY_25, SIZE)[0, 0, :, 66]
    assert column.sum() == pytest.approx(9, abs=1)


def test_a_bone_that_points_the_other_way_bends_nothing():
    """The body has turned around: mixing both directions would tear it."""
    frame = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    elbow, wrist = PLACES['RElbow'], PLACES['RWrist']
    turned = bent(frame, pose(), pose(RElbow=wrist, RWrist=elbow), BODY_25, SIZE)
    without = bent(frame, pose(), pose(RElbow=wrist, RWrist=None), BODY_25, SIZE)
    assert torch.allclose(turned, without, atol=1e-4)


@pytest.mark.parametrize('lacking', [{'Neck': None}, dict.fromkeys(PLACES)])
def test_a_pose_without_a_torso_leaves_what_is_far_from_it_as_it_is(lacking):
    frame = torch.rand(1, 3, 96, 96)
    same = moved(frame, pose(), pose(**lacking), BODY_25, SIZE)
    assert torch.allclose(same, frame, atol=1e-4)
    there = bent(frame, pose(), pose(**lacking), BODY_25, SIZE)
    assert torch.isfinite(there).all() and torch.allclose(there[..., :4, :4], frame[..., :4, :4],
                                                          atol=0.2)


@pytest.mark.parametrize('size', [(96, 96), (97, 51), (33, 130), (4, 3)])
@pytest.mark.parametrize('align', [moved, bent])
def test_any_size_may_be_wanted(align, size):
    frames = torch.rand(2, 1, 60, 80)
    poses = pose().repeat(2, 1, 1)
    assert align(frames, poses, poses, BODY_25, size).shape == (2, 1, size[1], size[0])
    assert resized(frames, size).shape == (2, 1, size[1], size[0])


def test_who_bows_keeps_the_size_of_the_legs():
    bow = pose(Neck=(48, 42), Nose=(48, 46))
    frame = moved(dots(PLACES['RAnkle'], PLACES['LAnkle']), pose(), bow, BODY_25, SIZE)
    right, left = (float(part.argmax()) for part in frame[0, 0].amax(0).split(48))
    assert left + 48 - right > 0.8 * (PLACES['LAnkle'][0] - PLACES['RAnkle'][0])


@pytest.mark.parametrize('align', [moved, bent])
def test_a_picture_twice_as_large_is_the_same_picture(align):
    large = pose()
    large[..., :2] = large[..., :2] * 2 + 0.5
    frame = dots(PLACES['LWrist'])
    found = brightest(align(frame, pose(), large, BODY_25, (192, 192)))
    assert found == pytest.approx((PLACES['LWrist'][0] * 2 + .5, PLACES['LWrist'][1] * 2 + .5),
                                  abs=1.1)


@pytest.mark.parametrize('align', [moved, bent])
def test_a_batch_is_its_frames_one_by_one(align):
    frames = torch.rand(2, 3, 96, 96)
    source = torch.cat([pose(), pose(LWrist=(70, 20))])
    wanted = torch.cat([pose(Nose=(46, 14), RWrist=(20, 30)), pose(MidHip=(50, 52))])
    together = align(frames, source, wanted, BODY_25, SIZE)
    alone = [align(frames[k:k + 1], source[k:k + 1], wanted[k:k + 1], BODY_25, SIZE)
             for k in range(2)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-4)


def strain_at(source, wanted, *place, settings=WARP_DEFAULTS):
    strain = warp_field(source, wanted, BODY_25, SIZE, settings=settings).strain
    return float(strain[0, place[1], place[0]])


def test_a_bone_is_strained_where_it_is_turned_foreshortened_or_hidden():
    raised = pose(RWrist=(20, 46))
    hidden = pose(RWrist=None)
    near, far = (23, 38), (60, 74)
    assert strain_at(pose(), pose(), *near) < 0.01
    assert strain_at(pose(), raised, *near) > 5 * strain_at(pose(), raised, *far)
    assert strain_at(pose(), pose(RWrist=(24, 37)), *near) > strain_at(pose(), raised, *near) > 0.05
    assert strain_at(hidden, pose(), *near) > strain_at(pose(), raised, *near)
    assert strain_at(hidden, pose(), *far) < 0.1


def test_what_is_drawn_out_or_folded_is_strained_and_what_is_turned_or_laid_together_is_not():
    y, x = torch.meshgrid(torch.arange(30.0), torch.arange(40.0), indexing='ij')

    def strain(x, y):
        return stretch_strain(x[None], y[None], WARP_DEFAULTS)
    assert strain(x, y).shape == (1, 30, 40)
    turned = strain(0.8 * x - 0.6 * y, 0.6 * x + 0.8 * y)
    assert max(turned.max(), strain(x, y).max(), strain(2 * x, y).max()) < 1e-3
    for drawn in (strain(x / 2, y), strain(x, y / 2), strain(x / 2, 2 * y)):
        assert torch.allclose(drawn, torch.tensor(WARP_DEFAULTS.stretch), atol=1e-3)
    assert strain(x / 8, y).min() > 2 * WARP_DEFAULTS.stretch
    assert torch.allclose(strain(-x, y), torch.tensor(WARP_DEFAULTS.fold), atol=1e-3)
    legs = torch.where(x < 15, x, torch.where(x < 25, 15 + (x - 15) / 5, x - 8))
    gap, leg = strain(legs, y)[0, 10, [20, 10]]
    assert gap > 2 * WARP_DEFAULTS.stretch and leg < 1e-3


def test_strain_is_the_mean_of_that_around():
    source, wanted = pose(RWrist=(20, 46)), pose(LKnee=(60, 62))
    around = warp_field(source, wanted, BODY_25, SIZE).strain
    alone = warp_field(source, wanted, BODY_25, SIZE, settings=WarpSettings(mean_of=0)).strain
    radius = WARP_DEFAULTS.mean_of
    mean = F.avg_pool2d(alone, 2 * radius + 1, 1)
    assert torch.allclose(around[:, radius:-radius, radius:-radius], mean, atol=1e-4)
    assert around.max() < alone.max()


def test_a_trunk_is_strained_where_it_is_to_be_seen_from_another_side():
    side = pose(RShoulder=(47, 26), LShoulder=(49, 26))
    for source, wanted in ((pose(), side), (side, pose())):
        assert strain_at(source, wanted, 48, 40) > 5 * strain_at(source, wanted, 48, 80)
        assert strain_at(source, wanted, 48, 40) > 0.3
    back = pose(RShoulder=PLACES['LShoulder'], LShoulder=PLACES['RShoulder'])
    same, half, whole, unknown = (float(facing_difference(pose(), wanted, BODY_25)) for wanted in (
        pose(), side, back, pose(RShoulder=None)))
    assert same == unknown == 0 and whole > 2 * half > 0


def test_legs_bent_apart_are_strained_though_their_bones_are_as_they_were():
    apart = pose()
    closed = apart.clone()
    for joint in ('RKnee', 'RAnkle', 'LKnee', 'LAnkle'):
        closed[:, BODY_25.index(joint), 0] += 5 if joint[0] == 'R' else -5
    found = strain_at(closed, apart, 48, 74)
    without = strain_at(closed, apart, 48, 74, settings=WarpSettings(stretch=0.0))
    assert found > without + 0.02


def test_a_limb_that_is_not_wanted_strains_nothing():
    assert strain_at(pose(), pose(RElbow=None, RWrist=None), 23, 38) < 0.1


def test_nothing_is_strained_in_a_body_of_another_size():
    wanted = pose()
    wanted[..., :2] *= 0.75
    assert strain_at(pose(), wanted, 18, 29) < 0.05


@pytest.mark.parametrize('skeleton', [BODY_25, COCO_18])
@pytest.mark.parametrize('changed', [{}, {'Neck': (48, 40)}, {'RAnkle': None, 'LAnkle': None},
                                     {'RKnee': (80, 60)}])
def test_a_body_is_as_tall_in_tensors_as_in_arrays(changed, skeleton):
    body = pose(skeleton, **changed)
    height = heights(body.numpy(), skeleton)
    assert height > 0
    assert body_height(body, skeleton).numpy() == pytest.approx(height, rel=1e-6)
