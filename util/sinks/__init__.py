"""Where progress is shown: a file NAME_sink.py here with one Sink is one more place."""
from util.registry import Registry

SINKS = Registry('sink', 'util.sinks', '_sink', 'Sink')
