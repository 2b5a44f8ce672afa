"""Keeps the scene that a dancer was filmed in, for painting somebody else into it. No torch.

The video is read twice more: first all frames small, for the camera, and some of each shot as large
as the film, for the background; these wait on the disk. Then each frame loses the dancer: the
background takes the place, and all around stays as it was filmed, with the dancer's shadow.
"""
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from pose.skeleton import moved
from pose.track import PoseTrack
from preprocessing.crop import even_size
from preprocessing.film import read_back
from preprocessing.masks import FrameMasks
from preprocessing.placement import Placement, cropped
from preprocessing.sources import Source
from scene.background import CLOTHES_MARGIN, believed, make_plate, mosaic
from scene.film_plate import between_plates, film_plate
from scene.matte import covered
from scene.medians import FRAMES
from scene.plate import Masks, Plate
from scene.source_scene import as_bright, save, without
from util.arrays import LazySequence
from util.errors import warn
from util.images import resized, scaling, size_of, write_image
from util.options import Options
from util.parallel import prefetch
from util.progress import progress
from util.sampling import evenly_spaced

SMALL = 256         # px, shorter side at which the camera is followed, as in training
QUALITY = 95        # of the JPEGs that wait: 256x454 takes 30 kB, so that a minute takes 54 MB
WORTH_A_LOAN = 0.002    # of a background that is only filled in: less is not looked for elsewhere
SOFT = 0.01             # of the longer side: in so much, one background passes into another
SURE = 0.98             # confidence of a place at which two backgrounds are compared
MOST_LOANS = 3          # other shots that are looked at, the longest ones
SHOWN = 0.5             # confidence of a place that some frame shows
MADE_UP = 0.1           # of the pixels that people hide: more of them is said


@dataclass(frozen=True)
class ShotPlate:
    """The background of a shot.

    small, film   as small as the camera is followed, and at film size; the confidence of the latter
                  is 0 where its picture is only filled in
    rows          int (F,) of the track
    """
    small: Plate
    film: Plate
    rows: np.ndarray


class Behind:
    """behind(number) is the background of a shot in the frame of that number, uint8 (H, W, 3).

    size    (W, H)
    loans   other backgrounds, as SceneMaker.loans gives them: what no frame of this shot shows,
            another shot of the same place may
    """

    def __init__(self, plate: ShotPlate, size: tuple[int, int],
                 loans: Sequence[tuple[Plate, np.ndarray]]):
        self.film = plate.film
        self.size = size
        self.loans = loans
        self.view = lru_cache(1)(self._view)        # a still camera shows the same again

    def __call__(self, number: int) -> np.ndarray:
        return self.view(self.film.camera(number).tobytes())[0]

    def is_shown(self, number: int, size: tuple[int, int]) -> np.ndarray:
        """bool (h, w), in pictures of that size: what any frame shows; the rest is made up."""
        sure = self.view(self.film.camera(number).tobytes())[1]
        return cv2.resize(sure, size, interpolation=cv2.INTER_AREA) > SHOWN

    def _view(self, camera: bytes) -> tuple[np.ndarray, np.ndarray]:
        matrix = np.frombuffer(camera).reshape(3, 3)
        picture, sure = self.film.at(matrix, self.size)
        for plate, into in self.loans:
            other, known = plate.at(into @ matrix, self.size)
            matched = as_bright(other, picture, (sure > SURE) & (known > SURE))
            share = (1 - sure) * known
            picture = cv2.blendLinear(matched, picture, share, 1 - share)
            sure = np.maximum(sure, known)
        return picture, sure


