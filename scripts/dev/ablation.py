"""What each part of --model body2body is worth: taken away in turn, measured and shown.

    python scripts/dev/ablation.py --dataroot datasets/me                 before any training
    python scripts/dev/ablation.py --dataroot datasets/me --minutes 2     each trained this long
    python scripts/dev/ablation.py --pairs pairs.json                     a stranger's poses

Writes OUT/ablation.md, a table of means over some held-out frames, inside the person's box, and of
how far the whole film is from following the real motion (util.metrics.motion), and OUT/PART.jpg for
each part: pose, truth, all of it, and what is painted without. scripts.dev.ablation_pairs does so
for pairs of videos, as scripts/suite.py lists them, by what needs no truth.
"""
import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from scripts.dev.ablation_pairs import OF_PAIRS, ablate_pairs, table_of_pairs
from scripts.dev.ablation_parts import ALL, PARTS, SHOWN, Part, sheet
from scripts.suite_pairs import read_pairs
from util.errors import UserError, run_main, say, unknown_choice
from util.images import resized, size_of, write_image
from util.metrics.names import in_words, written
from util.noted import check_ours, in_the_way, noted, noted_file, write_noted
from util.progress import progress
from util.sampling import evenly_spaced

AT_WORK = '.ablation'          # there while the folder's run, ablation/, is this script's
SCORES = 'box_lpips_alex', 'box_lpips_vgg', 'box_ssim', 'warp_error'


def paint(part: Part, opt: argparse.Namespace
          ) -> tuple[dict[int, dict[str, Any]], dict[str, float]]:
    """{number of a held-out frame: its pictures by 'pose', 'real' and 'painted', and the person's
    'box', rows and columns} of some, and the scores of all as a film; trained first, as long as is
    asked for."""
    import train
    from data import datasets
    from data.loader import Loader
    from evaluation.evaluators import FrameSet, MotionEvaluator
    from evaluation.painting import paint_batches
    from models import models
    from models.engine import choose_engine
    from options.test_options import TestOptions
    from pose.silhouette import person_box
    from util.runs import read_record
    run = ['--dataroot', opt.dataroot, '--name', 'ablation', '--checkpoints_dir', str(opt.out)]
    train.main([*run, '--model', 'body2body', '--overwrite', '--no_html', '--display_id', '0',
                '--max_minutes', f'{opt.minutes:g}', *part.flags], settings=part.settings)
    asked = TestOptions().parse(run)
    record = read_record(opt.out / 'ablation').get('dataset', {})
    dataset = datasets.find(asked.dataset_mode)(asked, 'val', record)
    model = models.find('body2body')(asked, choose_engine())
    model.load_weights(opt.out / 'ablation', 'latest')
    model.on_dataset(dataset)
    out, motion = {}, MotionEvaluator(has_truth=True, with_flow=True)
    with closing(paint_batches(model, dataset, Loader(dataset).epoch())) as every:
        for k, one in enumerate(progress(every, 'painting', len(dataset))):
            real, pose = one.batch['B'][0], one.batch['joints'][0]
            shown = resized(one.fake[0], size_of(real))     # the film may be larger than the pairs
            motion.process(FrameSet({'painted': shown}, real, None, None, dataset.follows(k)))
            if k % opt.every == 0:
                out[k] = {'pose': one.poses[0], 'real': real, 'painted': shown,
                          'box': person_box(pose, size_of(real))}
    return out, motion.scores()['painted']


def scores(frames: Mapping[int, Mapping[str, Any]]) -> dict[str, float]:
    """What test.py would say of them one by one, as far as it can be measured here."""
    from evaluation.evaluate import lpips_evaluators, merge_scores
    from evaluation.evaluators import FrameSet, ImageEvaluator
    from models.engine import choose_engine
    size = min(size_of(next(iter(frames.values()))['real']))
    evaluators = [ImageEvaluator(thorough=False),
                  *lpips_evaluators(len(frames), choose_engine(), size, missing={})]
    for frame in frames.values():
        for evaluator in evaluators:
            evaluator.process(FrameSet({'painted': frame['painted']}, frame['real'], None,
                                       frame['box'], False))
    found, _ = merge_scores(evaluators)
    return {key: found['painted'][key] for key in SCORES if key in found['painted']}


