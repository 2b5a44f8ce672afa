"""Second pass over a source: frames are cropped, poses drawn, and both written. No torch."""
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.film import FOLDER as FRAMES
from pose.draw import draw_pose
from preprocessing.background import Background
from preprocessing.crop import cut_out
from preprocessing.film import FilmAhead, write_film_frame
from preprocessing.masks import FOLDER as MASKS
from preprocessing.masks import FrameMasks
from preprocessing.placement import Placement
from preprocessing.report.moments import Preview
from preprocessing.sources import Source
from util.images import size_of, write_image
from util.parallel import in_order, prefetch
from util.progress import progress

IN_MEMORY = 16      # frames that wait for a thread or for their turn


class Writer:
    """Writes the pictures of a dataset, several at a time.

    folder     the new dataset
    layout     'pairs', 'folders' or 'poses'
    placement  the track, and the crop of the frames
    phases     {phase: int (N,) rows of the track}
    draw       how poses are drawn, as pose.draw.draw_facts gives it
    masks      of everybody in each frame, if there are any
    film_size  (W, H) of the frames as large as they were filmed; None: there are none
    background what is behind everybody in the whole video, if that is kept
    """

    def __init__(self, folder: Path, layout: str, placement: Placement,
                 phases: Mapping[str, np.ndarray], draw: Mapping[str, Any],
                 masks: FrameMasks | None = None,
                 film_size: tuple[int, int] | None = None,
                 background: Background | None = None):
        self.folder = folder
        self.layout = layout
        self.placement = placement
        self.draw = draw
        self.masks = masks
        self.film_size = film_size
        self.background = background
        self.ahead: FilmAhead | None = None
        if masks:
            (folder / MASKS).mkdir()
        if film_size:
            (folder / FRAMES).mkdir(exist_ok=True)
        self.phase: dict[int, tuple[str, int]] = {}     # of a frame's number, and its row
        for phase, rows in phases.items():
            for row in rows.tolist():
                self.phase[int(placement.drawn.index[row])] = phase, row
            for half in ('_A', '_B') if layout == 'folders' else ('',):
                (folder / f'{phase}{half}').mkdir()

    def write(self, source: Source, preview: Preview, threads: int,
              ahead: FilmAhead | None = None) -> None:
        """Write every picture of the dataset, and pass the frames of the source by `preview`.

        ahead   wrote the large frames while people were found, if given
        """
        if ahead and ahead.has(self.placement.drawn.index.tolist(), source.count):
            self.ahead = ahead
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)            # each picture already has a thread
        try:
            with ThreadPoolExecutor(threads) as pool:
                written = in_order(pool, self.write_one, self.frames(source, preview), IN_MEMORY)
                for _ in progress(written, 'drawing and writing', len(self.phase)):
                    pass
        finally:
            cv2.setNumThreads(before)
        if ahead:
            ahead.keep_only(self.phase)

    def frames(self, source: Source, preview: Preview) -> Iterator[tuple[int, np.ndarray | None]]:
        """Number from 0 and frame of each picture; None if poses are written without frames."""
        if self.layout == 'poses':
            preview.read(source)
            for index in self.phase:
                yield index, None
            return
        drawn = self.placement.drawn
        frames = self.ahead.frames(drawn) if self.ahead else source.frames()
        for frame in preview.watch(prefetch(frames)):
            if self.background:
                self.background.see(frame.index, frame.image)
            if frame.index in self.phase:
                yield frame.index, frame.image

    def write_one(self, index: int, image: np.ndarray | None) -> None:
        """Write the pose of one frame, and the crop of `image`, uint8 (H, W, 3)."""
        phase, row = self.phase[index]
        name = f'{index + 1:06d}.png'
        size, box = self.placement.size, self.placement.box
        track = self.placement.drawn
        pose = draw_pose(track.poses[row], size, self.draw['style'], track.skeleton,
                         self.draw['line_width'])
        if image is None or box is None:
            write_image(self.folder / phase / name, pose)
            return
        if self.ahead:
            box = 0, 0, *size_of(image)
        frame = cut_out(image, box, size)
        if self.masks:
            self.masks.write(self.folder, row, self.placement)
        if self.film_size and not self.ahead:
            write_film_frame(self.folder, index, image, box, self.film_size)
        if self.layout == 'folders':
            write_image(self.folder / f'{phase}_A' / name, pose)
            write_image(self.folder / f'{phase}_B' / name, frame)
        else:
            write_image(self.folder / phase / name, np.hstack([pose, frame]))
