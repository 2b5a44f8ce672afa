"""Which flags train.py has."""
from typing import Any

from options.base_options import BaseOptions, Parser
from util.errors import UserError
from util.metrics.names import save_best_choices
from util.options import Options


class TrainOptions(BaseOptions):
    """Says which flags exist. Reads, prints, creates, and switches nothing."""

    description = 'Train a model that paints one person from drawn poses.'
    phase = 'train'
    # going on exactly means on the same data, by the same path
    NOT_FROM_RECORD = (BaseOptions.NOT_FROM_RECORD
                       - {'phase', 'precision', 'no_compile', 'max_dataset_size'}
                       | {'continue_train', 'overwrite', 'max_steps', 'epoch_count'})

    LEAST = {**BaseOptions.LEAST, 'n_epochs': 0, 'n_epochs_decay': 0, 'lr_decay_iters': 1,
             'seed': 0, 'max_steps': 1, 'print_freq': 1, 'display_freq': 1, 'update_html_freq': 1,
             'save_latest_freq': 1, 'save_epoch_freq': 1, 'epoch_count': 1, 'pool_size': 0,
             'n_layers_D': 1, 'ndf': 1}

    def declare(self, parser: Parser) -> None:
        super().declare(parser)
        run = parser.add_argument_group('training run')
        run.add_argument('--continue_train', action='store_true',
                         help='go on exactly where the run stopped')
        run.add_argument('--overwrite', action='store_true',
                         help='start anew, over the run of this name')
        run.add_argument('--seed', type=int, default=0, help='of every random choice')
        run.add_argument('--phase', default='train', help='DATAROOT/PHASE is trained on')
        run.add_argument('--val_phase', default='val',
                         help='DATAROOT/VAL_PHASE is held out, watched and never trained on')
        run.add_argument('--no_flip', action='store_true', default=True,
                         help='kept for older commands: nothing is flipped unless --flip')
        run.add_argument('--serial_batches', action='store_true',
                         help='take the images in order instead of shuffled')

        more = parser.add_argument_group('augmentation: pose and frame alike, the pose drawn anew')
        more.add_argument('--flip', action='store_true',
                          help='mirror half of the pairs; a pose drawn by preprocess.py gets its '
                               'left and right colours exchanged')
        more.add_argument('--rotate', type=float, default=0.0, help='degrees, at most')
        more.add_argument('--scale', type=float, default=0.0,
                          help='larger or smaller by this fraction, at most; 0.1 is 10 %%')
        more.add_argument('--shift', type=float, default=0.0,
                          help='by this fraction of width and height, at most')
        more.add_argument('--drop_limb', type=float, default=0.0,
                          help='how likely each limb, hand and the face is left out of the '
                               'drawing, so that one not found later is still painted; try 0.05')

        optim = parser.add_argument_group('optimisation')
        optim.add_argument('--n_epochs', type=int, default=100, help='epochs at the initial rate')
        optim.add_argument('--n_epochs_decay', type=int, default=100,
                           help='epochs in which the rate then falls to zero')
        optim.add_argument('--max_minutes', type=float, default=None,
                           help='train for this long instead; the rate reaches zero in time')
        optim.add_argument('--max_steps', type=int, default=None,
                           help='stop after so many steps in all, ready for --continue_train')
        optim.add_argument('--epoch_count', type=int, default=None,
                           help='number of the first epoch; known by itself with --continue_train')
        optim.add_argument('--lr', type=float, default=2e-4, help='initial learning rate of Adam')
        optim.add_argument('--beta1', type=float, default=0.5, help='first momentum of Adam')
        optim.add_argument('--lr_policy', default='linear', help='how the rate falls; plateau '
                           'watches the held-out loss', choices=['linear', 'step', 'plateau',
                                                                 'cosine'])
        optim.add_argument('--ema', type=float, default=0.0, metavar='DECAY',
                           help='paint with the running mean of the weights, kept as '
                                'latest_net_G_ema.pth; try 0.999, 0 for none')
        optim.add_argument('--lr_decay_iters', type=int, default=50,
                           help='--lr_policy step: epochs between falls to a tenth')

        show = parser.add_argument_group('progress')
        show.add_argument('--print_freq', type=int, default=100,
                          help='images between lines of loss_log.txt')
        show.add_argument('--display_freq', type=int, default=400,
                          help='images between pictures sent to visdom')
        show.add_argument('--update_html_freq', type=int, default=1000,
                          help='images between pictures on the web page')
        show.add_argument('--no_html', action='store_true', help='write no web page')
        show.add_argument('--display_id', type=int, default=1,
                          help='visdom window; 0 for no visdom')
        show.add_argument('--display_server', default='http://localhost', help='of visdom')
        show.add_argument('--display_port', type=int, default=8097, help='of visdom')
        show.add_argument('--display_env', default='main', help='of visdom')
        show.add_argument('--display_ncols', type=int, default=4,
                          help='visdom: so many pictures in a row; 0 for a window each')
        show.add_argument('--display_winsize', type=int, default=256, help='of visdom')
        show.add_argument('--tensorboard', action='store_true', help='also write '
                          'CHECKPOINTS_DIR/NAME/tensorboard: tensorboard --logdir CHECKPOINTS_DIR')
        show.add_argument('--use_wandb', action='store_true',
                          help='also send to Weights & Biases, whose package must be installed')
        show.add_argument('--wandb_project_name', default='body2body',
                          help='the project there that the run belongs to')

        save = parser.add_argument_group('saving')
        save.add_argument('--save_latest_freq', type=int, default=5000,
                          help='images between savings of latest_net_*.pth')
        save.add_argument('--save_latest_minutes', type=float, default=10.0,
                          help='and at least this often')
        save.add_argument('--save_epoch_freq', type=int, default=50,
                          help='epochs between savings of EPOCH_net_*.pth')
        save.add_argument('--save_best', default=None, choices=list(save_best_choices()),
                          help='keep best_net_*.pth, by this score on what is held out, for '
                               'test.py --epoch best; judged whenever pictures are shown')
        save.add_argument('--save_by_iter', action='store_true',
                          help='keep iter_N_net_*.pth of each saving of latest')

    def reads_record(self, known: dict[str, Any]) -> bool:
        return known['continue_train']

    def from_record(self, parser: Parser, record: dict[str, Any],
                    typed: set[str]) -> dict[str, Any]:
        # who types epochs goes on by epochs, though the run began by the clock
        by_epochs = {'n_epochs', 'n_epochs_decay'} & typed
        clock = {'max_minutes'} if by_epochs else set()
        return super().from_record(parser, record, typed | clock)

    def check(self, opt: Options) -> None:
        super().check(opt)
        if opt.continue_train and opt.overwrite:
            raise UserError('--continue_train and --overwrite contradict each other: go on with '
                            'the run, or start it anew.')
        if not opt.dataroot:
            raise UserError('--dataroot is missing: name the dataset to train on, e.g. '
                            '--dataroot datasets/me (preprocess.py makes one from a video).')
        for flag, most in (('rotate', 180), ('scale', 0.9), ('shift', 0.9), ('drop_limb', 0.9)):
            if not 0 <= getattr(opt, flag) <= most:
                raise UserError(f'--{flag} {getattr(opt, flag):g}: give 0 to {most}.')
        if not 0 <= opt.ema < 1:
            raise UserError(f'--ema {opt.ema:g}: give a number below 1, such as 0.999, or 0 for '
                            f'none.')
        for flag in ('max_minutes', 'lr'):
            if getattr(opt, flag) is not None and getattr(opt, flag) <= 0:
                raise UserError(f'--{flag} {getattr(opt, flag)}: give more than 0.')
