"""Whose flag it is: a flag that one entry point or model lacks may belong to another."""
from collections.abc import Sequence

from options.legacy import older_spellings

OF_STEP = {'target': 'preprocess.py', 'train': 'train.py', 'source': 'preprocess.py',
           'test': 'test.py'}


def owners(name: str, model: str | None, takes: Sequence[str] = ()) -> str:
    """Where a flag belongs that is none of this call's, and what to type; '' where it is nobody's.

    name    without dashes, in today's spelling or an older one
    model   --model of this call, None where it has no such flag
    takes   steps that this call hands flags on to
    """
    names = {name, older_spellings().get(name, name)}
    kinds = models_with(names) if model else []
    if kinds:
        return (f'belongs to --model {" or ".join(kinds)}, and this call has --model {model}. Add '
                f'--model {kinds[0]}, or leave --{name} out.')
    scripts = scripts_with(names)
    named = ' and '.join(filter(None, (', '.join(scripts[:-1]), *scripts[-1:])))
    through = [f'--{step}_args' for step in takes if OF_STEP.get(step) in scripts]
    if through:
        return (f'is a flag of {named}. Hand it on in quotes with {" or ".join(through)}, as in '
                f'{through[0]} "--{name} ...".')
    return f'is a flag of {named}. Leave it out here.' if scripts else ''


def models_with(names: set[str]) -> list[str]:
    """The models that declare one of these flags, the first published first."""
    from models import models
    from options.parser import Parser
    found = []
    for model, kind in models.importable().items():
        for phase in ('train', 'test'):
            parser = Parser('')
            kind.declare_options(parser.add_argument_group(), phase)
            if names & parser.flags() and model not in found:
                found.append(model)
    return sorted(found, key=lambda model: model != 'pix2pixHD')


def scripts_with(names: set[str]) -> list[str]:
    """The entry points that declare one of these flags."""
    from options.parser import Parser
    from options.preprocess_options import PreprocessOptions
    from options.test_options import TestOptions
    from options.train_options import TrainOptions
    from options.transfer_options import TransferOptions
    from options.webcam_options import WebcamOptions
    found = []
    for kind in (PreprocessOptions, TrainOptions, TestOptions, TransferOptions, WebcamOptions):
        parser = Parser('')
        kind().declare(parser)
        if names & parser.flags():
            found.append(str(kind.script))
    return found
