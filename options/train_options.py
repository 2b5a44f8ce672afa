"""Which flags train.py has."""
from pathlib import Path
from typing import Any

from options.base_options import BaseOptions
from options.parser import Parser
from options.record import warn_of_others
from util.errors import UserError
from util.metrics.names import save_best_choices
from util.options import Options, check_more_than_0, check_most


class TrainOptions(BaseOptions):
    """Says which flags exist. Reads, prints, creates, and switches nothing."""

    description = 'Train a model that paints one person from drawn poses.'
    script: str | None = 'train.py'
    phase = 'train'
    # to resume exactly, the data and the way of computing must be the same; what is saved and shown
    # goes on as it was
    ALSO_FROM_RECORD = {'seed', 'phase', 'val_phase', 'no_flip', 'serial_batches', 'precision',
                        'no_compile', 'print_freq', 'display_freq', 'update_html_freq', 'no_html',
                        'tensorboard', 'display_id', 'display_winsize', 'display_ncols',
                        'save_latest_freq', 'save_latest_minutes', 'save_epoch_freq', 'save_best',
                        'save_by_iter'}
    NOT_FROM_RECORD = (BaseOptions.NOT_FROM_RECORD - {'max_dataset_size'}
                       | {'max_steps', 'epoch_count'})

    LEAST = {**BaseOptions.LEAST, 'n_epochs': 0, 'n_epochs_decay': 0, 'lr_decay_iters': 1,
             'seed': 0, 'max_steps': 1, 'print_freq': 1, 'display_freq': 1, 'update_html_freq': 1,
             'max_minutes': 0, 'save_latest_freq': 1, 'save_epoch_freq': 1, 'epoch_count': 1,
             'pool_size': 0, 'save_latest_minutes': 0, 'n_layers_D': 1, 'ndf': 1}

    def declare(self, parser: Parser) -> None:
        super().declare(parser)
        declare_run(parser)
        declare_augmentation(parser)
        declare_optimization(parser)
        declare_progress(parser)
        declare_saving(parser)

    def reads_record(self, known: dict[str, Any]) -> bool:
        return known['continue_train']

    def from_record(self, parser: Parser, record: dict[str, Any], typed: set[str],
                    file: Path) -> dict[str, Any]:
        warn_of_others(file, parser.declared, record, typed)
        # epochs that are typed replace the recorded time limit
        by_epochs = {'n_epochs', 'n_epochs_decay'} & typed
        clock = {'max_minutes'} if by_epochs else set()
        return super().from_record(parser, record, typed | clock, file)

    def check(self, opt: Options) -> None:
        super().check(opt)
        if opt.continue_train and opt.overwrite:
            raise UserError('--continue_train and --overwrite contradict each other: resume the '
                            'run, or start it again.')
        if not opt.dataroot:
            raise UserError('--dataroot is missing: name the dataset to train on, e.g. '
                            '--dataroot datasets/me (preprocess.py makes one from a video).')
        for flag, most in (('rotate', 180), ('scale', 0.9), ('shift', 0.9), ('drop_limb', 0.9)):
            if not 0 <= getattr(opt, flag) <= most:
                raise UserError(f'--{flag} {getattr(opt, flag):g}: give 0 to {most}.')
        if not 0 <= opt.beta1 < 1:
            raise UserError(f'--beta1 {opt.beta1:g}: give 0 to 0.999, such as 0.5.')
        if not 0 <= opt.ema < 1:
            raise UserError(f'--ema {opt.ema:g}: give a number below 1, such as 0.999, or 0 for '
                            f'none.')
        check_more_than_0(opt, ['lr'])
        check_most(opt, {'lr': 1000})
        check_untrained(opt)


def declare_run(parser: Parser) -> None:
    """Which run is trained, and on what."""
    run = parser.add_argument_group('training run')
    run.add_argument('--continue_train', action='store_true',
                     help='resume exactly where the run stopped')
    run.add_argument('--overwrite', action='store_true',
                     help='start again and replace the run of this name')
    run.add_argument('--seed', type=int, default=0, help='seed of every random choice')
    run.add_argument('--phase', default='train', help='train on DATAROOT/PHASE')
    run.add_argument('--val_phase', default='val',
                     help='validate on DATAROOT/VAL_PHASE, which is never trained on')
    run.add_argument('--no_flip', action='store_true', default=True,
                     help='kept for older commands; images are flipped only with --flip')
    run.add_argument('--serial_batches', action='store_true',
                     help='do not shuffle the images')


