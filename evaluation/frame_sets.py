"""The frames of a painted film that are measured, one at a time, by every method."""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from data.base_dataset import BaseDataset
from evaluation.baselines import Baselines
from evaluation.bounds import (
    BASELINE_FRAMES,
    BASELINE_STRETCH,
    FRAMES,
    PERSON_SIZE,
    STRETCH,
    Box,
    measured_size,
    scaled_box,
    stretches,
)
from evaluation.results import Results, at_size
from pose.silhouette import person_box
from pose.skeleton import moved
from util.errors import UserError
from util.images import fitted, in_colour, resized, scaling, size_of

REAL = 'real'           # its name among the methods


@dataclass(frozen=True)
class FrameSet:
    """One frame by every method, all of one size.

    methods  {name: uint8 (H, W, 3)}, the painted frame first, then the baselines
    real     uint8 (H, W, 3), None where there is no truth
    pose     float32 (K, 3), the requested joints in px of these images; None where unknown
    box      rows and columns around the person; None where there is nobody
    follows  whether the video continues here, without a cut or gap after the previous frame
    large    {'painted' and 'real': uint8}, at the film's own size, where that is larger
    """
    methods: dict[str, np.ndarray]
    real: np.ndarray | None
    pose: np.ndarray | None
    box: Box | None
    follows: bool
    large: Mapping[str, np.ndarray] = field(default_factory=dict)

    def at_film_size(self, name: str) -> np.ndarray:
        """uint8 (H, W, 3) of a method or of REAL, as large as there is."""
        if name in self.large:
            return self.large[name]
        image = self.real if name == REAL else self.methods[name]
        assert image is not None
        return image

    def person(self, name: str) -> np.ndarray:
        """uint8 (H, W, 3): the person's box at PERSON_SIZE; there has to be somebody."""
        assert self.box
        image = self.at_film_size(name)
        box = scaled_box(self.box, size_of(self.methods['painted']), size_of(image))
        return resized(image[box], PERSON_SIZE)


class MeasuredFrames:
    """The frames of a painted film that are measured: an iterator of their FrameSets.

    chosen      int (N,), ascending: numbers of the frames
    film_size   (width, height) of the film, by its first frame
    size        the same of what is measured
    """

    def __init__(self, results: Results, dataset: BaseDataset, baselines: Baselines | None):
        self.results = results
        self.dataset = dataset
        self.baselines = baselines
        self.chosen = stretches(len(results.frames), FRAMES, STRETCH)
        some = stretches(len(self.chosen), BASELINE_FRAMES, BASELINE_STRETCH)
        self.with_baselines = set(self.chosen[some].tolist())
        self.film_size = size_of(results.read_measured(results.frames[0])['fake_B'])
        self.size = measured_size(self.film_size)

    def __len__(self) -> int:
        return len(self.chosen)

    def __iter__(self) -> Iterator[FrameSet]:
        before = -2
        for k in self.chosen.tolist():
            yield self.frame_set(k, follows=k == before + 1 and self.dataset.follows(k))
            before = k

    def spread(self, scores: Mapping[str, list[float]]) -> dict[str, list[float]]:
        """{key: a value for each frame of the film, NaN where it is not measured}, of a value for
        each measured frame; those that are missing at the end are not known."""
        spread = {}
        for key, values in scores.items():
            every = np.full(len(self.results.frames), np.nan)
            every[self.chosen[:len(values)]] = values
            spread[key] = every.tolist()
        return spread

    def frame_set(self, k: int, follows: bool) -> FrameSet:
        """Frame `k` by every method that is measured in it, at the size at which the real frame is
        measured, or the painted one where there is no real one."""
        frame = self.results.frames[k]
        images = self.results.read_measured(frame)
        unreadable = [path for label, path in frame.items() if label not in images]
        if unreadable:
            raise UserError(f'{self.results.folder / unreadable[0]} cannot be read back. '
                            f'Paint again.')
        real = images.get('real_B')
        film_size = size_of(images['fake_B'] if real is None else real)
        size = measured_size(film_size)
        film = {'painted': at_size(in_colour(images['fake_B']), film_size)}
        if real is not None:
            film[REAL] = real
        small = {name: fitted(image, size) for name, image in film.items()}
        methods = {'painted': small['painted']}
        outputs = {}
        if self.baselines and k in self.with_baselines:
            outputs = self.baselines.outputs(k)
        for name, image in outputs.items():
            methods[name] = at_size(in_colour(image), size)
        item = self.dataset.item(k)
        pose = item.get('joints')
        if pose is not None:
            pose = moved(pose, scaling(size_of(item['A']), size))
        box = None if pose is None else person_box(pose, size)
        return FrameSet(methods, small.get(REAL), pose, box, follows,
                        film if film_size != size else {})
