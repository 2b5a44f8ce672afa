"""A video becomes a dataset: find poses, clean, crop, draw, write. No torch.

The new dataset is made in a hidden folder of its own, in which nobody else works meanwhile. When it
is whole, its files replace those that an earlier call wrote; everything else in the dataset's
folder stays.
"""
import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.facts import read_facts
from data.film import FOLDER as FRAMES
from data.target import Target, filmed
from pose.cleaning.repair import repair
from pose.draw import default_line_width, draw_facts
from pose.formats import write_openpose_json
from pose.shots import choose_shots
from pose.track import PoseTrack
from preprocessing.background import background_of
from preprocessing.detection import Find, cores, detect
from preprocessing.film import FilmAhead, film_size
from preprocessing.letterbox import bars_of
from preprocessing.people import masks_of
from preprocessing.placement import Placement, crop_of, place
from preprocessing.report.moments import Preview
from preprocessing.report.write import write_report
from preprocessing.scene import keep_scene
from preprocessing.sources import Source
from preprocessing.writer import Writer
from preprocessing.written import check_room, no_dataset, ours, written_files
from scene.source_scene import has_scene
from util.errors import UserError, say, warn
from util.files import write_json
from util.options import Options
from util.owned import finish, holds_something, replacing

GAP = 1.0           # seconds between the training part and the held-out part; of a short clip as
                    # long as what is held out, since a person of two seconds needs every frame
LEAST_BODY = 1.0    # px: how far the joints of a frame are apart, in some frame at least
RARELY_SEEN = 0.5   # below this share of the frames a user should check the video
LEAST_PER_PIXEL = 0.1   # bytes: a drawn figure's pair takes 0.2 for a pixel of its frame, a filmed
                        # one's 1.5
# {key of dataset.json's settings: flag}, where the flag has another name than in older datasets
FLAGS = {'stage': 'walk'}
# what differs in words, where values say nothing to a reader
DIFFERS = {'target_stage': 'the body of --retarget_to is another',
           'target_draw': 'poses of --retarget_to are drawn differently',
           'source_bytes': 'its file has other bytes'}
# options that do not change a dataset's pixels
NOT_SETTINGS = {'overwrite', 'num_workers', 'dataroot', 'seconds', 'camera', 'redraw', 'doctor',
                'keep_scene'}


def prepare(opt: Options, source: Source, target: Target | None, find: Find | None = None
            ) -> Path:
    """Make the dataset in `opt.dataroot`, with the people that `find` finds. Returns its report."""
    root = Path(opt.dataroot)

    def written() -> set[str]:
        return files_to_replace(root, opt.overwrite)
    with replacing(root, written, 'dataset.json', least=least_bytes(opt, source)) as folder:
        facts, remarks = make(opt, source, target, folder, find)
    counts = ' and '.join(f'{count} {phase}' for phase, count in facts['split'].items())
    between = facts['frames']['kept'] - sum(facts['split'].values())
    gap = f'{between} left out between them, ' if between else ''
    say(f'{root}: {counts} frames of {facts["frames"]["read"]}, {gap}'
        f'{facts["frames"]["dropped"]} dropped')
    if remarks:             # what filming again would mend, before anything is painted from it
        say(f'{root}: {" ".join(remarks)}')
    return root / 'report.html'


def files_to_replace(root: Path, overwrite: bool) -> set[str]:
    """The files of an earlier dataset in `root`; UserError where it may not be replaced."""
    if (root / 'dataset.json').is_file() and not overwrite:
        raise UserError(f'{root}: a dataset was made by another call meanwhile. Use that one, or '
                        f'add --overwrite to make it again.')
    return written_files(root) if (root / 'dataset.json').is_file() else ours(root)


def least_bytes(opt: Options, source: Source) -> float:
    """What the pictures of the dataset take at least; without frames hardly anything."""
    return 0 if opt.poses_only else LEAST_PER_PIXEL * source.count * opt.size ** 2