class SceneMaker:
    """Takes the frames of a video, then makes the scene of each shot.

    track    the dancer, in px of the video
    masks    of everybody in each frame, if there are any
    side     the most that the shorter side of the scene's pictures may have
    folder   an empty one, in which frames wait
    hidden, made_up   small pixels that people hide, in all frames so far, and how many of them no
                      frame shows
    """

    def __init__(self, opt: Options, source: Source, track: PoseTrack, masks: FrameMasks | None,
                 side: int, folder: Path):
        self.opt = opt
        side = min(side, *source.size)
        self.size = even_size(source.size, side)
        small = min(SMALL, side)
        self.placement: Placement = cropped(opt.but(crop='none', aspect='keep', size=small),
                                            source, track)
        self.masks = masks
        self.track = track
        self.seen: set[int] = set()         # rows of the track
        self.small = folder / 'small'
        self.large = folder / 'large'
        self.small.mkdir()
        self.large.mkdir()
        self.hidden = self.made_up = 0
        self.rows = {int(track.index[row]): row for row in np.flatnonzero(track.kept).tolist()}
        self.shots = {}
        for shot in np.unique(track.shots[track.kept]).tolist():
            self.shots[shot] = np.flatnonzero(track.kept & (track.shots == shot))
        chosen = [rows[evenly_spaced(len(rows), FRAMES, nearest=True)]
                  for rows in self.shots.values()]
        self.chosen = set(np.concatenate(chosen).tolist())

    def see(self, index: int, image: np.ndarray) -> None:
        """Keep what is needed of the frame of that number, uint8 (H, W, 3)."""
        row = self.rows.get(index)
        if row is None:
            return
        large = resized(image, self.size)
        write_image(waiting(self.small, row), resized(large, self.placement.size), QUALITY)
        if row in self.chosen:
            write_image(waiting(self.large, row), large, QUALITY)
        self.seen.add(row)

    def track_in_scene(self) -> PoseTrack:
        """The dancer in px of the scene; frames that were not seen are not kept."""
        matrix = scaling(self.track.size, self.size)
        track = replace(self.track, poses=moved(self.track.poses, matrix), size=self.size)
        lost = ~np.isin(np.arange(len(track)), list(self.seen))
        return track.drop(lost, 'a frame that cannot be read')

    def pictures_without(self, source: Source) -> Iterator[tuple[float, np.ndarray]]:
        """The time, and uint8 (H, W, 3), of each frame that is kept, without the dancer."""
        plates = {}
        for shot, rows in self.shots.items():
            plates[shot] = self.plate(rows[np.isin(rows, list(self.seen))])
        behind = {shot: Behind(plate, self.size, self.loans(shot, plates))
                  for shot, plate in plates.items()}
        for frame in progress(prefetch(source.frames()), 'taking out the dancer', source.count):
            row = self.rows.get(frame.index)
            if row is None or row not in self.seen:
                continue
            shot, person = behind[int(self.track.shots[row])], self.left_out(row)
            self.hidden += int(person.sum())
            self.made_up += int((person & ~shot.is_shown(frame.index, size_of(person))).sum())
            yield frame.time, without(resized(frame.image, self.size), person, shot(frame.index))

    def plate(self, rows: np.ndarray) -> ShotPlate:
        """The background of one shot, small and at film size, with the camera of each frame."""
        numbers = self.track.index[rows]
        plate = make_plate(self.pictures(self.small, rows), self.people(rows), numbers)
        some = np.flatnonzero([row in self.chosen for row in rows.tolist()])
        located = some[np.isfinite(plate.transforms[some, 0, 0])]
        some = located if len(located) else some
        few = replace(plate, transforms=plate.transforms[some], numbers=numbers[some])
        people = self.people(rows[some])
        film = film_plate(few, self.pictures(self.large, rows[some]), people, self.size)
        wide = Masks(people, grow=round(CLOTHES_MARGIN * plate.size[1]))
        far = mosaic(self.pictures(self.small, rows[some]), wide, few.transforms, few.numbers)
        sure = cv2.warpAffine(believed(far.confidence, len(some)), between_plates(far, film)[:2],
                              size_of(film.picture)).clip(0, 1)
        soft = cv2.GaussianBlur(sure, (0, 0), SOFT * max(self.size))
        sure = np.minimum(sure, (2 * soft - 1).clip(0, 1))      # no seam between two backgrounds
        larger = scaling(plate.size, self.size)
        transforms = between_plates(few, film) @ plate.transforms @ np.linalg.inv(larger)
        if plate.still:
            transforms = np.tile(np.eye(3), (len(rows), 1, 1))
        film = replace(film, transforms=transforms, numbers=numbers, confidence=sure)
        return ShotPlate(plate, film, rows)

    def loans(self, shot: int, plates: Mapping[int, ShotPlate]) -> list[tuple[Plate, np.ndarray]]:
        """Backgrounds of other shots of the same place, and the way there: px of this shot's
        background -> px of the other one."""
        here = plates[shot]
        found: list[tuple[Plate, np.ndarray]] = []
        if (here.film.confidence < 1).mean() < WORTH_A_LOAN:
            return found
        row = int(here.rows[len(here.rows) // 2])
        number = int(self.track.index[row])
        picture, people = read_back(waiting(self.small, row)), self.people_in(row)
        others = sorted((other for other in plates if other != shot),
                        key=lambda other: -len(plates[other].rows))
        for other in others[:MOST_LOANS]:
            there = plates[other]
            place = there.small.locate(picture, people)
            if place is not None:
                small = np.linalg.inv(scaling(there.small.size, self.size))
                into = between_plates(there.small, there.film) @ place @ small
                found.append((there.film, into @ np.linalg.inv(here.film.camera(number))))
        return found

    def pictures(self, folder: Path, rows: np.ndarray) -> Sequence[np.ndarray]:
        return LazySequence(len(rows), lambda k: read_back(waiting(folder, int(rows[k]))))

    def people(self, rows: np.ndarray) -> Sequence[np.ndarray]:
        """bool (h, w) of each row: where anybody may be in its small frame."""
        return LazySequence(len(rows), lambda k: self.people_in(int(rows[k])))

    def people_in(self, row: int) -> np.ndarray:
        track = self.placement.drawn
        return covered(track.poses[row], track.joints, self.placement.size, self.mask(row))

    def left_out(self, row: int) -> np.ndarray:
        """bool (h, w): who is taken out of the frame of that row."""
        mask = self.mask(row)
        if mask is None or self.opt.keep_scene == 'nobody':
            return self.people_in(row)
        track = self.placement.drawn
        mask[..., 1] = 0
        return covered(track.poses[row], track.joints, self.placement.size, mask)

    def mask(self, row: int) -> np.ndarray | None:
        """As of scene.matte.covered."""
        return self.masks.picture(row, self.placement) if self.masks else None


def waiting(folder: Path, row: int) -> Path:
    """The file in which the frame of that row waits."""
    return folder / f'{row}.jpg'


def keep_scene(opt: Options, source: Source, track: PoseTrack, masks: FrameMasks | None,
               folder: Path) -> None:
    """Write the scene of the source into a new dataset.

    track  of the dancer, in px of the video
    """
    side = opt.film_size or min(source.size)
    with TemporaryDirectory(dir=folder) as place:
        maker = SceneMaker(opt, source, track, masks, side, Path(place))
        for frame in progress(prefetch(source.frames()), 'looking at the scene', source.count):
            maker.see(frame.index, frame.image)
        save(folder, maker.track_in_scene(), maker.pictures_without(source))
    share = maker.made_up / max(maker.hidden, 1)
    if share > MADE_UP:
        hides = 'people hide' if opt.keep_scene == 'nobody' else 'the dancer hides'
        warn(f'{100 * share:.0f} % of what {hides} is made up, smoothly, since no frame shows it. '
             f'A source in which that place is seen for a moment, such as a few more seconds of '
             f'the same video, gives a sharper scene.')
