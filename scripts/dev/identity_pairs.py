"""Whether the identity score tells people apart: pairs of the same person at different moments, and
pairs of different people.

    python scripts/dev/identity_pairs.py anna.mp4 ben.mp4 carla.mp4 --faces faces.png

Each clip shows one person, and no two clips the same. Frontal faces are found as test.py finds
them, by the joints and the face mesh, at most FACES of a clip, at different moments. Printed are
the median cosine of each two clips, a histogram, and how well one threshold tells the same person
from others; --shrink does the same with faces made smaller. Look at --faces: a face that is none
spoils every number.
"""
import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pose.detect import make_detector
from pose.detect.decoders.face_finder import FaceFinder
from pose.faces import DEFAULTS, PLACES, SIDE, cut_face, face_joints, is_frontal
from pose.skeleton import BODY_25, convert, skeleton_of
from util.errors import UserError, run_main, say
from util.images import write_image
from util.metrics.mobilefacenet import MobileFaceNet
from util.noted import check_ours, noted_file
from util.progress import progress
from util.sampling import evenly_spaced
from util.video import count_frames, read_frames

FACES = 16              # of a clip
LOOKED_AT = 120         # frames of a clip, evenly spaced
APART = 0.15            # s between two faces of a clip: neighbours are nearly one picture
BINS = np.arange(-0.3, 1.05, 0.1)
EYES = PLACES[1, 0] - PLACES[0, 0]      # px between the eyes of a face that is cut out


class Face(NamedTuple):
    """picture  uint8 (SIDE, SIDE, 3);  eyes  px between them in the video"""
    picture: np.ndarray
    eyes: float


def faces_of(clip: str, least: float) -> list[Face]:
    """Frontal faces of the first person of a clip, with at least that many px between the eyes."""
    settings = replace(DEFAULTS, eyes=least)
    detector = make_detector('mediapipe')
    finder = FaceFinder()
    count = count_frames(clip)
    looked_at = set(evenly_spaced(count, LOOKED_AT).tolist())
    found: list[Face] = []
    newest = -APART
    for frame in progress(read_frames(clip), Path(clip).stem, count):
        if frame.index not in looked_at or frame.time < newest + APART:
            continue
        people = detector(frame.image, frame.index)[..., :3]
        body = convert(people, skeleton_of(detector.skeleton), BODY_25)
        face = face_joints(body[0], BODY_25) if len(body) else None
        if face is None or not is_frontal(face, settings):
            continue
        points = finder(frame.image, face)
        if points is not None:
            eyes = float(np.linalg.norm(face[1] - face[0]))
            found.append(Face(cut_face(frame.image, points), eyes))
            newest = frame.time
    detector.close()
    finder.close()
    return [found[k] for k in evenly_spaced(len(found), FACES).tolist()]


def shrunk(face: np.ndarray, eyes: float) -> np.ndarray:
    """The face as large as before, of which no more is left than of one with that many px between
    its eyes."""
    side = max(2, round(SIDE * eyes / EYES))
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (SIDE, SIDE))


