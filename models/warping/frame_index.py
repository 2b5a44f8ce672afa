"""A run's index: the frames it was fitted to, and the pose of each. Painting needs no dataset.

RUN/index/poses.npz is a PoseTrack with a row for each frame. RUN/index/000001.png is the frame of
that number, as training sees it. RUN/mattes/000001.png, where the model makes mattes, says how much
of each pixel is the person. RUN/masks/000001.png, where the dataset has masks, is the detector's
answer to that: red is the person, green anybody else. PNG, because a frame is shown as it was
filmed; the files take at most as much room as the dataset.
"""
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from data.base_dataset import BaseDataset
from data.joints import PictureJoints
from data.transforms import to_channels
from models.warping.part_skirt import wears_skirt
from models.warping.parts import Part, parts_of
from models.warping.settings import SelectionSettings
from pose.matching.retrieval import PoseIndex
from pose.skeleton import mirror
from pose.track import PoseTrack
from scene.background import make_plate
from scene.film_plate import film_plate
from scene.matte import DARKEST, covered, matte
from scene.plate import Plate, around_bars
from util.arrays import KeptSequence, LazySequence
from util.errors import UserError
from util.images import read_or_reason, size_of, write_image
from util.owned import folder_in_place_of, is_exchanged
from util.progress import progress
from util.words import command

AGAIN = 'Train the run again: train.py --overwrite.'
# Bytes of decoded frames, and of cutouts, kept in memory. A training step reads random ones, and
# decoding them took a tenth of it.
REMEMBERED = 256e6
# Bytes of frames of film size, while the background is made of 72 of them: nearly all of 720x1264.
# Of 1080x1920 it is made in 10 strips, each of which reads those that are not kept.
FILM_REMEMBERED = 200e6
SELECTION_DEFAULTS = SelectionSettings()
# Channels of a matte. Parts are laid anywhere, so only the person may be in them. A whole frame is
# shown near the place where it was filmed: with the shadow on the wall and what lies close around
# the person it is nearer to the truth (held out, LPIPS 0.144 in place of 0.177).
LOOSE, TIGHT = 0, 1
FADE = 0.015        # of the picture's longer side: a shadow that ends at a sharp edge looks cut out


