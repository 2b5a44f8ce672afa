"""Processes that are killed for good just before a file or folder changes."""
import json
import os
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHANGES = {'os.rename', 'os.remove', 'os.mkdir', 'os.rmdir', 'os.link', 'os.truncate'}


def kill_before(points: dict[str, tuple[str, int]], argv: list[str]) -> None:
    """Train a run of each name in `points`, in processes of their own.

    points   {run's name: what a file's new name ends with, and at which such renaming, from 1, the
             process is killed by SIGKILL, so that nothing is tidied up}
    argv     of train.py but for --name
    """
    call('kill_runs', points, argv)


def resumed_after_every_kill(argv: list[str], checkpoints: Path, before: str = '',
                             every: int = 1) -> dict[str, str]:
    """Train a run, kill it before each change of a file or folder, and give the command again.

    argv     of train.py but for --name, with --checkpoints_dir `checkpoints`
    before   the name of a run that lies in the folder at the start
    every    only each change of that many
    Returns  {number of the change: the last words of the command that failed} of what went wrong,
             and {'changes': how many there are}; the resumed runs lie in CHECKPOINTS/NUMBER
    """
    return json.loads(call('kill_everywhere', argv, str(checkpoints), before, every))


def differing_after_kills(entry: str, argv: list[str], place: Path, first: int,
                          every: int) -> dict[str, Any]:
    """Call an entry point, kill it before a change of a file or folder, and give the same command
    again; for each change of `every`, from `first` on.

    place     the folder that it fills; what is in it to start with is there each time
    Returns   {number of the change: what then is not as after an undisturbed call}, if anything
    """
    return json.loads(call('kill_and_repeat', entry, argv, str(place), first, every))


def call(function: str, *given: Any) -> str:
    """That function of this file, in a process that has imported torch and nothing else."""
    done = subprocess.run([sys.executable, __file__, function, json.dumps(given)], cwd=ROOT,
                          check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1] if done.stdout else ''


def die_before(ending: str, time: int) -> None:
    """Kill this process before that renaming."""
    left = [time]

    def hook(event: str, given: tuple) -> None:
        if event == 'os.rename' and str(given[1]).endswith(ending):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)


def die_at(number: int | None, within: Path) -> list[int]:
    """Kill this process before its change of that number, from 1, to what lies within a folder.
    Returns [changes so far]."""
    count = [0]

    def hook(event: str, given: tuple) -> None:
        writes = event == 'open' and isinstance(given[1], str) and set(given[1]) & set('wax+')
        if (writes or event in CHANGES) and str(within) in str(given[0]):
            count[0] += 1
            if count[0] == number:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    return count


def in_child(work: Any, log: Path) -> int:
    """The exit code of a process that does it, with its words in a file."""
    child = os.fork()
    if not child:
        words = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
        os.dup2(words, 1)
        os.dup2(words, 2)
        status = 1
        try:
            work()
            status = 0
        except BaseException as error:
            print(f'{type(error).__name__}: {error}', file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_runs(points: dict[str, tuple[str, int]], argv: list[str]) -> None:
    import train
    for name, (ending, time) in points.items():
        def work(name: str = name, ending: str = ending, time: int = time) -> None:
            die_before(ending, time)
            train.main(['--name', name, *argv])
        status = in_child(work, Path(os.devnull))
        assert status == -signal.SIGKILL, (name, status)


def kill_everywhere(argv: list[str], checkpoints: str, before: str, every: int) -> None:
    import train
    from models import artefacts
    from util.runs import RunFolder
    place, failed = Path(checkpoints), {}
    log = place / 'log.txt'
    place.mkdir(exist_ok=True)

    def run(name: str, at: int | None) -> int:
        def work() -> None:
            count = die_at(at, place / name)
            train.main(['--name', name, *argv])
            print(count[0])
        return in_child(work, log)

    def prepare(name: str) -> None:
        shutil.rmtree(place / name, ignore_errors=True)
        if before:
            shutil.copytree(place / before, place / name)
    prepare('straight')
    assert run('straight', None) == 0, log.read_text()
    changes = int(log.read_text().split()[-1])
    for number in range(1, changes + 1, every):
        name = str(number)
        prepare(name)
        if run(name, number) != -signal.SIGKILL:
            continue                    # a thread made fewer changes this time
        # what transfer.py adds, unless the flags say already what is to be done
        goes_on = RunFolder(checkpoints, name, artefacts()).has_weights and not before
        again = ['--name', name, *argv, *(['--continue_train'] if goes_on else [])]
        if in_child(lambda again=again: train.main(again), log):
            failed[name] = log.read_text()[-300:]
    print(json.dumps({**failed, 'changes': str(changes)}))


def contents(place: Path) -> dict[str, int | None]:
    """{each file and folder: the bytes of a picture}; films and JSON hold dates."""
    found = {}
    for path in sorted(place.rglob('*')):
        name = path.relative_to(place).as_posix()
        found[name] = path.stat().st_size if path.suffix in ('.png', '.jpg') else None
    return found


def kill_and_repeat(entry: str, argv: list[str], folder: str, first: int, every: int) -> None:
    place = Path(folder)
    start, log = place.with_name(f'{place.name}.start'), place.with_name(f'{place.name}.txt')
    if place.exists():
        shutil.copytree(place, start)

    def run(at: int | None) -> int:
        def work() -> None:
            die_at(at, place)
            import_module(entry).main(argv)
        return in_child(work, log)

    def restart() -> None:
        shutil.rmtree(place, ignore_errors=True)
        if start.exists():
            shutil.copytree(start, place)
    assert run(None) == 0, log.read_text()
    right, differ, number, is_killed = contents(place), {}, first, True
    while is_killed:
        restart()
        is_killed = run(number) == -signal.SIGKILL
        status, found = run(None), contents(place)
        names = [name for name in {**right, **found} if right.get(name, 0) != found.get(name, 0)]
        if status or names:
            differ[number] = log.read_text()[-300:] if status else sorted(names)[:9]
        number += every
    print(json.dumps(differ))


if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    # once, for all of the processes to come
    for folder in ('models', 'models/networks', 'models/warping', 'training', 'data', 'util/sinks',
                   'evaluation', 'preprocessing', 'pose/detect'):
        for file in sorted((ROOT / folder).glob('*.py')):
            import_module('.'.join(file.relative_to(ROOT).with_suffix('').parts))
    globals()[sys.argv[1]](*json.loads(sys.argv[2]))
