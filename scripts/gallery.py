"""Compares all models: trains each recipe for the same time, then writes one page and one video.

    python scripts/gallery.py --dataroot datasets/me --minutes 5

train.py and test.py run as separate processes, so that memory is measured for each recipe, and a
recipe that fails is only a line of the table. The same command resumes where it stopped.
"""
import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from data.facts import how_to_make, not_a_dataset, read_facts
from evaluation.records import read_metrics, read_painting
from models import artefacts, models
from options.legacy import modern
from options.parser import Parser
from options.steps import with_own_flags
from options.train_options import TrainOptions
from options.transfer_options import joined, words_of
from scripts.gallery_page import VIDEO, markdown, write_gallery, write_video
from scripts.processes import ROOT, Turn
from util.errors import UserError, run_main, say, unknown_choice, warn
from util.files import read_json, write_json
from util.metrics.names import HEADLINE_SCORES, is_better
from util.noted import in_the_way, recorded
from util.options import Options, check_more_than_0
from util.owned import replacing
from util.progress import clock
from util.runs import RunFolder, check_name
from util.shapes import anything, maybe, number, read_shaped, record, switch, table, text
from util.thumbnails import thumbnail_of
from util.words import command

# what gallery.json of a run holds
KEPT = record({'wanted': table(anything)}, {
    'note': text(), 'train_memory': maybe(number(0)), 'painted': switch, 'error': text()})
RECIPES = {
    'body2body': '--model body2body',
    'pix2pix': '--model pix2pix',
    'pix2pix_resnet': '--model pix2pix --netG resnet_9blocks',
    'pix2pixHD': '--model pix2pixHD',
    'hourglass': '--model pix2pixHD --netG stacked_hourglass',
    'everybody_dance_now': '--model everybody_dance_now',
    'vanilla': '--model vanilla',
    'vanilla_gan': '--model vanilla_gan',
    'nearest_none': '--model nearest --align none',
    'nearest_similarity': '--model nearest --align similarity',
    'nearest_bones': '--model nearest --align bones',
}
NOT_SHOWN = {'template'}        # a file to copy, not a published model
OTHER_SECONDS = 120.0           # of a recipe without its training; only for the progress bar
NO_VGG = '--no_vgg_loss'
RECORD = 'gallery.json'
OURS = RECORD, VIDEO, 'index.html', thumbnail_of(VIDEO)       # in RESULTS_DIR/NAME


