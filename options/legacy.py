"""Older spellings of today's flags: from every release of pytorch-CycleGAN-and-pix2pix since 2017,
from pix2pixHD, and from this program.

There is one table each for renamed flags, flags replaced by a value of another flag, renamed
values, and flags without effect. They hold in every entry point that has today's flag.
"""
import re
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
# instance normalization needs no word between GPUs: it sees one image at a time
RENAMED_VALUES = {'lr_policy': {'lambda': 'linear'},
                  'norm': {'sync_batch': 'syncbatch', 'sync_instance': 'instance'}}
# of records alone: upstream's other models, whose generators are those of pix2pix
RECORDED_VALUES = {'model': {'cycle_gan': 'pix2pix', 'test': 'pix2pix'},
                   'dataset_mode': {'unaligned': 'aligned'}}
# old flag: how many values follow it, and why nothing here does what it did
WITHOUT_EFFECT = {
    'identity': (1, ''), 'data_type': (1, ''), 'ntest': (1, ''), 'aspect_ratio': (1, ''),
    'debug': (0, ''), 'faceGtype': (1, ''), 'niter_fix_main': (1, ''),
    'fp16': (0, '--precision auto takes bf16 where the processor has it'),
    'local_rank': (1, ''), 'local-rank': (1, ''),
    'use_dropout': (0, 'there is dropout unless --no_dropout is given'),
    'no_instance': (0, 'it belongs to --model pix2pixHD')}
# flags of upstream's and pix2pixHD's test.py that only training needs, with their values
ONLY_TRAINING = {'no_flip': 0, 'serial_batches': 0, 'ndf': 1, 'netD': 1, 'n_layers_D': 1,
                 'display_winsize': 1, 'display_id': 1, 'display_port': 1, 'display_server': 1,
                 'use_wandb': 0, 'wandb_project_name': 1, 'tf_log': 0, 'niter_fix_global': 1}
PAINTING = {'num_test', 'mirror'}       # flags of test.py and webcam.py
# another project's flag: what there is here
NOT_HERE = {
    **dict.fromkeys(('engine', 'onnx', 'export_onnx'),
                    'this program paints with PyTorch, and neither reads nor writes ONNX or '
                    'TensorRT. Leave that flag out'),
    'model_suffix': 'test.py paints with EPOCH_net_G.pth. Copy latest_net_G_A.pth, or _B, to '
                    'latest_net_G.pth, and leave that flag out',
    **dict.fromkeys(('lambda_B', 'lambda_identity'),
                    'it belongs to CycleGAN, which is not part of this program. Leave that flag '
                    'out')}


def older_spellings() -> dict[str, str]:
    """{old flag: today's flag} of every flag that has another name or form today."""
    replaced = {old: today for old, (today, _, _) in REPLACED.items()}
    return RENAMED | RENAMED_WHEN_TYPED | replaced


def modern(argv: list[str], flags: set[str]) -> tuple[list[str], dict[str, str]]:
    """Write `argv` in today's spellings.

    flags     the flags, without dashes, that this entry point has
    Returns   the new argv, and {flag: why, or ''} of those that were dropped because they have no
              effect today
    """
    renamed = RENAMED | RENAMED_WHEN_TYPED
    out: list[str] = []
    dropped: dict[str, str] = {}
    useless = without_effect(flags)
    end = argv.index('--') if '--' in argv else len(argv)       # names follow, whatever they are
    words = iter(with_dashes(argv[:end]))
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
        elif name == 'load_iter' and 'epoch' in flags:
            iteration = value if equals else next(words, '')
            out += [] if iteration == '0' else [f'--epoch=iter_{iteration}']
            continue
        elif name in useless:
            count, dropped[name] = useless[name]
            for _ in range(0 if equals else count):
                next(words, None)
            continue
        values = RENAMED_VALUES.get(name, {})
        if (values or name == 'model') and not equals:
            equals = '='
            value = next(words, '')
        out.append(f'--{name}{equals}{values.get(value, value)}')
    return [*paints_one_way(out, flags), *argv[end:]], dropped


def without_effect(flags: set[str]) -> dict[str, tuple[int, str]]:
    """{flag: how many values follow it, and why it has no effect} in an entry point with these
    flags."""
    if not paints(flags):
        return WITHOUT_EFFECT
    return WITHOUT_EFFECT | {name: (count, 'needed in training only')
                             for name, count in ONLY_TRAINING.items()}


def paints(flags: set[str]) -> bool:
    """Whether these are the flags of test.py or webcam.py, or of a script that takes them too."""
    return bool(PAINTING & flags)


def with_dashes(argv: list[str]) -> list[str]:
    """A value that begins with a dash as one word with its flag, or argparse would take it for a
    flag of its own: here every flag but -h has two dashes."""
    out: list[str] = []
    for word in argv:
        is_value = re.match('-[^-]', word) and word != '-h'
        if is_value and out and out[-1].startswith('--') and '=' not in out[-1]:
            out[-1] += f'={word}'
        else:
            out.append(word)
    return out


def paints_one_way(argv: list[str], flags: set[str]) -> list[str]:
    """Upstream's `--model test`, which paints images of A that have no B, with the words for it
    here."""
    if not paints(flags) or '--model=test' not in argv:
        return argv
    rest = [word for word in argv if word != '--model=test']
    typed = {word.partition('=')[0] for word in rest}
    mode = [] if '--dataset_mode' in typed else ['--dataset_mode=single']
    return [*rest, '--model=pix2pix', *mode]


def modern_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """Options read from a train_opt.txt or opt.txt of any year, under today's names."""
    # pix2pixHD writes a fineSize, but applies it only where it crops
    if facts.get('model') == 'pix2pixHD' and 'crop' not in str(facts.get('resize_or_crop', 'crop')):
        facts = {name: value for name, value in facts.items() if name != 'fineSize'}
    out = {}
    if 'use_dropout' in facts:          # 2017: the flag that today's is the opposite of
        out['no_dropout'] = str(facts['use_dropout'] != 'True')
    for name, value in facts.items():
        if name in REPLACED:
            today, given, left_out = REPLACED[name]
            out[today] = given if value == 'True' else left_out
            continue
        name = RENAMED.get(name, name)
        known = RENAMED_VALUES.get(name, {}) | RECORDED_VALUES.get(name, {})
        out.setdefault(name, known.get(value, value) if isinstance(value, str) else value)
    return out
