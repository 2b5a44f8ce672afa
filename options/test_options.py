"""Which flags test.py has."""
from pathlib import Path
from typing import Any

from options.base_options import BaseOptions, Parser
from util.errors import UserError
from util.files import read_json
from util.options import Options


class TestOptions(BaseOptions):
    """Says which flags exist. What the run's record holds need not be typed again."""

    __test__ = False        # the name is upstream's; pytest must not collect it
    description = 'Paint every pose of a dataset with a trained run.'
    phase = 'test'

    def declare(self, parser: Parser) -> None:
        super().declare(parser)
        test = parser.add_argument_group('painting')
        test.add_argument('--phase', default='val', help='DATAROOT/PHASE is painted')
        test.add_argument('--num_test', type=int, default=None, help='how many; default: all')
        test.add_argument('--results_dir', default='./results', help='where results go')
        test.add_argument('--eval', action='store_true',
                          help='normalize with the training set\'s statistics; the default is '
                               'each image\'s own where the run was trained with --batch_size 1')
        test.add_argument('--no_ema', action='store_true',
                          help='paint with the weights as trained, not with their running mean')
        test.add_argument('--metrics', default='all', choices=['none', 'fast', 'all'],
                          help='what is measured of what was painted; fast: what needs no network')
        test.add_argument('--no_video', action='store_true', help='write frames and page only')
        test.add_argument('--video_from', help='a video whose picture and sound go beside ours')

    LEAST = {**BaseOptions.LEAST, 'num_test': 1}

    def reads_record(self, known: dict[str, Any]) -> bool:
        return True

    def prefer(self, flag: str, known: dict[str, Any], record: dict[str, Any]) -> Any:
        # poses alone cannot be read as pairs, whatever the run was trained on
        if flag == 'dataset_mode' and known['dataroot']:
            root, phase = Path(known['dataroot']), known['phase']
            facts = root / 'dataset.json'
            if facts.is_file() and read_json(facts).get('layout') == 'poses':
                return 'single'
            if (root / f'{phase}_A').is_dir() and not any(
                    (root / f'{phase}_{part}').is_dir() for part in ('B', 'label', 'inst')):
                return 'single'
        return super().prefer(flag, known, record)

    def check(self, opt: Options) -> None:
        super().check(opt)
        if not opt.dataroot:
            raise UserError('--dataroot is missing: name the dataset whose poses to paint, e.g. '
                            '--dataroot datasets/me.')
