"""What each score of metrics.json is called, what it says, and which way is better.

One more score: a line in SCORES. A score within the person's box has box_ before its key.
"""
from collections.abc import Iterable
from dataclasses import dataclass, replace

BOX = 'box_'
VGG_FRAMES = 16         # are shown to VGG16 at most, spread evenly: it takes most of the time


@dataclass(frozen=True)
class Score:
    """What a reader is told of one score.

    name     in words, as a table's heading
    unit     what follows the number; % where the number is a part of one
    greater  whether greater is better
    digits   behind the point
    says     one line for who has never heard of it
    """
    name: str
    unit: str
    greater: bool
    digits: int
    says: str


SCORES = {
    'lpips_alex': Score('LPIPS', '', False, 3, 'how different it looks to a network (AlexNet, '
                        'Zhang et al. 2018); 0 is alike. Of all these it agrees best with people'),
    'lpips_vgg': Score('LPIPS, VGG', '', False, 3, f'the same by another network (VGG16), over '
                       f'{VGG_FRAMES} frames at most'),
    'ssim': Score('SSIM', '', True, 3, 'structural similarity (Wang et al. 2004); 1 is alike. It '
                  'forgives blur'),
    'ms_ssim': Score('MS-SSIM', '', True, 3, 'SSIM at several sizes of the picture (Wang et al. '
                     '2003); 1 is alike'),
    'psnr': Score('PSNR', 'dB', True, 2, 'pixel by pixel, against the greatest difference there '
                  'is. It prefers blur'),
    'l1': Score('L1', '', False, 4, 'mean difference of pixels in [-1, 1], as train.py prints it. '
                'It prefers blur'),
    'vgg_frechet': Score('VGG16 Fréchet distance', '', False, 2, f'how far {VGG_FRAMES} painted '
                         'frames at most, taken together, are from the real ones in what VGG16 '
                         'sees; not the FID, which is over another network'),
    'pose_error': Score('pose error', '% of body height', False, 2, 'how far the joints found in '
                        'the painted frame lie from those asked for (AKD)'),
    'missed_joints': Score('missed joints', '%', False, 1, 'joints asked for that are not found '
                           'in the painted frame (MKR)'),
    'missed_people': Score('missed people', '%', False, 1, 'painted frames in which nobody is '
                           'found'),
    'flicker': Score('flicker', '× real', False, 2, 'change from frame to frame where the real '
                     'video keeps still, as a multiple of its own; 1 is as steady as the real '
                     'video'),
    'warp_error': Score('warped error', '× real', False, 2, 'change from frame to frame that the '
                        'real video\'s motion does not explain, as a multiple of its own (Lai et '
                        'al. 2018)'),
    'own_warp_error': Score('warped error by its own motion', 'grey levels', False, 2, 'change '
                            'from frame to frame that the painted film\'s own motion does not '
                            'explain; for poses that were never filmed'),
}

# What is scored besides the painted film, in the order of a table.
METHODS = {'painted': 'painted', 'median': 'median picture', 'nearest': 'nearest pose',
         'nearest_moved': 'nearest pose moved and scaled'}

# What one film is judged by when one number must do: the first of these that is known.
HEADLINE_SCORES = ('box_lpips_alex', 'box_ssim', 'lpips_alex', 'ssim', 'l1', 'pose_error')


def in_words(key: str) -> str:
    """What a reader calls that score, or that film."""
    score = score_of(key)
    return score.name if score else METHODS.get(key, key)


def score_of(key: str) -> Score | None:
    """What to tell of that key of metrics.json; None for one that is not known here."""
    if not key.startswith(BOX):
        return SCORES.get(key)
    whole = SCORES.get(key.removeprefix(BOX))
    return whole and replace(whole, name=f'{whole.name}, person',
                             says=f'inside the box about the person: {whole.says}')


def order(keys: Iterable[str]) -> list[str]:
    """The keys as a table lists them: what is known first, in SCORES' order, the person's box
    before the whole frame."""
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
    return f'{value * (100 if score.unit == "%" else 1):.{score.digits}f}'


def is_better(key: str, a: float, b: float) -> bool:
    """Whether `a` is a better value of that score than `b`."""
    score = score_of(key)
    return a > b if score and score.greater else a < b
