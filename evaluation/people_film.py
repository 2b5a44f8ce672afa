"""Several painted people in one film: what test.py painted of each, over one scene.

Each person stands where that dancer of the source stood; the far one is painted first. Whoever is
not found in a frame is not in its picture.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from data.facts import read_facts
from evaluation.backgrounds import Background, DancersScene, background_of, film_of
from evaluation.records import read_painting
from evaluation.results import Results
from pose.draw import draw_pose
from pose.retargeting.far_first import far_first
from pose.skeleton import moved
from scene.background_names import SOURCE, named
from scene.composition import Layer, light_of, plain
from scene.plate import Plate
from util.errors import UserError, warn
from util.images import read_rgba, scaling
from util.marks import marks_of
from util.noted import states_of
from util.options import Options
from util.progress import progress

MISSED = 0.5        # s: a longer absence of a person is said; shorter is filled in, or a frame
MOST = 4            # such times that are named
SIDE = 256          # px, shorter side of the drawn poses, as large as other models see them


class PaintedPerson:
    """One of the people: where the dancer stood, and the layers that were painted.

    times   {name of a frame: s}
    light   of the background that the person was filmed before, as of light_of
    """

    def __init__(self, root: Path, results: Path, background: np.ndarray):
        """root: of the dataset of the poses; results: where test.py --background alpha painted;
        background: uint8 (H, W, 3), the person's own."""
        self.light = light_of(background)
        self.root = root
        self.facts = read_facts(root)
        self.results = results
        self.times: dict[str, float] = read_painting(results)['frames']
        self.scene = DancersScene(root)

    def layer(self, name: str) -> Layer:
        """The person in the frame of that name, as the scene shows it."""
        path = layer_file(self.results, name)
        rgba = read_rgba(path)
        if rgba is None:
            raise UserError(f'{path}: cannot be read. Move {self.results} away, then give the same '
                            f'command again.')
        return self.scene.shown(name, replace(Layer.of_rgba(rgba), light=self.light))

    def pose(self, name: str, size: tuple[int, int]) -> np.ndarray:
        """uint8 (H, W, 3): the pose as it stands in the scene, in a picture of that size."""
        number = int(name) - 1
        place = self.scene.places[number]
        if not np.isfinite(place).all():        # as of DancersScene.shown
            return plain((0, 0, 0), size)
        fitted = self.scene.fitted
        row = int(np.flatnonzero(fitted.index == number)[0])
        matrix = scaling(self.scene.scene.size, size) @ place
        return draw_pose(moved(fitted.poses[row], matrix), size, skeleton=fitted.skeleton)


class SharedScene(Background):
    """The scene of the source, which the dataset of each of its people keeps for the frames that
    show that one.

    shown   the scene of the frame that was asked for last
    """
    has_floor = True
    shown: DancersScene

    def __init__(self, people: Sequence[PaintedPerson]):
        self.people = people

    def behind(self, name: str, time: float, size: tuple[int, int]) -> np.ndarray:
        self.shown = next(person.scene for person in self.people if name in person.times)
        return self.shown.behind(name, time, size)

    def placed(self, name: str, layer: Layer) -> Layer:
        return layer.lit(self.shown.light(name))


class PeopleResults(Results):
    """The results of several people: frames, films and page."""

    def __init__(self, folder: Path, people: Sequence[PaintedPerson], film: str):
        super().__init__(folder, people[0], {}, film=film)
        times = {name: time for person in people for name, time in person.times.items()}
        self.known_times = {str(int(name)): time for name, time in times.items()}

    def read_film(self, k: int, picture: np.ndarray) -> np.ndarray:
        if self.films['painted'].endswith('.mp4'):
            return picture
        found = read_rgba(self.folder / self.frames[k]['fake_B'])
        return super().read_film(k, picture) if found is None else found


