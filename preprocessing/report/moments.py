"""Pictures for people: which moments of a video a report shows, and how they are shown. No torch.

While a dataset is made, Preview keeps small pictures of the video at the moments worth looking at:

    DATASET/report/frames.json          what `read_moments` gives
    DATASET/report/frames/000372.jpg    the video's frame 372, 240 px high, nothing drawn on it
    DATASET/report/person_1.jpg         who is who in dataset.json's `people`
"""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose.body import body_sizes
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack
from preprocessing.sources import Source
from util.files import read_json, write_json
from util.images import size_of, write_image
from util.parallel import prefetch
from util.video import Frame
from util.words import spoken

HEIGHT = 240        # px of every picture in a report
TYPICAL, WORST, DROPPED = 8, 3, 4       # moments shown; WORST of each kind
AWAY = 0.5          # seconds between two moments of the worst


@dataclass(frozen=True)
class Moment:
    """A frame worth looking at.

    frame    its number in the video, from 1, as files are named
    seconds  in the video
    kind     'typical', 'worst' or 'dropped'
    why      why it is shown, in plain words
    """
    frame: int
    seconds: float
    kind: str
    why: str


class Preview:
    """Keeps pictures of a video for the report, as its frames pass by.

    folder   the dataset that is being made
    raw      the track as it was found, in px of the video
    clean    the same frames after repair, in px of the video
    drawn    the same frames as they are written: its `kept` and `reasons` count
    people   everybody in the video, as pose.tracking.people tells
    """

    def __init__(self, folder: Path, raw: PoseTrack, clean: PoseTrack, drawn: PoseTrack,
                 people: Sequence[Mapping[str, Any]] = ()):
        self.folder, self.people = folder, people
        (folder / 'report' / 'frames').mkdir(parents=True)
        moments = choose_moments(raw, clean, drawn)
        self.moments = {moment.frame - 1 for moment in moments}
        self.portraits = [int(raw.index[one['shown']['frame']]) for one in people]
        self.wanted = self.moments.union(self.portraits)
        write_json(folder / 'report' / 'frames.json', [asdict(moment) for moment in moments])

    def glance_at(self, source: Source) -> None:
        """Read as much of the source as is wanted."""
        for _ in self.looking_at(prefetch(source.frames())):
            if not self.wanted:
                break

    def looking_at(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames, passing by."""
        for frame in frames:
            if frame.index in self.wanted:
                self.wanted.remove(frame.index)
                self.keep(frame)
            yield frame

    def keep(self, frame: Frame) -> None:
        """Write what is wanted of this frame."""
        if frame.index in self.moments:
            write_image(picture_of(self.folder, frame.index + 1), scaled(frame.image))
        for one, index in zip(self.people, self.portraits):
            if index == frame.index:
                write_image(self.folder / portrait_of(one['number']),
                            scaled(around(frame.image, one['shown']['box'])))


def read_moments(folder: Path) -> list[Moment]:
    """The moments that have a picture in a dataset's report, in the order they were chosen."""
    path = folder / 'report' / 'frames.json'
    if not path.is_file():
        return []
    moments = [Moment(**moment) for moment in read_json(path)]
    return [moment for moment in moments if picture_of(folder, moment.frame).is_file()]


def picture_of(folder: Path, frame: int) -> Path:
    """The small picture of the video's frame of that number (from 1) in a dataset's report."""
    return folder / 'report' / 'frames' / f'{frame:06d}.jpg'


def portrait_of(number: int) -> str:
    """The picture of a person, in the dataset's folder."""
    return f'report/person_{number}.jpg'


def around(image: np.ndarray, box: Sequence[float], margin: float = 0.2) -> np.ndarray:
    """The part of the picture in the box (left, top, right, bottom px), with some margin."""
    left, top, right, bottom = box
    more = margin * max(right - left, bottom - top)
    width, height = size_of(image)
    x0, y0 = (int(np.clip(v - more, 0, most - 2)) for v, most in ((left, width), (top, height)))
    x1, y1 = (int(np.clip(v + more, low + 2, most)) for v, low, most in (
        (right, x0, width), (bottom, y0, height)))
    return image[y0:y1, x0:x1]


def choose_moments(raw: PoseTrack, clean: PoseTrack, drawn: PoseTrack) -> list[Moment]:
    """Typical frames, then the worst of each kind, then dropped ones. Arguments as in Preview."""
    kept, lost = np.flatnonzero(drawn.kept), np.flatnonzero(~drawn.kept)
    chosen = [(int(row), 'typical', '') for row in spread(kept, TYPICAL)]
    taken: list[float] = []
    sure = sureness(raw)
    repaired, joint = repairs(raw, clean)
    speed = speeds(clean)
    names = clean.joints.joints
    for score, why in (
            (np.where(sure < np.median(sure), -sure, np.nan),
             lambda row: f'found least surely: mean confidence {sure[row]:.2f}'),
            (over_zero(repaired), lambda row: f'most repaired: {spoken(names[joint[row]])} moved '
                                              f'by {repaired[row]:.1f} % of the body height'),
            (over_zero(speed), lambda row: f'fastest: joints move {speed[row]:.1f} body heights a '
                                           f'second')):
        for row in highest(np.where(drawn.kept, score, np.nan), clean.times, taken, WORST):
            taken.append(float(clean.times[row]))
            chosen.append((row, 'worst', why(row)))
    chosen += [(int(row), 'dropped', str(drawn.reasons[row])) for row in spread(lost, DROPPED)]
    return [Moment(int(drawn.index[row]) + 1, round(float(drawn.times[row]), 3), kind, why)
            for row, kind, why in chosen]


def highest(score: np.ndarray, times: np.ndarray, taken: list[float], count: int,
            away: float = AWAY) -> list[int]:
    """The `count` rows of the highest scores, `away` seconds from each other and from the times
    that are taken; NaN is no score."""
    found: list[int] = []
    for row in np.argsort(np.nan_to_num(-score, nan=np.inf)).tolist():
        if len(found) == count or np.isnan(score[row]):
            break
        others = [*taken, *times[found].tolist()]
        if all(abs(times[row] - other) >= away for other in others):
            found.append(row)
    return found


def over_zero(score: np.ndarray) -> np.ndarray:
    """The scores above 0; the others are none."""
    return np.where(score > 0, score, np.nan)


def sureness(track: PoseTrack) -> np.ndarray:
    """float (F,): mean confidence of the body's joints that the track ever shows, 0..1."""
    confidence = track.poses[:, track.joints.part('body'), 2]
    ever = (confidence > 0).any(0)
    return confidence[:, ever].mean(1) if ever.any() else np.zeros(len(track))


def repairs(raw: PoseTrack, clean: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """How far repair moved the body's joint that it moved furthest, and which joint that is.

    Returns float (F,) % of the body height and int (F,). Both tracks are in px of the video.
    """
    body = clean.joints.part('body')
    before, after = raw.poses[:, body], clean.poses[:, body]
    both = (before[..., 2] > 0) & (after[..., 2] > 0)
    moved = np.linalg.norm((after - before)[..., :2], axis=-1) * both
    return 100 * moved.max(1) / usual_size(clean.poses, clean.joints), moved.argmax(1)


def speeds(track: PoseTrack) -> np.ndarray:
    """float (F,): mean speed of the body's joints from the frame before, in body heights a
    second; NaN at a cut and where nothing is shown."""
    body = track.poses[:, track.joints.part('body')]
    size = usual_size(track.poses, track.joints)
    speed = np.full(len(track), np.nan)
    for shot in shot_slices(track.shots):
        poses, times = body[shot], track.times[shot]
        both = (poses[1:, :, 2] > 0) & (poses[:-1, :, 2] > 0)
        moved = np.linalg.norm(np.diff(poses[..., :2], axis=0), axis=-1) * both
        count, steps = both.sum(1), np.maximum(np.diff(times), 1e-6)
        speed[shot][1:] = np.where(count > 0, moved.sum(1) / np.maximum(count, 1) / steps / size,
                                   np.nan)
    return speed


def usual_size(poses: np.ndarray, skeleton: Skeleton) -> float:
    """px: the median body height; 1 where none is seen whole."""
    sizes = body_sizes(poses, skeleton)
    return float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0


def spread(rows: np.ndarray, count: int) -> np.ndarray:
    """About `count` of the rows, evenly spread over them."""
    if not len(rows):
        return rows
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return rows[np.unique(places)]


def scaled(image: np.ndarray) -> np.ndarray:
    """At a report's height."""
    width = max(1, round(image.shape[1] * HEIGHT / image.shape[0]))
    smaller = image.shape[0] > HEIGHT
    return cv2.resize(image, (width, HEIGHT),
                      interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def overlaid(image: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The drawn pose over the darkened picture."""
    covers = pose.max(2, keepdims=True).astype(np.float32) / 255
    return (np.maximum(pose, image * 0.8 * (1 - covers))).astype(np.uint8)


def lined(image: np.ndarray, ground: dict[str, Any] | None, by: float = 1.0) -> np.ndarray:
    """The near and far ankle line across the picture, which is scaled `by`."""
    image = image.copy()
    for line in (ground['near'], ground['far']) if ground else ():
        y = round(line * by)
        cv2.line(image, (0, y), (size_of(image)[0], y), (255, 255, 255), 1)
    return image
