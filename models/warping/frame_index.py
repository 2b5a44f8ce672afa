"""A run's index: the frames it learnt, and the pose of each; the dataset is not needed to paint.

RUN/index/poses.npz is a PoseTrack with a row for each frame, RUN/index/000001.png the frame of
that number, as training sees it, and where it was made RUN/mattes/000001.png how much of it is
the person. PNG, because a frame is shown as it was filmed; that is at most as large as the dataset.
"""
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.base_dataset import BaseDataset
from data.cache import read_picture
from data.joints import PictureJoints
from data.transforms import to_channels
from models.warping.bone_warp import MISSING, Bones, areas
from pose.matching.coverage import APART
from pose.matching.retrieval import CANDIDATES, PoseIndex, RetrievalSettings, best_path
from pose.silhouette import person_mask
from pose.skeleton import Skeleton, mirror
from pose.track import PoseTrack
from scene.background import Plate, make_plate
from scene.matte import matte
from util.errors import UserError
from util.files import folder_in_place_of
from util.images import size_of, write_image
from util.progress import progress

REMEMBERED = 256e6      # bytes of decoded frames, and of cutouts, kept in memory: a training step
                        # asks for some at random, and decoding them took a tenth of it
MIRRORED = 5.0          # %: how much farther a pose may be to save showing its frame mirrored
# RetrievalSettings.side where frames may be mirrored: one of the two faces the right way, the
# joints say which, and the depth that tells the side is often wrong for a person in profile.
SIDE_OF_BOTH = 5.0
RETRIEVAL = RetrievalSettings()
# Of further frames for one pose: how many near ones are asked what they could show better, how
# much what is still strained counts, in %^2, and how much less the pose as a whole.
ASKED, STRAINED, WHOLE = 512, 300.0, 0.3
PAIRS = 1 << 15         # of poses that are compared at a time


