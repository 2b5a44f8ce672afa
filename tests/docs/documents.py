"""The documents of the repository, and the commands and links that they hold."""
import re
import shlex
from pathlib import Path

from notebook import cells

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / 'docs').glob('*.ipynb'))
DOCUMENTS = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md'), *NOTEBOOKS])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


# docs/features.md tells of other projects' files and flags below the first of these headings
OTHER_PROJECTS = '\n## pix2pix: '


def read(name):
    """The text of a document, a notebook's as Markdown."""
    if name.endswith('.ipynb'):
        return '\n\n'.join(map(as_markdown, cells(ROOT / name)))
    return (ROOT / name).read_text()


def as_markdown(cell):
    """A cell of a notebook, its commands without the ! before them."""
    if cell['cell_type'] == 'markdown':
        return cell['text']
    lines = re.sub('^( *)!', r'\1', cell['text'], flags=re.M)
    return f'```python\n{lines}\n```'


def own(name):
    """What a document says of this project."""
    return read(name).partition(OTHER_PROJECTS)[0]


def blocks(text, language='bash'):
    """The code blocks that are marked with this language."""
    return re.findall(rf'^```{language}\n(.*?)^```', text, re.M | re.S)


def run_lines(text):
    """Every python line of the blocks marked bash, in order: these are run by a test."""
    return [line for block in blocks(text) for line in block.splitlines()
            if line.startswith('python ')]


def code(text):
    """Everything that is set as code: lines of blocks, fenced or indented, and spans."""
    fences = re.findall(r'^```\w*\n(.*?)^```', text, re.M | re.S)
    prose = re.sub(r'^```\w*\n.*?^```', '', text, flags=re.M | re.S)
    indented = re.findall(r'^    \S.*$', prose, re.M)
    spans = re.findall(r'`([^`\n]+)`', re.sub(r'^    \S.*$', '', prose, flags=re.M))
    lines = [line for block in fences for line in block.splitlines()]
    return [line.strip() for line in [*lines, *indented, *spans]]


def commands(text):
    """[(script, its words)] of all that is set as code and calls a script of this repository."""
    found = []
    for line in code(text):
        line = re.sub(r'^\S*py(?:thon[\d.]*)?( -[\d.]+)? -m scripts\.(\w+)', r'scripts/\2.py', line)
        called = re.match(r'(?:\S*python[\d.]* )?((?:scripts/(?:dev/)?)?\w+\.py)(?= |$)(.*)', line)
        if called:
            script, words = called.groups()
            found.append((script, shlex.split(words.partition(' # ')[0])))
    return found


def anchors(text):
    """The ids that GitHub gives to the headings of a document."""
    headings = re.findall(r'^#+ (.*)$', re.sub(r'^```.*?^```', '', text, flags=re.M | re.S), re.M)
    plain = [re.sub(r'[^\w\- ]', '', heading.lower()) for heading in headings]
    return {heading.replace(' ', '-') for heading in plain}
