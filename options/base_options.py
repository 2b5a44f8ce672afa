"""The options of every entry point: strict parsing, older spellings, frozen results.

Who wins: a flag's default < the model's DEFAULTS < the run's record < what was typed.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from options.legacy import NOT_HERE, modern, modern_facts, older_spellings
from options.owners import owners
from options.record import MOST, from_record
from options.suffix import filled
from util.errors import UserError, warn
from util.options import (
    Options,
    check_finite,
    check_least,
    check_most,
    refuse,
    whole,
    whole_or_inf,
)
from util.owned import placed
from util.runs import check_name, read_record, record_file
from util.words import pasted


class Parser(argparse.ArgumentParser):
    """argparse whose errors are UserErrors and whose misspelt flags name the nearest one.

    prog       the script whose flags these are; default: the one that runs
    declared   {flag: what argparse knows of it}, without dashes
    describing the flags that describe the network and the data: what a run's record may set
    """

    def __init__(self, description: str, prog: str | None = None,
                 formatter: type[argparse.HelpFormatter] = argparse.ArgumentDefaultsHelpFormatter):
        self.older = older_spellings()
        self.declared: dict[str, argparse.Action] = {}
        self.describing: set[str] = set()
        super().__init__(prog=prog, description=description, allow_abbrev=False,
                         formatter_class=formatter)

    def add_argument(self, *names: str, **about: Any) -> argparse.Action:   # type: ignore[override]
        return self.note(super().add_argument(*names, **about))

    def add_argument_group(self, *words: Any, describes: bool = False,
                           **about: Any) -> argparse._ArgumentGroup:
        """A group whose flags are in `declared` too, and in `describing` if it `describes`."""
        group = super().add_argument_group(*words, **about)
        add = group.add_argument

        def add_argument(*names: str, **about: Any) -> argparse.Action:
            action = self.note(add(*names, **about))
            if describes:
                self.describing.add(action.dest)
            return action
        group.add_argument = add_argument       # type: ignore[method-assign, assignment]
        return group

    def note(self, action: argparse.Action) -> argparse.Action:
        if action.type is int:
            action.type = whole
        for option in action.option_strings:
            if option.startswith('--'):
                self.declared[option[2:]] = action
        return action

    def error(self, message: str) -> NoReturn:
        message = message.removeprefix('argument ')
        if message.endswith('expected one argument'):
            flag = message.partition(':')[0]
            message = f'{flag}: a value is missing (one that begins with -- is given as {flag}=--x)'
        raise UserError(f'{message}. {self.prog} --help lists every flag.')

    def flags(self) -> set[str]:
        return set(self.declared)

    def format_help(self) -> str:
        flags = self.flags()
        here = [f'--{old} (--{new})' for old, new in self.older.items() if new in flags]
        self.epilog = f'Older spellings are understood too: {", ".join(here)}.' if here else None
        return super().format_help()

    def parse_strictly(self, argv: list[str], into: Options) -> Options:
        """Parse everything or raise UserError; warn of flags without effect."""
        argv, dropped = modern(argv, self.flags())
        opt, unknown = self.parse_known_args(argv, into)
        if unknown:
            raise self.unknown_flag(unknown[0])
        for why in dict.fromkeys(dropped.values()):
            names = [f'--{name}' for name, reason in dropped.items() if reason == why]
            has, is_ = ('has', 'is') if len(names) == 1 else ('have', 'are')
            because = f': {why}' if why else ''
            warn(f'{", ".join(names)} {has} no effect here and {is_} ignored{because}.')
        return opt

    def read(self, argv: Sequence[str] | None = None) -> Options:
        """What was typed; `argv` is the command line by default."""
        return self.parse_strictly(list(sys.argv[1:] if argv is None else argv), Options())

    def unknown_flag(self, word: str) -> UserError:
        if not word.startswith('-'):
            return UserError(f'{word}: belongs to no flag. {self.prog} --help lists every flag.')
        if not word.startswith('--'):
            return UserError(f'{word}: no such flag. {self.prog} --help lists every flag; a name '
                             f'that begins with a dash is given as {pasted("./" + word)}')
        name = word.lstrip('-').partition('=')[0]
        if name in NOT_HERE:
            return UserError(f'--{name}: {NOT_HERE[name]}.')
        where = owners(name, self.get_default('model'))
        if where:
            return UserError(f'--{name}: {where}')
        close = get_close_matches(name, self.flags() | set(self.older), n=1)
        hint = f' Did you mean --{close[0]}?' if close else ''
        return UserError(f'--{name}: no such flag.{hint} {self.prog} --help lists every flag.')


class EntryOptions:
    """The options of one entry point. Says which flags exist; prints and creates nothing."""

    description = ''
    script: str | None = None       # whose flags these are; None: the script that runs

    def declare(self, parser: Parser) -> None:
        """Add this entry point's flags."""

    def defaults(self) -> dict[str, Any]:
        """{flag: value} where nothing is typed."""
        parser = Parser(self.description, self.script)
        self.declare(parser)
        return {flag: action.default for flag, action in parser.declared.items()}

    def parse(self, argv: list[str] | None = None) -> Options:
        """Frozen options from `argv` (default: the command line)."""
        parser = Parser(self.description, self.script)
        self.declare(parser)
        argv = sys.argv[1:] if argv is None else argv
        return parser.parse_strictly(argv, Options()).freeze()


