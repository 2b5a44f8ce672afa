"""Measures a dataset: what was found in the video, and what repair did to it. No torch.

Shape letters: F frames of the track, K joints, C columns of the heat map.
"""
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pose.body import body_sizes, joint_at
from pose.cleaning.smoothing import jitter, lag
from pose.stretches import runs, shot_slices
from pose.track import PoseTrack
from preprocessing.report.dataset import Prepared
from preprocessing.report.moments import mean_confidence, median_size, portrait_of
from preprocessing.report.schema import (
    Curves,
    DroppedStretch,
    Gaps,
    JointNumbers,
    Numbers,
    OverTime,
    PersonNumbers,
    Quantiles,
    ShotNumbers,
    SizeAndPlace,
)
from util.sampling import evenly_spaced
from util.web.report_charts import COLUMNS, FAINT, FILLED, KEPT, SWAPPED, UNSEEN, thinned
from util.words import spoken

CERTAIN = (0.3, 0.6, 0.85)  # confidences at which the heat map's colour deepens
ELSEWHERE = 5.0             # % of the body height; smoothing alone does not move a joint so far
EXCHANGED = 8.0             # % of the body height that a swap moves two joints together at least
MOSTLY = 0.5                # share of a column's frames that decides how its cell is shown


def measure(dataset: Prepared) -> Numbers:
    """The numbers of report.json that need neither pictures nor a target."""
    facts = dataset.facts
    track, found = dataset.track, dataset.found
    seen = found.seen() if found else None
    frames = facts['frames']
    reasons = Counter(reason for _, _, reason in track.dropped())
    return {
        'name': Path(facts['source']['path']).stem,
        'made': facts['made'],
        'layout': facts['layout'],
        'source': facts['source']['path'],
        'frames': {'read': frames['read'], 'kept': frames['kept'], 'dropped': frames['dropped'],
                   'found': None if seen is None else int(seen.sum())},
        'split': facts['split'],
        'reasons': dict(reasons.most_common()),
        'dropped': dropped_stretches(track),
        'shots': shot_list(track),
        'joints': joint_table(dataset),
        'gaps': None if seen is None else gaps(seen),
        'repair': facts.get('repair') or {},
        'jitter': {'before': round(jitter(found), 3) if found else None,
                   'after': round(jitter(track), 3)},
        'lag': delay(dataset),
        'person': person(dataset),
        'people': people(dataset),
        'over_time': over_time(dataset)}


def gaps(seen: np.ndarray) -> Gaps:
    """The stretches in which nobody was found; `seen` is bool (F,)."""
    lost = [run.stop - run.start for run in runs(~seen)]
    return {'frames': sum(lost), 'times': len(lost), 'longest': max(lost, default=0)}


def people(dataset: Prepared) -> list[dict[str, Any]]:
    """Everybody in the video as dataset.json says, and the path of the portrait if there is one."""
    shown = []
    for one in dataset.facts.get('people') or []:
        path = portrait_of(one['number'])
        shown.append(one | {'picture': path if (dataset.folder / path).is_file() else None})
    return shown


def delay(dataset: Prepared) -> float | None:
    """Frames by which repair delays the motion, from joints that it left in their places."""
    track, found, before = dataset.track, dataset.found, dataset.before
    if found is None or before is None:
        return None
    filled, swapped = changes(dataset)
    moved = np.linalg.norm((before.poses - track.poses)[..., :2], axis=-1)
    elsewhere = moved > ELSEWHERE / 100 * median_size(track.poses, track.joints)
    same = ~(filled | swapped | elsewhere)
    return round(lag(replace(found, poses=found.poses * same[..., None]), track), 3)


def shot_list(track: PoseTrack) -> list[ShotNumbers]:
    """Each shot's number, seconds and frames."""
    shots: list[ShotNumbers] = []
    for shot in shot_slices(track.shots):
        times = track.times[shot]
        shots.append({'number': int(track.shots[shot.start]), 'start': round(float(times[0]), 3),
                      'end': round(float(times[-1] + 1 / track.fps), 3),
                      'frames': shot.stop - shot.start, 'kept': int(track.kept[shot].sum())})
    return shots


