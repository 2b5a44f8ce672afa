"""What each part of --model body2body is worth: taken away in turn, measured and shown.

    python scripts/dev/ablation.py --dataroot datasets/me                 before any training
    python scripts/dev/ablation.py --dataroot datasets/me --minutes 2     each trained this long

Writes OUT/ablation.md, a table of means over some held-out frames, inside the person's box, and of
how far the whole film is from following the real motion (util.metrics.motion), and OUT/PART.jpg for
each part: pose, truth, all of it, and what is painted without.
"""
import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from models.warping.settings import Body2BodySettings
from pose.matching.retrieval import RetrievalSettings
from scripts.gallery_page import named
from util.errors import UserError, run_main, say, unknown_choice
from util.files import write_text
from util.images import size_of, write_image
from util.metrics.names import in_words, written
from util.owned import in_the_way
from util.progress import progress
from util.sampling import evenly_spaced

UNTRAINED = ['--max_steps', '1', '--lr', '1e-9']
SHOWN = 4                       # frames in a picture
SCORES = 'box_lpips_alex', 'box_lpips_vgg', 'box_ssim', 'warp_error'


TODAY = Body2BodySettings()


@dataclass(frozen=True)
class Part:
    """What is changed to take a part away.

    says      in words, what is painted then
    settings  of the model
    flags     of train.py
    trains    whether it is a part of training, so that nothing is seen of it before
    """
    says: str
    settings: Body2BodySettings = TODAY
    flags: Sequence[str] = ()
    trains: bool = False


def warp(**values: Any) -> Body2BodySettings:
    return replace(TODAY, warp=replace(TODAY.warp, **values))


def blend(**values: Any) -> Body2BodySettings:
    return replace(TODAY, blend=replace(TODAY.blend, **values))


def selection(**values: Any) -> Body2BodySettings:
    return replace(TODAY, selection=replace(TODAY.selection, **values))


