"""Part affinity fields: decodes the maps of a network into people.

Cao, Simon, Wei and Sheikh, "Realtime Multi-Person 2D Pose Estimation using Part Affinity Fields",
CVPR 2017, arXiv 1611.08050; equation numbers below are that paper's. The channel of each joint and
limb is a fact of CMU's trained networks (poseParameters.cpp); MobileNet-thin has the same. The
confidence maps come first, the background's last among them, then the affinity fields.

Letters: P joints, L limbs, h w cells of the maps, C candidate limbs, S samples along a limb.
"""
from dataclasses import dataclass

import numpy as np

MIN_PEAK = 0.1                # least confidence of a joint
MIN_AFFINITY = 0.05           # least affinity of a sample that lies on a limb
MIN_ON_LIMB = 0.75            # least share of a limb's samples that must
MIN_JOINTS = 5                # of a person; BODY_25's foot alone has 4
MIN_PERSON = 0.25             # least mean of the confidences and affinities of a person
SAMPLES = 10                  # along a limb
MAX_PEAKS = 40                # per joint; noise may have any number
FLOOR = 0.01                  # least confidence for its logarithm


@dataclass(frozen=True)
class Layout:
    """The meaning of a network's maps.

    skeleton  the numbering of the joints, a name of pose.skeleton
    joints    number of confidence maps before the background's
    limbs     pairs of joint numbers; a limb's field points from the first joint to the second
    fields    per limb the channel, counted from the first field, of its x; its y is the next
    spare     number of limbs, the last ones, that are tried last: ear to shoulder, for a head seen
              from behind
    """
    skeleton: str
    joints: int
    limbs: tuple[tuple[int, int], ...]
    fields: tuple[int, ...]
    spare: int

    @property
    def channels(self) -> int:
        """The number of maps of such a network."""
        return self.joints + 1 + 2 * len(self.limbs)


def _layout(skeleton: str, joints: int, limbs: str, spare: str) -> Layout:
    """A layout from text: 'joint-joint:channel of x'."""
    words = [tuple(map(int, word.replace(':', '-').split('-')))
             for word in f'{limbs} {spare}'.split()]
    return Layout(skeleton, joints, tuple((a, b) for a, b, _ in words),
                  tuple(channel for *_, channel in words), len(spare.split()))


LAYOUTS = (
    _layout('COCO_18', 18,
            '1-2:12 1-5:20 2-3:14 3-4:16 5-6:22 6-7:24 1-8:0 8-9:2 9-10:4 1-11:6 11-12:8 '
            '12-13:10 1-0:28 0-14:30 14-16:34 0-15:32 15-17:36', '2-16:18 5-17:26'),
    _layout('BODY_25', 25,
            '1-8:0 1-2:14 1-5:22 2-3:16 3-4:18 5-6:24 6-7:26 8-9:6 9-10:2 10-11:4 8-12:8 '
            '12-13:10 13-14:12 1-0:30 0-15:32 15-17:36 0-16:34 16-18:38 14-19:40 19-20:42 '
            '14-21:44 11-22:46 22-23:48 11-24:50', '2-17:20 5-18:28'))


def layout_of(channels: int) -> Layout | None:
    """The layout of a network with that number of maps; None for an unknown one."""
    return next((layout for layout in LAYOUTS if layout.channels == channels), None)


def decode(maps: np.ndarray, layout: Layout) -> np.ndarray:
    """Everybody in a network's maps, the surest person first.

    maps     float32 (layout.channels, h, w)
    Returns  float32 (N, P, 4): x, y in cells, whose centres lie at integers, confidence 0..1,
             depth NaN. A joint that is not seen is 0, 0, 0, NaN
    """
    joint, places, confidence = find_peaks(maps[:layout.joints])
    a, b, limb = candidate_limbs(joint, layout)
    affinity, on_limb = line_integrals(maps[layout.joints + 1:], np.array(layout.fields)[limb],
                                       places[a], places[b])
    good = np.flatnonzero((on_limb >= MIN_ON_LIMB) & (affinity >= MIN_AFFINITY))
    spare = limb >= len(layout.limbs) - layout.spare
    good = good[np.lexsort((-affinity[good], spare[good]))]

    people, sureness = [], []
    for peaks, limbs in assemble(joint, a[good], b[good]):
        proofs = np.concatenate([confidence[peaks], affinity[good[limbs]]])
        if len(peaks) < MIN_JOINTS or proofs.mean() < MIN_PERSON:
            continue
        person = np.zeros((layout.joints, 4), np.float32)
        person[:, 3] = np.nan
        person[joint[peaks], :2], person[joint[peaks], 2] = places[peaks], confidence[peaks]
        people.append(person)
        sureness.append(proofs.sum())
    return np.array(people, np.float32).reshape(-1, layout.joints, 4)[np.argsort(sureness)[::-1]]


