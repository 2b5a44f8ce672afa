"""The terminal: the text after the progress bar, and a line for each epoch."""
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from util.errors import say
from util.sinks.base_sink import RunFacts, Sink

if TYPE_CHECKING:
    import torch

    from util.sinks.base_sink import Pictures

LINE_SECONDS = 20.0         # epochs shorter than this share a line


class TerminalSink(Sink):
    """`epoch 3 of 200, 41.3 s: held-out score 0.0712 (0.0750 before); G_GAN 0.81 G_L1 6.10`.

    The losses are means of the values reported within the epoch. Prints a line for every epoch
    with a score, and for every other that ends LINE_SECONDS after the last line.
    """
    name = 'terminal'

    def __init__(self, run: RunFacts):
        super().__init__(run)
        self.reported: dict[str, list[float]] = {}      # in this epoch
        self.score: float | None = None                 # of this epoch
        self.before: float | None = None                # the last score printed
        self.printed_at = time.monotonic()

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        for name, value in losses.items():
            self.reported.setdefault(name, []).append(value)

    def heldout(self, epoch: int, step: int, pictures: 'Pictures', score: float | None) -> None:
        self.score = score

    def epoch(self, epoch: int, seconds: float) -> None:
        if self.score is not None or time.monotonic() - self.printed_at >= LINE_SECONDS:
            say(self.line(epoch, seconds))
            self.before = self.before if self.score is None else self.score
            self.printed_at = time.monotonic()
        self.reported = {}
        self.score = None

    def line(self, epoch: int, seconds: float) -> str:
        options = self.run.options
        of = ''
        if not options.get('max_minutes'):
            of = f' of {options.get("n_epochs", 0) + options.get("n_epochs_decay", 0)}'
        parts = []
        if self.score is not None:
            before = '' if self.before is None else f' ({self.before:.4g} before)'
            parts.append(f'held-out score {self.score:.4g}{before}')
        if self.reported:
            means = {name: sum(values) / len(values) for name, values in self.reported.items()}
            parts.append(losses_in_words(means))
        return f'epoch {epoch}{of}, {seconds:.1f} s' + (f': {"; ".join(parts)}' if parts else '')


def bar_words(epoch: str, rate: float, memory: float, losses: Mapping[str, float]) -> str:
    """The text after the bar; `rate` in images a second, `memory` in bytes or 0 if unknown."""
    used = f' {memory / 1e9:.1f} GB' if memory else ''
    return f'epoch {epoch} {rate:.1f} images/s{used} {losses_in_words(losses)}'


def losses_in_words(losses: Mapping[str, float]) -> str:
    return ' '.join(f'{name} {value:.2f}' for name, value in losses.items())


def memory_taken(device: 'torch.device') -> int:
    """Peak memory of this run in bytes: of the GPU if it computes on one, else of the process.

    0 where the system does not report it.
    """
    if device.type == 'cuda':
        import torch
        return torch.cuda.max_memory_reserved(device)
    try:
        import resource
    except ModuleNotFoundError:         # on Windows
        return 0
    unit = 1 if sys.platform == 'darwin' else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