def dropped_stretches(track: PoseTrack) -> list[DroppedStretch]:
    """The frames that are not kept; neighbours with one reason are one stretch."""
    stretches: list[DroppedStretch] = []
    for row in np.flatnonzero(~track.kept).tolist():
        number = int(track.index[row]) + 1
        time = round(float(track.times[row]), 3)
        why = str(track.reasons[row])
        if not row or track.kept[row - 1] or stretches[-1]['why'] != why:
            stretches.append(
                {'first': number, 'start': time, 'why': why, 'last': number, 'end': time})
        stretches[-1]['last'] = number
        stretches[-1]['end'] = time
    return stretches


def joint_table(dataset: Prepared) -> dict[str, JointNumbers]:
    """What is known of each joint of the body."""
    track, found = dataset.track, dataset.found
    kept = track.poses[track.kept][..., 2] > 0
    confidence = (found or track).poses[..., 2]
    filled, swapped = changes(dataset)
    table: dict[str, JointNumbers] = {}
    for k, name in enumerate(track.joints.joints[:track.joints.body]):
        where_found = confidence[:, k][confidence[:, k] > 0]
        table[name] = {
            'seen': round(float(kept[:, k].mean()), 4) if len(kept) else 0.0,
            'confidence': round(float(where_found.mean()), 3) if len(where_found) else None,
            'filled': int(filled[:, k].sum()) if found else None,
            'swapped': int(swapped[:, k].sum()) if found else None}
    return table


