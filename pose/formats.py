"""Joints as OpenPose writes them: JSON, and the yml that Everybody Dance Now reads.

One frame is one file NAME_keypoints.json (OpenPose's --write_json), or NAME_pose.yml with
NAME_face.yml, NAME_hand_left.yml and NAME_hand_right.yml where there are any (--write_keypoint).
Per person a body of 25, 23 or 18 joints, a face of 70 points and two hands of 21, three numbers
each: x, y, confidence; 0, 0, 0 is a joint that was not seen. The 23 are BODY_25 without heels, in
an order of their own; carolineec/EverybodyDanceNow, data_prep/renderopenpose.py, gives it, and
its sample data has such files.
"""
import os
import re
from math import gcd
from pathlib import Path

import numpy as np

from pose.skeleton import BODY_25, COCO_18, FACE, HAND, SKELETONS, convert, skeleton_of, with_parts
from pose.track import PoseTrack
from util.errors import UserError
from util.files import natural, read_json, read_text, write_json

# OpenPose's names of the parts.
KEYS = {'body': 'pose', 'face': 'face', 'left_hand': 'hand_left', 'right_hand': 'hand_right'}
# The number of points of a part; those of a body, in order, are these joints of BODY_25.
POINTS = {'face': FACE, 'left_hand': HAND, 'right_hand': HAND}
BODIES = {25: tuple(range(25)),
          23: (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 22, 23, 12, 13, 14, 19, 20, 0, 15, 17, 16, 18),
          18: tuple(BODY_25.index(joint) for joint in COCO_18.joints)}
MOST_NODES = 1000       # of a yml, which has about 10; OpenCV crashes where they nest 100,000 deep
EVERYTHING = SKELETONS['BODY_25+face+hands']


def write_openpose_json(track: PoseTrack, folder: str | os.PathLike[str]) -> None:
    """One file per frame as OpenPose 1.3 writes them: 000000000012_keypoints.json.

    A frame without a person has an empty list of people; a part that the track lacks is empty too.
    """
    for index, pose in zip(track.index, track.poses):
        person: dict[str, list[float]] = {'person_id': [-1]}
        for part, key in KEYS.items():
            points = pose[track.joints.part(part)].ravel()
            person[f'{key}_keypoints_2d'] = [round(float(value), 4) for value in points]
        person |= {f'{key}_keypoints_3d': [] for key in KEYS.values()}
        write_json(Path(folder) / f'{index:012d}_keypoints.json',
                   {'version': 1.3, 'people': [person] if pose.any() else []})


