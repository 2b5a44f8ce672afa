"""Legs that lead out of the picture: who was filmed to the knees shows shins, but never an ankle.

A knee that is asked for higher than she held it would end in the air.
"""
import numpy as np

from models.warping.parts import Bodies, Placed
from pose.body import LEG

SHIN = LEG / 2      # of the body height, from knee to ankle


def with_shins(query: Bodies, height: int) -> Bodies:
    """The body of one pose in a picture of that height, px, with the shins whose ankle nobody
    shows and that reach the picture's lower edge: straight down from the knee."""
    found = query.one(0)
    if 'skirt' in query.parts:
        return found
    down = np.array([0, SHIN * query.height[0]])
    for side in 'RL':
        name, thigh = f'{side} shin', query.placed[f'{side} thigh']
        knee = thigh.end[:, :1]
        leaves = knee[0, 0, 1] < height <= knee[0, 0, 1] + down[1]
        if leaves and thigh.seen[0, 0] and not query.placed[name].seen.any():
            found.placed[name] = Placed(knee, knee + down, thigh.seen[:, :1])
    return found
