"""What the Makefile does, where there is no make: on Windows, say.

    py -3.11 -m scripts.make demo
    py -3.11 -m scripts.make demo TARGET=me.mp4 SOURCE=dancer.mp4

The words are those of make. It needs Python alone: all else is installed into .venv, by the same
commands as the Makefile's, to which a test holds it.
"""
from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = Path('.venv')
INSTALLED = VENV / '.installed'                     # is as new as what was installed
NEEDS = ['requirements.txt', 'constraints.txt']
BIN, EXE = (VENV / 'Scripts', '.exe') if os.name == 'nt' else (VENV / 'bin', '')
OLDEST, NEWEST = (3, 10), (3, 12)
WEIGHTS = ['lpips', 'openpose']
DRAWN = 'datasets/demo_videos'
CONSTRAINED = ['PIP_CONSTRAINT=constraints.txt', 'PIP_BUILD_CONSTRAINT=constraints.txt']
TARGETS = ['install', 'demo', 'test']
NAMES = {'TARGET': 'me.mp4', 'SOURCE': 'dancer.mp4', 'MINUTES': '10', 'JOBS': '2'}
TYPED = 'py -3.11 -m scripts.make' if os.name == 'nt' else 'python3.11 -m scripts.make'


def tool(name: str) -> str:
    """A program of .venv."""
    return str(BIN / f'{name}{EXE}')


def commands(target: str, given: dict[str, str]) -> list[list[str]]:
    """The words of each command of a target, in order. Words NAME=VALUE at the front are set in its
    environment.

    given   TARGET, SOURCE, MINUTES and JOBS, as they were typed
    """
    made = [] if is_installed() else [[sys.executable, '-m', 'venv', str(VENV)], installation()]
    made.append([tool('python'), 'scripts/get_models.py', '--if_possible', *WEIGHTS])
    if target == 'demo':
        made += demo(given)
    if target == 'test':
        made += [[tool('ruff'), 'check', '.'], [tool('mypy')], fast_tests(given)]
    return made


def installation() -> list[str]:
    return [*CONSTRAINED, tool('pip'), 'install', '--disable-pip-version-check', '-r', NEEDS[0]]


def demo(given: dict[str, str]) -> list[list[str]]:
    """Of two drawn dancers, or of one's own two videos."""
    minutes = ['--minutes', given['MINUTES']] if given.get('MINUTES') else []
    paint = [tool('python'), 'transfer.py', '--target']
    if 'TARGET' in given:
        return [[*paint, given['TARGET'], '--source', given['SOURCE'], '--output', 'out.mp4',
                 *minutes]]
    draw = [tool('python'), 'scripts/make_demo_videos.py', '--out', DRAWN]
    return [draw, [*paint, f'{DRAWN}/target.mp4', '--name', 'demo', '--source',
                   f'{DRAWN}/source.mp4', '--output', 'out.mp4', *minutes]]


def fast_tests(given: dict[str, str]) -> list[str]:
    return [tool('pytest'), '-q', '-n', given.get('JOBS', NAMES['JOBS']), '--dist', 'loadfile',
            '-m', 'not slow']


def is_installed() -> bool:
    """Whether .venv holds what requirements.txt says today."""
    if not INSTALLED.is_file():
        return False
    return all(INSTALLED.stat().st_mtime >= Path(need).stat().st_mtime for need in NEEDS)


def run(words: list[str]) -> None:
    """Run one command, shown before. If it fails, this process ends with its status: it has said
    why itself."""
    print(shown(words), flush=True)
    set_here = list(takewhile(re.compile(r'[A-Z_]+=').match, words))
    environment = dict(word.split('=', 1) for word in set_here)
    if os.name == 'nt':             # text of a file without a named encoding is UTF-8 there too
        environment['PYTHONUTF8'] = '1'
    done = subprocess.run(words[len(set_here):], env={**os.environ, **environment})
    if done.returncode:
        sys.exit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def shown(words: list[str]) -> str:
    """A command as one line of a shell."""
    return subprocess.list2cmdline(words) if os.name == 'nt' else ' '.join(map(shlex.quote, words))


def parsed(argv: list[str] | None) -> tuple[str, dict[str, str], bool]:
    """The target, NAME=VALUE as typed, and whether to show the commands only."""
    examples = ' '.join(f'{name}={value}' for name, value in NAMES.items())
    parser = argparse.ArgumentParser(prog='python -m scripts.make', allow_abbrev=False,
                                     description=(__doc__ or '').split('\n')[0])
    parser.add_argument('words', nargs='*', metavar='WORD', default=['demo'],
                        help=f'{", ".join(TARGETS)}; then {examples}')
    parser.add_argument('--dry_run', action='store_true', help='show the commands, run none')
    opt = parser.parse_intermixed_args(argv)        # --dry_run may stand between words
    targets = [word for word in opt.words if '=' not in word] or ['demo']
    given = dict(word.split('=', 1) for word in opt.words if '=' in word)
    for word in [*targets, *given]:
        if word not in [*TARGETS, *NAMES]:
            sys.exit(f'error: {word}: no such word. There is {", ".join(TARGETS)}, and after demo '
                     f'{examples}.')
    if len(targets) > 1:
        sys.exit(f'error: {" ".join(targets)}: give one of them at a time.')
    if ('TARGET' in given) != ('SOURCE' in given):
        sys.exit(f'error: TARGET and SOURCE go together: {TYPED} demo TARGET=me.mp4 '
                 f'SOURCE=dancer.mp4')
    return targets[0], given, opt.dry_run


def main(argv: list[str] | None = None) -> None:
    target, given, is_dry = parsed(argv)
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        sys.exit(f'error: Python {version[0]}.{version[1]} will not do: mediapipe needs 3.10, 3.11 '
                 f'or 3.12. Install one, then type: {TYPED} {target}')
    os.chdir(ROOT)
    for words in commands(target, given):
        if is_dry:
            print(shown(words))
            continue
        run(words)
        if words == installation():
            INSTALLED.touch()


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