def frame_files(folder: Path) -> dict[int, Path]:
    """The file of every frame of a folder, by the frame's number, from 0.

    The number is the last one in the name. Twelve digits are OpenPose's own count of the frames of
    a video. Any other numbers come from pictures: the smallest is the first frame, and where they
    increase in steps (every fourth picture), a step is a frame. A missing number is a frame
    without a file. Names without numbers, or with equal ones, are taken in order.

    UserError where there are no such files, or files of several formats or videos.
    """
    seen = [path for path in folder.iterdir() if not path.name.startswith('.') and path.is_file()]
    jsons = [path for path in seen if path.name.lower().endswith('.json')]
    ymls = [path for path in seen if path.name.lower().endswith('_pose.yml')]
    if jsons and ymls:
        raise UserError(f'{folder}: {len(jsons)} .json and {len(ymls)} _pose.yml files. Keep one '
                        f'kind there, and move the others away.')
    files = sorted(jsons or ymls, key=lambda path: natural(path.name))
    if not files:
        raise UserError(f'{folder}: no .json or _pose.yml file in it. OpenPose writes them with '
                        f'--write_json {folder}.')
    found = [re.fullmatch(r'(.*?)(\d+)(_keypoints|_pose)?', path.stem, re.I) for path in files]
    digits = [match[2] for match in found if match]
    numbers = [int(number) for number in digits]
    steps = np.diff(numbers)
    if len(numbers) < len(files) or (steps <= 0).any():
        videos = sorted({match[1] for match in found if match})
        if 1 < len(videos) < len(files):
            raise UserError(f'{folder}: the files of several videos: {videos[0]}..., '
                            f'{videos[1]}... Give each a folder of its own.')
        return dict(enumerate(files))
    if all(len(number) == 12 for number in digits):
        return dict(zip(numbers, files))
    step = gcd(*steps.tolist()) or 1
    return {(number - numbers[0]) // step: path for number, path in zip(numbers, files)}


def read_people(path: Path, skeleton: str | None = None) -> np.ndarray:
    """Everybody in one frame's file.

    path      NAME.json or NAME_pose.yml
    skeleton  'BODY_25' with any parts; by default those that the file has
    Returns   float32 (N, K, 4): x, y as they are in the file, confidence, depth NaN; Neck and
              MidHip are computed where missing, other missing joints are not seen

    UserError names a file that OpenPose did not write.
    """
    points = read_points(path)
    people = np.zeros((len(points.get('body', ())), len(EVERYTHING.joints), 4), np.float32)
    people[..., 3] = np.nan
    for part, values in points.items():
        where = BODIES[values.shape[1]] if part == 'body' else EVERYTHING.part(part)
        people[:, where, :3] = values
    people = people[people[:, :len(BODY_25.joints), 2].any(1)]
    skeleton = skeleton or with_parts('BODY_25', parts_in(points))
    people[..., 2] = np.minimum(people[..., 2], 1)      # a heat map's peak may be above
    return convert(people, EVERYTHING, skeleton_of(skeleton))


def read_points(path: Path) -> dict[str, np.ndarray]:
    """The points in one frame's file: {part: float32 (N, points, 3)}, unchanged; {} = nobody."""
    try:
        points = _in_yml(path) if path.suffix.lower() == '.yml' else _in_json(path)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise UserError(f'{path}: not a file as OpenPose writes it ({error!r}).') from error
    if not points:
        return {}
    if not all(np.isfinite(values).all() for values in points.values()):
        raise UserError(f'{path}: not a file as OpenPose writes it (a coordinate is no number).')
    if points['body'].shape[1] not in BODIES:
        raise UserError(f'{path}: a body of {points["body"].shape[1]} joints. There is 25 '
                        f'(BODY_25), 23 and 18 (COCO): run OpenPose with --model_pose BODY_25.')
    for part, count in POINTS.items():
        if part in points and points[part].shape[:2] != (len(points['body']), count):
            raise UserError(f'{path}: {len(points["body"])} people with {points[part].shape[1]} '
                            f'points for {len(points[part])} {KEYS[part]}s; OpenPose writes '
                            f'{count} for each person.')
    return points


def parts_in(points: dict[str, np.ndarray]) -> set[str]:
    """The parts other than the body that `read_points` found: 'face', 'hands'."""
    parts = {'face'} & set(points)
    if {'left_hand', 'right_hand'} & set(points):
        parts.add('hands')
    return parts


def in_pixels(people: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The people in px where OpenPose wrote 0..1 (--keypoint_scale 3).

    people  float32 (N, K, 4), not changed; in 0..1 if no joint is beyond 1, 1
    size    (width, height) px of the picture: 1 is the centre of its last pixel
    """
    seen = people[..., 2] > 0
    if not seen.any() or people[seen, :2].max() > 1:
        return people
    scaled = people.copy()
    scaled[..., :2] *= np.array(size, np.float32) - 1
    return scaled


def _in_json(path: Path) -> dict[str, np.ndarray]:
    """The parts of one JSON file; before OpenPose 1.2 its keys had no _2d."""
    people = read_json(path)['people']
    points = {}
    for part, key in KEYS.items():
        each = [person.get(f'{key}_keypoints_2d', person.get(f'{key}_keypoints', []))
                for person in people]
        if part == 'body' and people or any(each):
            points[part] = np.array(each, np.float32).reshape(len(people), -1, 3)
    return points


def _in_yml(path: Path) -> dict[str, np.ndarray]:
    """The parts of NAME_pose.yml and the files next to it, in OpenCV's format."""
    import cv2
    points = {}
    for part, key in KEYS.items():
        file = path.with_name(f'{path.name[:-len("_pose.yml")]}_{key}.yml')
        if part == 'body':
            file = path                 # whatever the case of its suffix
        elif not file.exists():
            continue
        # read here: OpenCV crashes on a path that is not UTF-8, and knows no BOM
        text = read_text(file)
        if len(re.findall(r'[\[{<:]|- ', text)) > MOST_NODES:
            raise ValueError(f'{file.name}: no single OpenCV matrix')
        try:
            storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
            matrix = storage.getFirstTopLevelNode().mat()
            storage.release()
        except (cv2.error, SystemError) as error:
            raise ValueError(f'{file.name}: no OpenCV matrix') from error
        if matrix is not None:
            points[part] = np.asarray(matrix, np.float32).reshape(len(matrix), -1, 3)
        elif part == 'body':
            return {}
    return points
