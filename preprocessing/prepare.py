"""A video becomes a dataset: find poses, clean, crop, draw, write. No torch.

The new dataset is made in a hidden folder of its own. When it is whole, its files take the places
of those that an earlier call wrote; what else is in the dataset's folder stays.
"""
import datetime
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pose.cleaning.repair import repair
from pose.draw import default_line_width, draw_facts, draw_pose
from pose.formats import write_openpose_json
from pose.retargeting.feet import contacts, slide
from pose.retargeting.retarget import Ground, choose_how, measure_ground, measure_grounds, retarget
from pose.shots import choose_shots
from pose.skeleton import skeleton_of
from pose.track import PoseTrack
from preprocessing.crop import Box, choose_box, cut_out, into_box, output_size
from preprocessing.detection import cores, detect
from preprocessing.report.moments import Preview
from preprocessing.report.write import write_report
from preprocessing.sources import Source
from preprocessing.written import check_room, no_dataset, written_files
from util.errors import UserError, say, warn
from util.files import read_json, write_json
from util.images import write_image
from util.options import Options
from util.owned import finish, holds_something, replacing
from util.parallel import in_order, prefetch
from util.progress import progress
from util.run_record import read_record

GAP = 1.0           # seconds between what is trained on and what is held out
RARELY_SEEN = 0.5   # below this part of the frames a user should look at the video again
# what a dataset's pixels do not depend on
NOT_SETTINGS = {'overwrite', 'num_workers', 'dataroot', 'seconds', 'camera', 'redraw', 'doctor'}


def prepare(opt: Options, source: Source, target: 'Target | None') -> Path:
    """Make the dataset of `opt.dataroot`. Returns its report."""
    detected = detect(source, opt)
    raw, picked = detected.one(opt.person)
    track, repaired = repair(
        choose_shots(raw, opt.shots), min_confidence=opt.min_confidence, no_swaps=opt.no_swaps,
        no_limits=opt.no_limits, max_gap=opt.max_gap, smooth=opt.smooth)
    warn_if_rare(raw, track)
    if len(track) < 2 and not opt.poses_only:
        raise UserError('the source is one frame long: nothing to learn from. Film a minute or '
                        'more; for a single pose add --poses_only.')

    at = place(opt, source, track, target)
    drawn = at.drawn
    draw = drawing(opt, at.size, drawn.skeleton, target)
    phases = split(drawn, opt.val_fraction) if not opt.poses_only else {
        'val': np.flatnonzero(drawn.kept)}
    facts = {
        'format': 1, 'layout': 'poses' if opt.poses_only else opt.layout, 'pose_half': 'A',
        'source': source.facts(), 'fps': source.fps, 'size': list(at.size),
        'crop': list(at.box) if at.box else None, 'detector': opt.detector,
        'skeleton': drawn.skeleton, 'draw': draw,
        'split': {phase: len(rows) for phase, rows in phases.items()},
        'frames': {'read': len(drawn), 'kept': int(drawn.kept.sum()),
                   'dropped': int((~drawn.kept).sum())},
        'people': picked.people, 'repair': repaired,
        'shots': int(drawn.shots.max()) + 1, 'stage': at.ground.to_dict(),
        'source_stages': {shot: ground.to_dict() for shot, ground in at.source_grounds.items()},
        'retargeted_to': opt.retarget_to, 'fit': at.fit, 'settings': settings(opt, source, target),
        'made': datetime.datetime.now().astimezone().isoformat(timespec='seconds')}
    root = Path(opt.dataroot)
    written = written_files(root) if (root / 'dataset.json').is_file() else set()
    with replacing(root, written, 'dataset.json') as folder:
        preview = Preview(folder, raw, track, drawn, picked.people)
        writer = Writer(folder, facts, drawn, phases, at.box, at.size, draw)
        writer.write(source, preview, opt.num_workers or cores())
        drawn.save(folder / 'poses.npz')
        if opt.write_json:
            write_openpose_json(track, folder / 'openpose_json')
        raw.save(folder / 'found.npz')
        write_json(folder / 'dataset.json', facts)
        write_report(folder)
    say(f'{opt.dataroot}: {facts["split"]} from {facts["frames"]["read"]} frames, '
        f'{facts["frames"]["dropped"]} dropped')
    return Path(opt.dataroot) / 'report.html'


