"""What lies behind the person in the pictures that test.py paints: `--background`.

    green    one colour
    FILE     a picture, or a video that begins again where it ends; both fill the target's frame
    source   the dancer's own scene, in which the person stands where the dancer stood
    alpha    nothing: the pictures are transparent
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.facts import read_facts
from pose.retargeting.ground import visible_heights
from pose.retargeting.in_scene import into_scene
from pose.retargeting.lifted import SIDES, joints_of_foot, lifted
from pose.skeleton import moved
from pose.stretches import shot_slices
from pose.track import PoseTrack
from scene.background_names import ALPHA, OWN, PLAIN, SOURCE, is_picture, named, read_picture
from scene.composition import GREEN, Layer, composed, covering, darkened, light_of, plain
from scene.contact_shadow import contact_shadow
from scene.source_scene import THEN, SourceScene, has_scene
from util.errors import UserError, warn
from util.images import scaling, size_of
from util.options import Options
from util.ranks import started
from util.video import Frame, probe, read_frames

OFTEN, SELDOM = 0.5, 0.1    # shares of the frames that show feet
SAME_TIME = 1e-4        # s: stamps of two films that lie no further apart are equal


class Background:
    """What is behind one film's people; a subclass says what.

    is_transparent   whether pictures have four channels
    has_floor        whether people stand in it, and leave their shadows
    """
    is_transparent = has_floor = False

    def behind(self, name: str, time: float, size: tuple[int, int]) -> np.ndarray:
        """uint8 (H, W, 3) of the frame of that name, at `time` s, for a painted picture of that
        (width, height); another size where the scene has its own."""
        raise NotImplementedError

    def placed(self, name: str, layer: Layer) -> Layer:
        """A layer of the target's frame at its place, and in the light, of this scene; after
        `behind` of that frame."""
        return layer

    def picture(self, name: str, time: float, layers: Sequence[Layer]) -> np.ndarray:
        """uint8 (H, W, C): the layers of one frame of the target, the first farthest away."""
        behind = self.behind(name, time, size_of(layers[0].colours))
        placed = [self.placed(name, layer) for layer in layers]
        return composed(darkened(behind, placed) if self.has_floor else behind, placed)


class Colour(Background):
    """One colour."""

    def behind(self, name: str, time: float, size: tuple[int, int]) -> np.ndarray:
        return plain(GREEN, size)


class Picture(Background):
    """A picture that fills the frame."""

    def __init__(self, text: str):
        self.image = read_picture(text)

    def behind(self, name: str, time: float, size: tuple[int, int]) -> np.ndarray:
        if size_of(self.image) != size:
            self.image = covering(self.image, size)
        return self.image


class Film(Background):
    """A video that fills the frame, and begins again where it ends."""

    def __init__(self, path: str):
        self.path = path
        self.seconds = probe(path).duration
        self.start: float | None = None         # s, of the first painted frame
        self.rounds = -1                        # how often it has been shown
        self.frames: Iterator[Frame] = iter(())
        self.begin = 0.0                        # s, of its own first frame
        self.coming: Frame | None = None

    def behind(self, name: str, time: float, size: tuple[int, int]) -> np.ndarray:
        self.start = time if self.start is None else self.start
        rounds, passed = divmod(time - self.start, self.seconds)
        if rounds > self.rounds:
            self.rounds = int(rounds)
            self.frames = read_frames(self.path)
            self.coming = next(self.frames)
            self.begin = self.coming.time
        while self.coming and self.coming.time - self.begin <= passed + SAME_TIME:
            self.now = self.coming
            self.coming = next(self.frames, None)
        return covering(self.now.image, size)


class Transparent(Background):
    """Nothing."""
    is_transparent = True

    def picture(self, name: str, time: float, layers: Sequence[Layer]) -> np.ndarray:
        size = size_of(layers[0].colours)
        rgba = np.zeros((size[1], size[0], 4), np.uint8)
        for layer in layers:
            rgba = over(layer.seen_in(size).rgba, rgba)
        return rgba


class DancersScene(Background):
    """The scene that the dancer was filmed in; the person stands where the dancer stood."""
    has_floor = True

    def __init__(self, root: Path):
        """root: of the dataset whose poses are painted."""
        if not has_scene(root) and read_facts(root).get('layout', 'poses') != 'poses':
            raise UserError(f'--background source: {root} is the video of the person, and a scene '
                            f'is kept with the poses of a dancer. Name those, as in --dataroot '
                            f'datasets/dancer; docs/background.md has the commands.')
        self.scene = SourceScene(root)
        self.fitted = PoseTrack.load(root / 'poses.npz')
        if not np.array_equal(self.fitted.index, self.scene.track.index):
            raise UserError(f'{self.scene.path}: not the scene of the poses in poses.npz. {THEN}')
        matrices = into_scene(self.fitted, self.scene.track)
        self.places = dict(zip(self.fitted.index.tolist(), matrices, strict=True))
        self.rows = {number: row for row, number in enumerate(self.fitted.index.tolist())}
        self.lifted = lifted(self.scene.track)
        self.tall = heights(self.scene.track)
        if feet_seen(self.scene.track) > OFTEN and feet_seen(self.fitted) < SELDOM:
            warn('the scene shows the feet of the dancer, and the video of the person shows none: '
                 'the painted legs end in the air. Film the whole body, or choose a source that is '
                 'cut off alike.')
        self.lights: dict[int, np.ndarray] = {}     # of each shot, by its first frame

    def behind(self, name: str, time: float, size: tuple[int, int]) -> np.ndarray:
        number = int(name) - 1
        shot = self.scene.shots[number]
        if shot not in self.lights:     # that of all processes, wherever each begins
            known = (there for there in self.scene.places if self.scene.shots[there] == shot)
            self.lights[shot] = light_of(self.scene(min(known, default=number)))
        return self.scene(number)

    def placed(self, name: str, layer: Layer) -> Layer:
        return self.shown(name, layer).lit(self.light(name))

    def shown(self, name: str, layer: Layer) -> Layer:
        """A layer of the target's frame as this scene shows it, with the shadow of the feet."""
        place = self.places[int(name) - 1]
        if not np.isfinite(place).all():        # the dancer has no place in that shot
            return Layer(*(np.zeros_like(part) for part in (layer.colours, layer.alpha)))
        there = layer.moved(place @ scaling(size_of(layer.colours), self.fitted.size))
        shown = there.seen_in(self.scene.size)
        return replace(shown, light=layer.light, shadow=self.shadow(name, shown.alpha))

    def shadow(self, name: str, person: np.ndarray) -> np.ndarray | None:
        """As of Layer.shadow, of a person whose opacity in this scene is uint8 (H, W)."""
        row = self.rows[int(name) - 1]
        pose = moved(self.fitted.poses[row], self.places[int(name) - 1])
        feet = []
        for s, side in enumerate(SIDES):
            foot = pose[joints_of_foot(self.fitted.joints, side)]
            joints = foot[foot[:, 2] > 0, :2]
            if len(joints) and np.isfinite(self.lifted[row, s]):
                feet.append((joints, float(self.lifted[row, s])))
        return contact_shadow(person, feet, self.tall[row]) if feet and self.tall[row] else None

    def light(self, name: str) -> np.ndarray:
        """As of light_of, in that frame; after `behind` of it."""
        return self.lights[self.scene.shots[int(name) - 1]]