class FrameIndex:
    """index.frame(row) is the frame, uint8 (H, W, C), of row `row` of index.track, or of
    index.both, where the same frames follow mirrored."""

    def __init__(self, folder: Path, settings: SelectionSettings = SELECTION_DEFAULTS):
        """UserError where `folder` holds none."""
        self.folder = folder
        self.settings = settings
        self.made = made_at(folder)
        self.track = PoseTrack.load(folder / 'poses.npz', AGAIN)
        if not self.track.seen().any():
            raise UserError(f'{folder / "poses.npz"}: none of its poses shows a torso. {AGAIN}')
        pixels = self.track.size[0] * self.track.size[1]
        self.frame = lru_cache(int(REMEMBERED / 3 / pixels) + 1)(partial(self.shown, self.read))
        count = int(REMEMBERED / 4 / pixels) + 1
        self.cutout = lru_cache(count)(partial(self.cut, TIGHT))
        self.loose_cutout = lru_cache(count)(partial(self.cut, LOOSE))

    @property
    def mattes(self) -> Path:
        return self.folder.parent / 'mattes'

    @property
    def masks(self) -> Path:
        return self.folder.parent / 'masks'

    def shown(self, read: Callable[[int], np.ndarray], row: int) -> np.ndarray:
        """read(row of the track) of a row of index.both: mirrored where that row is."""
        picture = read(row % len(self.track))
        return picture if row < len(self.track) else np.ascontiguousarray(picture[:, ::-1])

    def cut(self, kind: int, row: int, channels: int = 3) -> np.ndarray:
        """uint8 (H, W, channels + 1): a frame of index.both and, last, how much of each pixel is
        the person.

        kind   TIGHT or LOOSE
        """
        def read_both(row: int) -> np.ndarray:
            return np.dstack([to_channels(self.read(row), channels), self.matte(row, kind)])
        return self.shown(read_both, row)

    def matte(self, row: int, kind: int) -> np.ndarray:
        """uint8 (H, W) of a row of the track: how much of each pixel is the person.

        kind   TIGHT or LOOSE
        """
        return self.read_file(self.mattes / self.file(row))[..., kind]

    def read(self, row: int) -> np.ndarray:
        return self.read_file(self.folder / self.file(row))

    def mask(self, row: int) -> np.ndarray | None:
        """uint8 (H, W, 3) of a row of the track: red is how much of each pixel is the person, green
        how much is anybody else; None where the dataset had no mask."""
        path = self.masks / self.file(row)
        if path.is_file():
            return self.read_file(path)
        self.check_same()
        return None

    def read_file(self, path: Path, shrink: int = 1) -> np.ndarray:
        """uint8 (H, W, 3) of one of the run's files, which is as old as the index itself. Files are
        read while painting goes on, and another training may replace them meanwhile.

        shrink   as of util.images.read_or_reason
        """
        picture = read_or_reason(path, shrink)
        if isinstance(picture, str) and is_exchanged(self.folder.parent):
            raise replaced(self.folder)
        self.check_same()
        if isinstance(picture, str):
            raise UserError(f'{path}: cannot be read ({picture}). {AGAIN}')
        return picture

    def check_same(self) -> None:
        """UserError where the index has been made again since it was opened. Its poses go before
        anything else of a run is replaced, and come when the rest of the index is there."""
        if made_at(self.folder) != self.made:
            raise replaced(self.folder)

    def file(self, row: int) -> str:
        return f'{self.track.index[row] + 1:06d}.png'

    @cached_property
    def both(self) -> PoseTrack:
        """The track, and then every frame mirrored, as shots of their own: going from a frame to a
        mirrored one is a jump."""
        track = self.track
        twice = track.select(np.tile(np.arange(len(track)), 2))
        poses = twice.poses.copy()
        poses[len(track):] = mirror(track.poses, track.joints, track.size[0])
        depth = twice.depth
        if track.depth is not None:
            side = list(track.joints.partners)
            depth = np.concatenate([track.depth, track.depth[:, side]])
        shots = np.concatenate([track.shots, track.shots + track.shots.max() + 1])
        return replace(twice, poses=poses, depth=depth, shots=shots)

    @cached_property
    def parts(self) -> dict[str, Part]:
        """The parts of the person, a skirt among them where one is worn; asked for when there are
        mattes."""
        skirt = wears_skirt(self.track, lambda row: self.matte(row, TIGHT))
        return parts_of(self.both.joints, skirt)

    @cached_property
    def poses_of_both(self) -> PoseIndex:
        settings = replace(self.settings.retrieval, side=self.settings.side)
        return PoseIndex(self.both.poses, self.both.joints, self.both.depth, settings)

    @cached_property
    def poses(self) -> PoseIndex:
        """The index that searches the frames by pose."""
        return PoseIndex(self.track.poses, self.track.joints, self.track.depth,
                         self.settings.retrieval)

    def is_of(self, dataset: BaseDataset) -> bool:
        """Whether the index was made from that dataset."""
        track = track_of(dataset)
        return len(track) == len(self.track) and np.array_equal(track.index, self.track.index) \
            and np.array_equal(track.times, self.track.times)

    def plate(self) -> Plate:
        """The background of all frames. They are read one at a time, since those of a long video
        do not fit into memory."""
        frames = LazySequence(len(self.track), self.frame)
        return make_plate(frames, self.people, self.track.index)

    def film_plate(self, plate: Plate, dataset: BaseDataset) -> Plate:
        """That background at film size, from the frames of the dataset that the index is of."""
        size = dataset.film_size
        assert size is not None

        def frame(row: int) -> np.ndarray:
            found = dataset.film_frame(row)
            assert found is not None, 'a dataset with a film size has every frame'
            return found
        frames = KeptSequence(len(self.track), frame, FILM_REMEMBERED)
        return film_plate(plate, frames, self.people, size)

    @property
    def people(self) -> LazySequence:
        """bool (H, W) for each row: where anybody may be in its frame."""
        track = self.track

        def people(row: int) -> np.ndarray:
            return covered(track.poses[row], track.joints, track.size, self.mask(row))
        return LazySequence(len(track), people)

    def cut_out(self, plate: Plate, threads: int = 2, darkest_shadow: float = DARKEST) -> None:
        """Write the frames' mattes, which cutout(row) and loose_cutout(row) give together with the
        frame: red the loose one, green the tight one; the same where there are no masks. Nobody
        is in the bars of a letterbox."""
        track, bars = self.track, around_bars(plate.bars)
        with folder_in_place_of(self.mattes, r'\d+\.png') as part, \
                ThreadPoolExecutor(max(1, threads)) as pool:
            def cut(row: int) -> None:
                number = int(track.index[row])
                behind, sure = plate.at(plate.camera(number))
                if not plate.is_located(number):
                    sure = np.zeros_like(sure)
                frame, mask = self.read(row), self.mask(row)

                def cut_by(mask: np.ndarray | None) -> np.ndarray:
                    return matte(frame, behind, sure, track.poses[row], track.joints,
                                 darkest_shadow, mask)
                loose = tight = cut_by(mask)
                if mask is not None:
                    soft = cv2.GaussianBlur(cut_by(None), (0, 0), FADE * max(track.size))
                    loose = np.maximum(tight, np.minimum(soft[..., None], 255 - mask[..., 1:2]))
                kept = np.zeros((*tight.shape[:2], 3), np.uint8)
                kept[..., LOOSE], kept[..., TIGHT] = loose[..., 0], tight[..., 0]
                kept[bars] = 0
                write_image(part / self.file(row), kept)
            list(progress(pool.map(cut, range(len(track))), 'cutting out', len(track)))

    def keep_masks(self, dataset: BaseDataset, threads: int = 2) -> None:
        """Copy the masks of the dataset that the index was made from, as training sees them."""
        if dataset.facts.get('masks') is not True:
            return
        with folder_in_place_of(self.masks, r'\d+\.png') as part, \
                ThreadPoolExecutor(max(1, threads)) as pool:
            def write(row: int) -> None:
                mask = dataset.mask(row)
                if mask is not None:
                    write_image(part / self.file(row), mask)
            list(pool.map(write, range(len(self.track))))

    @classmethod
    def make(cls, dataset: BaseDataset, folder: Path, threads: int = 2,
             settings: SelectionSettings = SELECTION_DEFAULTS) -> 'FrameIndex':
        """Write the index of a dataset of pairs to `folder`. UserError where it has no joints, or
        none that show a torso."""
        track = track_of(dataset)
        if not track.seen().any():
            raise UserError(f'{dataset.root}: none of its poses shows a torso, so there is nothing '
                            f'to compare poses by. Look at its report.html.')
        with folder_in_place_of(folder, r'\d+\.png|poses\.npz', 'poses.npz') as part, \
                ThreadPoolExecutor(max(1, threads)) as pool:
            def write(row: int) -> tuple[np.ndarray, tuple[int, int]]:
                item = dataset.item(row)
                write_image(part / f'{track.index[row] + 1:06d}.png', item['B'])
                return item['joints'], size_of(item['B'])
            found = list(progress(pool.map(write, range(len(track))), 'indexing', len(track)))
            poses, sizes = zip(*found)
            track = replace(rescaled(track, sizes[0]), poses=np.stack(poses))
            track.save(part / 'poses.npz')
        return cls(folder, settings)