class FrameIndex:
    """index.frame(row) is the frame, uint8 (H, W, C), of row `row` of index.track; of
    index.both, where the same frames follow mirrored, it is one as well."""

    def __init__(self, folder: Path):
        """UserError where `folder` holds none."""
        self.folder = folder
        self.track = PoseTrack.load(folder / 'poses.npz')
        pixels = self.track.size[0] * self.track.size[1]
        self.frame = lru_cache(int(REMEMBERED / 3 / pixels) + 1)(partial(self.shown, self.read))
        self.cutout = lru_cache(int(REMEMBERED / 4 / pixels) + 1)(self.cut)

    @property
    def mattes(self) -> Path:
        return self.folder.parent / 'mattes'

    def shown(self, read: Callable[[int], np.ndarray], row: int) -> np.ndarray:
        picture = read(row % len(self.track))
        return picture if row < len(self.track) else np.ascontiguousarray(picture[:, ::-1])

    def cut(self, row: int, channels: int = 3) -> np.ndarray:
        """uint8 (H, W, channels + 1): a frame of index.both and, last, how much is the person."""
        return self.shown(lambda number: np.dstack([to_channels(self.read(number), channels), kept(
            self.mattes / self.file(number))[..., :1]]), row)

    def read(self, row: int) -> np.ndarray:
        return kept(self.folder / self.file(row))

    def file(self, row: int) -> str:
        return f'{self.track.index[row] + 1:06d}.png'

    @cached_property
    def both(self) -> PoseTrack:
        """The track, and then every frame mirrored: shots of their own, so that it is a jump from
        one to the other."""
        track, side = self.track, list(self.track.joints.partners)
        twice = track.select(np.tile(np.arange(len(track)), 2))
        poses, depth = twice.poses.copy(), twice.depth
        poses[len(track):] = mirror(track.poses, track.joints, track.size[0])
        if track.depth is not None:
            depth = np.concatenate([track.depth, track.depth[:, side]])
        shots = np.concatenate([track.shots, track.shots + track.shots.max() + 1])
        return replace(twice, poses=poses, depth=depth, shots=shots)

    @cached_property
    def poses_of_both(self) -> PoseIndex:
        return PoseIndex(self.both.poses, self.both.joints, self.both.depth,
                         replace(RETRIEVAL, side=SIDE_OF_BOTH))

    @cached_property
    def poses(self) -> PoseIndex:
        """What the frames are found by."""
        return PoseIndex(self.track.poses, self.track.joints, self.track.depth)

    def is_of(self, dataset: BaseDataset) -> bool:
        """Whether the index was made of that dataset."""
        track = track_of(dataset)
        return len(track) == len(self.track) and np.array_equal(track.index, self.track.index) \
            and np.array_equal(track.times, self.track.times)

    def plate(self) -> Plate:
        """The background of all frames; of a long video they are not all in memory at once."""
        track = self.track
        frames, masks = Rows(len(track), self.frame), Rows(len(track), lambda row: person_mask(
            track.poses[row], track.joints, track.size))
        return make_plate(frames, masks, track.index)

    def cut_out(self, plate: Plate, threads: int = 2) -> None:
        """Write the frames' mattes, which index.cutout(row) gives beside the frame."""
        track = self.track
        with folder_in_place_of(self.mattes) as part, ThreadPoolExecutor(max(1, threads)) as pool:
            def cut(row: int) -> None:
                number = int(track.index[row])
                behind, sure = plate.at(plate.camera(number))
                if not plate.is_located(number):
                    sure = np.zeros_like(sure)
                write_image(part / self.file(row), matte(
                    self.read(row), behind, sure, track.poses[row], track.joints))
            list(progress(pool.map(cut, range(len(track))), 'cutting out', len(track)))

    def choose(self, dataset: BaseDataset, count: int = 1, fitted: bool = False,
               place: float = 0.0, smooth_path: float = 1.0,
               mirrored: bool = False) -> dict[str, np.ndarray]:
        """{a pose's path: int64 (count,) rows} for every pose of a dataset, the best frame first.

        Each of the `count` makes a film without jumps, of frames that are no near copies of those
        before it: what one of them hides another may show. The first is the nearest to the poses;
        each further one is to show what those before it would have to strain.

        fitted   the index was made of that dataset: near copies of a pose's own frame may not be
                 chosen, so that what is shown of it says how a new pose will look
        place, smooth_path   as in pose.matching.retrieval
        mirrored   rows are those of index.both: a mirrored frame is chosen where it is more than
                   MIRRORED nearer, since clothes and hair have a left and a right
        """
        known = self.both if mirrored else self.track
        track = in_pixels_of(known.size, track_of(dataset).numbered(known.skeleton))
        index = self.poses_of_both if mirrored else self.poses
        chosen: list[np.ndarray] = []
        poses, frames = (torch.from_numpy(each.poses) for each in (track, known))
        least = poses.new_full((len(track), 1), MISSING)    # strain of each bone so far

        def allowed(part: slice) -> np.ndarray:
            may = np.ones((len(track.poses[part]), len(known)), bool)
            may[:, index.unseen] = False
            if fitted:
                may &= abs(track.times[part, None] - known.times) > APART
            for earlier in chosen:
                other = may & (abs(known.times - known.times[earlier[part], None]) >= APART)
                # of a short video nothing else may be left
                may = np.where(other.any(1, keepdims=True), other, may)
            return may
        for _ in range(count):
            rows, costs = index.candidates(track.poses, ASKED if chosen else CANDIDATES, place,
                                           allowed if fitted or chosen else None, track.depth)
            costs = costs + MIRRORED ** 2 * (rows >= len(self.track))
            if chosen:
                least = torch.minimum(least, Bones.of(frames[chosen[-1]], poses,
                                                      known.joints).strains)
                left = strain_left(frames, rows, poses, least, known.joints)
                costs = WHOLE * costs + np.float32(STRAINED) * left
                best = costs.argsort(1, kind='stable')[:, :CANDIDATES]
                rows, costs = (np.take_along_axis(each, best, 1) for each in (rows, costs))
            chosen.append(best_path(rows, costs, known, track.shots, smooth_path,
                                    RETRIEVAL))
        picked = np.stack(chosen, 1)
        return {str(path): row for files, row in zip(
            dataset.pictures.rows, picked) for path in files}   # type: ignore[attr-defined]

    @classmethod
    def make(cls, dataset: BaseDataset, folder: Path, threads: int = 2) -> 'FrameIndex':
        """The index of a dataset of pairs, written to `folder`; UserError where it has no joints,
        or none that show a torso."""
        track = track_of(dataset)
        if not track.seen().any():
            raise UserError(f'{dataset.root}: none of its poses shows a torso, so there is nothing '
                            f'to compare poses by. Look at its report.html.')
        with folder_in_place_of(folder) as part, ThreadPoolExecutor(max(1, threads)) as pool:
            def keep(row: int) -> tuple[np.ndarray, tuple[int, int]]:
                item = dataset.item(row)
                write_image(part / f'{track.index[row] + 1:06d}.png', item['B'])
                return item['joints'], size_of(item['B'])
            found = list(progress(pool.map(keep, range(len(track))), 'indexing', len(track)))
            poses, sizes = zip(*found)
            track = replace(in_pixels_of(sizes[0], track), poses=np.stack(poses))
            track.save(part / 'poses.npz')
        return cls(folder)