def find_peaks(heat: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Local maxima of confidence maps, with places between the cells.

    heat     float32 (P, h, w); each person's joint is a Gaussian (Eq. 6), and the largest of them
             counts (Eq. 7)
    Returns  joint int64 (N,), in order; places float64 (N, 2), x and y; confidence (N,) 0..1
    """
    height, width = heat.shape[1:]
    beyond = np.pad(heat, ((0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    peak = heat >= MIN_PEAK
    for dy, dx in np.ndindex(3, 3):
        if (dy, dx) != (1, 1):
            neighbour = beyond[:, dy:dy + height, dx:dx + width]
            # Of two equal neighbours one is the peak.
            peak &= heat > neighbour if (dy, dx) < (1, 1) else heat >= neighbour
    joint, row, column = np.nonzero(peak)
    joint, row, column = (v[_strongest(joint, heat[peak])] for v in (joint, row, column))

    def log(dy: int, dx: int) -> np.ndarray:
        y, x = _mirrored(row + dy, height), _mirrored(column + dx, width)
        return np.log(np.maximum(heat[joint, y, x], FLOOR).astype(np.float64))

    # The logarithm of a Gaussian is a parabola: three of its points give its maximum.
    middle = log(0, 0)
    x = column + _top(log(0, -1), middle, log(0, 1))
    y = row + _top(log(-1, 0), middle, log(1, 0))
    return joint, np.stack([x, y], 1), np.minimum(heat[joint, row, column], 1)


def _strongest(joint: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """The peaks to keep, by joint: the MAX_PEAKS strongest of each."""
    order = np.lexsort((-confidence, joint))
    first = np.searchsorted(joint, joint)             # np.nonzero gives joints in order
    return order[np.arange(len(joint)) - first < MAX_PEAKS]


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
    """Indices that may be one outside, mirrored at the border."""
    last = size - 1
    return last - np.abs(last - np.abs(index))


def _top(left: np.ndarray, middle: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Where a parabola through (-1, left), (0, middle), (1, right) is highest: -0.5 to 0.5."""
    return (left - right) / (2 * np.minimum(left - 2 * middle + right, -1e-9))


def candidate_limbs(joint: np.ndarray, layout: Layout
                    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of peaks that could be the ends of a limb.

    joint    int64 (N,), of each peak
    Returns  a, b, limb int64 (C,): the peaks at the two ends, and which limb it would be
    """
    peaks = [np.flatnonzero(joint == number) for number in range(layout.joints)]
    pairs = [np.stack([np.repeat(peaks[a], len(peaks[b])), np.tile(peaks[b], len(peaks[a])),
                       np.full(len(peaks[a]) * len(peaks[b]), limb)])
             for limb, (a, b) in enumerate(layout.limbs)]
    a, b, limb = np.concatenate(pairs, 1)
    return a, b, limb


def line_integrals(fields: np.ndarray, channel: np.ndarray, start: np.ndarray, end: np.ndarray
                   ) -> tuple[np.ndarray, np.ndarray]:
    """How well the affinity fields follow straight lines: the integral of Eq. 10 as a mean.

    fields      float32 (2 L, h, w)
    channel     int64 (C,): the x channel of a line's field; its y is the next
    start, end  float64 (C, 2), x and y in cells
    Returns     affinity float64 (C,), -1..1; and the share of the line's samples, 0..1, at which
                the field points along it
    """
    way = end - start
    length = np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
    u = (np.arange(SAMPLES)[:, None, None] + 0.5) / SAMPLES
    x, y = np.moveaxis((1 - u) * start + u * end, 2, 0)                       # Eq. 11, (S, C)
    field = np.stack([_bilinear(fields, channel + k, x, y) for k in (0, 1)], 2)
    along = (field * (way / length)).sum(2)
    return along.mean(0), (along >= MIN_AFFINITY).mean(0)


def _bilinear(maps: np.ndarray, channel: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values (S, C) of maps[channel] at x, y (S, C), interpolated between the cells."""
    left = np.clip(x.astype(np.int64), 0, maps.shape[2] - 2)
    top = np.clip(y.astype(np.int64), 0, maps.shape[1] - 2)
    right_share = np.clip(x - left, 0, 1)
    low_share = np.clip(y - top, 0, 1)
    upper, lower = (maps[channel, row, left] * (1 - right_share)
                    + maps[channel, row, left + 1] * right_share for row in (top, top + 1))
    return upper * (1 - low_share) + lower * low_share


def assemble(joint: np.ndarray, a: np.ndarray, b: np.ndarray
             ) -> list[tuple[list[int], list[int]]]:
    """Joins candidate limbs to people, the first candidates first.

    joint    int64 (N,), of each peak
    a, b     int64 (C,): the peaks at a candidate's ends
    Returns  per person its peaks and which candidates are its limbs

    The paper's bipartite matching (Eq. 12) is greedy here, as in its authors' code. A limb between
    two partial people merges them, unless both have the same joint; so a peak has at most one limb
    of each kind (Eq. 13, 14).
    """
    groups: list[tuple[list[int], list[int]]] = [([peak], []) for peak in range(len(joint))]
    for number, (i, j) in enumerate(zip(a.tolist(), b.tolist())):
        one, other = groups[i], groups[j]
        if one is not other:
            if {joint[peak] for peak in one[0]} & {joint[peak] for peak in other[0]}:
                continue
            one[0].extend(other[0])
            one[1].extend(other[1])
            for peak in other[0]:
                groups[peak] = one
        one[1].append(number)
    return list({id(group): group for group in groups}.values())
