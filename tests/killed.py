"""Runs of train.py, each killed for good just before a file or folder takes its place."""
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def kill_before(points: dict[str, tuple[str, int]], argv: list[str]) -> None:
    """Train a run of each name in `points`, in processes of their own.

    points   {run's name: what a file's new name ends with, and at which such renaming, from 1, the
             process is killed by SIGKILL, so that nothing is tidied up}
    argv     of train.py but for --name
    """
    subprocess.run([sys.executable, __file__, json.dumps(points), *argv], cwd=ROOT, check=True)


def die_before(ending: str, time: int) -> None:
    """Kill this process before that renaming."""
    left = [time]

    def hook(event: str, given: tuple) -> None:
        if event == 'os.rename' and str(given[1]).endswith(ending):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)


if __name__ == '__main__':
    sys.path.insert(0, str(ROOT))
    import torch  # noqa: F401  # once, for all of the processes to come

    import train
    for name, (ending, time) in json.loads(sys.argv[1]).items():
        child = os.fork()
        if not child:
            die_before(ending, time)
            train.main(['--name', name, *sys.argv[2:]])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, (name, status)
