"""Everybody in a source: looked at once for the datasets of several of them, and left out of the
scene even while hidden. No torch."""
from collections.abc import Sequence
from typing import Any

import numpy as np

from pose.cleaning.repair import repair
from pose.silhouette import person_mask
from pose.skeleton import moved, skeleton_of
from pose.tracking.people import Picked
from preprocessing.detection import Detected, detect
from preprocessing.film import FilmAhead
from preprocessing.masks import FrameMasks, box_matrix
from preprocessing.placement import Placement
from preprocessing.sources import Source, open_source
from util.errors import UserError, say, warn
from util.options import Options

# what differs between the datasets of two people of one source, and finds the same people
OF_ONE = {'dataroot', 'person', 'retarget_to', 'overwrite', 'keep_scene', 'film_size', 'size'}

AROUND = 0.25       # s: so long a find that came back was up to a tenth of the body's height off


class FoundOnce:
    """`detect` that remembers what it found in a source last."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.found: Detected | None = None

    def __call__(self, source: Source, opt: Options, film: FilmAhead | None = None) -> Detected:
        asked = {name: value for name, value in opt.facts().items() if name not in OF_ONE}
        asked |= {'source': source.facts(), 'masks': bool(opt.keep_scene)}
        if self.found is None or asked != self.asked:
            self.found, self.asked = detect(source, opt, film), asked
        return self.found

    def check_people(self, opt: Options, numbers: Sequence[int]) -> None:
        """UserError, which says who there is, unless each of those numbers is a person's; a warning
        for one who may be a picture, a shadow or a mirror image. opt: of preprocess.py, for any of
        them."""
        source = open_source(opt.video, opt.images, opt.start, opt.end, opt.fps)
        _, picked = self(source, opt).one('largest')
        say(f'there {described(picked.people)}')
        for number in numbers:
            if number > len(picked.people):
                raise UserError(f'{opt.video}: person {number} is asked for, and there '
                                f'{described(picked.people)}. Give a video in which all of them '
                                f'are seen, or fewer videos at --target.')
            one = picked.people[number - 1]
            if one['why'] and not one['chosen']:
                warn(f'person {number} may be nobody alive: {one["why"]}. Other numbers are chosen '
                     f'with --people.')


def described(people: Sequence[dict[str, Any]]) -> str:
    """Who there is, by number: when first seen, where, how large, in how many frames."""
    each = [f'{one["number"]} from {one["first"]:.1f} s at {one["place"][0]:.0f},'
            f'{one["place"][1]:.0f}, {one["size"]:.0f} px tall, in {one["frames"]} frames'
            for one in people[:9]]
    count = 'is 1 person' if len(people) == 1 else f'are {len(people)} people'
    return f'{count}: {"; ".join(each)}' if people else 'is nobody'


class EverybodysMasks(FrameMasks):
    """FrameMasks that also cover people where they are not found for up to --max_gap frames, hidden
    behind somebody: what still shows of them must not stay in the scene. Just before and after, a
    find may lie off; there the masks of the frames around count too.

    hidden  {number of a frame: poses (K, 3) of those people there, px of the video}
    unsure  the numbers of the frames in and around such gaps
    around  how many frames to either side that is
    """

    def __init__(self, found: Detected, picked: Picked, opt: Options) -> None:
        super().__init__(found, picked.rows)
        self.skeleton = skeleton_of(found.skeleton)
        self.hidden: dict[int, list[np.ndarray]] = {}
        self.unsure: set[int] = set()
        for one in picked.people:
            raw, _ = found.one(str(one['number']))
            self.around = round(AROUND * raw.fps)
            track, _ = repair(raw, min_confidence=opt.min_confidence, max_gap=opt.max_gap)
            for row in np.flatnonzero(track.shown() & ~raw.seen()).tolist():
                number = int(track.index[row])
                self.unsure |= set(range(number - self.around, number + self.around + 1))
                self.hidden.setdefault(number, []).append(track.poses[row])

    def picture(self, row: int, placement: Placement) -> np.ndarray:
        picture = super().picture(row, placement)
        assert placement.box is not None
        number = int(placement.drawn.index[row])
        into_frame = np.vstack([box_matrix(placement.box, placement.size), (0, 0, 1)])
        for pose in self.hidden.get(number, ()):
            mask = person_mask(moved(pose, into_frame), self.skeleton, placement.size)
            picture[..., 1][mask] = 255
        if number in self.unsure:
            for near in range(number - self.around, number + self.around + 1):
                own = [self.own[near]] if near in self.own else []
                for one in (*own, *self.others.get(near, ())):
                    drawn = one.drawn(placement.size, into_frame)
                    picture[..., 1] = np.maximum(picture[..., 1], drawn)
        return picture


def masks_of(found: Detected, picked: Picked, opt: Options) -> FrameMasks:
    """The masks of everybody; with --keep_scene nobody of people who are hidden too."""
    if opt.keep_scene == 'nobody':
        return EverybodysMasks(found, picked, opt)
    return FrameMasks(found, picked.rows)
