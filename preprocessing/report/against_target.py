"""Compares poses with the training video of the person who is to be painted in them. No torch."""
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.facts import check_names
from pose.matching.coverage import Nearest, expected, far_part, nearest, usual
from pose.matching.sentences import sentence
from pose.track import PoseTrack
from preprocessing.report.dataset import Prepared, dataset_of
from preprocessing.report.moments import SECONDS_APART, highest
from preprocessing.report.schema import CoverageNumbers, FurthestPose
from util.errors import UserError
from util.words import command, pasted

LEAST_COVERED = 10          # poses shown next to their nearest training frames


class Reference:
    """What a generator of the target is trained on.

    root, dataset   the target's dataset
    rows            int (T,) the training frames that show somebody, as rows of its track
    """

    def __init__(self, root: Path):
        self.root = root
        self.dataset = Prepared(root)
        check_names(root, self.dataset.facts, 'layout', 'split')
        self.rows = np.flatnonzero(self.dataset.trained & self.dataset.track.seen())
        if not len(self.rows):
            raise UserError(f'{root}: holds no pairs to train on, so no poses can be compared with '
                            f'it. Give the dataset of the target person.')


def find_reference(dataset: Prepared, target: Path | None) -> tuple[Reference | None, str]:
    """What the poses are compared with, and a note if that is not what a user would expect.

    target   a dataset or run; None: the one that the poses were fitted to
    """
    fitted = dataset.facts.get('retargeted_to')
    fitted_root = root_fitted_to(dataset)
    if target is None:
        if fitted and fitted_root is None:
            return None, (f'These poses were fitted to {fitted}, which no longer exists, so they '
                          f'are compared with nothing. Name its dataset: '
                          + command('preprocess.py', '--doctor', 'datasets/me', dataset.folder))
        return (Reference(fitted_root), '') if fitted and fitted_root else (None, '')
    root = dataset_of(target)
    if root is None:
        raise UserError(f'{target}: no dataset, and no run that knows one. Give the dataset of the '
                        f'target person, e.g. ' + pasted('--doctor', 'datasets/me', dataset.folder))
    reference = Reference(root)
    note = ''
    if not fitted:
        note = (f'These poses were fitted to nobody; they are compared with {target} as they are. '
                f'To fit them, prepare them with --poses_only --retarget_to {target}.')
    elif fitted_root is None or fitted_root.resolve() != root.resolve():
        note = (f'These poses were fitted to {fitted}, not to {target}: their build is the other '
                f'person\'s. To fit them, prepare them again with --retarget_to {target}.')
    return reference, note


def root_fitted_to(dataset: Prepared) -> Path | None:
    """The dataset that the poses were fitted to, if it still exists."""
    facts = dataset.facts
    for name in (facts.get('retargeted_to'), facts.get('settings', {}).get('retarget_to')):
        root = dataset_of(Path(name)) if name else None
        if root:
            return root
    return None


@dataclass(frozen=True)
class Coverage:
    """How near each pose is to a training pose.

    reference  what the poses are compared with
    near       F poses of the source's track; `rows` are rows of the reference's track; -1 and NaN
               for a pose that is not kept
    limit      % of the body height beyond which no training pose is like a pose
    part       int (F,) number of the body part that is furthest off
    unlike     {body part: [(start, end) seconds]} without a training pose like it
    """
    reference: Reference
    near: Nearest
    limit: float
    part: np.ndarray
    unlike: dict[str, list[tuple[float, float]]]

    def numbers(self, fitted_to: str | None, furthest: list[FurthestPose]) -> CoverageNumbers:
        """For report.json; `fitted_to` as dataset.json says, `furthest` as they were drawn."""
        distance = self.near.distance[np.isfinite(self.near.distance)]
        share = float((distance > self.limit).mean()) if len(distance) else 0.0
        unlike = {}
        for part, spans in self.unlike.items():
            unlike[part] = [[round(start, 2), round(end, 2)] for start, end in spans]
        return {
            'target': str(self.reference.root), 'fitted_to': fitted_to,
            'frames': len(distance), 'unknown': round(share, 4), 'limit': round(self.limit, 2),
            'middle': round(float(np.median(distance)), 2) if len(distance) else None,
            'unlike': unlike, 'sentence': sentence(share, self.unlike), 'furthest': furthest}

    def furthest(self, times: np.ndarray) -> list[int]:
        """The rows of the least covered poses, some time apart from each other.

        times   float (F,) seconds
        """
        apart = float(times[-1] - times[0]) / (2 * LEAST_COVERED)
        return highest(self.near.distance, times, [], LEAST_COVERED, min(SECONDS_APART, apart))


def cover(track: PoseTrack, reference: Reference) -> Coverage:
    """Find the nearest training pose of every kept pose of the track."""
    training = reference.dataset.track.select(reference.rows)
    poses = track.numbered(training.skeleton).poses * track.shown()[:, None, None]
    near = nearest(poses, training.poses, training.joints)
    limit = usual(training.poses, training.times, training.joints)
    rows = np.where(near.rows < 0, -1, reference.rows[near.rows])
    return Coverage(reference, replace(near, rows=rows), limit.distance,
                    far_part(track.times, near, limit),
                    expected(track.times, near, limit, 1 / track.fps))
