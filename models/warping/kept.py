"""What a body2body run keeps in its folder apart from weights; without it nothing is painted.

RUN/index: the frames and their poses. RUN/masks: who is where in them as the detector says, if the
dataset has masks. RUN/mattes: how much of each pixel is the person. RUN/plate: the background.
RUN/cutouts and RUN/film_plate: person and background at film size, if the dataset has frames of
that size.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from util.errors import UserError
from util.memory import give_back
from util.ranks import ALONE, Ranks
from util.words import command

if TYPE_CHECKING:
    from data.base_dataset import BaseDataset
    from models.warping.cutouts import Cutouts
    from models.warping.frame_index import FrameIndex
    from models.warping.settings import Body2BodySettings
    from scene.plate import Plate

# as regular expressions, and what each run must have
ARTEFACTS = (r'index/poses\.npz', r'index/\d+\.png', r'masks/\d+\.png', r'mattes/\d+\.png',
             r'plate/plate\.(png|npz)', r'cutouts/\d+\.(jpg|png)', r'cutouts/cutouts\.npz',
             r'film_plate/plate\.(png|npz)')
NEEDED = 'index/poses.npz', 'mattes', 'plate/plate.npz'


@dataclass(frozen=True)
class Kept:
    """What is kept of a run's frames.

    index, plate        the frames, with masks and mattes, and the background, as small as training
                        sees them
    cutouts, film_plate person and background as painting samples them
    """
    index: FrameIndex
    plate: Plate
    cutouts: Cutouts
    film_plate: Plate

    def at(self, size: tuple[int, int]) -> Kept:
        """The same to paint at that (W, H), which is no larger than the film. Smaller than the
        frames of training, those are sampled."""
        from scene.film_plate import shrunk_plate
        size = max(size, self.index.track.size)
        if size == self.cutouts.size:
            return self
        return replace(self, cutouts=self.cutouts.at(size),
                       film_plate=shrunk_plate(self.film_plate, size))

    @classmethod
    def make(cls, dataset: BaseDataset, folder: Path, threads: int, settings: Body2BodySettings,
             ranks: Ranks = ALONE) -> Kept:
        """Write what a run of that dataset keeps, in place of what an earlier start kept. The first
        of several ranks writes it, and the others read it."""
        with ranks.in_turn():
            if not ranks.is_first:
                return cls.load(folder, settings)
            return cls.make_alone(dataset, folder, threads, settings)

    @classmethod
    def make_alone(cls, dataset: BaseDataset, folder: Path, threads: int,
                   settings: Body2BodySettings) -> Kept:
        """`make` in the one rank that writes."""
        from models.warping.cutouts import SmallCutouts, make_cutouts
        from models.warping.frame_index import FrameIndex
        from scene.made_up import warn_of_made_up
        remove_kept(folder)
        index = FrameIndex.make(dataset, folder / 'index', threads, settings.selection)
        if settings.masks:
            index.keep_masks(dataset, threads)
        plate = index.plate()
        plate.save(folder / 'plate')
        warn_of_made_up(plate)
        index.cut_out(plate, threads, settings.darkest_shadow)
        if dataset.film_size is None:
            return cls(index, plate, SmallCutouts(index), plate)
        large = index.film_plate(plate, dataset)
        large.save(folder / 'film_plate')
        give_back()             # the frames that it was made of
        cutouts = make_cutouts(folder / 'cutouts', index, large, dataset, threads,
                               settings.darkest_shadow)
        return cls(index, plate, cutouts, large)

    @classmethod
    def load(cls, folder: Path, settings: Body2BodySettings,
             made: tuple[int, ...] | None = None) -> Kept:
        """What that run keeps; UserError where it cannot be read.

        made   made_at of the index before the weights were read: all must be of one training
        """
        from models.warping.cutouts import FilmCutouts, SmallCutouts
        from models.warping.frame_index import FrameIndex, replaced
        from scene.plate import Plate
        index = FrameIndex(folder / 'index', settings.selection)
        if made not in (None, index.made):
            raise replaced(index.folder)
        plate = Plate.load(folder / 'plate')
        check_sizes(folder / 'plate', plate.size, index.track.size)
        kept = cls(index, plate, SmallCutouts(index), plate)
        if (folder / 'cutouts').is_dir():
            cutouts = FilmCutouts(folder / 'cutouts', index)
            large = Plate.load(folder / 'film_plate')
            check_sizes(folder / 'cutouts', cutouts.size, large.size)
            kept = cls(index, plate, cutouts, large)
        index.check_same()
        return kept


def check_sizes(folder: Path, here: tuple[int, int], there: tuple[int, int]) -> None:
    """UserError where two parts of a run are of frames of different (width, height)."""
    if here != there:
        from models.warping.frame_index import AGAIN
        raise UserError(f'{folder}: is of frames of {here[0]}x{here[1]} px, the rest of the run of '
                        f'{there[0]}x{there[1]}. {AGAIN}')


def check_kept(folder: Path, epoch: str) -> None:
    """UserError where a run lacks what it needs to paint with that epoch."""
    from util.checkpoints import check_started
    missing = [part for part in NEEDED if not (folder / part).exists()]
    check_started(folder, epoch)
    if missing:
        raise UserError(f'{folder / missing[0]} is missing; this run needs it to paint. Train '
                        f'again: ' + command('train.py', dataroot='datasets/me', name=folder.name,
                                            model='body2body', overwrite=True))


def remove_kept(folder: Path) -> None:
    """Remove what an earlier start of the run kept.

    The index's poses go first. Without them nothing is painted, so no stop on the way leaves the
    mattes or the background of one person with the frames of another.
    """
    from util.noted import remove
    (folder / NEEDED[0]).unlink(missing_ok=True)
    remove(folder, ARTEFACTS)
