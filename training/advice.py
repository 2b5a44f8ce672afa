"""What to type after a training, in the flags of the command that trains. No torch."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """Flags of train.py, or of the command that calls it.

    resume   continues a stopped run; '' is the command that train.py makes
    longer   trains a run for {} minutes in all
    again    starts a run again
    """
    resume: str = ''
    longer: str = '--continue_train --max_minutes {}'
    again: str = '--overwrite'


OF_TRAIN = Advice()
