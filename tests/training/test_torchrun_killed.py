"""Processes of torchrun end with it, also where it is killed."""
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.together import free_port
from util import ranks
from util.errors import UserError


@pytest.fixture
def started_by_torchrun(monkeypatch):
    """This process is the first of two, whose store is at the port that is given."""
    def at(port):
        given = '0', '2', '0', '2', 'localhost', str(port)
        for name, value in zip(ranks.TORCHRUN, given, strict=True):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv('TORCHELASTIC_USE_AGENT_STORE', 'True')
    return at


def test_torchrun_is_watched_before_its_processes_meet(started_by_torchrun, monkeypatch):
    watched = threading.Event()

    def meet(*given, **more):
        assert watched.wait(60)
        raise UserError('they met')
    monkeypatch.setattr(ranks, 'end_with', lambda parent: watched.set())
    monkeypatch.setattr('torch.distributed.rendezvous', meet)
    with socket.create_server(('localhost', 0)) as store:
        started_by_torchrun(store.getsockname()[1])
        with pytest.raises(UserError, match='they met'):
            ranks.join('')


def test_a_process_that_torchrun_was_killed_before_ends_at_once(started_by_torchrun, monkeypatch,
                                                                capsys):
    """Another process is its parent by then, so that it cannot see that."""
    monkeypatch.setattr(ranks, 'end_with', lambda parent: None)
    monkeypatch.setattr('torch.distributed.rendezvous', lambda *given, **more: pytest.fail('met'))
    started_by_torchrun(free_port())
    with pytest.raises(SystemExit) as ended:
        ranks.join('')
    assert ended.value.code == 143 and 'torchrun is gone' in capsys.readouterr().err


def test_a_machine_that_cannot_be_reached_is_named(started_by_torchrun, monkeypatch):
    """torchrun may be well there: its process does not just end."""
    def unreachable(*given):
        raise OSError('No route to host')
    monkeypatch.setattr(ranks, 'end_with', lambda parent: None)
    monkeypatch.setattr(ranks.socket, 'create_connection', unreachable)
    started_by_torchrun(29500)
    with pytest.raises(UserError, match='localhost, port 29500, .* No route to host'):
        ranks.join('')


@pytest.mark.skipif(os.name == 'nt', reason='Windows gives a process no other parent')
def test_a_process_stops_where_torchrun_was_killed(tmp_path: Path) -> None:
    """torchrun ends its processes itself, but not when SIGKILL ends it."""
    child = ('import os, signal, sys, threading, time; from util import ranks\n'
             'def stop(*given): open("ended", "w").close(); os._exit(0)\n'
             'signal.signal(signal.SIGTERM, stop)\n'
             'threading.Thread(target=ranks.end_with, args=(os.getppid(),)).start()\n'
             'open("started", "w").close(); time.sleep(60)')
    parent = ('import subprocess, sys\n'
              f'subprocess.run([sys.executable, "-c", {child!r}])')
    torchrun = subprocess.Popen([sys.executable, '-c', parent], cwd=tmp_path,
                                env={**os.environ, 'PYTHONPATH': str(Path(__file__).parents[2])})
    for name in ('started', 'ended'):
        until = time.monotonic() + 60
        while not (tmp_path / name).exists():
            assert time.monotonic() < until, f'{name} never came'
            time.sleep(0.05)
        torchrun.kill()
        torchrun.wait()
