"""A run's index: the frames it learnt, and the pose of each; the dataset is not needed to paint.

RUN/index/poses.npz is a PoseTrack with a row for each frame, RUN/index/000001.png the frame of
that number, as training sees it. PNG, because a frame is shown as it was filmed; that is at most
as large as the dataset.
"""
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from data.base_dataset import BaseDataset
from data.cache import read_picture
from data.joints import PictureJoints
from pose.track import PoseTrack
from util.errors import UserError
from util.files import folder_in_place_of
from util.images import size_of, write_image
from util.progress import progress

REMEMBERED = 16         # frames kept in memory: a film goes on from one to the next


class FrameIndex:
    """index.frame(row) is the frame, uint8 (H, W, C), of row `row` of index.track."""

    def __init__(self, folder: Path):
        """UserError where `folder` holds none."""
        self.folder = folder
        self.track = PoseTrack.load(folder / 'poses.npz')
        self.frame = lru_cache(REMEMBERED)(self.read)

    def read(self, row: int) -> np.ndarray:
        path = self.folder / f'{self.track.index[row] + 1:06d}.png'
        try:
            return read_picture(path)
        except (OSError, ValueError, SyntaxError) as error:
            raise UserError(f'{path}: cannot be read ({error}). Make the index again: train.py '
                            f'--overwrite.') from error

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
            kept = list(progress(pool.map(keep, range(len(track))), 'indexing', len(track)))
            poses, sizes = zip(*kept)
            track = replace(track, poses=np.stack(poses), size=sizes[0], depth=None)
            track.save(part / 'poses.npz')
        return cls(folder)


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
