"""Sinks show the progress of a run: each file NAME_sink.py here, with one Sink, adds one."""
from typing import TYPE_CHECKING

from util.registry import Registry

if TYPE_CHECKING:
    from util.sinks.base_sink import Sink

SINKS: 'Registry[Sink]' = Registry('sink', 'util.sinks', '_sink', 'Sink')