def make(opt: Options, source: Source, target: Target | None, folder: Path,
         find: Find | None = None) -> tuple[dict[str, Any], list[str]]:
    """Write the dataset to a new folder. Returns its dataset.json, and its report's remarks."""
    ahead = film_ahead(opt, source, target, folder)
    found = (find or detect)(source, opt, ahead)
    raw, picked = found.one(opt.person)
    masks = masks_of(found, picked, opt)
    track, repaired = repair(
        choose_shots(raw, opt.shots), min_confidence=opt.min_confidence, no_swaps=opt.no_swaps,
        no_limits=opt.no_limits, max_gap=opt.max_gap, smooth=opt.smooth, hidden_arms=bool(target))
    check_track(raw, track, opt.poses_only)

    placement = place(opt, source, track, target)
    drawn = placement.drawn
    draw = drawing(opt, placement.size, drawn.skeleton, target)
    if opt.poses_only:
        phases = {'val': np.flatnonzero(drawn.kept)}
    else:
        phases = split(drawn, opt.val_fraction)
    facts = dataset_facts(opt, source, target, placement, draw, phases, picked.people, repaired)
    if masks and placement.box:
        facts['masks'] = True
    film = None
    if placement.box and not opt.poses_only:
        film = film_size(placement.box, placement.size, opt.film_size)
    if film:
        facts['film_size'] = list(film)
    background = background_of(opt, source, track, placement.box, masks if masks else None)

    preview = Preview(folder, raw, track, drawn, picked.people)
    writer = Writer(folder, facts['layout'], placement, phases, draw,
                    masks if 'masks' in facts else None, film, background)
    writer.write(source, preview, opt.num_workers or cores(), ahead)
    if background:
        facts['background'] = background.write(folder)
    bars = bars_of(folder, facts['layout'], placement.size)
    if any(bars):
        facts |= filmed(drawn.select(phases['train']), bars)
    if opt.keep_scene:
        keep_scene(opt, source, track, masks if masks else None, folder)
        facts['scene'] = opt.keep_scene
    drawn.save(folder / 'poses.npz')
    if opt.write_json:
        write_openpose_json(track, folder / 'openpose_json')
    raw.save(folder / 'found.npz')
    write_json(folder / 'dataset.json', facts)
    return facts, write_report(folder)['remarks']


def film_ahead(opt: Options, source: Source, target: Target | None,
               folder: Path) -> FilmAhead | None:
    """What writes the large frames of a dataset while people are found; None where they cannot
    be known before, or the video is damaged: reading it twice says what is lost."""
    if opt.poses_only or target or opt.crop == 'auto' or source.fault:
        return None
    size, box = crop_of(opt, source.size, np.zeros((0, 1, 3)))
    film = film_size(box, size, opt.film_size)
    if film is None or box != (0, 0, *source.size):
        return None
    (folder / FRAMES).mkdir()
    return FilmAhead(folder, film, size)


def check_track(raw: PoseTrack, track: PoseTrack, poses_only: bool) -> None:
    """UserError if too little of a person was found to learn from; a warning if little was.

    raw, track   before and after repair
    """
    found = int(raw.seen().sum())
    total = len(raw)
    if not track.kept.any():
        raise UserError(f'a person was found in {found} of {total} frames, never long enough to '
                        f'follow. Look at the video, or take another part of it with --start '
                        f'and --end.')
    joints, seen = np.split(track.poses[track.kept], [2], axis=2)
    spans = np.where(seen > 0, joints, -np.inf).max(1) - np.where(seen > 0, joints, np.inf).min(1)
    if spans.max() < LEAST_BODY:
        raise UserError('all joints lie in one place of the picture: that is no person. Look at '
                        'what found them, or take another --detector.')
    if found < RARELY_SEEN * total:
        warn(f'a person was found in only {found} of {total} frames; report.html lists the rest. '
             f'The whole body must be visible and not too small.')
    if len(track) < 2 and not poses_only:
        raise UserError('the source is one frame long: too short to train on. Film a minute or '
                        'more; for a single pose add --poses_only.')


def drawing(opt: Options, size: tuple[int, int], skeleton: str,
            target: Target | None) -> dict[str, Any]:
    """How the poses are drawn: as asked, else as the target's, else by default."""
    style, width = opt.draw_style, opt.line_width
    if target:
        style = style or target.draw['style']
        width = width or target.draw['line_width']
    style = style or 'openpose'
    return draw_facts(style, width or default_line_width(size, style), skeleton)


def split(track: PoseTrack, val_fraction: float) -> dict[str, np.ndarray]:
    """{phase: int (N,) rows of the track}. The end is held out after a gap, as neighbouring frames
    are near copies."""
    kept = np.flatnonzero(track.kept)
    held_out = round(val_fraction * len(kept))
    if held_out in (0, len(kept)):
        return {'train': kept}
    val = kept[-held_out:]
    gap = min(GAP, (held_out + 0.5) / track.fps)
    train = kept[track.times[kept] < track.times[val[0]] - gap]
    if len(train) < held_out:       # the gap would leave too little of a short clip
        warn('the clip is too short for a gap before the held-out part. That part is therefore '
             'easier than a new video.')
        train = kept[:-held_out]
    return {'train': train, 'val': val}


