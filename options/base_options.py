"""The options of every entry point: who wins, what a record sets, frozen results.

Who wins: a flag's default < the model's DEFAULTS < the run's record < what was typed.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from options.legacy import modern, modern_facts
from options.parser import Parser
from options.record import MOST, from_record
from options.suffix import filled
from util.errors import warn
from util.options import Options, check_finite, check_least, check_most, refuse, whole_or_inf
from util.owned import placed
from util.runs import NO_NAME, check_name, read_record, record_file


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
        declare_run(parser)
        declare_data(parser)
        declare_networks(parser)
        declare_machine(parser)

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



def declare_run(parser: Parser) -> None:
    """Which run it is."""
    run = parser.add_argument_group('run')
    run.add_argument('--name', default=NO_NAME,
                     help='name of the run, kept in CHECKPOINTS_DIR/NAME')
    run.add_argument('--suffix', default='',
                     help='added to --name after a _, with the values of flags in braces, as '
                          'in {model}_size{load_size}')
    run.add_argument('--checkpoints_dir', default='./checkpoints', help='folder of all runs')
    run.add_argument('--model', default='pix2pix', help='models/MODEL_model.py')
    run.add_argument('--epoch', default='latest',
                     help='saved epoch to load: a number, latest or best')
    run.add_argument('--verbose', action='store_true', help='print the networks')


def declare_data(parser: Parser) -> None:
    """What is learned from, or painted."""
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


def declare_networks(parser: Parser) -> None:
    """What the generator is."""
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


def declare_machine(parser: Parser) -> None:
    """Where and how exactly to compute."""
    machine = parser.add_argument_group('machine')
    machine.add_argument('--device', default='auto', choices=['auto', 'cpu', 'cuda', 'mps'],
                         help='where to compute')
    machine.add_argument('--gpu_ids', default=None,
                         help='as upstream: 0, or 0,1, or -1 for the CPU')
    machine.add_argument('--precision', default='auto', choices=['auto', 'fp32', 'bf16'],
                         help='auto: bf16 where the processor supports it')
    machine.add_argument('--no_compile', action='store_true',
                         help='never use torch.compile')


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


