"""Several images become one: the region to render, and per-pixel weights."""

import numpy as np
import pytest
import torch

from models.warping.blending import blend_weights, person_region, window
from models.warping.settings import (
    BlendSettings,
)
from pose.silhouette import person_mask
from pose.skeleton import BODY_25
from scene.matte import NEAR


def filled(*values):
    """(1, N, 4, 4): each value all over its picture."""
    return torch.tensor(values)[None, :, None, None].expand(1, -1, 4, 4).clone()


def test_a_limb_is_shown_by_the_frame_that_strains_it_least():
    strain, said = filled(0.1, 0.1), torch.zeros(1, 4, 4, 4)
    strain[0, 0, :2] = 0.4
    share = blend_weights(said, filled(1.0, 1.0), strain)
    assert torch.allclose(share.sum(1), torch.ones(1, 4, 4))
    assert (share[0, 1, :2] > 0.98).all() and (share[0, 0, 2:] > 0.7).all()


def test_the_background_is_where_the_frame_that_is_shown_has_no_person():
    strain, said = filled(0.0, 0.2), torch.zeros(1, 4, 4, 4)
    for first, second, behind in ((-1.0, 1.0, True), (1.0, -1.0, False), (-1.0, -1.0, True)):
        share = blend_weights(said, filled(first, second), strain)
        assert (share[0, 2] > 0.9).all() == behind and (share[0, 0] > 0.9).all() == (not behind)


def test_what_g_says_is_bounded_and_comes_back_from_anywhere():
    said = torch.full((1, 4, 4, 4), 0.0)
    said[0, 3] = 500.0
    said.requires_grad_()
    share = blend_weights(said, filled(1.0, 1.0), filled(0.1, 0.1))
    assert share[0, 3].max() < 0.99
    share[0, 3].sum().backward()
    assert (said.grad[0, 3] > 0).all()


def test_only_where_the_person_may_be_anything_is_painted():
    pose = np.zeros((25, 3), np.float32)
    pose[[1, 8, 10, 11], :] = [[60, 40, 1], [60, 80, 1], [62, 100, 1], [60, 120, 1]]
    part = person_region(pose[None], BODY_25, (200, 160))
    rows, columns = part[1:]
    assert rows.start % 16 == columns.start % 16 == 0
    inside = person_mask(pose, BODY_25, (160, 200), NEAR)
    inside[part] = False
    assert not inside.any() and (columns.stop - columns.start) * (rows.stop - rows.start) < 15_000
    everybody = person_region(np.stack([pose, pose + [[90, 70, 0]]]), BODY_25, (200, 160))
    assert everybody[1].stop == 200 and everybody[2].stop == 160
    nobody = person_region(np.zeros((1, 25, 3)), BODY_25, (90, 70))
    assert nobody[1:] == (slice(0, 90), slice(0, 70))


@pytest.mark.parametrize('shape', [(512, 1024), (256, 256), (96, 64)])
def test_a_step_looks_at_a_window_of_one_size_about_a_joint(shape):
    torch.manual_seed(0)
    wanted = torch.rand(1, 25, 3) * torch.tensor([shape[1], shape[0], 1.0])
    wanted[0, 5:, 2] = 0
    seen = set()
    for _ in range(60):
        part = window(wanted, shape)
        shown = torch.zeros(shape)
        shown[part] = 1
        sides = int(shown.amax(1).sum()), int(shown.amax(0).sum())
        assert sides == (min(BlendSettings().window, *shape) // 16 * 16,) * 2
        x, y = wanted[0, :5, :2].long().unbind(-1)
        seen |= set(torch.nonzero(shown[y, x]).flatten().tolist())
    assert seen == set(range(5))


def test_a_pose_without_joints_is_looked_at_in_the_middle():
    part = window(torch.zeros(1, 25, 3), (512, 512))
    assert part[1] == part[2] == slice(192, 320)