def drawing(opt: Options, size: tuple[int, int], skeleton: str,
            target: 'Target | None') -> dict[str, Any]:
    """How the poses are drawn: as asked, else as the target's, else as usual."""
    style = opt.draw_style or (target.draw['style'] if target else 'openpose')
    width = opt.line_width or (target.draw['line_width'] if target else
                               default_line_width(size, style))
    return draw_facts(style, width, skeleton)


@dataclass(frozen=True)
class Placement:
    """Where the track comes to lie.

    size            (width, height) px of what is written
    box             the part of the video that becomes a frame; None where no frames are written
    drawn           the track in px of what is written
    ground          its body measures there: the target's own, when fitted to a target
    source_grounds  what was measured on the video, by shot, when fitted to a target
    fit             then: how, why so, and how far feet that stand slide, % of body height
    """

    size: tuple[int, int]
    box: Box | None
    drawn: PoseTrack
    ground: Ground
    source_grounds: dict[int, Ground]
    fit: dict[str, Any]


def place(opt: Options, source: Source, track: PoseTrack,
          target: 'Target | None') -> Placement:
    """Fit the track to the target, or cut a box around it."""
    if target:
        track = track.numbered(target.skeleton)
        grounds = measure_grounds(track)
        how, why = choose_how(grounds, target.ground) if opt.retarget == 'auto' else (
            opt.retarget, 'as asked')
        say(f'fitted to {opt.retarget_to} with --retarget {how}: {why}')
        fitted = retarget(track, grounds, target.ground, how=how, walk=opt.walk)
        kept = fitted.drop(~fitted.seen(), 'a shot too short to be measured')
        stands = contacts(track)
        fit = {'how': how, 'why': why, 'stage': opt.walk,
               'slide_before': slide(track, stands), 'slide_after': slide(kept, stands)}
        return Placement(target.size, None, kept, target.ground, grounds, fit)
    size = output_size(opt.crop, source.size, opt.size, opt.width, opt.height)
    box = choose_box(opt.crop, source.size, size, track.poses[track.kept])
    drawn = replace(track, poses=into_box(track.poses, box, size), size=size,
                    depth=None if track.depth is None else track.depth * size[0] / box[2])
    return Placement(size, box, drawn, measure_ground(drawn), {}, {})


def warn_if_rare(raw: PoseTrack, track: PoseTrack) -> None:
    found, total = int(raw.seen().sum()), len(raw)
    if not track.kept.any():
        raise UserError(f'a person was found in {found} of {total} frames, never long enough to '
                        f'follow. Look at the video, or take another part of it with --start '
                        f'and --end.')
    if found < RARELY_SEEN * total:
        warn(f'a person was found in only {found} of {total} frames; report.html lists the rest. '
             f'The whole body must be seen and not too small.')


def split(track: PoseTrack, val_fraction: float) -> dict[str, np.ndarray]:
    """Frames of each phase: the end is held out, after a gap, for neighbours are near copies."""
    kept = np.flatnonzero(track.kept)
    held = round(val_fraction * len(kept))
    if not held or held == len(kept):
        return {'train': kept}
    val = kept[-held:]
    before = kept[track.times[kept] < track.times[val[0]] - GAP]
    if len(before) < held:      # so short a clip that the gap would leave nothing to learn from
        warn(f'the clip is too short for a gap of {GAP:g} s before the held-out part, which is '
             f'therefore easier than a new video.')
        before = kept[:-held]
    return {'train': before, 'val': val}


class Target:
    """The person to be fitted to: datasets/NAME, or checkpoints/NAME with the facts it keeps."""

    def __init__(self, path: str):
        folder = Path(path)
        finish(folder)
        facts = read_json(folder / 'dataset.json') if (folder / 'dataset.json').is_file() else \
            read_record(folder).get('dataset', {})
        if 'stage' not in facts:
            raise UserError(f'--retarget_to {path}: holds no body measures. Give a dataset made '
                            f'by preprocess.py, or a run trained on one.')
        self.ground = Ground.from_dict(facts['stage'])
        self.size = (int(facts['size'][0]), int(facts['size'][1]))
        self.draw: dict[str, Any] = facts['draw']
        self.skeleton: str = facts['skeleton']
        self.parts = ','.join(('body', *skeleton_of(self.skeleton).parts))