class BaseOptions(EntryOptions):
    """The options of training and painting: the dataset, the networks, the device, the run."""

    phase = ''          # 'train' or 'test': what a model or dataset declares its flags for

    # what a record sets apart from the flags that describe the network and the data, and which of
    # those belong to one call, not to the run
    ALSO_FROM_RECORD: set[str] = set()
    NOT_FROM_RECORD = {'num_threads', 'max_dataset_size', 'load_pretrain'}

    LEAST = {'batch_size': 1, 'num_threads': 0, 'ngf': 1, 'load_size': 1, 'crop_size': 1,
             'max_dataset_size': 1, 'init_gain': 0}

    MOST = MOST

    def declare(self, parser: Parser) -> None:
        run = parser.add_argument_group('run')
        run.add_argument('--name', default='experiment_name',
                         help='name of the run, kept in CHECKPOINTS_DIR/NAME')
        run.add_argument('--suffix', default='',
                         help='added to --name after a _, with the values of flags in braces, as '
                              'in {model}_size{load_size}')
        run.add_argument('--checkpoints_dir', default='./checkpoints', help='folder of all runs')
        run.add_argument('--model', default='pix2pix', help='models/MODEL_model.py')
        run.add_argument('--epoch', default='latest',
                         help='saved epoch to load: a number, latest or best')
        run.add_argument('--verbose', action='store_true', help='print the networks')

        data = parser.add_argument_group('data', describes=True)
        data.add_argument('--dataroot', help='dataset folder, which holds train/ and val/')
        data.add_argument('--dataset_mode', default='aligned', help='data/MODE_dataset.py')
        data.add_argument('--direction', default='AtoB', choices=['AtoB', 'BtoA'],
                          help='A is the left half (pose), B the right half (frame)')
        data.add_argument('--input_nc', type=int, default=3, help='channels of the pose image')
        data.add_argument('--output_nc', type=int, default=3, help='channels of the frame')
        data.add_argument('--batch_size', type=int, default=1, help='images per step')
        data.add_argument('--num_threads', type=int, default=2, help='threads that load images')
        data.add_argument('--max_dataset_size', type=whole_or_inf, default=None,
                          help='use at most this many images')
        data.add_argument('--preprocess', default='resize_and_crop', metavar='HOW', choices=[
            'resize_and_crop', 'crop', 'scale_width', 'scale_width_and_crop', 'none'],
            help='how --load_size and --crop_size are applied: resize_and_crop, crop, '
                 'scale_width, scale_width_and_crop or none; without the two, nothing is done')
        data.add_argument('--load_size', type=int, default=None,
                          help='resize images to this size; default: keep their size')
        data.add_argument('--crop_size', type=int, default=None,
                          help='then crop to this size; default: no crop')

        net = parser.add_argument_group('networks', describes=True)
        net.add_argument('--netG', default='unet_256', help='generator: unet_128, unet_256, '
                         'resnet_6blocks, resnet_9blocks, global, local or stacked_hourglass')
        net.add_argument('--ngf', type=int, default=64, help='filters in the last layer of G')
        net.add_argument('--norm', default='batch', choices=['batch', 'instance', 'none',
                                                             'syncbatch'], help='normalization')
        net.add_argument('--no_dropout', action='store_true', help='no dropout in G')
        net.add_argument('--init_type', default='normal', choices=[
            'normal', 'xavier', 'kaiming', 'orthogonal'], help='how weights are initialized')
        net.add_argument('--init_gain', type=float, default=0.02,
                         help='scale of the initial weights')

        machine = parser.add_argument_group('machine')
        machine.add_argument('--device', default='auto', choices=['auto', 'cpu', 'cuda', 'mps'],
                             help='where to compute')
        machine.add_argument('--gpu_ids', default=None,
                             help='as upstream: 0, or 0,1, or -1 for the CPU')
        machine.add_argument('--precision', default='auto', choices=['auto', 'fp32', 'bf16'],
                             help='auto: bf16 where the processor supports it')
        machine.add_argument('--no_compile', action='store_true',
                             help='never use torch.compile')

    def parse(self, argv: list[str] | None = None, dataset_made: bool = True) -> Options:
        """Frozen options from `argv` (default: the command line).

        dataset_made   False: the dataset is still to be made, so what a model makes of it and of
                       its own flags is not checked yet
        """
        from data import datasets
        from models import models

        argv = sys.argv[1:] if argv is None else argv
        known, typed, record = self.look_first(argv)

        parser = Parser(self.description, self.script)
        self.declare(parser)                                                # 1. flag defaults
        model = models.find(known['model'])
        dataset = datasets.find(known['dataset_mode'])
        for kind, flag in ((model, 'model'), (dataset, 'dataset_mode')):
            group = parser.add_argument_group(f'--{flag} {known[flag]}', describes=True)
            kind.declare_options(group, self.phase)
        prefers = {**model.DEFAULTS, 'model': known['model'],
                   'dataset_mode': known['dataset_mode']}
        parser.set_defaults(**{k: v for k, v in prefers.items() if k in parser.flags()})   # 2.
        chosen = typed | {'model', 'dataset_mode'}
        file = record_of(known)
        parser.set_defaults(**self.from_record(parser, record, chosen, file))              # 3.
        opt = parser.parse_strictly(argv, Options(isTrain=self.phase == 'train'))          # 4.
        opt.name = known['name']                        # --suffix included
        use_trained_direction(opt, from_record(file, parser.declared, record, {'direction'}))
        self.check(opt)
        check_finite(opt)
        if dataset_made:
            model.validate_options(opt)
        return opt.freeze()

    def look_first(self, argv: list[str]) -> tuple[dict[str, Any], set[str], dict[str, Any]]:
        """What must be known before the full parser can be built.

        Returns   model, dataset_mode ... with their final values; the names that were typed; the
                  options in the run's record ({} where this call reads none)
        """
        parser = Parser(self.description, self.script)
        self.declare(parser)
        modern_argv, _ = modern(argv, parser.flags())
        without_help = [word for word in modern_argv if word not in ('-h', '--help')]
        known = vars(parser.parse_known_args(without_help)[0])
        typed = {word[2:].partition('=')[0] for word in modern_argv if word.startswith('--')}
        if known['suffix']:
            known['name'] += f'_{filled(known["suffix"], known, typed)}'
        record = self.record(known) if self.reads_record(known) else {}
        for flag in ('model', 'dataset_mode'):
            if flag not in typed:
                known[flag] = self.prefer(flag, known, record, parser)
        return known, typed, record

    def prefer(self, flag: str, known: dict[str, Any], record: dict[str, Any],
               parser: Parser) -> Any:
        """The value of `flag` when it was not typed."""
        if flag == 'dataset_mode' and known['dataroot']:
            recognised = self.recognised(Path(known['dataroot']), known['phase'])
            if recognised:
                return recognised
        recorded = from_record(record_of(known), parser.declared, record, {flag})
        if flag in recorded:
            return recorded[flag]
        from models import models
        return models.find(known['model']).DEFAULTS.get(flag, known[flag])

    def recognised(self, root: Path, phase: str) -> str | None:
        """The --dataset_mode that alone can read that folder, or None."""
        from data import datasets
        kinds = datasets.importable()
        # datasets without frames first: no other can read theirs, and training uses none of them
        for name in sorted(kinds, key=lambda name: kinds[name].HAS_FRAMES):
            usable = kinds[name].HAS_FRAMES or self.phase == 'test'
            if usable and kinds[name].recognises(root, phase):
                return name
        return None

    def reads_record(self, known: dict[str, Any]) -> bool:
        """Whether this call takes over the options that the run was trained with."""
        raise NotImplementedError

    def record(self, known: dict[str, Any]) -> dict[str, Any]:
        folder = Path(known['checkpoints_dir']) / known['name']
        options = modern_facts(read_record(folder).get('options', {}))
        weights = placed(folder / f'{known["epoch"]}_net_G.pth')
        if weights is None or placed(folder / 'run.json'):
            return options
        return options | self.read_from_weights(weights, options)

    def read_from_weights(self, weights: Path, recorded: dict[str, Any]) -> dict[str, Any]:
        """What the weights of a run without run.json say of the network; they win over a text
        that may be another network's, except where they can only guess."""
        from models.networks import read_architecture
        from util.state_dicts import read_weights
        facts = read_architecture(read_weights(weights))
        guessed = 'model' in facts or recorded.get('model') == 'pix2pixHD'
        if facts.get('norm') == 'batch' and recorded.get('norm') == 'syncbatch':
            del facts['norm']           # they have the same keys
        return facts | recorded if guessed else facts

    def from_record(self, parser: Parser, record: dict[str, Any], typed: set[str],
                    file: Path) -> dict[str, Any]:
        """The record's options that this entry point has and that belong to the run."""
        taken = (parser.describing | self.ALSO_FROM_RECORD) - self.NOT_FROM_RECORD - typed
        return from_record(file, parser.declared, record, taken)

    def check(self, opt: Options) -> None:
        """Refuse values that make no sense for any model or dataset."""
        check_name(opt.name)
        check_least(opt, self.LEAST)
        check_most(opt, self.MOST)
        refuse((getattr(opt, flag) not in (1, 3),
                f'--{flag} {getattr(opt, flag)}: give 3 for colour or 1 for grey.')
               for flag in ('input_nc', 'output_nc'))


def record_of(known: dict[str, Any]) -> Path:
    """The file that says what the run was trained with: its record, or else the weights."""
    folder = Path(known['checkpoints_dir']) / known['name']
    return record_file(folder) or folder / f'{known["epoch"]}_net_G.pth'


def use_trained_direction(opt: Options, record: dict[str, Any]) -> None:
    """Set opt.direction to that of the run's record; one warning where another was typed."""
    trained = record.get('direction', opt.direction)
    if opt.direction != trained:
        warn(f'--direction {opt.direction}: {opt.name} was trained with {trained}, which is '
             f'used, because a generator works in one direction only.')
        opt.direction = trained