def compared(whole: Mapping[int, Mapping[str, Any]], lacking: Mapping[int, Mapping[str, Any]],
             says: str) -> np.ndarray:
    """Pose, truth, all of it and what is painted without, one below the other, of some frames."""
    keys = list(whole)
    keys = [keys[k] for k in evenly_spaced(len(keys), SHOWN)]
    rows = [('pose', whole, 'pose'), ('real', whole, 'real'), (ALL, whole, 'painted'),
            (says, lacking, 'painted')]
    return sheet([(name, [source[k][kind] for k in keys]) for name, source, kind in rows])


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """The scores in Markdown, a row for each part."""
    known = [key for key in SCORES if all(key in row for row in found.values())]
    lines = [f'| without | painted then | {" | ".join(in_words(key) for key in known)} |',
             f'|---|---|{"---|" * len(known)}']
    for name, row in found.items():
        lines.append(f'| {name} | {PARTS[name].says} | '
                     f'{" | ".join(written(key, row[key]) for key in known)} |')
    return '\n'.join(lines) + '\n'


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or '').split('\n\n')[0],
                                     allow_abbrev=False)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument('--dataroot', help='dataset with train/ and val/')
    where.add_argument('--pairs', type=Path, metavar='PAIRS.json',
                       help='list of targets and sources, as of scripts/suite.py')
    parser.add_argument('--minutes', type=float, default=0.0, help='training time of each')
    parser.add_argument('--parts', default='', metavar='NAME,NAME',
                        help=f'some of them, with commas between: {", ".join(PARTS)}')
    parser.add_argument('--every', type=int, default=6, help='use every N-th held-out frame')
    parser.add_argument('--out', type=Path, default=Path('results/ablation'), help='folder')
    opt = parser.parse_args(argv)
    opt.parts = chosen_parts(opt)
    if opt.minutes < 0 or opt.every < 1:
        raise UserError('--minutes and --every: give 0 or more, and 1 or more.')
    return opt


def chosen_parts(opt: argparse.Namespace) -> list[str]:
    """All of it, and the parts to take away: those that --parts names, else what can be seen."""
    given = [name for name in opt.parts.split(',') if name]
    for name in given:
        if name not in PARTS:
            raise unknown_choice('--parts', name, PARTS,
                                 'a line for {} in scripts/dev/ablation_parts.py')
        if PARTS[name].is_of_moves and not opt.pairs:
            raise UserError(f'--parts {name} is about the poses of a dancer. Give --pairs.')
    seen = [name for name, part in PARTS.items()
            if not part.is_of_moves and (opt.minutes or not part.trains)]
    chosen = given or (OF_PAIRS if opt.pairs else seen)
    return [name for name in PARTS if name == ALL or name in chosen]


def main(argv: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Do as `argv` says. Returns the scores of each part, or of each pair and part."""
    opt = options(argv)
    if not opt.pairs:
        return on_dataset(opt)
    found = ablate_pairs(read_pairs(opt.pairs), opt.parts, opt.out, opt.minutes)
    say(f'{table_of_pairs(found)}\n{opt.out}')
    return found


def on_dataset(opt: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The scores of each part on a dataset's held-out frames, which are written and shown."""
    if not Path(opt.dataroot, 'val').is_dir():
        raise UserError(f'{opt.dataroot}/val: no such folder, and held-out frames are what is '
                        f'measured. preprocess.py --video me.mp4 --dataroot {opt.dataroot} makes '
                        f'one.')
    if (opt.out / 'ablation').exists() and AT_WORK not in noted(opt.out):
        raise in_the_way(opt.out / 'ablation')      # no run of a call that was stopped
    check_ours(opt.out, ['ablation.md', *(f'{name}.jpg' for name in opt.parts)])
    opt.out.mkdir(parents=True, exist_ok=True)
    write_noted(opt.out / AT_WORK, '')
    found: dict[str, dict[str, float]] = {}
    whole: dict[int, dict[str, Any]] = {}
    for name in opt.parts:
        part = PARTS[name]
        frames, film = paint(part, opt)
        whole = whole or frames
        found[name] = scores(frames) | {key: film[key] for key in SCORES if key in film}
        if name != ALL:
            with noted_file(opt.out, f'{name}.jpg') as picture:
                write_image(picture, compared(whole, frames, part.says))
        write_noted(opt.out / 'ablation.md', table(found))
    shutil.rmtree(opt.out / 'ablation')
    (opt.out / AT_WORK).unlink()
    say(f'{table(found)}\n{opt.out}')
    return found


if __name__ == '__main__':
    run_main(main)