class Writer:
    """Second pass over a source: cut, draw and write, several frames at a time."""

    def __init__(self, folder: Path, facts: dict[str, Any], track: PoseTrack,
                 phases: dict[str, np.ndarray], box: Box | None, size: tuple[int, int],
                 draw: dict[str, Any]):
        self.folder, self.layout, self.track = folder, facts['layout'], track
        self.box, self.size, self.draw = box, size, draw
        self.phase = {int(track.index[row]): (phase, int(row))
                      for phase, rows in phases.items() for row in rows}
        halves = ('_A', '_B') if self.layout == 'folders' else ('',)
        for phase in phases:
            for half in halves:
                (folder / f'{phase}{half}').mkdir()

    def write(self, source: Source, preview: Preview, threads: int) -> None:
        """Write every picture of the dataset, and show `preview` what it wants to see."""
        before = cv2.getNumThreads()
        cv2.setNumThreads(1)            # each picture has a thread already
        try:
            self.write_all(source, preview, threads)
        finally:
            cv2.setNumThreads(before)

    def write_all(self, source: Source, preview: Preview, threads: int) -> None:
        if self.layout == 'poses':
            jobs: Iterator[tuple[int, np.ndarray | None]] = (
                (index, None) for index in self.phase)
            preview.read(source)
        else:
            jobs = ((frame.index, frame.image)
                    for frame in preview.watch(prefetch(source.frames()))
                    if frame.index in self.phase)
        with ThreadPoolExecutor(threads) as pool:
            for _ in progress(in_order(pool, self.write_one, jobs, 16), 'drawing and writing',
                              len(self.phase)):
                pass

    def write_one(self, index: int, image: np.ndarray | None) -> None:
        phase, row = self.phase[index]
        name = f'{index + 1:06d}.png'
        pose = draw_pose(self.track.poses[row], self.size, self.draw['style'],
                         self.track.skeleton, self.draw['line_width'])
        if image is None or self.box is None:
            return write_image(self.folder / phase / name, pose)
        frame = cut_out(image, self.box, self.size)
        if self.layout == 'folders':
            write_image(self.folder / f'{phase}_A' / name, pose)
            return write_image(self.folder / f'{phase}_B' / name, frame)
        return write_image(self.folder / phase / name, np.hstack([pose, frame]))


def settings(opt: Options, source: Source, target: 'Target | None') -> dict[str, Any]:
    """What decides how the dataset looks: the options, the source file itself, and who the poses
    are fitted to. Two spellings of a path are the same file."""
    chosen = {k: v for k, v in opt.facts().items() if k not in NOT_SETTINGS}
    chosen['stage'] = chosen.pop('walk')        # the flag's name in datasets made before
    paths = {k: os.path.abspath(chosen[k]) for k in ('video', 'images', 'retarget_to')
             if chosen[k] is not None}
    fitted = {'target_stage': target.ground.to_dict(), 'target_draw': target.draw} if target else {}
    return chosen | paths | fitted | {'source_bytes': source.facts()['bytes']}


def is_finished(opt: Options, source: Source, target: 'Target | None') -> bool:
    """Whether the dataset is there already, made with these settings; UserError where it was made
    with others, or where the folder holds something else."""
    root = Path(opt.dataroot)
    finish(root)
    if not root.exists() or (root.is_dir() and not holds_something(root)):
        return False
    if not (root / 'dataset.json').is_file():
        raise no_dataset(root)
    if opt.overwrite:
        check_room(root, opt.images)
        return False
    made = read_json(root / 'dataset.json').get('settings', {})
    wanted = settings(opt, source, target)
    differ = [f'{k} was {made.get(k)} and is now {v}' for k, v in wanted.items()
              if made.get(k) != v]
    if differ:
        raise UserError(f'{root} was made with other settings: {"; ".join(differ)}. Add '
                        f'--overwrite to make it anew, or choose another --dataroot.')
    return True
