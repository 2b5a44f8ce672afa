"""Where poses lie in the written frames: cropped from the video or fitted to a target. No torch.

`size` is (width, height) px.
"""
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from data.facts import THEN, check_names, read_facts, trained_facts
from pose.retargeting import facing, room
from pose.retargeting.facing import Facing, face, measure_facing
from pose.retargeting.feet import contacts, slide
from pose.retargeting.ground import Ground, measure_ground, measure_grounds
from pose.retargeting.inside import fit_room
from pose.retargeting.retarget import choose_how, retarget
from pose.retargeting.room import Room, framed, measure_room
from pose.skeleton import skeleton_of
from pose.track import PoseTrack
from preprocessing.crop import Box, choose_box, into_box, keeping_aspect, output_size
from preprocessing.sources import Source
from util.errors import UserError, say
from util.options import Options
from util.owned import finish
from util.shapes import check_shape, record


class Target:
    """The person that poses are fitted to: datasets/NAME, or checkpoints/NAME with its facts."""

    def __init__(self, path: str):
        folder = Path(path)
        finish(folder)
        if (folder / 'dataset.json').is_file():
            facts = read_facts(folder)
        else:
            facts = trained_facts(folder)
        if not {'stage', 'size', 'draw', 'skeleton'} <= facts.keys():
            raise UserError(f'--retarget_to {path}: holds no body measures. Give a dataset made '
                            f'by preprocess.py, or a run trained on one.')
        check_names(folder, facts, 'draw')
        width, height = facts['size']
        try:
            self.ground = Ground.from_dict(facts['stage'])
        except UserError as error:
            raise UserError(f'--retarget_to {path}: {error}') from error
        self.size = (int(width), int(height))
        self.draw: dict[str, Any] = facts['draw']
        self.skeleton: str = facts['skeleton']
        self.parts = ','.join(('body', *skeleton_of(self.skeleton).parts))
        self.facing, self.room = shown_by(folder, facts)


def filmed(track: PoseTrack) -> dict[str, Any]:
    """What the training poses show of a person, for dataset.json: the ways that were filmed, and
    size and room in the picture. {} where they show nobody."""
    if not track.shown().any():
        return {}
    return {'facing': measure_facing(track).to_dict(), 'room': measure_room(track).to_dict()}


def shown_by(folder: Path, facts: dict[str, Any]) -> tuple[Facing | None, Room | None]:
    """What a target's training poses show; measured where its facts are older than that, and
    None where no poses are kept either.

    folder  of a dataset or a run;  facts  dataset.json
    """
    if {'facing', 'room'} <= facts.keys():
        check_shape(folder, facts, record({'facing': facing.SHAPE, 'room': room.SHAPE}), THEN)
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


@dataclass(frozen=True)
class Placement:
    """The track as it is written.

    size            of a written frame
    box             the part of the video that becomes a frame; None if no frames are written
    drawn           the track in px of a written frame
    ground          its body measures there; the target's own if fitted to a target
    source_grounds  {shot: body measures in the video}; empty if not fitted
    fit             how and why it was fitted, and how far standing feet slide, % of the body
                    height; empty if not fitted
    """

    size: tuple[int, int]
    box: Box | None
    drawn: PoseTrack
    ground: Ground
    source_grounds: dict[int, Ground]
    fit: dict[str, Any]


def place(opt: Options, source: Source, track: PoseTrack, target: Target | None) -> Placement:
    """Fit the track to the target; without one, crop the video around it."""
    return cropped(opt, source, track) if target is None else fitted(opt, track, target)


def cropped(opt: Options, source: Source, track: PoseTrack) -> Placement:
    """The track in px of a crop of the video."""
    poses = track.poses[track.kept]
    if opt.aspect == 'keep':
        size, box = keeping_aspect(opt.crop, source.size, opt.size, poses)
    else:
        size = output_size(opt.crop, source.size, opt.size, opt.width, opt.height)
        box = choose_box(opt.crop, source.size, size, poses)
    depth = None if track.depth is None else track.depth * size[0] / box[2]
    drawn = replace(track, poses=into_box(track.poses, box, size), size=size, depth=depth)
    return Placement(size, box, drawn, measure_ground(drawn), {}, {})


def fitted(opt: Options, track: PoseTrack, target: Target) -> Placement:
    """The track in px of the target's frames, in the target's build and place."""
    track = track.numbered(target.skeleton)
    grounds = measure_grounds(track)
    how, why = opt.retarget, 'as asked'
    if how == 'auto':
        how, why = choose_how(grounds, target.ground)
    say(f'fitted to {opt.retarget_to} with --retarget {how}: {why}')
    moved = retarget(track, grounds, target.ground, how=how, walk=opt.walk)
    moved = moved.drop(~moved.seen(), 'a shot too short to be measured')
    stands = contacts(track)
    drawn, faced = face(moved, target.facing, opt.facing)
    fit = {'how': how, 'why': why, 'stage': opt.walk,       # the flag's name in earlier datasets
           'slide_before': slide(track, stands), 'slide_after': slide(moved, stands),
           'facing': faced.to_dict()}
    if target.room:
        drawn = fit_room(drawn, target.room)
        fit['framed'] = {'before': framed(moved, target.room), 'after': framed(drawn, target.room)}
    if faced.sentence:
        say(f'facing: {faced.sentence}')
    return Placement(target.size, None, drawn, target.ground, grounds, fit)
