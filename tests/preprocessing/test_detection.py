"""Threads that find people, and what happens to them where the work stops."""
import threading

import pytest

from preprocessing import detection
from util.options import Options


class Source:
    count = 400


def test_threads_end_where_a_signal_comes_while_the_bar_is_drawn(monkeypatch):
    """Else they write frames into a folder that is being removed."""
    def endless(*given):
        while True:
            yield 0

    def stopped(found, *given):
        for _ in found:
            raise KeyboardInterrupt
    monkeypatch.setattr(detection, 'detect_alone', endless)
    monkeypatch.setattr(detection, 'progress', stopped)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt) as error:
        detection.detect(Source(), Options(num_workers=2, detector='none'))
    assert error.tb is not None and threading.active_count() == before
