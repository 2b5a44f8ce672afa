"""The pictures of a report: moments of the video, and poses next to training frames. No torch."""
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose.draw import draw_pose
from pose.matching.coverage import PARTS
from preprocessing.report.against_target import Coverage
from preprocessing.report.dataset import Prepared
from preprocessing.report.moments import (
    PICTURE_HEIGHT,
    Moment,
    choose_moments,
    picture_of,
    read_moments,
)
from preprocessing.report.schema import FurthestPose, MomentPicture
from util.images import read_image, side_by_side, size_of, write_image

DARKENED = 0.8          # brightness of the picture under a drawn pose


def draw_moments(dataset: Prepared, coverage: Coverage | None) -> list[MomentPicture]:
    """Write report/NN.jpg for each moment that is worth looking at."""
    track = dataset.track
    moments = read_moments(dataset.folder) or choose_moments(track, track, track)
    row_of = {index: row for row, index in enumerate(track.index.tolist())}
    drawn: list[MomentPicture] = []
    for moment in moments:
        row = row_of.get(moment.frame - 1)
        if row is None:
            continue
        images = moment_pictures(dataset, moment, row, coverage)
        if images:
            picture = f'report/{len(drawn):02d}.jpg'
            write_image(dataset.into / picture, side_by_side(*images, height=PICTURE_HEIGHT))
            drawn.append({'frame': moment.frame, 'seconds': moment.seconds, 'kind': moment.kind,
                          'why': moment.why, 'picture': picture})
    return drawn


def moment_pictures(dataset: Prepared, moment: Moment, row: int,
                    coverage: Coverage | None) -> list[np.ndarray]:
    """Images (H, W, 3) of one row of the track, those of them that exist.

    The video with the found pose over it | the written frame with its pose over it, or the pose
    alone | the nearest frame of the target with the fitted pose over it.
    """
    images = [video_picture(dataset, picture_of(dataset.folder, moment.frame), row)]
    if dataset.track.kept[row]:
        pose = dataset.drawn(dataset.track.poses[row])
        frame = dataset.frame(moment.frame - 1)
        images.append(pose if frame is None else overlaid(frame, pose))
        images.append(fitted_picture(dataset, pose, row, coverage))
    return [image for image in images if image is not None]


def video_picture(dataset: Prepared, path: Path, row: int) -> np.ndarray | None:
    """The small picture of the video in `path` with the found pose over it."""
    video = read_image(path) if path.is_file() else None
    found = dataset.found
    if video is None or found is None:
        return video
    scale = video.shape[0] / found.size[1]
    pose = (found.poses[row] * (scale, scale, 1)).astype(np.float32)
    drawn = draw_pose(pose, size_of(video), skeleton=found.skeleton)
    ground = dataset.facts.get('source_stages', {}).get(str(dataset.track.shots[row]))
    return lined(overlaid(video, drawn), ground, scale)


def fitted_picture(dataset: Prepared, pose: np.ndarray, row: int,
                   coverage: Coverage | None) -> np.ndarray | None:
    """The nearest training frame with the drawn pose (H, W, 3) over it."""
    if coverage is None or coverage.near.rows[row] < 0:
        return None
    target = coverage.reference.dataset
    frame = target.frame(int(target.track.index[coverage.near.rows[row]]))
    if frame is None or size_of(frame) != dataset.track.size:
        return None
    return lined(overlaid(frame, pose), dataset.facts['stage'])


def draw_furthest(dataset: Prepared, coverage: Coverage) -> list[FurthestPose]:
    """Write report/near_NN.jpg: each of the least covered poses next to the nearest training frame
    with its own pose over it."""
    track, target = dataset.track, coverage.reference.dataset
    drawn: list[FurthestPose] = []
    for row in coverage.furthest(track.times):
        nearest = int(coverage.near.rows[row])
        distance = float(coverage.near.distance[row])
        index = int(target.track.index[nearest])
        frame = target.frame(index)
        pose = target.drawn(target.track.poses[nearest])
        picture = f'report/near_{len(drawn):02d}.jpg'
        write_image(dataset.into / picture, side_by_side(
            dataset.drawn(track.poses[row]),
            pose if frame is None else overlaid(frame, pose), height=PICTURE_HEIGHT))
        drawn.append({
            'frame': int(track.index[row]) + 1, 'seconds': round(float(track.times[row]), 3),
            'distance': round(distance, 2), 'training_frame': index + 1,
            'part': list(PARTS)[coverage.part[row]] if distance > coverage.limit else None,
            'picture': picture})
    return drawn


def overlaid(image: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The drawn pose over the darkened image; both uint8 (H, W, 3)."""
    opacity = pose.max(2, keepdims=True).astype(np.float32) / 255
    return (np.maximum(pose, image * DARKENED * (1 - opacity))).astype(np.uint8)


def lined(image: np.ndarray, ground: dict[str, Any] | None, scale: float = 1.0) -> np.ndarray:
    """The near and far ankle lines drawn across the image.

    ground   a Ground as JSON, in px of which the image has `scale`; None: no lines
    """
    image = image.copy()
    for line in (ground['near'], ground['far']) if ground else ():
        y = round(line * scale)
        cv2.line(image, (0, y), (size_of(image)[0], y), (255, 255, 255), 1)
    return image
