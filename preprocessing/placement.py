"""Where poses lie in the written frames: cropped from the video or fitted to a target. No torch.

`size` is (width, height) px.
"""
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data.target import Target
from pose.cleaning.hidden_limbs import legs_below, with_legs_below, without_arms_behind
from pose.retargeting.facing import face
from pose.retargeting.feet import contacts, slide
from pose.retargeting.ground import Ground, measure_ground, measure_grounds
from pose.retargeting.inside import fit_room
from pose.retargeting.retarget import choose_how, retarget
from pose.retargeting.room import framed
from pose.retargeting.turned import trunk_angles
from pose.track import PoseTrack
from preprocessing.crop import Box, choose_box, into_box, keeping_aspect, output_size
from preprocessing.sources import Source
from util.errors import say
from util.options import Options

FACING = 0.5        # the cosine of the trunk's turn: further to the side an arm is behind the body


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
    size, box = crop_of(opt, source.size, track.poses[track.kept])
    depth = None if track.depth is None else track.depth * size[0] / box[2]
    drawn = replace(track, poses=into_box(track.poses, box, size), size=size, depth=depth)
    return Placement(size, box, drawn, measure_ground(drawn), {}, {})


def crop_of(opt: Options, video: tuple[int, int], poses: np.ndarray
            ) -> tuple[tuple[int, int], Box]:
    """(width, height) of a written frame and its box in a video of that (width, height).

    poses   float (F, K, 3) px of the video: the kept frames; only --crop auto looks at them
    """
    if opt.aspect == 'keep':
        return keeping_aspect(opt.crop, video, opt.size, poses)
    size = output_size(opt.crop, video, opt.size, opt.width, opt.height)
    return size, choose_box(opt.crop, video, size, poses)


def fitted(opt: Options, track: PoseTrack, target: Target) -> Placement:
    """The track in px of the target's frames, in the target's build and place."""
    track, legs = _with_legs(track.numbered(target.skeleton), target)
    track = _with_arms_shown(track, target, opt.facing)
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
           'facing': faced.to_dict(), 'legs': legs}
    if target.room:
        drawn = fit_room(drawn, target.room)
        fit['framed'] = {'before': framed(moved, target.room), 'after': framed(drawn, target.room)}
    if faced.sentence:
        say(f'facing: {faced.sentence}')
    return Placement(target.size, None, drawn, target.ground, grounds, fit)


def _with_arms_shown(track: PoseTrack, target: Target, facing: str) -> PoseTrack:
    """The track without guessed arms that the target's body will hide. They are left out before it
    is fitted, so that they do not move it."""
    drawn, faced = face(track, target.facing, facing)
    towards = np.cos(np.radians(trunk_angles(drawn))) > FACING
    return without_arms_behind(track, faced.exchanged | faced.widened | towards)


def _with_legs(track: PoseTrack, target: Target) -> tuple[PoseTrack, str]:
    """The track with legs that the dancer's picture cuts off, for a target who has feet; and one
    sentence about it, '' where nothing was done."""
    below = legs_below(track)
    if not below.any() or (target.room and 'RAnkle' in target.room.hidden):
        return track, ''
    share = below.sum() / max(int(track.shown().sum()), 1)
    sentence = (f'the dancer\'s picture ends above the feet for {100 * share:.0f} % of the film, '
                f'where the target stands on made-up legs')
    say(f'legs: {sentence}. Film the whole dancer for real steps.')
    return with_legs_below(track), sentence
