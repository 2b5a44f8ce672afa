"""What every entry point's options share: strict parsing, legacy spellings, frozen results.

Who wins: a flag's default < the model's DEFAULTS < the run's record < what was typed.
"""
import argparse
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from options.legacy import modern, modern_facts, older_spellings
from util.errors import UserError, warn
from util.options import Options
from util.run_record import read_record


class Parser(argparse.ArgumentParser):
    """argparse whose errors are UserErrors and whose misspelt flags name the nearest one."""

    def __init__(self, description: str):
        self.older = older_spellings()
        super().__init__(description=description, allow_abbrev=False,
                         formatter_class=argparse.ArgumentDefaultsHelpFormatter)

    def error(self, message: str) -> NoReturn:
        raise UserError(f'{message}. {self.prog} --help lists every flag.')

    def flags(self) -> set[str]:
        return {s[2:] for s in self._option_string_actions if s.startswith('--')}

    def format_help(self) -> str:
        here = [f'--{old} (--{new})' for old, new in self.older.items() if new in self.flags()]
        self.epilog = f'Older spellings are understood too: {", ".join(here)}.' if here else None
        return super().format_help()

    def parse_strictly(self, argv: list[str], into: Options) -> Options:
        """Parse everything or raise UserError; warn of flags without effect."""
        argv, dropped = modern(argv, self.flags())
        for name in dropped:
            warn(f'--{name} has no effect here and is left out.')
        opt, unknown = self.parse_known_args(argv, into)
        if unknown:
            raise self.unknown_flag(unknown[0])
        return opt

    def unknown_flag(self, word: str) -> UserError:
        if not word.startswith('-'):
            return UserError(f'{word}: belongs to no flag. {self.prog} --help lists every flag.')
        name = word.lstrip('-').partition('=')[0]
        close = get_close_matches(name, self.flags() | set(self.older), n=1)
        hint = f' Did you mean --{close[0]}?' if close else ''
        return UserError(f'--{name}: no such flag.{hint} {self.prog} --help lists every flag.')


class EntryOptions:
    """The options of one entry point. Says which flags exist; prints and creates nothing."""

    description = ''

    def declare(self, parser: Parser) -> None:
        """Add this entry point's flags."""

    def parse(self, argv: list[str] | None = None) -> Options:
        """Frozen options from `argv` (default: the command line)."""
        parser = Parser(self.description)
        self.declare(parser)
        argv = sys.argv[1:] if argv is None else argv
        return parser.parse_strictly(argv, Options()).freeze()