def heights(track: PoseTrack) -> np.ndarray:
    """float (F,) px: how tall the body looks, in each shot for itself; 0 where nobody is shown."""
    tall = np.zeros(len(track))
    for shot in shot_slices(track.shots):
        rows = shot.start + np.flatnonzero(track.shown()[shot])
        if len(rows):
            tall[rows] = visible_heights(track.select(rows))
    return tall


def feet_seen(track: PoseTrack) -> float:
    """The share of the frames of a track whose pictures show an ankle."""
    ankles = track.poses[track.shown()][:, [track.joints.index(side + 'Ankle') for side in SIDES]]
    shown = (ankles[..., 2] > 0) & (ankles[..., 1] < track.size[1])
    return float(shown.any(1).mean()) if len(shown) else 0.0


def over(front: np.ndarray, back: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 4): one picture with straight alpha over another."""
    if not back[..., 3].any():
        return front
    near, far = (each[..., 3:].astype(np.float32) / 255 for each in (front, back))
    share = near + far * (1 - near)
    mixed = (front[..., :3] * near + back[..., :3] * far * (1 - near)) / np.maximum(share, 1e-6)
    return np.rint(np.dstack([mixed, 255 * share])).astype(np.uint8)


def background_of(opt: Options) -> Background | None:
    """The background that --background names, which the options have checked; None for the
    target's own. UserError where the dataset keeps no scene."""
    name = named(opt.background)
    if name == OWN:
        return None
    if name == PLAIN:
        return Colour()
    if name == ALPHA:
        return Transparent()
    if name == SOURCE:
        return DancersScene(Path(opt.dataroot))
    if is_picture(opt.background):
        return Picture(opt.background)
    if started() > 1:
        raise UserError(f'--background {opt.background}: each process of torchrun would begin that '
                        f'video again. Paint before a video with python test.py.')
    return Film(opt.background)


def film_of(opt: Options) -> str:
    """The name of the painted film."""
    ending = opt.alpha_film or 'webm'
    return f'fake_B.{ending}' if opt.background == ALPHA else 'fake_B.mp4'
