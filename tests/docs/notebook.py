"""Runs the code cells of a notebook from top to bottom, as Jupyter does, with Python alone.

    python notebook.py walkthrough.ipynb shown.json

A line that begins with ! is a command, with {name} as in an f-string; one that fails ends the run,
which in Jupyter it does not. Names of the files that were displayed go into the second file.
"""
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

COMMAND = re.compile(r'^( *)!(.*)$', re.M)


def cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook: type, text, and all else that the file says of them."""
    found = json.loads(path.read_text('utf-8'))['cells']
    return [cell | {'text': ''.join(cell['source'])} for cell in found]


def translated(text: str) -> str:
    """A cell as Python."""
    return COMMAND.sub(lambda line: f'{line[1]}command(f{line[2]!r})', text)


def command(line: str) -> None:
    subprocess.run(line, shell=True, check=True)


def displays(shown: list[str]) -> dict[str, ModuleType]:
    """Modules in the place of IPython.display, which note what is displayed."""
    class Image:
        def __init__(self, filename: str):
            assert Path(filename).stat().st_size, filename
            self.filename = filename

    class Video(Image):
        def __init__(self, filename: str, embed: bool):
            assert embed, 'without it a page shows only what lies below its own folder'
            super().__init__(filename)

    module = ModuleType('IPython.display')
    module.__dict__.update(Image=Image, Video=Video,
                           display=lambda *all: shown.extend(each.filename for each in all))
    return {'IPython': ModuleType('IPython'), 'IPython.display': module}


def main(notebook: str, record: str) -> None:
    shown: list[str] = []
    sys.modules.update(displays(shown))
    names: dict[str, Any] = {'command': command}
    for cell in cells(Path(notebook)):
        if cell['cell_type'] == 'code':
            exec(compile(translated(cell['text']), notebook, 'exec'), names)
    Path(record).write_text(json.dumps(shown))


if __name__ == '__main__':
    main(*sys.argv[1:])