class BaseOptions(EntryOptions):
    """What training and painting share: the dataset, the networks, the device, the run's name."""

    phase = ''          # 'train' or 'test': what a model or dataset declares its flags for

    # these belong to one call, not to the run
    NOT_FROM_RECORD = {'name', 'checkpoints_dir', 'phase', 'device', 'gpu_ids', 'precision',
                       'no_compile', 'num_threads', 'verbose', 'max_dataset_size', 'epoch'}

    LEAST = {'batch_size': 1, 'num_threads': 0, 'ngf': 1, 'load_size': 1, 'crop_size': 1,
             'max_dataset_size': 1}

    def declare(self, parser: Parser) -> None:
        run = parser.add_argument_group('run')
        run.add_argument('--name', default='experiment_name',
                         help='the run: CHECKPOINTS_DIR/NAME holds all of it')
        run.add_argument('--checkpoints_dir', default='./checkpoints', help='where runs are kept')
        run.add_argument('--model', default='pix2pix', help='models/MODEL_model.py')
        run.add_argument('--epoch', default='latest',
                         help='which saved epoch to load: a number, latest or best')
        run.add_argument('--verbose', action='store_true', help='print the networks')

        data = parser.add_argument_group('data')
        data.add_argument('--dataroot', help='a dataset: the folder that holds train/ and val/')
        data.add_argument('--dataset_mode', default='aligned', help='data/MODE_dataset.py')
        data.add_argument('--direction', default='AtoB', choices=['AtoB', 'BtoA'],
                          help='A is the left half (the pose), B the right (the frame)')
        data.add_argument('--input_nc', type=int, default=3, help='channels of the pose image')
        data.add_argument('--output_nc', type=int, default=3, help='channels of the frame')
        data.add_argument('--batch_size', type=int, default=1, help='images in a step')
        data.add_argument('--num_threads', type=int, default=2, help='threads that load images')
        data.add_argument('--max_dataset_size', type=int, default=None,
                          help='use so many images at most')
        data.add_argument('--preprocess', default='resize_and_crop', metavar='HOW', choices=[
            'resize_and_crop', 'crop', 'scale_width', 'scale_width_and_crop', 'none'],
            help='resize_and_crop, crop, scale_width, scale_width_and_crop or none: what is done '
                 'with --load_size and --crop_size; without those, nothing')
        data.add_argument('--load_size', type=int, default=None,
                          help='resize images to this; as they are if not given')
        data.add_argument('--crop_size', type=int, default=None,
                          help='then crop to this; not at all if not given')

        net = parser.add_argument_group('networks')
        net.add_argument('--netG', default='unet_256', help='generator: unet_128, unet_256, '
                         'resnet_6blocks, resnet_9blocks, global, local or stacked_hourglass')
        net.add_argument('--ngf', type=int, default=64, help='filters in the last layer of G')
        net.add_argument('--norm', default='batch', choices=['batch', 'instance', 'none',
                                                             'syncbatch'], help='normalization')
        net.add_argument('--no_dropout', action='store_true', help='no dropout in G')
        net.add_argument('--init_type', default='normal', choices=[
            'normal', 'xavier', 'kaiming', 'orthogonal'], help='how weights begin')
        net.add_argument('--init_gain', type=float, default=0.02, help='scale of those weights')

        machine = parser.add_argument_group('machine')
        machine.add_argument('--device', default='auto', choices=['auto', 'cpu', 'cuda', 'mps'],
                             help='where to compute')
        machine.add_argument('--gpu_ids', default=None,
                             help='as upstream: 0, or 0,1, or -1 for the CPU')
        machine.add_argument('--precision', default='auto', choices=['auto', 'fp32', 'bf16'],
                             help='auto: bf16 where the processor has it')
        machine.add_argument('--no_compile', action='store_true',
                             help='never use torch.compile')

    def parse(self, argv: list[str] | None = None) -> Options:
        from data import datasets
        from models import models

        argv = sys.argv[1:] if argv is None else argv
        known, typed, record = self.look_first(argv)

        parser = Parser(self.description)
        self.declare(parser)                                                # 1. flag defaults
        model = models.find(known['model'])
        model.declare_options(parser.add_argument_group(f'--model {known["model"]}'), self.phase)
        dataset = datasets.find(known['dataset_mode'])
        dataset.declare_options(
            parser.add_argument_group(f'--dataset_mode {known["dataset_mode"]}'), self.phase)
        prefers = {**model.DEFAULTS, 'model': known['model'],
                   'dataset_mode': known['dataset_mode']}
        parser.set_defaults(**{k: v for k, v in prefers.items() if k in parser.flags()})   # 2.
        chosen = typed | {'model', 'dataset_mode'}
        parser.set_defaults(**self.from_record(parser, record, chosen))                    # 3.
        opt = parser.parse_strictly(argv, Options(isTrain=self.phase == 'train'))          # 4.
        trained = record.get('direction', opt.direction)
        if opt.direction != trained:
            warn(f'--direction {opt.direction}: {opt.name} was trained with {trained}, which is '
                 f'used, because a generator has no meaning backwards.')
            opt.direction = trained
        self.check(opt)
        model.validate_options(opt)
        return opt.freeze()

    def look_first(self, argv: list[str]) -> tuple[dict[str, Any], set[str], dict[str, Any]]:
        """What must be known before the full parser can be built.

        Returns   model, dataset_mode ... with their final values; the names that were typed; the
                  options in the run's record ({} where this call reads none)
        """
        parser = Parser(self.description)
        self.declare(parser)
        modern_argv, _ = modern(argv, parser.flags())
        first = [a for a in modern_argv if a not in ('-h', '--help')]
        known = vars(parser.parse_known_args(first)[0])
        typed = {a[2:].partition('=')[0] for a in modern_argv if a.startswith('--')}
        record = self.record(known) if self.reads_record(known) else {}
        for flag in ('model', 'dataset_mode'):
            if flag not in typed:
                known[flag] = self.prefer(flag, known, record)
        return known, typed, record

    def prefer(self, flag: str, known: dict[str, Any], record: dict[str, Any]) -> Any:
        """The value of `flag` when it was not typed."""
        if flag == 'dataset_mode' and known['dataroot']:
            root, phase = Path(known['dataroot']), known['phase']
            if any((root / f'{phase}_{part}').is_dir() for part in ('label', 'inst')):
                return 'labelled'
        if flag in record:
            return record[flag]
        from models import models
        return models.find(known['model']).DEFAULTS.get(flag, known[flag])

    def reads_record(self, known: dict[str, Any]) -> bool:
        """Whether this call takes over the options that the run was trained with."""
        raise NotImplementedError

    def record(self, known: dict[str, Any]) -> dict[str, Any]:
        folder = Path(known['checkpoints_dir']) / known['name']
        options = read_record(folder).get('options', {})
        weights = folder / f'{known["epoch"]}_net_G.pth'
        if not options and weights.is_file():       # then the weights themselves are the record
            from models.networks import read_architecture
            from util.checkpoints import read_weights
            options = read_architecture(read_weights(weights))
        return modern_facts(options)

    def from_record(self, parser: Parser, record: dict[str, Any],
                    typed: set[str]) -> dict[str, Any]:
        """The record's options that this entry point has and that belong to the run."""
        flags = parser.flags() - self.NOT_FROM_RECORD - typed
        return {k: typed_as(parser, k, v) for k, v in record.items() if k in flags}

    def check(self, opt: Options) -> None:
        """Refuse values that no later stage could make sense of."""
        if not opt.name or opt.name in ('.', '..') or any(c in opt.name for c in '/\\'):
            raise UserError(f'--name {opt.name}: a run has a plain name; its folder goes into '
                            f'--checkpoints_dir, e.g. --checkpoints_dir '
                            f'{Path(opt.name).parent} --name {Path(opt.name).name or "me"}.')
        for flag, least in self.LEAST.items():
            value = getattr(opt, flag, None)
            if value is not None and value < least:
                raise UserError(f'--{flag} {value}: give {least} or more.')
        for flag in ('input_nc', 'output_nc'):
            if getattr(opt, flag) not in (1, 3):
                raise UserError(f'--{flag} {getattr(opt, flag)}: give 3 for colour or 1 for grey.')


def typed_as(parser: Parser, name: str, value: Any) -> Any:
    """A record's value as the flag's own type: a train_opt.txt holds only text."""
    action = parser._option_string_actions[f'--{name}']
    if not isinstance(value, str):
        return value
    if value == 'None':
        return None
    if isinstance(action, argparse._StoreTrueAction):
        return value == 'True'
    if value == 'inf':
        return None
    try:
        return action.type(value) if callable(action.type) else value
    except ValueError:
        return action.default
