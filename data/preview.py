"""Pictures for people: what was found and drawn, at a few moments of the video. No torch."""
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import cv2
import numpy as np

from data.sources import Source
from pose.draw import draw_pose
from pose.retarget import Stage
from pose.track import PoseTrack
from util.images import size_of
from util.video import Frame, prefetch

MOMENTS = 12
HEIGHT = 240        # px of each picture in the sheet


class Preview:
    """Rows of pictures: video with its skeleton | pose as drawn | target with the fitted pose.

    track    in px of the video; `stages` its body measures by shot, where it was fitted to a target
    drawn    the same frames in px of what is written, on `stage`
    target   a frame of the person the poses were fitted to, or None
    The near and the far ankle line of each stage are drawn across.
    """

    def __init__(self, track: PoseTrack, stages: Mapping[int, Stage], drawn: PoseTrack,
                 stage: Stage, draw: dict[str, object], target: np.ndarray | None):
        self.track, self.stages, self.drawn, self.stage = track, stages, drawn, stage
        self.draw, self.target = draw, target
        kept, lost = np.flatnonzero(drawn.kept), np.flatnonzero(~drawn.kept)
        chosen = np.concatenate([spread(kept, MOMENTS), spread(lost, MOMENTS // 3)])
        self.rows = {int(track.index[row]): int(row) for row in sorted(chosen)}
        self.pictures: dict[int, np.ndarray] = {}        # frame number -> its picture, small

    def glance_at(self, source: Source) -> None:
        """Read as much of the source as the sheet needs."""
        last = int(np.searchsorted(self.track.index, max(self.rows))) + 1
        for _ in self.looking_at(prefetch(islice(source.frames(), last))):
            pass

    def looking_at(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames, passing by; those of the sheet are kept, small."""
        for frame in frames:
            if frame.index in self.rows:
                self.pictures[frame.index] = scaled(frame.image)
            yield frame

    def sheet(self) -> list[tuple[str, np.ndarray]]:
        """(what moment, RGB row of pictures) in the video's order; rows are equally wide."""
        found = [(self.caption(row), self.row_of(index, row))
                 for index, row in self.rows.items() if index in self.pictures]
        widest = max((row.shape[1] for _, row in found), default=0)
        return [(caption, np.pad(row, ((0, 0), (0, widest - row.shape[1]), (0, 0))))
                for caption, row in found]

    def caption(self, row: int) -> str:
        track = self.drawn
        why = '' if track.kept[row] else f' dropped: {track.reasons[row]}'
        return f'frame {track.index[row] + 1}, {track.times[row]:.2f} s{why}'

    def row_of(self, index: int, row: int) -> np.ndarray:
        picture = self.pictures[index]
        by = picture.shape[0] / self.track.size[1]
        found = self.track.poses[row] * (by, by, 1)
        seen = draw_pose(found.astype(np.float32), size_of(picture), skeleton=self.track.skeleton)
        parts = [lined(overlaid(picture, seen), self.stages.get(int(self.track.shots[row])), by)]
        if self.drawn.kept[row]:
            pose = draw_pose(self.drawn.poses[row], self.drawn.size, str(self.draw['style']),
                             self.drawn.skeleton, float(str(self.draw['line_width'])))
            parts.append(scaled(pose))
            if self.target is not None:
                parts.append(scaled(lined(overlaid(self.target, pose), self.stage)))
        return np.hstack(parts)


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """About `count` of the rows, evenly spread over them."""
    if not len(rows):
        return rows
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return rows[np.unique(places)]


def scaled(image: np.ndarray) -> np.ndarray:
    """At the sheet's height."""
    width = max(1, round(image.shape[1] * HEIGHT / image.shape[0]))
    return cv2.resize(image, (width, HEIGHT), interpolation=cv2.INTER_AREA)


def overlaid(image: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The pose drawn over the picture."""
    return np.where(pose.any(2, keepdims=True), pose, image // 3 * 2)


def lined(image: np.ndarray, stage: Stage | None, by: float = 1.0) -> np.ndarray:
    """The stage's near and far ankle line across the picture, which is scaled `by`."""
    for line in (stage.near, stage.far) if stage else ():
        y = round(line * by)
        cv2.line(image, (0, y), (image.shape[1], y), (255, 255, 255), 1)
    return image
