"""Which moments of a video a report shows, and small pictures of them. No torch.

While a dataset is made, Preview keeps pictures of the video at those moments:

    DATASET/report/frames.json          what `read_moments` gives
    DATASET/report/frames/000372.jpg    the video's frame 372, 240 px high, nothing drawn on it
    DATASET/report/person_1.jpg         portraits of dataset.json's `people`

Shape letters: F frames of a track, H W pixels.
"""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pose.body import body_sizes
from pose.skeleton import Skeleton
from pose.stretches import shot_slices
from pose.track import PoseTrack
from preprocessing.sources import Source
from util.files import write_json
from util.images import side_by_side, size_of, write_image
from util.parallel import prefetch
from util.sampling import evenly_spaced
from util.shapes import items, number, one_of, read_shaped, record, text
from util.video import Frame
from util.words import spoken

PICTURE_HEIGHT = 240        # px of every picture in a report
TYPICAL, WORST, DROPPED = 8, 3, 4       # moments shown; WORST of each kind
SECONDS_APART = 0.5         # between two of the worst moments
PORTRAIT_MARGIN = 0.2       # of the box's longer side


# what a record holds of one
MOMENT = {'frame': number(1, 1e9, whole=True), 'seconds': number(-1e9, 1e9),
          'kind': one_of('typical', 'worst', 'dropped'), 'why': text()}


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
    """Keeps small pictures of a video for the report while its frames are read.

    folder   the dataset that is being made
    raw      the track as it was found, in px of the video
    clean    the same frames after repair, in px of the video
    drawn    the same frames as they are written; its `kept` and `reasons` count
    people   everybody in the video, as pose.tracking.people gives them
    """

    def __init__(self, folder: Path, raw: PoseTrack, clean: PoseTrack, drawn: PoseTrack,
                 people: Sequence[Mapping[str, Any]] = ()):
        self.folder = folder
        self.people = people
        self.size = raw.size
        (folder / 'report' / 'frames').mkdir(parents=True)
        moments = choose_moments(raw, clean, drawn)
        self.moments = {moment.frame - 1 for moment in moments}
        self.portraits = [int(raw.index[one['shown']['frame']]) for one in people]
        self.wanted = self.moments.union(self.portraits)
        write_json(folder / 'report' / 'frames.json', [asdict(moment) for moment in moments])

    def read(self, source: Source) -> None:
        """Read the source up to the last frame that is kept."""
        for _ in self.watch(prefetch(source.frames())):
            if not self.wanted:
                break

    def watch(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Pass the frames on, and keep pictures of those that are wanted."""
        for frame in frames:
            if frame.index in self.wanted:
                self.wanted.remove(frame.index)
                self.keep(frame)
            yield frame

    def keep(self, frame: Frame) -> None:
        """Write the pictures of this frame, which may be smaller than the video."""
        if frame.index in self.moments:
            write_image(picture_of(self.folder, frame.index + 1), small(frame.image))
        for one, index in zip(self.people, self.portraits):
            if index == frame.index:
                across, down = np.divide(size_of(frame.image), self.size)
                box = np.multiply(one['shown']['box'], (across, down, across, down)).tolist()
                portrait = small(around(frame.image, box))
                write_image(self.folder / portrait_of(one['number']), portrait)


def small(image: np.ndarray) -> np.ndarray:
    """The image at the height of a report's pictures."""
    return side_by_side(image, height=PICTURE_HEIGHT)


def read_moments(folder: Path) -> list[Moment]:
    """The moments that have a picture in a dataset's report, in the order they were chosen."""
    path = folder / 'report' / 'frames.json'
    if not path.is_file():
        return []
    then = 'Delete it; the report then shows no moments of the video.'
    moments = [Moment(**{name: moment[name] for name in MOMENT})
               for moment in read_shaped(path, items(record(MOMENT)), then)]
    return [moment for moment in moments if picture_of(folder, moment.frame).is_file()]


def picture_of(folder: Path, frame: int) -> Path:
    """The small picture of the video's frame of that number (from 1) in a dataset's report."""
    return folder / 'report' / 'frames' / f'{frame:06d}.jpg'


def portrait_of(number: int) -> str:
    """The picture of a person, as a path in the dataset's folder."""
    return f'report/person_{number}.jpg'


def around(image: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """The part of the image (H, W, 3) in the box (left, top, right, bottom px), with a margin."""
    left, top, right, bottom = box
    margin = PORTRAIT_MARGIN * max(right - left, bottom - top)
    width, height = size_of(image)
    x0 = int(np.clip(left - margin, 0, width - 2))
    y0 = int(np.clip(top - margin, 0, height - 2))
    x1 = int(np.clip(right + margin, x0 + 2, width))
    y1 = int(np.clip(bottom + margin, y0 + 2, height))
    return image[y0:y1, x0:x1]


def choose_moments(raw: PoseTrack, clean: PoseTrack, drawn: PoseTrack) -> list[Moment]:
    """Typical frames, then the worst of each kind, then dropped ones. Arguments as in Preview."""
    kept, dropped = np.flatnonzero(drawn.kept), np.flatnonzero(~drawn.kept)
    chosen = [(row, 'typical', '') for row in spread(kept, TYPICAL)]
    chosen += [(row, 'worst', why) for row, why in worst(raw, clean, drawn.kept)]
    chosen += [(row, 'dropped', str(drawn.reasons[row])) for row in spread(dropped, DROPPED)]
    moments = []
    for row, kind, why in chosen:
        seconds = round(float(drawn.times[row]), 3)
        moments.append(Moment(int(drawn.index[row]) + 1, seconds, kind, why))
    return moments


def worst(raw: PoseTrack, clean: PoseTrack, kept: np.ndarray) -> list[tuple[int, str]]:
    """Rows of kept frames, and why each is shown: low confidence, much repair, high speed.

    kept   bool (F,)
    """
    confidence = mean_confidence(raw)
    repaired, joint = repairs(raw, clean)
    speed = speeds(clean)
    low = np.where(confidence < np.median(confidence), -confidence, np.nan)
    found: list[tuple[int, str]] = []

    def rows(score: np.ndarray) -> list[int]:
        taken = [float(clean.times[row]) for row, _ in found]
        return highest(np.where(kept, score, np.nan), clean.times, taken, WORST)

    found += [(row, f'lowest confidence: {confidence[row]:.2f} on average') for row in rows(low)]
    for row in rows(over_zero(repaired)):
        name = spoken(clean.joints.joints[joint[row]])
        found.append((row, f'most repaired: {name} moved by {repaired[row]:.1f} % of the body '
                           f'height'))
    found += [(row, f'fastest: joints move {speed[row]:.1f} body heights a second')
              for row in rows(over_zero(speed))]
    return found


def highest(score: np.ndarray, times: np.ndarray, taken: Sequence[float], count: int,
            seconds_apart: float = SECONDS_APART) -> list[int]:
    """The `count` rows with the highest scores, some seconds from each other and from `taken`.

    score, times   float (F,); NaN is no score; seconds
    taken          seconds
    """
    found: list[int] = []
    for row in np.argsort(np.nan_to_num(-score, nan=np.inf)).tolist():
        if len(found) == count or np.isnan(score[row]):
            break
        others = np.array([*taken, *times[found].tolist()])
        if (abs(times[row] - others) >= seconds_apart).all():
            found.append(row)
    return found


def over_zero(score: np.ndarray) -> np.ndarray:
    """The scores above 0; NaN for the others."""
    return np.where(score > 0, score, np.nan)


def mean_confidence(track: PoseTrack) -> np.ndarray:
    """float (F,) 0..1 of the body's joints that are seen in any frame of the track."""
    confidence = track.poses[:, track.joints.part('body'), 2]
    ever = (confidence > 0).any(0)
    return confidence[:, ever].mean(1) if ever.any() else np.zeros(len(track))


def repairs(raw: PoseTrack, clean: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """How far repair moved the joint of the body that it moved furthest, and which joint it is.

    Returns float (F,) % of the body height and int (F,). Both tracks are in px of the video.
    """
    body = clean.joints.part('body')
    before, after = raw.poses[:, body], clean.poses[:, body]
    both = (before[..., 2] > 0) & (after[..., 2] > 0)
    moved = np.linalg.norm((after - before)[..., :2], axis=-1) * both
    return 100 * moved.max(1) / median_size(clean.poses, clean.joints), moved.argmax(1)


def speeds(track: PoseTrack) -> np.ndarray:
    """float (F,): mean speed of the body's joints since the frame before, in body heights a
    second; NaN at a cut and where nothing is seen."""
    body = track.poses[:, track.joints.part('body')]
    size = median_size(track.poses, track.joints)
    speed = np.full(len(track), np.nan)
    for shot in shot_slices(track.shots):
        poses = body[shot]
        seconds = np.maximum(np.diff(track.times[shot]), 1e-6)
        both = (poses[1:, :, 2] > 0) & (poses[:-1, :, 2] > 0)
        moved = np.linalg.norm(np.diff(poses[..., :2], axis=0), axis=-1) * both
        count = both.sum(1)
        mean = moved.sum(1) / np.maximum(count, 1) / seconds / size
        speed[shot][1:] = np.where(count > 0, mean, np.nan)
    return speed


def median_size(poses: np.ndarray, skeleton: Skeleton) -> float:
    """px: the median body height; 1 if no body is seen whole."""
    sizes = body_sizes(poses, skeleton)
    return float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0


def spread(rows: np.ndarray, count: int) -> list[int]:
    """At most `count` of the rows, evenly spaced."""
    return rows[evenly_spaced(len(rows), count, nearest=True)].tolist()
