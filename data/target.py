"""The person that poses are fitted to, as a dataset or a run knows that person. No torch.

`size` is (width, height) px.
"""
from pathlib import Path
from typing import Any

import numpy as np

from data.facts import (
    THEN,
    check_names,
    is_run,
    not_a_dataset,
    read_facts,
    trained_facts,
)
from pose.retargeting import filmed_ways, room
from pose.retargeting.filmed_ways import Facing, measure_facing
from pose.retargeting.ground import Ground
from pose.retargeting.room import Room, measure_room
from pose.skeleton import skeleton_of
from pose.track import PoseTrack
from util.errors import UserError
from util.owned import finish
from util.shapes import check_shape, record


class Target:
    """The person that poses are fitted to: datasets/NAME, or checkpoints/NAME with its facts."""

    def __init__(self, path: str, flag: str = '--retarget_to'):
        """flag: what the user typed before the path, for a refusal."""
        folder = Path(path)
        finish(folder)
        if (folder / 'dataset.json').is_file():
            facts = read_facts(folder)
        else:
            facts = trained_facts(folder)
        if not facts and not is_run(folder):
            raise not_a_dataset(folder, flag)
        if not {'stage', 'size', 'draw', 'skeleton'} <= facts.keys():
            raise UserError(f'{flag} {path}: holds no body measures. Give a dataset made '
                            f'by preprocess.py, or a run trained on one.')
        check_names(folder, facts, 'draw')
        width, height = facts['size']
        try:
            self.ground = Ground.from_dict(facts['stage'])
        except UserError as error:
            raise UserError(f'{flag} {path}: {error}') from error
        self.size = (int(width), int(height))
        self.draw: dict[str, Any] = facts['draw']
        self.skeleton: str = facts['skeleton']
        self.parts = ','.join(('body', *skeleton_of(self.skeleton).parts))
        self.facing, self.room = shown_by(folder, facts)


def filmed(track: PoseTrack, bars: tuple[int, int, int, int] = (0, 0, 0, 0)) -> dict[str, Any]:
    """What the training poses show of a person, for dataset.json: the ways that were filmed, and
    size and room in the picture, of which bars take that many px at the left, top, right and
    bottom. {} where they show nobody."""
    if not track.shown().any():
        return {}
    return {'facing': measure_facing(track).to_dict(), 'room': measure_room(track, bars).to_dict()}


def shown_by(folder: Path, facts: dict[str, Any]) -> tuple[Facing | None, Room | None]:
    """What a target's training poses show; measured where its facts are older than that, and
    None where no poses are kept either.

    folder  of a dataset or a run;  facts  dataset.json
    """
    if {'facing', 'room'} <= facts.keys():
        check_shape(folder, facts, record({'facing': filmed_ways.SHAPE, 'room': room.SHAPE}), THEN)
    else:
        kept = [path for path in (folder / 'poses.npz', folder / 'index' / 'poses.npz')
                if path.is_file()]
        if not kept:
            return None, None
        track = PoseTrack.load(kept[0])
        if kept[0].parent == folder:
            trained = facts.get('split', {}).get('train', 0)     # these are the first ones kept
            track = track.select(np.flatnonzero(track.kept)[:trained or None])
        facts = filmed(track)
        if not facts:
            return None, None
    return Facing.from_dict(facts['facing']), Room.from_dict(facts['room'])
