"""Which frames are shown for a pose."""
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from data.joints import PictureJoints
from models.warping.bones import MISSING, Bones, areas
from models.warping.frame_index import FrameIndex
from models.warping.selection import FACING, choose, strain_left
from models.warping.settings import (
    SelectionSettings,
)
from pose.matching.coverage import APART
from pose.skeleton import BODY_25
from pose.track import PoseTrack

STANDING = np.zeros((25, 3), np.float32)
STANDING[:15] = [[50, 10, 1], [50, 20, 1], [42, 20, 1], [38, 32, 1], [36, 44, 1], [58, 20, 1],
                 [62, 32, 1], [64, 44, 1], [50, 50, 1], [45, 50, 1], [44, 70, 1], [43, 90, 1],
                 [55, 50, 1], [56, 70, 1], [57, 90, 1]]


def test_a_further_frame_is_asked_for_what_the_first_would_have_to_strain():
    """One arm is raised: what is left of that is nothing where a frame shows the arm so, though
    its legs are elsewhere, and all of it where it does not."""
    generator = np.random.default_rng(0)
    raised, sitting = STANDING.copy(), STANDING.copy()
    raised[3:5, 1] = 8, -4
    sitting[[10, 11, 13, 14], :2] = [[30, 52], [28, 70], [72, 52], [74, 70]]
    both = sitting.copy()
    both[3:5] = raised[3:5]
    frames = torch.from_numpy(np.stack([STANDING, sitting, both]))
    poses = torch.from_numpy(raised)[None]
    least = Bones.of(frames[:1], poses, BODY_25).strains(FACING)
    rows = np.array([[0, 1, 2]])
    same, arm_down, arm_up = strain_left(frames, rows, poses, least, BODY_25)[0]
    assert same == arm_down > 0.02 and arm_up < same / 4
    crowd = torch.from_numpy(generator.normal(50, 20, (40, 25, 3)).astype(np.float32)).abs()
    rows = generator.integers(0, 40, (9, 30))
    least = torch.full((9, 1), MISSING)
    together = strain_left(crowd, rows, crowd[:9], least, BODY_25)
    for f in range(9):
        alone = strain_left(crowd, rows[f:f + 1], crowd[f:f + 1], least[:1], BODY_25)[0]
        assert np.allclose(together[f], alone)


def limbs_moved(random):
    """STANDING with its elbows, wrists, knees and ankles elsewhere."""
    pose = STANDING.copy()
    ends = [3, 4, 6, 7, 10, 11, 13, 14]
    pose[ends, :2] += random.normal(0, 8, (len(ends), 2))
    return pose


def test_the_frames_chosen_leave_less_strain_together_than_the_nearest_ones(tmp_path):
    random = np.random.default_rng(0)

    def track(count, apart):
        poses = np.stack([limbs_moved(random) for _ in range(count)])
        return PoseTrack(poses, np.arange(count) * apart, np.arange(count), 'BODY_25', (100, 100))
    (tmp_path / 'index').mkdir()
    track(80, 2 * APART).save(tmp_path / 'index' / 'poses.npz')
    asked = track(6, 0.04)
    paths = [Path(f'{number + 1:06d}.png') for number in asked.index]
    dataset = SimpleNamespace(joints=PictureJoints(asked), root=tmp_path,
                              pictures=SimpleNamespace(rows=[(path,) for path in paths]))

    def left(settings):
        index = FrameIndex(tmp_path / 'index', settings)
        chosen = np.stack(list(choose(index, dataset, 3, smooth_path=0, mirrored=True).values()))
        frames, poses = (torch.from_numpy(each.poses) for each in (index.both, asked))
        strains = [Bones.of(frames[rows], poses, BODY_25).strains(FACING) for rows in chosen.T]
        least = torch.stack(strains).amin(0).clamp(max=1)
        return chosen[:, 0], float((least * areas(poses, BODY_25)).sum(1).mean())
    first, together = left(SelectionSettings())
    nearest, apart = left(SelectionSettings(strain=0.0, whole=1.0))
    assert np.array_equal(first, nearest) and together < 0.9 * apart


def test_a_wrong_depth_does_not_outweigh_the_joints_where_frames_may_be_mirrored(tmp_path):
    """Two frames in profile: one as asked for, if it were not for what the depth says, the other
    with its arm elsewhere."""
    profile = STANDING.copy()
    profile[[2, 5, 9, 12], 0] = 50
    profile[[4, 7], 0] = 70                             # both hands before him
    other = profile.copy()
    other[3:5, :2] += 12
    facing_right, facing_left = (np.array([20.0 * (joint[0] == far) for joint in BODY_25.joints])
                                 for far in 'LR')
    (tmp_path / 'index').mkdir()
    PoseTrack(np.stack([profile, other]), np.arange(2.0), np.arange(2), 'BODY_25', (100, 100),
              depth=np.stack([facing_right, facing_left])).save(tmp_path / 'index' / 'poses.npz')
    index = FrameIndex(tmp_path / 'index')
    assert index.poses.nearest(profile, depth=facing_left)[0] == 1
    assert index.poses_of_both.nearest(profile, depth=facing_left)[0] == 0
