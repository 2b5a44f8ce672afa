"""--suffix: upstream's way to name a run after its flags."""
import re
from collections.abc import Mapping, Set
from typing import Any

from util.errors import UserError


def filled(suffix: str, known: Mapping[str, Any], typed: Set[str]) -> str:
    """--suffix with the flags' values in place of {model} and the like, as upstream fills it.

    known, typed   the values of all flags; the names of those that were typed
    """
    from models import models
    prefers = models.find(known['model']).DEFAULTS
    values = {**known, **{flag: value for flag, value in prefers.items() if flag not in typed}}

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UserError(f'--suffix {suffix}: {found[0]} is no flag with a value here. Give the '
                            f'name of one, e.g. {{netG}}.')
        return str(values[found[1]])
    return re.sub(r'\{(.*?)\}', value, suffix)
