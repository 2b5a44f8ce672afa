"""Processes end when they are told to, and workers with their parent, however it ends."""
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONG = 120          # s: waited at most for what takes a second or two

# Two workers each, which say their numbers once they are at work and then work for ever.
POOL = '''
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
sys.path.insert(0, {root!r})
from util.errors import run_main
from util.workers import begin_worker

def work(k):
    os.write(1, b'%d\\n' % os.getpid())         # at once, unlike print
    time.sleep(10_000)

def main():
    with ProcessPoolExecutor(2, get_context('spawn'), begin_worker, (1,)) as pool:
        list(pool.map(work, range(2)))

if __name__ == '__main__':
    run_main(main)
'''
DETECTION = '''
import os, sys, time
sys.path.insert(0, {root!r})
import preprocessing.detection
from util.errors import run_main
from util.options import Options

class Source:
    count = 400

def never(*given):
    os.write(1, b'%d\\n' % os.getpid())         # at once, unlike print
    time.sleep(10_000)
    yield

preprocessing.detection.detect_alone = never         # in the workers too, which import this file

def main():
    list(preprocessing.detection.detect_together(Source(), Options(), 2))

if __name__ == '__main__':
    run_main(main)
'''


@pytest.fixture
def started(tmp_path):
    """started(code) is a process of that code, and the numbers of its workers."""
    parents, workers = [], []

    def call(code):
        script = tmp_path / 'script.py'
        script.write_text(code.format(root=str(ROOT)))
        parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        parents.append(parent)
        workers[:] = [int(parent.stdout.readline()) for _ in range(2)]
        return parent, list(workers)
    yield call
    for worker in filter(is_running, workers):
        os.kill(worker, signal.SIGKILL)
    for parent in parents:
        parent.kill()
        parent.communicate()


def wait_for(condition):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < LONG, 'waited in vain'
        time.sleep(0.1)


def is_running(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    status = Path(f'/proc/{number}/stat')       # where nobody takes its status it stays a zombie
    try:
        return not status.exists() or status.read_text().rsplit(')')[-1].split()[0] != 'Z'
    except OSError:
        return False


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no signals between processes')
@pytest.mark.parametrize('code', [POOL, DETECTION], ids=['pool', 'detection'])
def test_workers_end_with_a_parent_that_is_killed(code, started):
    parent, workers = started(code)
    assert all(map(is_running, workers))
    parent.kill()
    wait_for(lambda: not any(map(is_running, workers)))


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no signals between processes')
@pytest.mark.parametrize('number, status', [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_to_the_parent_ends_its_workers_and_is_its_status(number, status, started):
    parent, workers = started(DETECTION)
    parent.send_signal(number)
    _, err = parent.communicate(timeout=LONG)
    assert parent.returncode == status and 'Traceback' not in err, err
    wait_for(lambda: not any(map(is_running, workers)))
