"""The first Ctrl-C asks, the second one stops at once, and afterwards signals are as before."""
import os
import signal
import threading

import pytest

from util.interrupt import Interrupt


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
