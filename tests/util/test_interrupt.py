"""The first Ctrl-C asks, the second one stops at once, and afterwards signals are as before."""
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from util.interrupt import Interrupt


def run(program):
    """What a process of these lines ended with."""
    return subprocess.run([sys.executable, '-c', program], cwd=Path(__file__).parents[2],
                          capture_output=True, text=True)


@pytest.mark.parametrize('number, end', [(signal.SIGINT, KeyboardInterrupt),
                                         (signal.SIGTERM, SystemExit)])
def test_the_first_signal_is_a_request_and_the_second_one_stops_at_once(number, end, capsys):
    with pytest.raises(end), Interrupt('wait for it') as interrupt:
        assert interrupt.requested is None
        os.kill(os.getpid(), number)
        assert interrupt.requested == number and 'wait for it' in capsys.readouterr().err
        os.kill(os.getpid(), number)
        pytest.fail('the second signal did not stop')


def test_after_the_block_signals_do_what_they_did_before():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupt('') as interrupt:
        assert signal.getsignal(signal.SIGTERM) == interrupt.request
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_second_signal_does_what_it_did_before_where_somebody_handled_it():
    came = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        with pytest.raises(SystemExit), Interrupt('') as interrupt:
            interrupt.request(signal.SIGTERM, None)
            interrupt.request(signal.SIGTERM, None)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [signal.SIGTERM]


def test_a_thread_that_gets_no_signals_works_all_the_same():
    requested = []

    def work():
        with Interrupt('') as interrupt:
            requested.append(interrupt.requested)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert requested == [None]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_work_is_done_ends_at_once_without_a_traceback(number):
    """Libraries have work of their own to do at the end, in which an exception is a traceback."""
    program = (f'import atexit, os\n'
               f'from util.errors import run_main\n'
               f'atexit.register(lambda: os.kill(os.getpid(), {int(number)}))\n'
               f'run_main(lambda: print("done", flush=True))\n')
    ended = run(program)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + number, 'done\n', '')


def test_who_stops_a_transfer_reads_that_the_same_command_goes_on():
    program = ('import os, runpy, signal, sys\n'
               'from options.transfer_options import TransferOptions\n'
               'TransferOptions.parse = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n'
               'sys.path.insert(0, ".")\n'
               'runpy.run_path("transfer.py", run_name="__main__")\n')
    ended = run(program)
    assert (ended.returncode, ended.stdout) == (130, '')
    assert ended.stderr == 'warning: stopped before the end. To go on: the same command again.\n'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_within_a_finalizer_ends_the_work_without_a_traceback(number):
    """Python drops what a finalizer raises, prints it, and goes on as if no signal had come."""
    program = (f'import os, time\n'
               f'from util.errors import run_main\n'
               f'class Library:\n'
               f'    def __del__(self):\n'
               f'        os.kill(os.getpid(), {int(number)})\n'
               f'        time.sleep(0.001)\n'
               f'def main():\n'
               f'    del Library.one\n'
               f'    time.sleep(20)\n'
               f'    print("went on")\n'
               f'Library.one = Library()\n'
               f'run_main(main)\n')
    ended = run(program)
    assert (ended.returncode, ended.stdout) == (128 + number, '')
    assert 'Traceback' not in ended.stderr and 'ignored' not in ended.stderr


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('sent, printed', [(1, 'imported\n'), (2, '')])
def test_a_signal_waits_for_the_import_of_a_compiled_module_and_a_second_one_does_not(
        number, sent, printed):
    """pybind11 turns every exception there into an ImportError: onnxruntime seemed broken."""
    program = (f'import os, sys, time\n'
               f'from importlib.machinery import ExtensionFileLoader, ModuleSpec\n'
               f'from util.errors import run_main\n'
               f'class Compiled(ExtensionFileLoader):\n'
               f'    def create_module(self, spec):\n'
               f'        try:\n'
               f'            for _ in range({sent}):\n'
               f'                os.kill(os.getpid(), {int(number)})\n'
               f'                time.sleep(0.1)\n'
               f'        except BaseException as error:\n'
               f'            raise ImportError("initialization failed") from error\n'
               f'    def exec_module(self, module):\n'
               f'        print("imported", flush=True)\n'
               f'class Finder:\n'
               f'    def find_spec(self, name, path=None, target=None):\n'
               f'        if name == "compiled":\n'
               f'            return ModuleSpec(name, Compiled(name, "compiled.so"))\n'
               f'def main():\n'
               f'    import compiled\n'
               f'    time.sleep(20)\n'
               f'    print("went on")\n'
               f'sys.meta_path.insert(0, Finder())\n'
               f'run_main(main)\n')
    ended = run(program)
    assert (ended.returncode, ended.stdout) == (128 + number, printed), ended.stderr
    assert 'Traceback' not in ended.stderr