class Recipe:
    """One recipe and its run CHECKPOINTS_DIR/GALLERY_NAME, whose gallery.json records progress.

    inputs   what the results depend on: when that changes, they are out of date
    record   gallery.json: {'wanted': the inputs it was trained with, 'note', and once they are
             known 'train_memory' (peak MB of the process), 'painted', or 'error'}
    """

    def __init__(self, name: str, opt: argparse.Namespace):
        self.name, self.opt = name, opt
        words = shlex.split(RECIPES[name])
        self.model = words[words.index('--model') + 1]
        self.trains = models.find(self.model).TRAINS
        extra = fitting(self.model, opt.train_args)
        clock_flags = ['--max_minutes', f'{opt.minutes:g}'] if self.trains else []
        self.train_flags = [*words, *clock_flags, *extra]
        self.run = RunFolder(opt.checkpoints_dir, f'{opt.name}_{name}', artefacts())
        self.results = Path(opt.results_dir) / opt.name
        self.folder = self.results / self.run.path.name / 'latest_val'
        self.log = self.results / 'logs' / f'{name}.txt'
        self.inputs = {'train': self.train_flags, 'dataroot': opt.dataroot,
                       'made': read_facts(Path(opt.dataroot)).get('made')}
        kept = self.run.path / 'gallery.json'
        then = 'Train again with --overwrite, or choose another --name.'
        self.record: dict[str, Any] = read_shaped(kept, KEPT, then) if kept.is_file() else {}

    def check(self) -> None:
        """UserError where the folder holds another run, or this recipe with other inputs."""
        if not self.record and self.run.has_weights and not self.opt.overwrite:
            raise UserError(f'{self.run.path} holds a run that is not of this gallery. Choose '
                            f'another --name.')
        if self.record and self.record['wanted'] != self.inputs and not self.opt.overwrite:
            raise UserError(f'{self.run.path} was trained with other flags, or on another dataset. '
                            f'Choose another --name, or train again with --overwrite.')

    @property
    def trained(self) -> bool:
        return 'train_memory' in self.record

    @property
    def finished(self) -> bool:
        return 'painted' in self.record and all(
            (self.folder / name).is_file() for name in ('painting.json', 'metrics.json'))

    def save(self, **entries: Any) -> None:
        self.record |= entries
        write_json(self.run.path / 'gallery.json', self.record)

    def do(self, call: Callable[[str, str, list[str]], float | None]) -> None:
        """Train, paint and measure, without the steps that are done; record a failure as 'error'.

        call    call(what, script, argv) -> its peak MB; UserError when the script fails
        """
        outdated = self.opt.overwrite and self.record.get('wanted') != self.inputs
        restart = outdated or not (self.trains or self.trained)
        self.record = {} if restart else self.record
        self.record.pop('error', None)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        common = ['--dataroot', self.opt.dataroot, '--name', self.run.path.name,
                  '--checkpoints_dir', self.opt.checkpoints_dir]
        try:
            if not self.trained:
                resumes = bool(self.record) and self.run.has_weights
                note = self.record.get('note', '') if resumes else self.why_no_vgg()
                self.save(wanted=self.inputs, note=note)
                how = ['--continue_train'] if resumes else ['--overwrite'] if restart else []
                flags = [*self.train_flags, *([NO_VGG] if note else []), *how]
                self.save(train_memory=call('training', 'train.py', [*common, *flags]))
            call('painting', 'test.py', [*common, '--results_dir', str(self.results)])
            self.save(painted=True)
        except UserError as error:
            told = with_own_flags(str(error), set(), {'--continue_train': 'the same command again'})
            warn(f'{self.name} is left out: {told}')
            self.save(wanted=self.inputs, error=told)

    def why_no_vgg(self) -> str:
        """Why this recipe trains without its VGG loss, for the table; '' where it has that loss
        or needs none."""
        flags = flags_of(self.model)
        if NO_VGG[2:] not in flags or '--vgg_weights' in self.train_flags or \
                NO_VGG in self.train_flags or vgg_is_here():
            return ''
        return 'no VGG weights here, so trained without its perceptual loss (python ' \
               'scripts/get_models.py lpips fetches them)'

    def row(self) -> dict[str, Any]:
        """The recipe's line of gallery.json and of the table."""
        row = {'recipe': self.name, 'flags': ' '.join(self.inputs['train']),
               'run': str(self.run.path), 'note': self.record.get('note', '')}
        if not self.finished:
            return row | {'error': self.record.get('error', 'not finished')}
        painting = read_painting(self.folder, 'seconds_a_frame', 'device', 'parameters',
                                 'memory')
        return row | read_metrics(self.folder)['scores'].get('painted', {}) | {
            'seconds_a_frame': painting['seconds_a_frame'], 'device': painting['device'],
            'parameters': painting['parameters'],
            'train_memory': self.record['train_memory'],
            'paint_memory': painting['memory'],
            'frames': len(painting['frames'])}


def flags_of(model: str) -> set[str]:
    """The flags, without dashes, of train.py --model MODEL."""
    parser = Parser('')
    TrainOptions().declare(parser)
    models.find(model).declare_options(parser.add_argument_group(), 'train')
    return parser.flags()


def fitting(model: str, text: str) -> list[str]:
    """The flags in `text`, with their values, that train.py --model MODEL has."""
    flags = flags_of(model)
    kept: list[str] = []
    fits = True
    for word in modern(words_of('train_args', text), flags)[0]:
        if word.startswith('--'):
            fits = word[2:].partition('=')[0] in flags
        if fits:
            kept.append(word)
    return kept


def vgg_is_here() -> bool:
    """Whether the perceptual loss has its weights. Asked in another process, to free its memory."""
    ask = 'from models.perceptual import find_perceptual_loss as find; find(None)'
    return subprocess.run([sys.executable, '-c', ask], cwd=ROOT, capture_output=True,
                          env={**os.environ, 'PYTHONPATH': str(ROOT)}).returncode == 0


def do_all(recipes: Sequence[Recipe], minutes: float) -> None:
    """Each recipe in turn, with one progress bar for all."""
    to_do = [recipe for recipe in recipes if not recipe.finished]
    length = {recipe: OTHER_SECONDS + 60 * minutes * (recipe.trains and not recipe.trained)
              for recipe in to_do}
    start = 0.0
    with clock('gallery', sum(length.values())) as bar:
        for number, recipe in enumerate(to_do, len(recipes) - len(to_do) + 1):
            turn = Turn(bar, f'{number} of {len(recipes)}, {recipe.name}', start, length[recipe],
                        recipe.log)
            recipe.do(turn.call)
            start += length[recipe]


