"""Older spellings of today's flags: from every release of pytorch-CycleGAN-and-pix2pix since 2017,
from pix2pixHD, and from this program.

There is one table each for renamed flags, flags replaced by a value of another flag, renamed
values, and flags without effect. They hold in every entry point that has today's flag.
"""
from typing import Any

RENAMED = {
    'which_model_netG': 'netG', 'which_model_netD': 'netD', 'which_direction': 'direction',
    'batchSize': 'batch_size', 'nThreads': 'num_threads', 'loadSize': 'load_size',
    'fineSize': 'crop_size', 'resize_or_crop': 'preprocess', 'which_epoch': 'epoch',
    'how_many': 'num_test', 'niter': 'n_epochs', 'niter_decay': 'n_epochs_decay',
    'lambda_A': 'lambda_L1', 'display_single_pane_ncols': 'display_ncols',
    'tf_log': 'tensorboard'}
# Of preprocess.py, whose flags are in no run's record: there, `stage` is everybody_dance_now's.
RENAMED_WHEN_TYPED = {'stage': 'walk'}
# old flag: today's flag, the value that the old one stands for, the value where it is missing
REPLACED = {'no_lsgan': ('gan_mode', 'vanilla', 'lsgan')}
RENAMED_VALUES = {'lr_policy': {'lambda': 'linear'}}
# old flag: how many values follow it; no model here does what it did
WITHOUT_EFFECT = {'identity': 1, 'data_type': 1, 'ntest': 1, 'aspect_ratio': 1,
                  'fp16': 0, 'local_rank': 1, 'use_dropout': 0, 'debug': 0,
                  'no_instance': 0, 'faceGtype': 1, 'niter_fix_main': 1}


def older_spellings() -> dict[str, str]:
    """{old flag: today's flag} of every flag that has another name or form today."""
    replaced = {old: today for old, (today, _, _) in REPLACED.items()}
    return RENAMED | RENAMED_WHEN_TYPED | replaced


def modern(argv: list[str], flags: set[str]) -> tuple[list[str], list[str]]:
    """Write `argv` in today's spellings.

    flags     the flags, without dashes, that this entry point has
    Returns   the new argv, and the flags that were dropped because they have no effect today
    """
    renamed = RENAMED | RENAMED_WHEN_TYPED
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
            equals = '='
            value = next(words, '')
        out.append(f'--{name}{equals}{values.get(value, value)}')
    return out, dropped


def modern_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Options read from a train_opt.txt or opt.txt of any year, under today's names."""
    # pix2pixHD writes a fineSize, but applies it only where it crops
    if facts.get('model') == 'pix2pixHD' and 'crop' not in str(facts.get('resize_or_crop', 'crop')):
        facts = {name: value for name, value in facts.items() if name != 'fineSize'}
    out = {}
    for name, value in facts.items():
        if name in REPLACED:
            today, given, left_out = REPLACED[name]
            out[today] = given if value == 'True' else left_out
            continue
        name = RENAMED.get(name, name)
        out.setdefault(name, RENAMED_VALUES.get(name, {}).get(value, value))
    return out