def changes(dataset: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """bool (F, K) twice: joints that repair put where none was found, and joints that it exchanged
    with their partners. All False if the track before repair is not kept."""
    track, before = dataset.track, dataset.before
    if before is None:
        none = np.zeros(track.poses.shape[:2], bool)
        return none, none.copy()
    return filled_joints(before, track), swapped_joints(before, track)


def filled_joints(before: PoseTrack, track: PoseTrack) -> np.ndarray:
    """bool (F, K): a joint that is filled in gets a confidence of its own; one that is only moved
    or exchanged keeps the one it was found with."""
    now, was = track.poses[..., 2], before.poses[..., 2]
    of_partner = was[:, list(track.joints.partners)]
    return (now > 0) & (now != was) & (now != of_partner) & track.kept[:, None]


def swapped_joints(before: PoseTrack, track: PoseTrack) -> np.ndarray:
    """bool (F, K): a pair that moved far, and that lies much nearer to the other's old places."""
    swapped = np.zeros(track.poses.shape[:2], bool)
    least = EXCHANGED / 100 * median_size(track.poses, track.joints)
    for k, partner in enumerate(track.joints.partners[:track.joints.body]):
        if partner <= k:
            continue
        pair = [k, partner]
        old, new = before.poses[:, pair], track.poses[:, pair]
        both = (old[..., 2] > 0).all(1) & (new[..., 2] > 0).all(1) & track.kept
        straight = pair_distance(new, old)
        crossed = pair_distance(new, old[:, ::-1])
        swapped[:, pair] = (both & (straight > least) & (crossed < straight / 2))[:, None]
    return swapped


def pair_distance(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """float (F,) px: how far two joints (F, 2, 3) are from their old places, together."""
    return np.linalg.norm((new - old)[..., :2], axis=-1).sum(1)


def heat(dataset: Prepared) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """For util.web.report_charts.heat_map: times float (C + 1,) s, and {row: int (C,)}."""
    track = dataset.track
    edges = evenly_spaced(len(track) + 1, min(len(track), COLUMNS) + 1)
    times = np.append(track.times[edges[:-1]], track.times[-1] + 1 / track.fps)
    confidence = (dataset.found or track).poses[..., 2]
    shown = track.poses[..., 2] > 0
    cells = joint_cells(dataset, confidence, shown, edges)
    rows = {'frames kept': np.where(share(track.kept, edges) >= MOSTLY, KEPT, UNSEEN)}
    table = track.joints
    for k, name in enumerate(table.joints[:table.body]):
        if (confidence[:, k] > 0).any() or shown[:, k].any():
            rows[spoken(name)] = cells[:, k]
    for name in ('face', 'left_hand', 'right_hand'):
        part = table.part(name)
        if part.stop > part.start:
            rows[name.replace('_', ' ')] = np.median(cells[:, part], axis=1).astype(int)
    return times, rows


def joint_cells(dataset: Prepared, confidence: np.ndarray, shown: np.ndarray,
                edges: np.ndarray) -> np.ndarray:
    """int (C, K): the kind of cell that shows each joint in each column of the heat map.

    confidence   float (F, K) as it was found
    shown        bool (F, K) as it is written
    edges        int (C + 1,) the columns' first rows of the track, and the end
    """
    filled, swapped = changes(dataset)
    mean = share(confidence, edges) / np.maximum(share(confidence > 0, edges), 1e-6)
    cells = FAINT + np.digitize(mean, CERTAIN)
    cells = np.where(share(filled, edges) > MOSTLY, FILLED, cells)
    cells = np.where(share(swapped, edges) > 0, SWAPPED, cells)
    return np.where(share(shown, edges) < MOSTLY, UNSEEN, cells)


def share(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """float (C, ...): the mean of `values` (F, ...) in each column."""
    count = np.diff(edges).reshape(-1, *[1] * (values.ndim - 1))
    return np.add.reduceat(values.astype(float), edges[:-1], axis=0) / count


def person(dataset: Prepared) -> PersonNumbers:
    """How large and where the person is, in the video and as written."""
    found, track = dataset.found, dataset.track
    return {'video': size_and_place(found) if found else None, 'written': size_and_place(track),
            'outside': outside(track)}


def size_and_place(track: PoseTrack) -> SizeAndPlace:
    """How large and where the person is in the kept frames."""
    heights, places = heights_and_places(track)
    numbers: SizeAndPlace = {}
    if np.isfinite(heights).any():
        numbers['height'] = quantiles(heights)
    if np.isfinite(places).any():
        numbers['place'] = quantiles(places)
    return numbers


def quantiles(values: np.ndarray) -> Quantiles:
    """Of those values (F,) that are not NaN."""
    low, middle, high = np.nanpercentile(values, (5, 50, 95)).tolist()
    return {'low': round(low, 2), 'middle': round(middle, 2), 'high': round(high, 2)}


def heights_and_places(track: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    """float (F,) twice: body height in % of the picture's, and the hips in % of its width; NaN
    where not kept or not seen."""
    sizes = body_sizes(track.poses, track.joints)
    hips = joint_at(track.poses, track.joints, 'MidHip')
    width, height = track.size
    return (np.where(track.kept & (sizes > 0), 100 * sizes / height, np.nan),
            np.where(track.kept & (hips[:, 2] > 0), 100 * hips[:, 0] / width, np.nan))


def outside(track: PoseTrack) -> float | None:
    """The share of the kept frames in which a joint lies outside the picture."""
    poses = track.poses[track.kept]
    if not len(poses):
        return None
    beyond = (poses[..., :2] < -0.5) | (poses[..., :2] > np.array(track.size) - 0.5)
    seen_beyond = beyond.any(-1) & (poses[..., 2] > 0)
    return round(float(seen_beyond.any(1).mean()), 4)


def over_time(dataset: Prepared) -> OverTime:
    """Curves, each entry the mean over a short stretch."""
    track, found = dataset.track, dataset.found

    def curve(values: np.ndarray) -> list[float | None]:
        return rounded(thinned(track.times, values)[1], 3)
    heights, places = heights_and_places(track)
    curves: Curves = {
        'seconds': rounded(thinned(track.times, track.times)[0], 3),
        'confidence': curve(mean_confidence(found or track)),
        'height_video': None, 'place_video': None,
        'height_written': curve(heights), 'place_written': curve(places)}
    if found:
        heights, places = heights_and_places(found)
        curves['height_video'] = curve(heights)
        curves['place_video'] = curve(places)
    return {**curves}


def rounded(values: np.ndarray, digits: int) -> list[float | None]:
    """For JSON: None where a value is not a number."""
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