def made_at(folder: Path) -> tuple[int, ...] | None:
    """What tells an index from one that was made in its place; None where there is none."""
    try:
        about = (folder / 'poses.npz').stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size


def replaced(folder: Path) -> UserError:
    return UserError(f'{folder}: another training replaces this run while it is painted with. '
                     f'Give the same command again when that has ended.')


def track_of(dataset: BaseDataset) -> PoseTrack:
    """The track of the dataset's items, a row for each; UserError where it has no joints."""
    joints: PictureJoints | None = getattr(dataset, 'joints', None)
    if joints is None:
        raise UserError(f'{dataset.root} has no poses.npz that fits its pictures, and this model '
                        f'finds frames by their joints. Make a dataset that has them, in a folder '
                        f'of its own: '
                        + command('preprocess.py', video='me.mp4',
                                  dataroot=f'{dataset.root}_with_joints'))
    files = [row[0] for row in dataset.pictures.rows]       # type: ignore[attr-defined]
    return joints.track.select(np.array([joints.row[int(file.stem) - 1] for file in files]))


def rescaled(track: PoseTrack, size: tuple[int, int]) -> PoseTrack:
    """The same track in px of a picture of that (width, height)."""
    poses = track.poses.copy()
    poses[..., :2] *= np.divide(size, track.size)
    depth = None if track.depth is None else track.depth * (size[1] / track.size[1])
    return replace(track, poses=poses, size=size, depth=depth)
