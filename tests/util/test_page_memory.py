"""A long run draws its page thousands of times, and no drawing leaves anything behind."""
import gc
from pathlib import Path

import numpy as np
import pytest
from dominate.dom_tag import dom_tag

from util.sinks.base_sink import RunFacts
from util.sinks.html_sink import HtmlSink

FEW = 10        # elements of a page that wait: the frame of dominate's own; a page has hundreds


def elements() -> int:
    """How many elements of pages there are."""
    return sum(isinstance(each, dom_tag) for each in gc.get_objects())


@pytest.fixture
def uncollected() -> object:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_drawn_page_leaves_nothing_to_pythons_collector(tmp_path: Path,
                                                          uncollected: object) -> None:
    sink = HtmlSink(RunFacts('me', tmp_path, {'lr': 0.1}, {'fps': 25}, False))
    picture = np.zeros((8, 8, 3), np.uint8)
    for epoch in range(1, 4):
        sink.losses(epoch * 10, epoch, {'G_L1': 0.5}, 0.1, 0.0)
        sink.heldout(epoch, epoch * 10, {'real_A': picture, 'fake_B': picture}, 0.1)
        gc.collect()
        before = elements()
        sink.draw('training')
        assert elements() - before < FEW