def declare_augmentation(parser: Parser) -> None:
    """How pairs are varied while training."""
    more = parser.add_argument_group('augmentation, of pose and frame alike',
                                     describes=True)
    more.add_argument('--flip', action='store_true',
                      help='mirror half of the pairs; left and right colours of a pose drawn '
                           'by preprocess.py are exchanged')
    more.add_argument('--rotate', type=float, default=0.0,
                      help='rotate by at most this many degrees')
    more.add_argument('--scale', type=float, default=0.0,
                      help='scale up or down by at most this fraction; 0.1 is 10 %%')
    more.add_argument('--shift', type=float, default=0.0,
                      help='shift by at most this fraction of width and height')
    more.add_argument('--drop_limb', type=float, default=0.0,
                      help='probability that a limb, a hand or the face is left out of the '
                           'pose, so that G paints it even where the detector misses it; try '
                           '0.05')


def declare_optimization(parser: Parser) -> None:
    """How long, and how fast, the networks learn."""
    optim = parser.add_argument_group('optimization', describes=True)
    optim.add_argument('--n_epochs', type=int, default=100, help='epochs at the initial rate')
    optim.add_argument('--n_epochs_decay', type=int, default=100,
                       help='epochs over which the rate then falls to zero')
    optim.add_argument('--max_minutes', type=float, default=None,
                       help='train for this long instead; the rate falls to zero by the end. '
                            '0: prepare the run without training it, where --model can paint '
                            'untrained')
    optim.add_argument('--max_steps', type=int, default=None,
                       help='stop after this many steps in total; --continue_train resumes')
    optim.add_argument('--epoch_count', type=int, default=None,
                       help='number of the first epoch; --continue_train knows it')
    optim.add_argument('--lr', type=float, default=2e-4, help='initial learning rate of Adam')
    optim.add_argument('--beta1', type=float, default=0.5, help='first momentum of Adam')
    optim.add_argument('--lr_policy', default='linear',
                       choices=['linear', 'step', 'plateau', 'cosine'],
                       help='how the rate falls; plateau follows the held-out loss')
    optim.add_argument('--ema', type=float, default=0.0, metavar='DECAY',
                       help='paint with an exponential moving average of the weights, saved '
                            'as latest_net_G_ema.pth; try 0.999; 0: none')
    optim.add_argument('--lr_decay_iters', type=int, default=50,
                       help='--lr_policy step: epochs after which the rate falls to a tenth')


def declare_progress(parser: Parser) -> None:
    """Where progress is shown, and how often."""
    show = parser.add_argument_group('progress')
    show.add_argument('--print_freq', type=int, default=100,
                      help='images between lines of loss_log.txt')
    show.add_argument('--display_freq', type=int, default=400,
                      help='images between updates of visdom')
    show.add_argument('--update_html_freq', type=int, default=1000,
                      help='images between updates of the web page')
    show.add_argument('--no_html', action='store_true', help='write no web page')
    show.add_argument('--display_id', type=int, default=1,
                      help='visdom window; 0: no visdom')
    show.add_argument('--display_server', default='http://localhost', help='visdom server')
    show.add_argument('--display_port', type=int, default=8097, help='visdom port')
    show.add_argument('--display_env', default='main', help='visdom environment')
    show.add_argument('--display_ncols', type=int, default=4,
                      help='visdom: images in a row; 0: one window for each')
    show.add_argument('--display_winsize', type=int, default=256,
                      help='visdom: window size, px')
    show.add_argument('--tensorboard', action='store_true',
                      help='also write CHECKPOINTS_DIR/NAME/tensorboard; show it with '
                           'tensorboard --logdir CHECKPOINTS_DIR')
    show.add_argument('--use_wandb', action='store_true',
                      help='also send to Weights & Biases; needs its package')
    show.add_argument('--wandb_project_name', default='body2body',
                      help='project of the run in Weights & Biases')


def declare_saving(parser: Parser) -> None:
    """What is saved, and how often."""
    save = parser.add_argument_group('saving')
    save.add_argument('--save_latest_freq', type=int, default=5000,
                      help='images between saves of latest_net_*.pth')
    save.add_argument('--save_latest_minutes', type=float, default=10.0,
                      help='save latest_net_*.pth at least this often, in minutes')
    save.add_argument('--save_epoch_freq', type=int, default=50,
                      help='epochs between saves of EPOCH_net_*.pth')
    save.add_argument('--save_best', default=None, choices=list(save_best_choices()),
                      help='also save best_net_*.pth, for test.py --epoch best: the best by '
                           'this score on held-out frames, measured whenever images are shown')
    save.add_argument('--save_by_iter', action='store_true',
                      help='keep each save of latest as iter_N_net_*.pth')


def check_untrained(opt: Options) -> None:
    """Refuse no training for a model that paints nothing without it."""
    from models import models
    if opt.max_minutes != 0 or models.find(opt.model).PAINTS_UNTRAINED:
        return
    able = [name for name, kind in models.importable().items() if kind.PAINTS_UNTRAINED]
    raise UserError(f'--model {opt.model} cannot paint without training, and 0 minutes are given. '
                    f'Give it time (train.py --max_minutes 20, transfer.py --minutes 20), or take '
                    f'a --model that can: {", ".join(able)}.')
