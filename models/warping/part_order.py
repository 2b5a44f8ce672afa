"""What lies before what: the layers in which the parts of a body are drawn.

Shape letter: F poses.
"""
from collections.abc import Mapping

import numpy as np

from models.warping.parts import ARMS, LEGS, Bodies
from models.warping.settings import PartSettings
from pose.stretches import shot_slices
from pose.track import PoseTrack


def drawing_order(film: PoseTrack, query: Bodies, settings: PartSettings) -> list[list[str]]:
    """For each pose its `layers`, held over time."""
    from scipy.ndimage import median_filter
    window = 2 * max(1, round(settings.calm * film.fps / 2)) + 1

    def held(values: np.ndarray) -> np.ndarray:
        calm = values.astype(float)
        for shot in shot_slices(film.shots):
            calm[shot] = median_filter(calm[shot], window, mode='nearest')
        return calm > 0.5
    signs = {name: held(values) for name, values in depth_signs(query).items()}
    orders = []
    for f in range(len(query)):
        orders.append(layers({name: bool(values[f]) for name, values in signs.items()}, query))
    return orders


def depth_signs(query: Bodies) -> dict[str, np.ndarray]:
    """bool (F,) each: whether the right `arm` and the right `leg` are the farther ones, and whether
    the arms of the sides R and L lie `behind` the trunk."""
    trunk = query.depths('trunk')
    arms = {side: _mean_depth(query, side, ARMS) for side in 'RL'}
    legs = {side: _mean_depth(query, side, LEGS[:2]) for side in 'RL'}
    signs = {'arm': arms['R'] > arms['L'], 'leg': legs['R'] > legs['L']}
    for side in 'RL':
        signs[f'{side} behind'] = ((query.depths(f'{side} forearm') > trunk + 0.04)
                                   & (query.depths(f'{side} upper arm') > trunk))
    return signs


def layers(signs: Mapping[str, bool], query: Bodies) -> list[str]:
    """The layers of one pose with those depth_signs from back to front: what shows through between
    trunk and thighs, an arm behind the trunk, the farther and the nearer leg, the trunk, the head,
    and the farther and the nearer arm before it."""
    of_arms = 'RL' if signs['arm'] else 'LR'            # the farther one first
    of_legs = 'RL' if signs['leg'] else 'LR'
    back = [side for side in of_arms if signs[f'{side} behind']]
    front = [side for side in of_arms if not signs[f'{side} behind']]
    names = ['trunk below']
    names += [f'{side} {name}' for side in back for name in ('forearm', 'upper arm')]
    names += [f'{side} {name}' for side in of_legs for name in ('foot', 'shin', 'thigh')]
    names += ['skirt', 'trunk', 'head']
    names += [f'{side} {name}' for side in front for name in ('upper arm', 'forearm')]
    return [name for name in names if name in query.parts or name == 'trunk below']


def _mean_depth(query: Bodies, side: str, names: tuple[str, ...]) -> np.ndarray:
    known = [f'{side} {name}' for name in names if f'{side} {name}' in query.parts]
    depths = [query.depths(name) for name in known]
    return np.mean(depths, 0) if depths else np.zeros(len(query))


class Held:
    """A yes or no that changes only after it was otherwise for that many seconds: what a median
    does over a film, of the past alone."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.value: bool | None = None
        self.against = 0.0

    def next(self, value: bool, elapsed: float) -> bool:
        """The value that is held, `elapsed` seconds after the last one."""
        if self.value is None:
            self.value = value
        self.against = max(0.0, self.against + (elapsed if value != self.value else -elapsed))
        if self.against >= self.seconds:
            self.value = not self.value
            self.against = 0.0
        return self.value
