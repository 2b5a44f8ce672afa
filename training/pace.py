"""How fast a run trains: its stopwatch, its bar with the ETA, and whether torch.compile pays."""
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from torch import Tensor

from models.base_model import BaseModel
from models.engine import compile_in_place, drop_compiled
from models.lr_schedule import Schedule
from training.state import Position
from util.errors import say, warn
from util.options import Options
from util.progress import clock, progress
from util.sinks.terminal_sink import bar_words, memory_taken

if TYPE_CHECKING:
    from tqdm import tqdm

WORDS_SECONDS = 1.0         # between two updates of the words next to the bar
SETUP_STEPS = 10            # the first steps also set things up: they say nothing of the pace
WARM_UP_STEPS = 50          # after these the pace is known
# of a step, where the processor has bf16; and once. Measured by scripts/dev/benchmark.py step.
COMPILE_GAIN, COMPILE_SECONDS = 0.10, 150.0


class Stopwatch:
    """Splits time into laps without a gap between them."""

    def __init__(self) -> None:
        self.lap_started = time.monotonic()

    def lap(self) -> float:
        """Seconds since the lap before ended."""
        before = self.lap_started
        self.lap_started = time.monotonic()
        return self.lap_started - before


class Compilation:
    """torch.compile of a model's networks.

    on      None: not decided yet
    proven  whether a compiled step has worked
    """

    def __init__(self, model: BaseModel):
        self.model = model
        self.on: bool | None = None
        self.proven = False

    @property
    def may_start(self) -> bool:
        """Whether it is allowed here and not decided yet."""
        return self.on is None and self.model.engine.may_compile

    def start(self) -> None:
        """Compile the steps from now on."""
        self.on = compile_in_place(list(self.model.networks.values()))
        if self.on:
            say('torch.compile: the next step takes a minute or two, the rest are faster.')

    def give_up(self, error: Exception) -> None:
        """Go on without it."""
        drop_compiled(list(self.model.networks.values()))
        self.on = False
        warn(f'torch.compile failed ({type(error).__name__}); going on without it.')

    def state(self) -> bool:
        return bool(self.on)

    def load_state(self, state: bool) -> None:
        """Compile again what was compiled, where this machine may."""
        if state and self.model.engine.may_compile:
            self.start()


class Pace:
    """The bar of a run, and how long the rest of it takes.

    batches  in an epoch
    """

    def __init__(self, opt: Options, schedule: Schedule, position: Position, batches: int,
                 compilation: Compilation):
        self.opt = opt
        self.schedule = schedule
        self.position = position
        self.batches = batches
        self.compilation = compilation
        self.meter: tqdm[Any] | None = None
        self.words_at = 0.0         # when the words next to the bar were last written
        self.steps = 0              # in this session
        self.measured_from = 0.0    # when SETUP_STEPS were over

    def bar(self) -> 'tqdm[Any]':
        """By the clock the bar counts seconds, else steps; either way its ETA is the run's."""
        name = f'training {self.opt.name}'
        done = self.position
        if self.opt.max_minutes is not None:
            return clock(name, self.opt.max_minutes * 60, done.seconds)
        return progress(None, name, done.steps + self.steps_left(), 'step', initial=done.steps)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw the bar within the block."""
        with self.bar() as self.meter:
            yield

    def tick(self, losses: dict[str, Tensor], took: float) -> None:
        """Move the bar by one step, which took `took` seconds."""
        assert self.meter is not None
        if self.opt.max_minutes is None:
            self.meter.update(1)
        else:
            self.meter.update(min(self.position.seconds, self.meter.total) - self.meter.n)
        now = time.monotonic()
        if now - self.words_at > WORDS_SECONDS:     # reading a loss waits for the device
            self.words_at = now
            self.meter.set_postfix_str(self.words(losses, took), refresh=False)

    def words(self, losses: dict[str, Tensor], took: float) -> str:
        """What stands next to the bar."""
        epochs = str(self.schedule.epochs)
        if self.opt.max_minutes:
            epochs = f'{self.predicted_epochs():.1f}'
        memory = memory_taken(self.compilation.model.engine.device)
        return bar_words(f'{self.position.epoch}/{epochs}', self.opt.batch_size / took, memory,
                         numbers(losses))

    def steps_left(self) -> int:
        """Of a run by epochs."""
        epochs = self.schedule.epochs - self.position.epoch + 1
        return epochs * self.batches - self.position.batches

    def predicted_epochs(self) -> float:
        """How many epochs a run by the clock reaches at its pace so far."""
        trained = self.position.epoch - 1 + self.position.batches / self.batches
        seconds = self.opt.max_minutes * 60
        return trained * max(1.0, seconds / max(self.position.seconds, 1e-9))

    def measure(self, now: float) -> None:
        """Count a step that ended at `now`; after WARM_UP_STEPS act on the pace."""
        self.steps += 1
        if self.steps == SETUP_STEPS:
            self.measured_from = now
        if self.steps == WARM_UP_STEPS:
            self.tell_pace((now - self.measured_from) / (WARM_UP_STEPS - SETUP_STEPS))

    def tell_pace(self, pace: float) -> None:
        """At `pace` seconds a step: say how far the time reaches, and compile if it pays."""
        if self.opt.max_minutes is not None:
            left = self.opt.max_minutes * 60 - self.position.seconds
            say(f'about {self.predicted_epochs():.1f} epochs fit into {self.opt.max_minutes:g} '
                f'minutes at {pace:.2f} s a step.')
        else:
            left = self.steps_left() * pace
        pays = left * COMPILE_GAIN > COMPILE_SECONDS
        if pays and self.compilation.may_start:
            self.compilation.start()


def numbers(losses: dict[str, Tensor]) -> dict[str, float]:
    """Losses read from the device, which waits for it."""
    return {name: float(loss) for name, loss in losses.items()}
