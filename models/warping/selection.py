"""Which frames of an index are shown for each pose of a film.

Poses are compared by pose.matching.retrieval. The first frame is the nearest; each further one is
chosen to show what the earlier ones strain.

Shape letters: F poses of the film, T frames, N candidates, K joints.
"""
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data.base_dataset import BaseDataset
from models.warping.bones import MISSING, Bones, areas
from models.warping.frame_index import FrameIndex, rescaled, track_of
from models.warping.settings import WarpSettings
from pose.matching.coverage import APART
from pose.matching.retrieval import PoseIndex, best_path
from pose.skeleton import Skeleton
from pose.track import PoseTrack

PAIRS = 1 << 15         # pairs of poses that are compared at a time
FACING = WarpSettings().facing


def choose(index: FrameIndex, dataset: BaseDataset, count: int = 1, fitted: bool = False,
           place: float = 0.0, smooth_path: float = 1.0, mirrored: bool = False,
           facing: float = FACING) -> dict[str, np.ndarray]:
    """{a pose's path: int64 (count,) rows} for every pose of a dataset, the best frame first.

    Returns `count` sequences. Each is temporally smooth. Frames within APART seconds of an earlier
    choice are excluded, so that the candidates reveal different parts.

    fitted       the index was made from that dataset: near copies of a pose's own frame may not be
                 chosen, so that the result says how a new pose will look
    place, smooth_path   as in pose.matching.retrieval
    mirrored     rows are those of index.both: a mirrored frame is chosen where it is nearer by more
                 than the settings ask, since clothes and hair have a left and a right
    facing       as WarpSettings has it
    """
    settings = index.settings
    candidates = settings.retrieval.candidates
    known = index.both if mirrored else index.track
    poses_known = index.poses_of_both if mirrored else index.poses
    track = rescaled(track_of(dataset).numbered(known.skeleton), known.size)
    poses = torch.from_numpy(track.poses)
    frames = torch.from_numpy(known.poses)
    least = poses.new_full((len(track), 1), MISSING)    # strain of each bone so far
    chosen: list[np.ndarray] = []

    def allowed(part: slice) -> np.ndarray:
        return allowed_frames(poses_known, track, known, part, fitted, chosen)
    for _ in range(count):
        asked = settings.asked if chosen else candidates
        rows, costs = poses_known.candidates(
            track.poses, asked, place, allowed if fitted or chosen else None, track.depth)
        costs = costs + settings.mirrored ** 2 * (rows >= len(index.track))
        if chosen:
            latest = Bones.of(frames[chosen[-1]], poses, known.joints)
            least = torch.minimum(least, latest.strains(facing))
            left = strain_left(frames, rows, poses, least, known.joints, facing)
            costs = settings.whole * costs + np.float32(settings.strain) * left
            best = costs.argsort(1, kind='stable')[:, :candidates]
            rows = np.take_along_axis(rows, best, 1)
            costs = np.take_along_axis(costs, best, 1)
        chosen.append(best_path(rows, costs, known, track.shots, smooth_path, settings.retrieval))
    return by_path(dataset, np.stack(chosen, 1))


def allowed_frames(poses_known: PoseIndex, track: PoseTrack, known: PoseTrack, part: slice,
                   fitted: bool, chosen: Sequence[np.ndarray]) -> np.ndarray:
    """bool (F of the part, T): the frames that may be shown for each pose of a part of the film;
    arguments as in `choose`, `chosen` the rows (F,) of each earlier choice."""
    may = np.ones((len(track.poses[part]), len(known)), bool)
    may[:, poses_known.unseen] = False
    if fitted:
        may &= abs(track.times[part, None] - known.times) > APART
    for earlier in chosen:
        other = may & (abs(known.times - known.times[earlier[part], None]) >= APART)
        # a short video may have no other frame
        may = np.where(other.any(1, keepdims=True), other, may)
    return may


def by_path(dataset: BaseDataset, picked: np.ndarray) -> dict[str, np.ndarray]:
    """{path of each file: its row of `picked`}; a pose may have more than one file."""
    found = {}
    for files, row in zip(dataset.pictures.rows, picked):       # type: ignore[attr-defined]
        for path in files:
            found[str(path)] = row
    return found


def strain_left(frames: Tensor, rows: np.ndarray, poses: Tensor, least: Tensor,
                skeleton: Skeleton, facing: float = FACING) -> np.ndarray:
    """float32 (F, N): how strained the bodies of poses (F, K, 3) are, 0 to 1, if each bone is
    shown by the frame that strains it least: one of those chosen, or that of one of the rows.

    frames  (T, K, 3)   the poses of all frames
    rows    (F, N)      of them
    least   (F, bones)  how much the frames chosen strain each bone
    """
    count = rows.shape[1]
    out = np.empty(rows.shape, np.float32)
    step = max(1, PAIRS // count)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        some = torch.from_numpy(rows[part])
        query = poses[part].repeat_interleave(count, 0)
        strain = Bones.of(frames[some.flatten()], query, skeleton).strains(facing)
        strain = torch.minimum(strain.reshape(*some.shape, -1), least[part, None]).clamp(max=1)
        area = areas(poses[part], skeleton)
        out[part] = (strain * area[:, None]).sum(-1).numpy()
    return out
