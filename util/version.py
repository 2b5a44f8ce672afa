"""The version of the project: that of pyproject.toml, which says it once."""
import re
from functools import lru_cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / 'pyproject.toml'


@lru_cache
def version() -> str:
    """Such as '0.1.0'; 'of unknown version' where the code lies without that file."""
    if not PROJECT.is_file():
        return 'of unknown version'
    found = re.search(r'^version = "(.+)"$', PROJECT.read_text(encoding='utf-8'), re.M)
    assert found, f'{PROJECT} says no version'
    return found[1]
