"""Every way of painting a person: one file per --model, found by name."""
from __future__ import annotations

from typing import TYPE_CHECKING

from util.registry import Registry

if TYPE_CHECKING:                   # choices are listed without importing any of them
    from models.base_model import BaseModel

models: Registry[BaseModel] = Registry('--model', 'models', '_model', 'BaseModel')


def artefacts() -> tuple[str, ...]:
    """What any model keeps in a run's folder apart from weights, as regular expressions. Imports no
    torch."""
    every = {pattern for kind in models.importable().values() for pattern in kind.ARTEFACTS}
    return tuple(sorted(every))
