"""Whose flag it is: a flag that one entry point or model lacks may belong to another."""
from options.legacy import older_spellings


def owners(name: str, model: str | None) -> str:
    """Where a flag belongs that is none of this call's, and what to type; '' where it is nobody's.

    name    without dashes, in today's spelling or an older one
    model   --model of this call, None where it has no such flag
    """
    names = {name, older_spellings().get(name, name)}
    kinds = models_with(names) if model else []
    if kinds:
        return (f'belongs to --model {" or ".join(kinds)}, and this call has --model {model}. Add '
                f'--model {kinds[0]}, or leave --{name} out.')
    scripts = scripts_with(names)
    return f'is a flag of {" and ".join(scripts)}. Leave it out here.' if scripts else ''


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
