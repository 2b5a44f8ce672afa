"""What each score of metrics.json is called, what it means, which way is better, what computes it.

One more score of a picture against the real one: its function, and a line in SCORES. The tables,
the results page, evaluation and --save_best read SCORES. A score within the person's box has box_
before its key.
"""
import importlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

BOX = 'box_'
VGG_FRAMES = 8          # VGG16 sees at most these, evenly spaced: each takes a second
PICTURES = 'util.metrics.pictures'


@dataclass(frozen=True)
class Score:
    """What a reader needs to know about one score.

    name     in words, as a table's heading
    unit     follows the number; % where the number is a fraction of one
    greater  whether greater is better
    digits   behind the point
    says     one line that explains it to a newcomer
    """
    name: str
    unit: str
    greater: bool
    digits: int
    says: str


@dataclass(frozen=True)
class PictureScore(Score):
    """A score of one painted picture against the real one; both are uint8 (H, W, C).

    function      'package.module.name' of (painted, real) -> float, imported when it is first
                  called: --help stays fast
    box_function  of (painted, real, box) -> float, for the person's box; '': `function` sees both
                  pictures cropped to the box
    boxed         whether it is measured in the box at all
    thorough      whether only --metrics all measures it
    save_best     whether --save_best can go by it, under its name
    """
    function: str
    box_function: str = ''
    boxed: bool = True
    thorough: bool = False
    save_best: bool = False

    def measure(self, painted: 'np.ndarray', real: 'np.ndarray') -> float:
        """The score of the whole picture."""
        return _imported(self.function)(painted, real)

    def measure_box(self, painted: 'np.ndarray', real: 'np.ndarray',
                    box: tuple[slice, slice]) -> float:
        """The score within `box`, rows and columns."""
        if self.box_function:
            return _imported(self.box_function)(painted, real, box)
        return self.measure(painted[box], real[box])


SCORES: dict[str, Score] = {
    'lpips_alex': Score('LPIPS', '', False, 3, 'perceptual distance by AlexNet (Zhang et al. '
                        '2018); 0 is identical. Of these scores it agrees best with people'),
    'lpips_vgg': Score('LPIPS, VGG', '', False, 3, 'the same by VGG16, over at most '
                       f'{VGG_FRAMES} frames'),
    'ssim': PictureScore('SSIM', '', True, 3, 'structural similarity (Wang et al. 2004); 1 is '
                         'identical. It tolerates blur', f'{PICTURES}.ssim',
                         box_function=f'{PICTURES}.ssim_in_box', save_best=True),
    'ms_ssim': PictureScore('MS-SSIM', '', True, 3, 'SSIM at several scales of the picture (Wang '
                            'et al. 2003); 1 is identical', f'{PICTURES}.ms_ssim', boxed=False,
                            thorough=True),
    'psnr': PictureScore('PSNR', 'dB', True, 2, 'peak signal-to-noise ratio: the squared error of '
                         'the pixels on a logarithmic scale. It prefers blur', f'{PICTURES}.psnr',
                         save_best=True),
    'l1': PictureScore('L1', '', False, 4, 'mean absolute difference of pixels in [-1, 1], as '
                       'train.py prints it. It prefers blur', f'{PICTURES}.l1', save_best=True),
    'vgg_frechet': Score('VGG16 Fréchet distance', '', False, 2, 'distance between the VGG16 '
                         f'features of at most {VGG_FRAMES} painted frames and those of the real '
                         'ones; not the FID, which uses another network'),
    'alex_frechet': Score('AlexNet Fréchet distance', '', False, 2, 'distance between the AlexNet '
                          'features of painted frames and those of equally many real frames of '
                          'the target in other poses; it needs no truth'),
    'sharpness': Score('sharpness', '× real', True, 2, 'mean local gradient of the painted person, '
                       'at film size, as a multiple of the real frames\'; where there is no truth, '
                       'of the target\'s own. 1 is as sharp as filmed, less is blurred'),
    'identity': Score('identity', '', True, 2, 'cosine of face vectors (MobileFaceNet) of the '
                      'painted and the real face, where it is frontal; where there is no truth, of '
                      'the painted and the target\'s own faces. Real frames of one person have 0.6 '
                      'to 0.95, of different people less than 0.4'),
    'pose_error': Score('pose error', '% of body height', False, 2, 'distance of the joints found '
                        'in the painted frame from the requested ones (AKD)'),
    'missed_joints': Score('missed joints', '%', False, 1, 'requested joints that are not found '
                           'in the painted frame (MKR)'),
    'missed_people': Score('missed people', '%', False, 1, 'painted frames in which nobody is '
                           'found'),
    'framed': Score('framed', '%', True, 1, 'frames whose requested joints all lie in the picture; '
                    'joints that most of the target\'s own frames do not show do not count'),
    'spill': Score('spill', '× target', False, 2, 'people, or what is not the background, where '
                   'no body should be, as a multiple of the same in the target\'s own video; a '
                   'third arm raises it'),
    'gaps': Score('gaps', '× target', False, 2, 'parts of the requested body where nobody is '
                  'painted, as a multiple of the same in the target\'s own video; a missing arm '
                  'raises it'),
    'flicker': Score('flicker', '× real', False, 2, 'change from frame to frame where the real '
                     'video is still, as a multiple of its own; 1 is as steady as the real video'),
    'warp_error': Score('warped error', '× real', False, 2, 'change from frame to frame that the '
                        'real video\'s motion does not explain, as a multiple of its own (Lai et '
                        'al. 2018)'),
    'own_warp_error': Score('warped error by its own motion', 'grey levels', False, 2, 'change '
                            'from frame to frame that the painted video\'s own motion does not '
                            'explain; for poses without a real video'),
}

