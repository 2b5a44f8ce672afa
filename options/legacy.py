"""Older spellings of today's flags, from every release of pytorch-CycleGAN-and-pix2pix since 2017
and from pix2pixHD.

One table each for a new name, a new name with its value, a renamed value, and a flag that no
longer means anything. They hold in every entry point that has today's flag.
"""
from typing import Any

RENAMED = {
    'which_model_netG': 'netG', 'which_model_netD': 'netD', 'which_direction': 'direction',
    'batchSize': 'batch_size', 'nThreads': 'num_threads', 'loadSize': 'load_size',
    'fineSize': 'crop_size', 'resize_or_crop': 'preprocess', 'which_epoch': 'epoch',
    'how_many': 'num_test', 'niter': 'n_epochs', 'niter_decay': 'n_epochs_decay',
    'lambda_A': 'lambda_L1', 'display_single_pane_ncols': 'display_ncols',
    'tf_log': 'tensorboard',
}
# Of preprocess.py alone: --stage of train.py is another flag, and runs record it.
RENAMED_IN_PREPROCESS = {'stage': 'walk'}
# flag: what it is today, and what leaving it out meant
REPLACED = {'no_lsgan': ('gan_mode', 'vanilla', 'lsgan')}
RENAMED_VALUES = {'lr_policy': {'lambda': 'linear'}}
# name: how many values follow; what it did is not part of any model here
WITHOUT_EFFECT = {'identity': 1, 'data_type': 1, 'ntest': 1, 'aspect_ratio': 1,
                  'fp16': 0, 'local_rank': 1, 'use_dropout': 0, 'debug': 0,
                  'no_instance': 0, 'faceGtype': 1, 'niter_fix_main': 1}


def modern(argv: list[str], flags: set[str]) -> tuple[list[str], list[str]]:
    """Write `argv` in today's spellings.

    flags     the flags, without dashes, that this entry point has
    Returns   the new argv, and the flags that were dropped because they have no effect today
    """
    renamed = RENAMED | RENAMED_IN_PREPROCESS
    out: list[str] = []
    dropped: list[str] = []
    words = iter(argv)
    for word in words:
        if not word.startswith('--'):
            out.append(word)
            continue
        name, equals, value = word[2:].partition('=')
        if name in flags:
            pass                                        # today's own flag always means itself
        elif renamed.get(name) in flags:
            name = renamed[name]
        elif name in REPLACED and REPLACED[name][0] in flags:
            name, value, _ = REPLACED[name]
            equals = '='
        elif name in WITHOUT_EFFECT:
            dropped.append(name)
            for _ in range(0 if equals else WITHOUT_EFFECT[name]):
                next(words, None)
            continue
        values = RENAMED_VALUES.get(name, {})
        if values and not equals:
            equals, value = '=', next(words, '')
        out.append(f'--{name}{equals}{values.get(value, value)}')
    return out, dropped


def modern_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Today's names for options read from a train_opt.txt or opt.txt of any year."""
    out = {}
    # pix2pixHD writes a fineSize that it only takes where something is cropped
    if facts.get('model') == 'pix2pixHD' and 'crop' not in str(facts.get('resize_or_crop', 'crop')):
        facts = {name: value for name, value in facts.items() if name != 'fineSize'}
    for name, value in facts.items():
        if name in REPLACED:
            today, given, left_out = REPLACED[name]
            out[today] = given if value == 'True' else left_out
            continue
        name = RENAMED.get(name, name)
        out.setdefault(name, RENAMED_VALUES.get(name, {}).get(value, value))
    return out