def cosines(vectors: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """float (N,) each: of all pairs of one person, and of all pairs of two."""
    same = [(v @ v.T)[np.triu_indices(len(v), 1)] for v in vectors.values()]
    other = [(a @ b.T).ravel() for a, b in combinations(vectors.values(), 2)]
    return np.concatenate(same), np.concatenate(other)


def told_apart(same: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """The share of pairs (one of the same, one of others) of which the same is more alike (AUC);
    the threshold with the fewest mistakes, and their share, both kinds weighing alike."""
    auc = (same[:, None] > other).mean()
    thresholds = np.unique(np.concatenate([same, other]))
    wrong = [((same < t).mean() + (other >= t).mean()) / 2 for t in thresholds]
    best = int(np.argmin(wrong))
    return float(auc), float(thresholds[best]), float(wrong[best])


def report(vectors: Mapping[str, np.ndarray], label: str) -> str:
    """One line of figures in Markdown."""
    same, other = cosines(vectors)
    auc, threshold, wrong = told_apart(same, other)
    low, middle = np.percentile(same, [5, 50])
    usual, high = np.percentile(other, [50, 95])
    return (f'| {label} | {middle:.2f}, {low:.2f} | {usual:.2f}, {high:.2f} | {auc:.3f} '
            f'| {threshold:.2f}: {100 * wrong:.0f} % wrong |')


def histogram(same: np.ndarray, other: np.ndarray) -> list[str]:
    """Lines: how many percent of the pairs of each kind lie in each tenth."""
    lines = []
    for low, high in zip(BINS[:-1], BINS[1:]):
        shares = [100 * ((kind >= low) & (kind < high)).mean() for kind in (same, other)]
        bars = ['#' * round(share / 2) for share in shares]
        lines.append(f'{low:5.1f} {shares[0]:4.0f} % {bars[0]:30} {shares[1]:4.0f} % {bars[1]}')
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], allow_abbrev=False)
    parser.add_argument('clips', nargs='+', help='videos, each of another person')
    parser.add_argument('--least', type=float, default=DEFAULTS.eyes,
                        help='px between the eyes that a face needs')
    parser.add_argument('--shrink', type=float, nargs='*', default=[16, 12, 8, 6],
                        help='px between the eyes, of faces that are made smaller')
    parser.add_argument('--faces', default=None, metavar='FILE.png', help='write all faces there')
    opt = parser.parse_args()
    sheet_at = Path(opt.faces or 'faces.png')
    if opt.faces:
        check_ours(sheet_at.parent, [sheet_at.name])
    network = MobileFaceNet()
    faces = {Path(clip).stem: faces_of(clip, opt.least) for clip in opt.clips}
    for name, found in faces.items():
        eyes = np.median([face.eyes for face in found]) if found else 0
        say(f'{name}: {len(found)} frontal faces, {eyes:.0f} px between the eyes')
    faces = {name: found for name, found in faces.items() if len(found) > 1}
    if len(faces) < 2:
        raise UserError('There must be two clips with two frontal faces each. Give other clips, '
                        'or a smaller --least.')
    pictures = {name: np.stack([face.picture for face in found]) for name, found in faces.items()}
    if opt.faces:
        with noted_file(sheet_at.parent, sheet_at.name) as part:
            write_image(part, sheet(pictures))
    vectors = {name: network(some) for name, some in pictures.items()}
    print('\n| median cosine | ' + ' | '.join(vectors) + ' |')
    print('|---' * (len(vectors) + 1) + '|')
    for name, some in vectors.items():
        row = [f'{np.median(some @ each.T):.2f}' for each in vectors.values()]
        print(f'| {name} | {" | ".join(row)} |')
    print('\ncosine  same person' + ' ' * 23 + 'different people')
    print('\n'.join(histogram(*cosines(vectors))))
    print('\n| faces | same: median, lowest 5 % | different: median, highest 5 % | AUC '
          '| threshold |\n|---|---|---|---|---|')
    print(report(vectors, 'as filmed'))
    large = {name for name, found in faces.items() if min(face.eyes for face in found) > EYES / 2}
    for eyes in opt.shrink if len(large) > 1 else []:
        small = {name: network(np.stack([shrunk(face, eyes) for face in pictures[name]]))
                 for name in sorted(large)}
        print(report(small, f'{eyes:g} px, of {len(large)} clips'))


def sheet(pictures: Mapping[str, np.ndarray]) -> np.ndarray:
    """A row of faces for each clip."""
    rows = []
    for some in pictures.values():
        row = np.zeros((SIDE, FACES * SIDE, 3), np.uint8)
        row[:, :len(some) * SIDE] = np.hstack(list(some))
        rows.append(row)
    return np.vstack(rows)


if __name__ == '__main__':
    run_main(main)
