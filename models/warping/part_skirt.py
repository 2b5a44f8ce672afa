"""Who wears a cloth that covers both legs: a long skirt, a robe, a gown.

Cut into two legs, such a cloth would be painted as trousers. It is one part in their place.
"""
from collections.abc import Callable

import numpy as np

from models.warping.parts import Bodies
from pose.track import PoseTrack
from util.sampling import evenly_spaced

# Body heights between the middles of the shins: trousers as wide as silk ones for tai chi, which
# hang together at 0.1, are apart there in 8 of 10 frames and more
APART = 0.12
DOWN = 0.7                  # the least cosine of shin and trunk of who stands
FEWEST, FRAMES = 8, 60      # frames that say so, and the most that are looked at
# Share of those frames in which the person is between the shins. Of a woman in a skirt to her
# ankles 0.97, of a tai chi dancer 0.08, of men in trousers 0
COVERED = 0.85


def wears_skirt(track: PoseTrack, matte: Callable[[int], np.ndarray]) -> bool:
    """Whether there is cloth between the person's shins wherever they are apart and point down. Who
    never stands like that wears none, as far as one can tell: crossed legs say nothing.

    matte   uint8 (H, W) of a row of the track: how much of each pixel is the person
    """
    bodies = Bodies(track.poses, track.joints)
    joints = [bodies.joint(side + joint) for side in 'RL' for joint in ('Knee', 'Ankle')]
    right, left = (np.mean(leg, 0)[:, :2] for leg in (joints[:2], joints[2:]))
    trunk = (bodies.joint('MidHip') - bodies.joint('Neck'))[:, :2]
    stands = np.min([cosines(ankle[:, :2] - knee[:, :2], trunk)
                     for knee, ankle in (joints[:2], joints[2:])], 0) > DOWN
    apart = np.linalg.norm(right - left, axis=-1) / bodies.height
    places = np.rint((right + left) / 2).astype(int)
    inside = ((places >= 0) & (places < track.size)).all(-1)
    seen = np.min([joint[:, 2] for joint in joints], 0) > 0
    rows = np.flatnonzero((apart >= APART) & stands & seen & inside)
    rows = rows[evenly_spaced(len(rows), FRAMES)]
    if len(rows) < FEWEST:
        return False
    covered = [matte(int(row))[places[row, 1], places[row, 0]] > 127 for row in rows]
    return bool(np.mean(covered) >= COVERED)


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float (F,): the cosines between lines (F, 2) and (F, 2); 0 where one has no length."""
    length = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.asarray((a * b).sum(-1) / np.where(length > 0, length, np.inf))