def write_film(folder: Path, people: Sequence[PaintedPerson], opt: Options,
               facts: Mapping[str, str]) -> Path:
    """Write the pictures, films and page of all people to `folder`. Returns the page.

    opt     of transfer.py: the background, the source and the film
    facts   {heading: value} for the page
    """
    sizes = {person.scene.scene.size for person in people}
    if len(sizes) > 1:
        raise UserError(f'{people[0].root}: its scene is of another size than that of '
                        f'{people[1].root}. Make both again with --source_args "--overwrite".')
    chosen = opt.but(alpha_film=Path(opt.output).suffix.lower()[1:])
    behind = SharedScene(people) if named(opt.background) == SOURCE else background_of(chosen)
    assert behind is not None
    for person, role in zip(people, opt.roles, strict=True):
        say_unpainted(person, f'{role.name}, in the place of person {role.number},')
    size = sizes.pop()
    small = drawn_size(size)
    order = far_first([person.scene.scene.track for person in people])
    names = sorted({name for person in people for name in person.times}, key=int)
    results = PeopleResults(folder, people, film_of(chosen))
    with results.replacing():
        with results.writing():
            for name in progress(names, 'painting all', len(names)):
                there = [people[k] for k in order[int(name) - 1] if name in people[k].times]
                time = results.known_times[str(int(name))]
                picture = behind.picture(name, time, [person.layer(name) for person in there])
                poses = over_each_other([person.pose(name, small) for person in there])
                results.add(f'{name}.png', {'real_A': poses, 'fake_B': picture})
        results.write_videos(opt.source,
                             marks_of(folder.parent.name, opt.no_metadata, opt.watermark))
        return results.write_page({**facts, 'source': opt.source, 'background': opt.background,
                                   'model': opt.model})


def say_unpainted(person: PaintedPerson, who: str) -> None:
    """Warn where somebody is missing for a while in the middle of a shot."""
    times = {int(name): time for name, time in person.times.items()}
    shots = person.scene.scene.shots
    lost = [f'{times[a]:.1f} to {times[b]:.1f} s' for a, b in pairwise(sorted(times))
            if times[b] - times[a] > MISSED and shots[a - 1] == shots[b - 1]]
    if lost:
        more = f' and {len(lost) - MOST} times more' if len(lost) > MOST else ''
        warn(f'{who} is not painted at {", ".join(lost[:MOST])}{more}: the dancer is not found '
             f'there, as while hidden behind somebody for more than a second.')


def over_each_other(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """uint8 (H, W, 3): drawings on black, one over the other."""
    whole = pictures[0].copy()
    for picture in pictures[1:]:
        drawn = picture.any(-1)
        whole[drawn] = picture[drawn]
    return whole


def drawn_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of drawn poses for a scene of that (width, height)."""
    share = min(1.0, SIDE / min(size))
    return round(size[0] * share), round(size[1] * share)


def own_background(run: Path) -> np.ndarray:
    """uint8 (H, W, 3): what a run keeps of the background that its person was filmed before."""
    plate = Plate.load(run / 'plate')
    return plate.at(plate.locked())[0]


def layer_file(results: Path, name: str) -> Path:
    return results / 'images' / f'{name}_fake_B.png'


def painted_from(run: Path, dataset: Path, flags: Sequence[str]) -> dict[str, Any]:
    """What decides how a person's layers look, for a record: the run's weights, the poses and the
    flags of test.py."""
    weights = states_of(run, sorted(path.name for path in run.glob('*.pth')))
    return {'run': weights, 'poses': read_facts(dataset).get('made'), 'flags': list(flags)}


def is_painted(results: Path, made: Mapping[str, Any], noted: Any) -> bool:
    """Whether the layers in `results` are all there and were painted from that.

    made   of painted_from now;  noted  of painted_from when they were painted, if they were
    """
    if noted != made or not (results / 'painting.json').is_file():
        return False
    names = read_painting(results)['frames']
    return all(layer_file(results, name).is_file() for name in names)