def dataset_facts(opt: Options, source: Source, target: Target | None, placement: Placement,
                  draw: Mapping[str, Any], phases: Mapping[str, np.ndarray],
                  people: Sequence[Mapping[str, Any]],
                  repaired: Mapping[str, int]) -> dict[str, Any]:
    """dataset.json: what the dataset is and how it was made.

    people     everybody in the video, as pose.tracking.people gives them
    repaired   {step: count} of pose.cleaning.repair
    """
    track = placement.drawn
    kept = int(track.kept.sum())
    shows = filmed(track.select(phases['train'])) if 'train' in phases else {}
    grounds = {shot: ground.to_dict() for shot, ground in placement.source_grounds.items()}
    return {
        'format': 1,
        'layout': 'poses' if opt.poses_only else opt.layout,
        'pose_half': 'A',
        'source': source.facts(),
        'fps': source.fps,
        'size': list(placement.size),
        'crop': list(placement.box) if placement.box else None,
        'detector': opt.detector,
        'skeleton': track.skeleton,
        'draw': draw,
        'split': {phase: len(rows) for phase, rows in phases.items()},
        'frames': {'read': len(track), 'kept': kept, 'dropped': len(track) - kept},
        'people': people,
        'repair': repaired,
        'shots': int(track.shots.max()) + 1,
        'stage': placement.ground.to_dict(),
        **shows,
        'source_stages': grounds,
        'retargeted_to': opt.retarget_to,
        'fit': placement.fit,
        'settings': settings(opt, source, target),
        'made': datetime.datetime.now().astimezone().isoformat(timespec='seconds')}


def settings(opt: Options, source: Source, target: Target | None) -> dict[str, Any]:
    """What decides how the dataset looks: the options, the source file itself, and the person the
    poses are fitted to. Two spellings of a path are the same file."""
    chosen = {name: value for name, value in opt.facts().items() if name not in NOT_SETTINGS}
    for key, flag in FLAGS.items():
        chosen[key] = chosen.pop(flag)
    for name in ('video', 'images', 'retarget_to'):
        if chosen[name] is not None:
            chosen[name] = os.path.abspath(chosen[name])
    if target:
        chosen |= {'target_stage': target.ground.to_dict(), 'target_draw': target.draw}
    return chosen | {'source_bytes': source.facts()['bytes']}


def lacks_scene(opt: Options) -> bool:
    """Whether the dataset is there without the scene that is asked for."""
    root = Path(opt.dataroot)
    return bool(opt.keep_scene) and (root / 'dataset.json').is_file() and not has_scene(root)


def is_finished(opt: Options, source: Source, target: Target | None,
                defaults: Mapping[str, Any]) -> bool:
    """Whether the dataset exists already with these settings.

    defaults   {flag: value} where nothing is typed: what a flag is worth that came after the
               dataset was made

    UserError if it has other settings, or if the folder holds something else.
    """
    root = Path(opt.dataroot)
    finish(root)
    if not root.exists() or (root.is_dir() and not holds_something(root)):
        return False
    if not (root / 'dataset.json').is_file():
        if ours(root):                  # somebody took dataset.json away
            return False
        raise no_dataset(root)
    if opt.overwrite:
        check_room(root, opt.images)
        return False
    if lacks_scene(opt):
        raise UserError(f'{root} was made without the scene of the video. Add --overwrite to make '
                        f'it again with --keep_scene, or choose another --dataroot.')
    facts = read_facts(root)
    made = facts.get('settings', {})
    known = {**defaults, **made}
    if 'film_size' not in made and opt.film_size != defaults['film_size']:
        known['film_size'] = 0          # an older dataset is used as it is unless one is asked for
    if opt.poses_only and not opt.keep_scene:
        known['film_size'] = opt.film_size      # only a scene is as large as that
    differ = [DIFFERS.get(name, f'{FLAGS.get(name, name)} was {known.get(name)} and is now {value}')
              for name, value in settings(opt, source, target).items()
              if known.get(name) != value]
    scene = facts.get('scene', 'others')
    if opt.keep_scene not in (None, scene):
        differ.append(f'keep_scene was {scene} and is now {opt.keep_scene}')
    if differ:
        raise UserError(f'{root} was made with other settings: {"; ".join(differ)}. Add '
                        f'--overwrite to make it again, or choose another --dataroot.')
    return True
