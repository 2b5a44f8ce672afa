"""Faults made on purpose: kills, full disks, damaged and hostile files, two calls at once, signals.

A driver is a module with

    COUNT                           trials of its share of the twenty minutes of `make faults`
    prepare(world) -> known         once, before its trials: what an undisturbed call gives
    attempt(world, known, root, number, random) -> Trial
                                    one trial in the empty folder `root`, all of it drawn from
                                    `random`

so that a trial's seed and number are enough to make it again.
"""
from dataclasses import dataclass, field


@dataclass
class Trial:
    """What one trial did.

    kind   what was tried, for the count of each kind
    lost   what went wrong, one sentence each
    """
    kind: str
    lost: list[str] = field(default_factory=list)
