"""Where a live session sends its pictures: each file here with one Sink is one more `--to`."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from util.errors import UserError, warn
from util.registry import Registry

if TYPE_CHECKING:
    from live.sinks.base import Sink

SINKS: Registry[Sink] = Registry('--to', 'live.sinks', '', 'Sink')
FILM = '.mp4'
OTHER_FILMS = ('.avi', '.mov', '.mkv', '.webm', '.gif', '.m4v')


@dataclass(frozen=True)
class Chosen:
    """One `--to`.

    title      as it was typed
    name       of the sink
    argument   what the sink is given
    kind       its class
    """
    title: str
    name: str
    argument: str
    kind: type[Sink]

    def check(self) -> None:
        """UserError where it cannot work on this machine."""
        self.kind.check(self.argument)


def chosen(texts: Iterable[str]) -> list[Chosen]:
    """What each `--to` means, in order; the same one twice counts once.

    texts    NAME, NAME:ARGUMENT, or the name of a film: that is the sink `file`
    """
    found: dict[tuple[str, str], Chosen] = {}
    for text in texts:
        name, _, argument = text.partition(':')
        if text.lower().endswith(FILM):
            name, argument = 'file', text.removeprefix('file:')
        elif text.lower().endswith(OTHER_FILMS):
            raise UserError(f'--to {text}: films are written as {FILM}. Give '
                            f'--to {text.rpartition(".")[0]}{FILM}.')
        elif Path(text).is_dir() and name not in SINKS.names():
            raise UserError(f'--to {text}: that is a folder. Give --to {Path(text, "out.mp4")}.')
        kind = SINKS.find(name)
        found.setdefault((name, kind.place(argument)), Chosen(text, name, argument, kind))
    return list(found.values())


def default_place() -> str:
    """'window'; where no window can be shown 'http', with a warning that says so."""
    try:
        SINKS.find('window').check('')
    except UserError as error:
        reason = str(error).removeprefix('--to window: ').partition('. ')[0]
        warn(f'{reason}, so the picture goes to a web page (--to http).')
        return 'http'
    return 'window'


def described() -> str:
    """All sinks, for --help."""
    lines = []
    for name, kind in SINKS.importable().items():
        spelt = f'{name}[:{kind.TAKES}]' if kind.TAKES else name
        lines.append(f'{spelt}: {kind.DESCRIPTION}')
    return '; '.join(lines)