# Ways to make the pictures that are scored, in the order of a table; one is the trained model.
METHODS = {'painted': 'painted', 'median': 'median picture', 'nearest': 'nearest pose',
           'nearest_moved': 'nearest pose moved and scaled'}

# Where one score must do: the first of these that is known.
HEADLINE_SCORES = ('box_lpips_alex', 'box_ssim', 'lpips_alex', 'ssim', 'l1', 'pose_error')

# Without truth no single score ranks the frames: each of these finds faults of another kind.
FAULT_SCORES = ('gaps', 'spill', 'pose_error')


def picture_scores(thorough: bool) -> dict[str, PictureScore]:
    """What compares one painted picture with the real one, as metrics.json lists the scores of
    single frames: from the last row of the table to the first, the thorough ones at the end."""
    found = {key: score for key, score in reversed(SCORES.items())
             if isinstance(score, PictureScore)}
    quick = {key: score for key, score in found.items() if not score.thorough}
    return {**quick, **found} if thorough else quick


def save_best_choices() -> dict[str, str]:
    """{what is typed after --save_best: key of that score}."""
    return {score.name: key for key, score in picture_scores(thorough=True).items()
            if score.save_best}


def in_words(key: str) -> str:
    """What a reader calls that score, or that method."""
    score = score_of(key)
    return score.name if score else METHODS.get(key, key)


def score_of(key: str) -> Score | None:
    """The score that has that key in metrics.json; None for an unknown key."""
    score = SCORES.get(key.removeprefix(BOX))
    if score is None or not key.startswith(BOX):
        return score
    return replace(score, name=f'{score.name}, person',
                   says=f'inside the box around the person: {score.says}')


def order(keys: Iterable[str]) -> list[str]:
    """The keys as a table lists them: known ones first, in SCORES' order, the person's box before
    the whole frame."""
    places = {key: place for place, key in enumerate(SCORES)}
    return sorted(keys, key=lambda key: (places.get(key.removeprefix(BOX), len(places)),
                                         not key.startswith(BOX), key))


def written(key: str, value: float | None) -> str:
    """The number without its unit, as a table shows it; a dash where it is not known."""
    if value is None:
        return '–'
    score = score_of(key)
    if score is None:
        return f'{value:.4g}'
    scale = 100 if score.unit == '%' else 1
    return f'{value * scale:.{score.digits}f}'


def is_better(key: str, now: float, before: float | None) -> bool:
    """Whether `now` is a better value of that score than `before`; where there is no `before`,
    every number is better. NaN is never better."""
    if before is None:
        return not math.isnan(now)
    score = score_of(key)
    return now > before if score and score.greater else now < before


def _imported(path: str) -> Callable[..., Any]:
    module, _, name = path.rpartition('.')
    return getattr(importlib.import_module(module), name)
