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

# Two workers each, which say the number of their process at work and then work for ever.
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

def endless(*given):
    os.write(1, b'%d\\n' % os.getpid())         # at once, unlike print
    while True:
        time.sleep(0.01)
        yield 0

preprocessing.detection.detect_alone = endless

def main():
    for _ in preprocessing.detection.detect_together(Source(), Options(), 2):
        pass

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
def test_workers_end_with_a_parent_that_is_killed(started):
    parent, workers = started(POOL)
    assert all(map(is_running, workers))
    parent.kill()
    wait_for(lambda: not any(map(is_running, workers)))


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no signals between processes')
@pytest.mark.parametrize('number, status', [(signal.SIGTERM, 143), (signal.SIGINT, 130),
                                            (getattr(signal, 'SIGHUP', None), 129)])
def test_a_signal_ends_detection_by_threads_and_is_its_status(number, status, started):
    parent, workers = started(DETECTION)
    assert set(workers) == {parent.pid}
    parent.send_signal(number)
    _, err = parent.communicate(timeout=LONG)
    assert parent.returncode == status and 'Traceback' not in err, err


STUCK = '''
import os, sys, threading, time
sys.path.insert(0, {root!r})
import util.errors
util.errors.GRACE = 2.0
lock = threading.Lock()

def main():
    try:
        print(os.getpid(), flush=True)
        print(os.getpid(), flush=True)
        time.sleep(10_000)
    finally:
        lock.acquire()
        lock.acquire()                  # for ever

if __name__ == '__main__':
    util.errors.run_main(main)
'''
CALLER = '''
import os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from scripts import processes

script = Path(__file__).with_name('called.py')
script.write_text("""
import os, sys, time
sys.path.insert(0, {root!r})
from util.errors import run_main

def main():
    os.write(1, b'at work')
    try:
        time.sleep(10_000)
    finally:
        os.write(1, b', left')
run_main(main)
""")
log = script.with_name('log.txt')
print(os.getpid(), flush=True)
print(os.getpid(), flush=True)
processes.call_script(str(script), [], log, lambda: None)
'''


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no signals between processes')
@pytest.mark.parametrize('again', [False, True])
def test_what_hangs_while_it_is_closed_ends_all_the_same(again, started):
    parent, _ = started(STUCK)
    parent.send_signal(signal.SIGTERM)
    if again:
        time.sleep(0.5)
        parent.send_signal(signal.SIGTERM)
    parent.communicate(timeout=LONG)
    assert parent.returncode == 143


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no signals between processes')
def test_a_command_that_another_one_called_stops_when_that_one_is_killed(started, tmp_path):
    parent, _ = started(CALLER)
    log = tmp_path / 'log.txt'
    wait_for(lambda: log.is_file() and log.read_text() == 'at work')
    parent.kill()
    wait_for(lambda: log.read_text() == 'at work, left')


@pytest.mark.skipif(os.name == 'nt', reason='Windows has no SIGHUP')
def test_what_nohup_started_goes_on_when_the_terminal_is_closed(tmp_path):
    code = ('import os, signal, sys; sys.path.insert(0, sys.argv[1]); '
            'from util.errors import run_main, say; '
            'from util.interrupt import Interrupt\n'
            'def main():\n'
            '    with Interrupt("saving") as interrupt:\n'
            '        os.kill(os.getpid(), signal.SIGHUP)\n'
            '        say(f"went on, {interrupt.requested}")\n'
            'signal.signal(signal.SIGHUP, signal.SIG_IGN)\n'
            'run_main(main)')
    done = subprocess.run([sys.executable, '-c', code, str(ROOT)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, 'went on, None\n'), done.stderr


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='no device that is always full')
def test_a_log_on_a_full_disk_ends_no_work_and_changes_no_status(tmp_path):
    code = ('import sys; sys.path.insert(0, sys.argv[1]); from util.errors import run_main, say\n'
            'def main():\n'
            '    say("one")\n'
            '    print("two")\n'
            '    open(sys.argv[2], "w").write("done")\n'
            'run_main(main)')
    with open('/dev/full', 'w') as full:
        done = subprocess.run([sys.executable, '-c', code, str(ROOT), str(tmp_path / 'a')],
                              stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, '') and (tmp_path / 'a').read_text() == 'done'