ALL = 'all of it'
PARTS = {
    ALL: Part('as it is'),
    'frames': Part('one frame is retrieved, not three',
                   flags=('--num_frames', '1')),
    'complement': Part('further frames are the next nearest, not those that best show '
                       'what the first one hides',
                       selection(strain=0.0, whole=1.0)),
    'strain': Part('the nearest frame shows every limb, not the frame with the least '
                   'deformation there',
                   blend(strain=0.0)),
    'mirror': Part('no frame is mirrored',
                   selection(mirrored=1e6)),
    'side': Part('facing left counts the same as facing right',
                 selection(side=0.0)),
    'path': Part('the nearest frame each time, however much the sequence jumps',
                 selection(retrieval=RetrievalSettings(jump=0.0))),
    'bend': Part('frames are moved and scaled, not bent',
                 warp(body=1e6)),
    'drawn_out': Part('stretching and folding do not count as strain',
                      warp(stretch=0.0, fold=0.0)),
    'around': Part('strain is taken at each place alone, not as the mean around it',
                   warp(mean_of=0)),
    'turned': Part('a trunk that faces another way is no strain',
                   warp(facing=0.0)),
    'far': Part('pixels far from every bone follow the whole body, not the nearest bone',
                warp(body=0.05)),
    'feet': Part('feet are stretched with their bones',
                 warp(rigid_feet=False)),
    'shadow': Part('the shadow on the floor is cut out with the person',
                   replace(TODAY, darkest_shadow=2.0)),
    'temporal': Part('no temporal blending: nothing comes from the previous painted frame',
                     replace(TODAY, previous_frame=0.0)),
    'light': Part('the person keeps the light of the retrieved frame',
                  replace(TODAY, light=0.0), trains=True),
    'offset': Part('the network cannot shift where it samples',
                   replace(TODAY, offset_reach=0.0),
                   trains=True),
    'window': Part('each step sees the whole picture, not a window',
                   blend(window=1 << 16), trains=True),
    'wrong': Part('no wrong frames while training',
                  replace(TODAY, wrong_frames=0.0), trains=True),
    'noise': Part('no noise on the joints while training',
                  replace(TODAY, joint_noise=0.0),
                  trains=True),
    'lpips': Part("pix2pixHD's perceptual loss in place of LPIPS",
                  replace(TODAY, lpips=False),
                  trains=True),
    'perceptual': Part('no perceptual loss',
                       flags=('--no_vgg_loss',), trains=True),
    'adversary': Part('no adversary',
                      flags=('--lambda_GAN', '0', '--lambda_feat', '0'),
                      trains=True),
    'average': Part('the weights of the last step, not their running average (EMA)',
                    flags=('--ema', '0'), trains=True)}


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
    length = ['--max_minutes', f'{opt.minutes:g}'] if opt.minutes else UNTRAINED
    train.main([*run, '--model', 'body2body', '--overwrite', '--no_html', '--display_id', '0',
                *length, *part.flags], settings=part.settings)
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
            motion.process(FrameSet({'painted': one.fake[0]}, real, None, None, dataset.follows(k)))
            if k % opt.every == 0:
                out[k] = {'pose': one.poses[0], 'real': real, 'painted': one.fake[0],
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


def sheet(whole: Mapping[int, Mapping[str, Any]], lacking: Mapping[int, Mapping[str, Any]],
          says: str) -> np.ndarray:
    """Pose, truth, all of it and what is painted without, one below the other, of some frames."""
    keys = list(whole)
    keys = [keys[k] for k in evenly_spaced(len(keys), SHOWN)]
    rows = [('pose', whole, 'pose'), ('real', whole, 'real'), (ALL, whole, 'painted'),
            (says, lacking, 'painted')]
    return np.vstack([named(np.hstack([source[k][kind] for k in keys]), name)
                      for name, source, kind in rows])


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
    parser.add_argument('--dataroot', required=True, help='dataset with train/ and val/')
    parser.add_argument('--minutes', type=float, default=0.0, help='training time of each')
    parser.add_argument('--parts', default='', metavar='NAME,NAME',
                        help=f'some of them, with commas between: {", ".join(PARTS)}')
    parser.add_argument('--every', type=int, default=6, help='use every N-th held-out frame')
    parser.add_argument('--out', type=Path, default=Path('results/ablation'), help='folder')
    opt = parser.parse_args(argv)
    given = [name for name in opt.parts.split(',') if name]
    for name in given:
        if name not in PARTS:
            raise unknown_choice('--parts', name, PARTS,
                                 'a line for {} in scripts/dev/ablation.py')
    opt.parts = [name for name, part in PARTS.items() if name == ALL or (
        name in given if given else opt.minutes or not part.trains)]
    if opt.minutes < 0 or opt.every < 1:
        raise UserError('--minutes and --every: give 0 or more, and 1 or more.')
    return opt


def main(argv: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Do as `argv` says. Returns the scores of each part."""
    opt = options(argv)
    if not Path(opt.dataroot, 'val').is_dir():
        raise UserError(f'{opt.dataroot}/val: no such folder, and held-out frames are what is '
                        f'measured. preprocess.py --video me.mp4 --dataroot {opt.dataroot} makes '
                        f'one.')
    if (opt.out / 'ablation').exists():
        raise in_the_way(opt.out / 'ablation')
    opt.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, float]] = {}
    whole: dict[int, dict[str, Any]] = {}
    for name in opt.parts:
        part = PARTS[name]
        frames, film = paint(part, opt)
        whole = whole or frames
        found[name] = scores(frames) | {key: film[key] for key in SCORES if key in film}
        if name != ALL:
            write_image(opt.out / f'{name}.jpg', sheet(whole, frames, part.says))
        write_text(opt.out / 'ablation.md', table(found))
    shutil.rmtree(opt.out / 'ablation')
    say(f'{table(found)}\n{opt.out}')
    return found


if __name__ == '__main__':
    run_main(main)