def ranked(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the table, best first by the first of HEADLINE_SCORES that all have; failed
    recipes last."""
    painted = [row for row in rows if 'error' not in row]
    for key in HEADLINE_SCORES:
        if all(row.get(key) is not None for row in painted):
            painted.sort(key=lambda row: row[key], reverse=is_better(key, 1, 0))
            break
    return painted + [row for row in rows if 'error' in row]


def options(argv: Sequence[str] | None) -> Options:
    parser = Parser(__doc__.split('\n\n')[0], formatter=argparse.HelpFormatter)
    parser.add_argument('--dataroot', required=True, help='dataset with train/ and val/')
    parser.add_argument('--minutes', type=float, default=5.0, help='training time of each recipe')
    parser.add_argument('--recipes', default=','.join(RECIPES), metavar='NAME,NAME',
                        help=f'which recipes; default: all of {", ".join(RECIPES)}')
    parser.add_argument('--name', default='gallery', help='the page goes to RESULTS_DIR/NAME, '
                        'the runs go to CHECKPOINTS_DIR/NAME_RECIPE')
    parser.add_argument('--checkpoints_dir', default='./checkpoints', help='where runs go')
    parser.add_argument('--results_dir', default='./results', help='where results go')
    parser.add_argument('--train_args', default='', help='more flags for train.py, used by each '
                        'recipe that has them, e.g. "--ngf 32"')
    parser.add_argument('--overwrite', action='store_true',
                        help='train recipes again that were trained with other flags')
    opt = parser.read(joined(list(sys.argv[1:] if argv is None else argv)))
    opt.recipes = opt.recipes.split(',')
    for name in opt.recipes:
        if name not in RECIPES:
            raise unknown_choice('--recipes', name, RECIPES, 'a line for {} in scripts/gallery.py')
    check_more_than_0(opt, ['minutes'])
    check_name(opt.name)
    return opt


def check_extra(opt: argparse.Namespace, recipes: Sequence[Recipe]) -> None:
    """UserError for a flag of --train_args that no recipe has."""
    given = {word.partition('=')[0] for word in words_of('train_args', opt.train_args)
             if word.startswith('--')}
    used = {word.partition('=')[0] for recipe in recipes for word in recipe.train_flags}
    for flag in sorted(given - used):
        raise UserError(f'--train_args "{flag}": none of these recipes has it. To list the flags '
                        f'of one, type '
                        + command('train.py', '--help', model=recipes[0].model))


def main(argv: Sequence[str] | None = None) -> Path:
    """Do as `argv` says. Returns the page."""
    opt = options(argv)
    if not Path(opt.dataroot, 'val').is_dir():
        if not Path(opt.dataroot).is_dir():
            raise not_a_dataset(Path(opt.dataroot), '--dataroot')
        raise UserError(f'{opt.dataroot}/val: no such folder; the table needs held-out frames. '
                        f'To make it, type {how_to_make(Path(opt.dataroot))}')
    recipes = [Recipe(name, opt) for name in opt.recipes]
    check_extra(opt, recipes)
    for recipe in recipes:
        recipe.check()
    folder = recipes[0].results

    def written() -> set[str]:
        known = recorded(folder)
        return known if RECORD in known else written_by_older(folder)
    for name in OURS:
        if os.path.lexists(folder / name) and name not in written():
            raise in_the_way(folder / name)
    with replacing(folder, written, 'index.html') as new:
        do_all(recipes, opt.minutes)
        rows = ranked([recipe.row() for recipe in recipes])
        painted = {row['recipe']: folder / f'{opt.name}_{row["recipe"]}' / 'latest_val'
                   for row in rows if 'error' not in row}
        write_json(new / RECORD, {'dataroot': opt.dataroot, 'minutes': opt.minutes,
                                  'recipes': rows})
        if painted:
            write_video(new / VIDEO, painted)
        write_gallery(new, folder, opt.dataroot, opt.minutes, rows, painted)
    page = folder / 'index.html'
    last = f'video: {folder / VIDEO}' if painted else 'no video: every recipe failed'
    say(f'\n{markdown(rows)}\n\n{last}\npage: {page}')
    return page


def written_by_older(folder: Path) -> set[str]:
    """What an earlier version of this script wrote there, which recorded only its poster."""
    record = folder / RECORD
    found = read_json(record) if record.is_file() else {}
    is_ours = isinstance(found, dict) and 'recipes' in found
    return {name for name in OURS if (folder / name).is_file()} if is_ours else set()


if __name__ == '__main__':
    run_main(main, 'To go on: the same command again.')
