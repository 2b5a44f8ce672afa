"""What a call of transfer.py writes of itself for programs."""
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.files import read_json, write_json
from util.memory import give_back


class Record:
    """What this call did, for programs, in RESULTS_DIR/NAME/transfer.json.

    seconds    {step: what it took}, a stopped or skipped one too
    finished   the steps that came to their end
    painted    {number of one of several people: what the layers were painted from}; of earlier
               calls too
    """

    def __init__(self, path: Path):
        self.path = path
        self.seconds: dict[str, float] = {}
        self.finished: list[str] = []
        self.painted: dict[str, Any] = painted_before(path)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """The block is this step: person, moves, training or painting. The memory that it leaves
        goes back: the next step would hold it too."""
        began = time.monotonic()
        try:
            yield
            self.finished.append(name)
        finally:
            give_back()
            self.seconds[name] = round(time.monotonic() - began, 2)
            known = {'format': 1, 'seconds': self.seconds, 'finished': self.finished}
            write_json(self.path, known | ({'painted': self.painted} if self.painted else {}))


def painted_before(path: Path) -> dict[str, Any]:
    """What an earlier call noted as painted; {} where none did."""
    try:
        found = read_json(path) if path.is_file() else {}
    except UserError:           # not written by this program: nothing is known
        found = {}
    painted = found.get('painted') if isinstance(found, dict) else None
    return painted if isinstance(painted, dict) else {}