def strain_left(frames: torch.Tensor, rows: np.ndarray, poses: torch.Tensor,
                least: torch.Tensor, skeleton: Skeleton) -> np.ndarray:
    """float32 (F, N): how strained the bodies of poses (F, K, 3) are, 0 to 1, if each bone is
    shown by the frame that strains it least: one of those chosen, or that of one of the rows.

    frames  (T, K, 3)   the poses of all frames
    rows    (F, N)      of them
    least   (F, bones)  how much the frames chosen strain each bone
    """
    out, count = np.empty(rows.shape, np.float32), rows.shape[1]
    step = max(1, PAIRS // count)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        some = torch.from_numpy(rows[part])
        wanted = poses[part].repeat_interleave(count, 0)
        strain = Bones.of(frames[some.flatten()], wanted, skeleton).strains
        strain = torch.minimum(strain.reshape(*some.shape, -1), least[part, None]).clamp(max=1)
        area = areas(poses[part], skeleton)
        out[part] = (strain * area[:, None]).sum(-1).numpy()
    return out


class Rows(Sequence[np.ndarray]):
    """get(row) for each of so many rows, worked out when it is asked for."""

    def __init__(self, count: int, get: Callable[[int], np.ndarray]):
        self.rows, self.get = range(count), get

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: Any) -> Any:
        return self.get(self.rows[row])


def kept(path: Path) -> np.ndarray:
    """uint8 (H, W, 3) of one of an index's files."""
    try:
        return read_picture(path)
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f'{path}: cannot be read ({error}). Make the index again: train.py '
                        f'--overwrite.') from error


def track_of(dataset: BaseDataset) -> PoseTrack:
    """The track of the dataset's items, a row for each; UserError where it knows no joints."""
    joints: PictureJoints | None = getattr(dataset, 'joints', None)
    if joints is None:
        raise UserError(f'{dataset.root} has no poses.npz that fits its pictures, and this model '
                        f'finds frames by their joints. Make the dataset with preprocess.py: '
                        f'python preprocess.py --video me.mp4 --dataroot {dataset.root} '
                        f'--overwrite.')
    files = [row[0] for row in dataset.pictures.rows]       # type: ignore[attr-defined]
    return joints.track.select(np.array([joints.row[int(file.stem) - 1] for file in files]))


def in_pixels_of(size: tuple[int, int], track: PoseTrack) -> PoseTrack:
    """The same track in a picture of that (width, height)."""
    poses = track.poses.copy()
    poses[..., :2] *= np.divide(size, track.size)
    depth = None if track.depth is None else track.depth * (size[1] / track.size[1])
    return replace(track, poses=poses, size=size, depth=depth)
