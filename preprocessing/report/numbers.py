"""The doctor's look at a dataset: report.json and report.html, from what lies in its folder.

report.json has every number of the page. Seconds are the video's, frames are numbered from 1 as
files are named, shares are 0..1. null: not known, as with a dataset made before it was kept.

    name, made, layout, source   as dataset.json says
    frames      read, found (shows a torso, before repair), kept, dropped
    split       {phase: pictures}
    reasons     {why: frames dropped for it}
    dropped     [{first, last: frames, start, end: seconds, why}], stretch by stretch
    shots       [{number, start, end, frames, kept}]
    joints      {joint: {seen: share of the kept frames, confidence: mean where it was found,
                filled, swapped: frames in which repair put it there, or exchanged it with its
                partner}}
    gaps        {frames: without a find, times, longest: frames}
    repair      {step: count}, as it was counted while preparing
    jitter      {before, after}: median acceleration, % of the body height per frame and frame
    lag         frames by which repair delays the moves
    person      {video, written}: each {height, place}: {low, middle, high} (5, 50, 95 %): body
                height in % of the picture's height, hips in % of its width; `outside`: share of the
                kept frames in which a joint lies outside the picture that is written
    people      as dataset.json says: everybody in the video, and who was chosen; picture
    variety     {kind of pose: share of the training poses}
    moments     [{frame, seconds, kind: typical|worst|dropped, why, picture}]
    coverage    against the training video of a target: {target, fitted_to, frames, unknown: share
                with nothing like them, limit: % of the body height beyond which that is so, middle:
                median distance %, unlike: {part: [[start, end] seconds]}, sentence, furthest:
                [{frame, seconds, distance, training_frame, part: null within the limit,
                picture}]}
    over_time   {seconds, confidence, height_video, height_written, place_video, place_written,
                distance}: lists of one length, each entry the mean over a short stretch
    notes       what could not be told, and why
"""
from collections import Counter
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose.body import body_sizes, heights, joint_at
from pose.cleaning.repair import jitter, lag
from pose.draw import draw_pose
from pose.matching.coverage import (
    PARTS,
    Nearest,
    expected,
    far_part,
    nearest,
    sentence,
    usual,
    variety,
)
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack
from preprocessing.crop import into_box
from preprocessing.report.moments import (
    AWAY,
    Moment,
    choose_moments,
    highest,
    lined,
    overlaid,
    picture_of,
    portrait_of,
    read_moments,
    scaled,
    sureness,
    usual_size,
)
from preprocessing.report.page import report_page
from util.errors import UserError
from util.files import read_json, write_json, write_text
from util.images import read_image, size_of, write_image
from util.owned import finish
from util.run_record import read_record
from util.web.report_charts import COLUMNS, FAINT, FILLED, KEPT, SWAPPED, UNSEEN, thinned
from util.words import spoken

LEAST_COVERED = 10          # poses shown beside their nearest training frames
CERTAIN = (0.3, 0.6, 0.85)  # confidences at which the heat map's colour deepens
ELSEWHERE = 5.0             # % of the body height that smoothing alone does not move a joint
EXCHANGED = 8.0             # % of the body height that a swap moves two joints together at least


def write_report(folder: Path, target: Path | None = None) -> None:
    """Write report.json, report.html and report/*.jpg of the dataset in `folder`.

    target   a dataset or run to judge the poses against; None: the one they were fitted to

    UserError where `folder` or `target` is no dataset that can be looked at.
    """
    dataset = Prepared(folder)
    notes = [] if dataset.found else [
        'This dataset keeps no track as it was before repair, so what repair did cannot be shown. '
        'Make it again with preprocess.py --overwrite to see it.']
    training, note = find_reference(dataset, target)
    pictures = folder / 'report'
    pictures.mkdir(exist_ok=True)
    for old in [*pictures.glob('[0-9][0-9].jpg'), *pictures.glob('near_[0-9][0-9].jpg')]:
        old.unlink()
    coverage = cover(dataset, training) if training else None
    numbers = measure(dataset) | {
        'moments': draw_moments(dataset, training, coverage),
        'coverage': coverage.numbers(dataset) if coverage else None,
        'notes': [*notes, *([note] if note else [])]}
    if coverage:
        numbers['over_time']['distance'] = rounded(thinned(
            dataset.track.times, coverage.near.distance)[1], 2)
    write_json(folder / 'report.json', numbers)
    write_text(folder / 'report.html', report_page(dataset.facts, numbers, *heat(dataset)))


