"""Nowhere: for measuring."""
from live.sinks.base import Sink


class NullSink(Sink):
    """Takes every picture and shows none."""
    NAME = 'null'
    DESCRIPTION = 'nowhere, to measure'