class Prepared:
    """A dataset as preprocess.py wrote it.

    facts   dataset.json
    track   poses.npz, px of what is written
    found   found.npz in the same numbering: before repair, px of the video; None where not kept
    """

    def __init__(self, folder: Path):
        self.folder = folder
        finish(folder)
        if not (folder / 'dataset.json').is_file():
            raise UserError(f'{folder}: no dataset of preprocess.py, it has no dataset.json. Make '
                            f'one: python preprocess.py --video me.mp4 --dataroot {folder}')
        self.facts: dict[str, Any] = read_json(folder / 'dataset.json')
        self.track = PoseTrack.load(folder / 'poses.npz')
        self.found: PoseTrack | None = None
        if (folder / 'found.npz').is_file():
            found = PoseTrack.load(folder / 'found.npz').numbered(self.track.skeleton)
            self.found = replace(found, kept=self.track.kept, shots=self.track.shots)

    @cached_property
    def files(self) -> dict[int, tuple[Path, ...]]:
        """By frame number from 0 the files of each pair; none where poses were written alone."""
        from data.aligned_dataset import find_rows
        if self.facts['layout'] == 'poses':
            return {}
        return {int(row[0].stem) - 1: row for phase in self.facts['split']
                for row in find_rows(self.folder, phase)}

    @cached_property
    def before(self) -> PoseTrack | None:
        """`found` in px of what is written: cut as the frames are, or, where the poses were
        fitted to somebody, each laid over the fitted one by its hips and its height."""
        if self.found is None:
            return None
        if self.facts['crop']:
            return replace(self.found, size=self.track.size, poses=into_box(
                self.found.poses, tuple(self.facts['crop']), self.track.size))
        mine, theirs = self.found.poses, self.track.poses
        table = self.track.joints
        sizes, wanted = heights(mine, table), heights(theirs, table)
        scale = np.where((sizes > 0) & (wanted > 0), wanted / np.maximum(sizes, 1e-6), 0)
        hips, place = (joint_at(poses, table, 'MidHip')[:, None, :2] for poses in (mine, theirs))
        poses = mine.copy()
        poses[..., :2] = place + (mine[..., :2] - hips) * scale[:, None, None]
        poses[..., 2] *= (scale > 0)[:, None]
        return replace(self.found, size=self.track.size, poses=poses)

    def frame(self, index: int) -> np.ndarray | None:
        """The written frame of that number (from 0), uint8 (H, W, 3); None where there is none."""
        from data.cache import read_row
        if index not in self.files:
            return None
        try:
            pair = read_row(self.files[index])
        except (OSError, ValueError):
            return None
        frame = np.ascontiguousarray(pair[:, pair.shape[1] // 2:])
        return frame if size_of(frame) == self.track.size else cv2.resize(frame, self.track.size)

    def drawn(self, pose: np.ndarray) -> np.ndarray:
        """A pose (K, 3) as this dataset draws it; labels, which are nearly black, in colours."""
        draw = self.facts['draw']
        style = 'openpose' if 'labels' in draw else draw['style']
        return draw_pose(pose, self.track.size, style, self.track.skeleton, draw['line_width'])


# Against whom

class Training:
    """What a generator of that target is trained on.

    root, dataset   the target's dataset
    rows            which rows of its track
    """

    def __init__(self, root: Path):
        self.root, self.dataset = root, Prepared(root)
        names = {index for index, files in self.dataset.files.items()
                 if files[0].parent.name in ('train', 'train_A')}
        track = self.dataset.track
        self.rows = np.flatnonzero(np.isin(track.index, list(names)) & track.seen())
        if not len(self.rows):
            raise UserError(f'{root}: holds no pairs to train on, so nothing can be judged against '
                            f'it. Give the dataset of the target person.')


def find_reference(dataset: Prepared, target: Path | None) -> tuple[Training | None, str]:
    """What the poses are judged against, and a note where that is not what one would expect."""
    fitted = dataset.facts.get('retargeted_to')
    there = next((root for name in (fitted, dataset.facts.get('settings', {}).get('retarget_to'))
                  if name and (root := dataset_of(Path(name)))), None)
    if target is None:
        if not fitted:
            return None, ''
        if there is None:
            return None, (f'These poses were fitted to {fitted}, which is not there any more, so '
                          f'they are not judged. Name its dataset: python preprocess.py --doctor '
                          f'datasets/me {dataset.folder}')
        return Training(there), ''
    root = dataset_of(target)
    if root is None:
        raise UserError(f'{target}: no dataset, and no run that knows one. Give the dataset of the '
                        f'target person, e.g. --doctor datasets/me {dataset.folder}')
    training = Training(root)
    if not fitted:
        return training, (f'These poses were fitted to nobody; they are judged against {target} as '
                          f'they are. To fit them, prepare them with --poses_only --retarget_to '
                          f'{target}.')
    if there is None or there.resolve() != root.resolve():
        return training, (f'These poses were fitted to {fitted}, not to {target}: their build is '
                          f'the other person\'s. To fit them, prepare them again with '
                          f'--retarget_to {target}.')
    return training, ''


def dataset_of(path: Path) -> Path | None:
    """The dataset in that folder, or the one that the run in that folder was trained on."""
    if (path / 'dataset.json').is_file():
        return path
    named = read_record(path).get('options', {}).get('dataroot')
    if not named:           # Path('') would be the working directory
        return None
    root = Path(str(named))
    return root if (root / 'dataset.json').is_file() else None


@dataclass(frozen=True)
class Coverage:
    """What `cover` finds out.

    training   against what
    near       per row of the source's track; rows count in the training's track; NaN: not kept
    limit      % beyond which there is nothing like it
    part       int (F,) number of the part that is furthest off
    trouble    {part: [(start, end)]}
    fitted_to  as the source's dataset.json says
    """
    training: Training
    near: Nearest
    limit: float
    part: np.ndarray
    trouble: dict[str, list[tuple[float, float]]]
    fitted_to: str | None

    def numbers(self, dataset: Prepared) -> dict[str, Any]:
        """For report.json; draws the least covered poses."""
        distance = self.near.distance
        judged = np.isfinite(distance)
        share = float((distance[judged] > self.limit).mean()) if judged.any() else 0.0
        times = dataset.track.times
        rows = highest(distance, times, [], LEAST_COVERED,
                       min(AWAY, float(times[-1] - times[0]) / (2 * LEAST_COVERED)))
        return {'target': str(self.training.root), 'fitted_to': self.fitted_to,
                'frames': int(judged.sum()), 'unknown': round(share, 4),
                'limit': round(self.limit, 2),
                'middle': round(float(np.median(distance[judged])), 2) if judged.any() else None,
                'unlike': {part: [[round(a, 2), round(b, 2)] for a, b in when]
                           for part, when in self.trouble.items()},
                'sentence': sentence(share, self.trouble),
                'furthest': [self.draw(dataset, k, row) for k, row in enumerate(rows)]}

    def draw(self, dataset: Prepared, number: int, row: int) -> dict[str, Any]:
        """One source pose beside the nearest training frame, its pose drawn over it."""
        other, mine = self.training.dataset, dataset.track
        theirs = int(self.near.rows[row])
        index = int(other.track.index[theirs])
        frame = other.frame(index)
        pose = other.drawn(other.track.poses[theirs])
        distance = float(self.near.distance[row])
        picture = f'report/near_{number:02d}.jpg'
        write_image(dataset.folder / picture, np.hstack([
            scaled(dataset.drawn(mine.poses[row])),
            scaled(pose if frame is None else overlaid(frame, pose))]))
        return {'frame': int(mine.index[row]) + 1, 'seconds': round(float(mine.times[row]), 3),
                'distance': round(distance, 2), 'training_frame': index + 1,
                'part': list(PARTS)[self.part[row]] if distance > self.limit else None,
                'picture': picture}


def cover(dataset: Prepared, training: Training) -> Coverage:
    """Find the nearest training pose of every kept pose."""
    track = dataset.track
    theirs = training.dataset.track.select(training.rows)
    poses = track.numbered(theirs.skeleton).poses * track.shown()[:, None, None]
    near = nearest(poses, theirs.poses, theirs.joints)
    limit = usual(theirs.poses, theirs.times, theirs.joints)
    rows = np.where(near.rows < 0, -1, training.rows[near.rows])
    return Coverage(training, replace(near, rows=rows), limit.distance,
                    far_part(track.times, near, limit),
                    expected(track.times, near, limit, 1 / track.fps),
                    dataset.facts.get('retargeted_to'))


# What is measured

def measure(dataset: Prepared) -> dict[str, Any]:
    """The numbers of report.json, but for the pictures and for the target."""
    facts, track, found = dataset.facts, dataset.track, dataset.found
    seen = found.seen() if found else None
    lost = [run.stop - run.start for run in runs(~seen)] if seen is not None else []
    trained = np.isin(track.index, [index for index, files in dataset.files.items()
                                    if files[0].parent.name in ('train', 'train_A')])
    return {
        'name': Path(facts['source']['path']).stem, 'made': facts['made'],
        'layout': facts['layout'], 'source': facts['source']['path'],
        'frames': {**facts['frames'], 'found': int(seen.sum()) if seen is not None else None},
        'split': facts['split'],
        'reasons': dict(Counter(reason for _, _, reason in track.dropped()).most_common()),
        'dropped': dropped_stretches(track),
        'shots': shot_list(track),
        'joints': joint_table(dataset),
        'gaps': {'frames': sum(lost), 'times': len(lost), 'longest': max(lost, default=0)}
        if seen is not None else None,
        'repair': facts.get('repair') or {},
        'jitter': {'before': round(jitter(found), 3) if found else None,
                   'after': round(jitter(track), 3)},
        'lag': delay(dataset),
        'person': {'video': person(found) if found else None, 'written': person(track),
                   'outside': outside(track)},
        'people': [one | {'picture': path if (dataset.folder / path).is_file() else None}
                   for one in facts.get('people') or []
                   for path in [portrait_of(one['number'])]],
        'variety': {name: round(share, 4) for name, share in variety(
            track.poses[trained], track.joints).items()},
        'over_time': over_time(dataset)}


def delay(dataset: Prepared) -> float | None:
    """Frames by which repair delays the moves; a joint that it put elsewhere tells nothing."""
    track, found, before = dataset.track, dataset.found, dataset.before
    if found is None or before is None:
        return None
    filled, swapped = changes(dataset)
    moved = np.linalg.norm((before.poses - track.poses)[..., :2], axis=-1)
    elsewhere = moved > ELSEWHERE / 100 * usual_size(track.poses, track.joints)
    same = ~(filled | swapped | elsewhere)
    return round(lag(replace(found, poses=found.poses * same[..., None]), track), 3)


def shot_list(track: PoseTrack) -> list[dict[str, Any]]:
    """Each shot's number, seconds and frames."""
    return [{'number': int(track.shots[shot.start]), 'start': round(float(track.times[shot][0]), 3),
             'end': round(float(track.times[shot][-1] + 1 / track.fps), 3),
             'frames': shot.stop - shot.start, 'kept': int(track.kept[shot].sum())}
            for shot in shot_slices(track.shots)]


def dropped_stretches(track: PoseTrack) -> list[dict[str, Any]]:
    """Frames that are not kept, those beside each other with one reason together."""
    stretches: list[dict[str, Any]] = []
    for row in np.flatnonzero(~track.kept).tolist():
        time, why = round(float(track.times[row]), 3), str(track.reasons[row])
        here = {'last': int(track.index[row]) + 1, 'end': time}
        if row and not track.kept[row - 1] and stretches[-1]['why'] == why:
            stretches[-1] |= here
        else:
            stretches.append({'first': here['last'], 'start': time, 'why': why} | here)
    return stretches


def joint_table(dataset: Prepared) -> dict[str, dict[str, Any]]:
    """What is known of each joint of the body."""
    track, found = dataset.track, dataset.found
    kept = track.poses[track.kept][..., 2] > 0
    sure = (found or track).poses[..., 2]
    filled, swapped = changes(dataset)
    return {name: {
        'seen': round(float(kept[:, k].mean()), 4) if len(kept) else 0.0,
        'confidence': round(float(sure[:, k][sure[:, k] > 0].mean()), 3)
        if sure[:, k].any() else None,
        'filled': int(filled[:, k].sum()) if found else None,
        'swapped': int(swapped[:, k].sum()) if found else None}
        for k, name in enumerate(track.joints.joints[:track.joints.body])}


def changes(dataset: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """bool (F, K) twice: joints that repair put where none was found, and those that it exchanged
    with their partner; nothing where the track before repair is not kept."""
    track, before = dataset.track, dataset.before
    filled = np.zeros(track.poses.shape[:2], bool)
    swapped = filled.copy()
    if before is None:
        return filled, swapped
    # What is filled in gets a confidence of its own; what is only moved or exchanged keeps its.
    sure, was = track.poses[..., 2], before.poses[..., 2]
    filled = ((sure > 0) & (sure != was) & (sure != was[:, list(track.joints.partners)])
              & track.kept[:, None])
    least = EXCHANGED / 100 * usual_size(track.poses, track.joints)
    for k, partner in enumerate(track.joints.partners[:track.joints.body]):
        if partner <= k:
            continue
        pair = [k, partner]
        old, new = before.poses[:, pair], track.poses[:, pair]
        there = (old[..., 2] > 0).all(1) & (new[..., 2] > 0).all(1) & track.kept
        straight, crossed = (np.linalg.norm((new - other)[..., :2], axis=-1).sum(1)
                             for other in (old, old[:, ::-1]))
        swapped[:, pair] = (there & (straight > least) & (crossed < straight / 2))[:, None]
    return filled, swapped


def heat(dataset: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """For util.web.report_charts.heat_map: times float (C + 1,) s, and {row: int (C,)}."""
    track = dataset.track
    edges = np.unique(np.linspace(0, len(track), min(len(track), COLUMNS) + 1).astype(int))
    times = np.append(track.times[edges[:-1]], track.times[-1] + 1 / track.fps)
    count = np.diff(edges)

    def part_of(mask: np.ndarray) -> np.ndarray:
        return np.add.reduceat(mask.astype(float), edges[:-1], axis=0) / count.reshape(
            -1, *[1] * (mask.ndim - 1))
    filled, swapped = (part_of(mask) for mask in changes(dataset))
    sure, shown = (dataset.found or track).poses[..., 2], track.poses[..., 2] > 0
    seen = part_of(sure > 0)
    level = FAINT + np.digitize(part_of(sure) / np.maximum(seen, 1e-6), CERTAIN)
    cells = np.where(filled > 0.5, FILLED, level)
    cells = np.where(part_of(shown) < 0.5, UNSEEN, np.where(swapped > 0, SWAPPED, cells))
    rows = {'frames kept': np.where(part_of(track.kept) >= 0.5, KEPT, UNSEEN)}
    table = track.joints
    rows |= {spoken(name): cells[:, k] for k, name in enumerate(table.joints[:table.body])
             if (sure[:, k] > 0).any() or shown[:, k].any()}
    for name in ('face', 'left_hand', 'right_hand'):
        if (of := table.part(name)).stop > of.start:
            rows[name.replace('_', ' ')] = np.median(cells[:, of], axis=1).astype(int)
    return times, rows


def person(track: PoseTrack) -> dict[str, dict[str, float]]:
    """How large and where the person is in the kept frames."""
    height, place = size_and_place(track)
    return {name: {word: round(float(value), 2) for word, value in zip(
        ('low', 'middle', 'high'), np.nanpercentile(values, (5, 50, 95)))}
        for name, values in (('height', height), ('place', place)) if np.isfinite(values).any()}


def size_and_place(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """float (F,) twice: body height in % of the picture's, and the hips in % of its width; NaN
    where not kept or not seen."""
    sizes = body_sizes(track.poses, track.joints)
    hips = joint_at(track.poses, track.joints, 'MidHip')
    return (np.where(track.kept & (sizes > 0), 100 * sizes / track.size[1], np.nan),
            np.where(track.kept & (hips[:, 2] > 0), 100 * hips[:, 0] / track.size[0], np.nan))


def outside(track: PoseTrack) -> float | None:
    """The share of the kept frames in which a joint lies outside the picture."""
    poses = track.poses[track.kept]
    over = ((poses[..., :2] < -0.5) | (poses[..., :2] > np.array(track.size) - 0.5)).any(-1)
    return round(float((over & (poses[..., 2] > 0)).any(1).mean()), 4) if len(poses) else None


def over_time(dataset: Prepared) -> dict[str, list[float | None] | None]:
    """Curves, each entry the mean over a short stretch."""
    track, found = dataset.track, dataset.found
    curves: dict[str, np.ndarray | None] = {'confidence': sureness(found or track)}
    for name, of in (('video', found), ('written', track)):
        sizes = size_and_place(of) if of else (None, None)
        curves[f'height_{name}'], curves[f'place_{name}'] = sizes
    seconds = thinned(track.times, track.times)[0]
    return {'seconds': rounded(seconds, 3)} | {
        name: None if values is None else rounded(thinned(track.times, values)[1], 3)
        for name, values in curves.items()}


def rounded(values: np.ndarray, digits: int) -> list[float | None]:
    """For JSON: null where it is not a number."""
    return [round(float(v), digits) if np.isfinite(v) else None for v in values]


# Pictures

def draw_moments(dataset: Prepared, training: Training | None,
                 coverage: Coverage | None) -> list[dict[str, Any]]:
    """Write report/NN.jpg: what was found | what was written, for each moment worth a look."""
    track = dataset.track
    moments = read_moments(dataset.folder) or choose_moments(track, track, track)
    row_of = {int(index): row for row, index in enumerate(track.index)}
    shown: list[dict[str, Any]] = []
    for moment in moments:
        row = row_of.get(moment.frame - 1)
        parts = [] if row is None else moment_pictures(dataset, moment, row, training, coverage)
        if parts:
            picture = f'report/{len(shown):02d}.jpg'
            write_image(dataset.folder / picture, np.hstack([scaled(part) for part in parts]))
            shown.append(asdict(moment) | {'picture': picture})
    return shown


def moment_pictures(dataset: Prepared, moment: Moment, row: int, training: Training | None,
                    coverage: Coverage | None) -> list[np.ndarray]:
    """The video with what was found in it | the written frame with its pose over it, or the pose
    alone | the nearest frame of the target with the fitted pose over it."""
    track, found, facts = dataset.track, dataset.found, dataset.facts
    parts = []
    path = picture_of(dataset.folder, moment.frame)
    video = read_image(path) if path.is_file() else None
    if video is not None and found:
        by = video.shape[0] / found.size[1]
        pose = (found.poses[row] * (by, by, 1)).astype(np.float32)
        ground = facts.get('source_stages', {}).get(str(track.shots[row]))
        parts.append(lined(overlaid(video, draw_pose(
            pose, size_of(video), skeleton=found.skeleton)), ground, by))
    elif video is not None:
        parts.append(video)
    if not track.kept[row]:
        return parts
    pose = dataset.drawn(track.poses[row])
    frame = dataset.frame(moment.frame - 1)
    parts.append(pose if frame is None else overlaid(frame, pose))
    if training and coverage and coverage.near.rows[row] >= 0:
        other = training.dataset
        theirs = other.frame(int(other.track.index[coverage.near.rows[row]]))
        if theirs is not None and size_of(theirs) == track.size:
            parts.append(lined(overlaid(theirs, pose), facts['stage']))
    return parts
