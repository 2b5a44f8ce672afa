"""The training loop: batches in, steps, pictures and checkpoints out, resumable anywhere."""
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.base_dataset import BaseDataset
from data.loader import Loader
from models.base_model import BaseModel
from models.engine import Batch, compile_in_place, drop_compiled, to_image
from models.lr_schedule import Schedule
from util import checkpoints
from util.errors import UserError, leave, say, warn
from util.metrics.names import is_better, picture_scores, save_best_choices
from util.options import Options
from util.progress import clock, progress
from util.sinks.terminal_sink import bar_words, memory_taken
from util.visualizer import Visualizer

HELDOUT_FRAMES = 8          # scored between epochs: enough to see a trend, cheap enough to forget
SHOW_SECONDS = 60.0         # pictures are shown at least this often ...
SHOW_EPOCH_SECONDS = 20.0   # ... and at the end of an epoch unless some were shown just before,
SHOW_SHARE = 0.02           # but never for a larger part of the time than this
TELL_SECONDS = 60.0         # between two lines that say of a new best
WARM_UP_STEPS = 50          # after these the pace is known
# of a step, where the processor has bf16; and once. Measured by scripts/dev/benchmark.py step.
COMPILE_GAIN, COMPILE_SECONDS = 0.10, 150.0


class Training:
    """One run of train.py over `dataset`, watched on `heldout` (None: nothing is held out)."""

    def __init__(self, opt: Options, model: BaseModel, dataset: BaseDataset,
                 heldout: BaseDataset | None, folder: Path):
        self.opt, self.model, self.folder = opt, model, folder
        self.loader = Loader(dataset, opt.batch_size, opt.num_threads,
                             shuffle=not opt.serial_batches, seed=opt.seed)
        self.heldout = Loader(heldout) if heldout else None
        self.schedule = Schedule(opt.lr, opt.lr_policy, opt.n_epochs, opt.n_epochs_decay,
                                 opt.max_minutes, opt.lr_decay_iters)
        self.epoch = opt.epoch_count or 1       # the one to go on with, from 1
        self.batches = 0                        # of that epoch, already trained on
        self.steps = 0                          # in all
        self.seconds = 0.0                      # in all, over every session
        self.stop: int | None = None            # the signal that asked to stop: Ctrl-C, SIGTERM
        self.first_step = 0                     # of this session
        self.compiled: bool | None = None       # None: not decided yet
        self.proven = False                     # a compiled step has worked
        self.show_cost = 0.0                    # seconds that showing pictures took
        self.told_at = 0.0                      # when the bar last read the losses
        self.best: float | None = None          # score of --save_best
        self.told_best_at = -math.inf
        if opt.save_best and not heldout:
            raise UserError(f'--save_best {opt.save_best}: {opt.dataroot} has no {opt.val_phase} '
                            f'to judge by. Leave that flag out, or name another part with '
                            f'--val_phase.')

    # -- what is kept ------------------------------------------------------------------------

    def save(self, epoch: str | None = None) -> None:
        """Write latest_net_*.pth and latest_state.pth, and EPOCH_net_*.pth too if named."""
        labels = ['latest', *([epoch] if epoch else [])]
        files: dict[Path, Any] = {
            self.folder / f'{label}_net_{name}.pth': value
            for label in labels for name, value in self.model.weights().items()}
        state = {
            'epoch': self.epoch, 'batches': self.batches, 'steps': self.steps,
            'seconds': self.seconds, 'compiled': bool(self.compiled),
            'schedule': self.schedule.state(),
            'best': {'by': self.opt.save_best, 'score': self.best},
            'model': self.model.state(), 'random': random_state()}
        path = self.folder / 'latest_state.pth'
        # The state takes its place after the weights that it belongs to; but first of all while no
        # step is made: then it says of whatever is there that nothing is lost by starting again.
        files = files | {path: state} if self.steps else {path: state} | files
        checkpoints.save(files)
        for label in labels:        # an average that is kept no longer would be painted with
            for path in self.folder.glob(f'{label}_net_*_ema.pth'):
                if path not in files:
                    path.unlink()
        self.saved_at = time.monotonic()

    def load(self) -> None:
        """Go on where the run of this folder stopped."""
        label = self.opt.epoch
        state = checkpoints.read_state(self.folder) if label == 'latest' else None
        if checkpoints.is_unstarted(state):
            self.load_unstarted()
        else:
            self.model.load_weights(self.folder, label)
        if state is None:
            warn(f'{self.folder}: only the weights of epoch {label} are known, so Adam starts '
                 f'afresh, at epoch {self.epoch} (--epoch_count).')
            return
        self.epoch, self.batches = state['epoch'], state['batches']
        self.steps = self.first_step = state['steps']
        self.seconds = state['seconds']
        if state['compiled'] and self.model.engine.may_compile:
            self.compile()
        self.schedule.load_state(state['schedule'])
        best = state.get('best', {})
        if best.get('by') == self.opt.save_best:
            self.best = best.get('score')
        self.model.load_state(state['model'])
        restore_random(state['random'])

    def load_unstarted(self) -> None:
        """Load the networks of a run that was stopped before its first step: they may be another
        run's. Where the first save was stopped too, some are missing, and the run starts with new
        ones. What else the model keeps is made again."""
        wanted = [self.folder / f'latest_net_{name}.pth' for name in self.model.networks]
        if all(path.is_file() for path in wanted):
            self.model.load_networks(self.folder, 'latest')

    @property
    def done(self) -> bool:
        if not self.model.TRAINS:
            return self.steps > 0
        return self.schedule.done(self.epoch, self.seconds)

    def says_done(self) -> str:
        """Why nothing is left to do, and the flag that would change it."""
        if not self.model.TRAINS:
            return (f'{self.opt.name} is finished: --model {self.opt.model} does not train. To '
                    f'learn other frames: --overwrite.')
        if self.opt.max_minutes is not None:
            return (f'{self.opt.name} is finished: it has trained for {self.seconds / 60:.1f} '
                    f'minutes. To go on: --continue_train --max_minutes '
                    f'{math.ceil(self.seconds / 60 + self.opt.max_minutes)}.')
        return (f'{self.opt.name} is finished: epoch {self.epoch - 1} of {self.schedule.epochs}. '
                f'To go on: --continue_train --n_epochs_decay {self.opt.n_epochs_decay + 50}.')

    # -- the loop ----------------------------------------------------------------------------

    def run(self, visualizer: Visualizer) -> bool:
        """Train until the schedule is done, --max_steps is reached or Ctrl-C is pressed.

        Returns   whether the schedule is done
        """
        self.show = visualizer
        self.saved_at = self.shown_at = time.monotonic()
        try:
            if not self.model.TRAINS:
                self.fit()
                return True
            self.model.on_train_start(self.loader.dataset, self.folder)
            self.begin_heldout()
            with self.interruptible(), self.bar() as self.meter:
                while not self.done and not self.over():
                    self.run_epoch()
                self.save()
        finally:
            visualizer.close(self.done)
        return self.done

    def fit(self) -> None:
        """All at once, where the model does not train in steps."""
        dataset, began = self.loader.dataset, time.monotonic()
        self.model.fit(dataset, self.folder)
        self.begin_heldout()
        self.steps, self.seconds = 1, time.monotonic() - began
        loss = self.validate()['L1']
        say(f'{self.opt.name} knows {len(dataset)} frames; L1 {loss:.4f} on '
            f'{"what is held out" if self.heldout else "them"}.')
        self.show.losses(len(dataset), self.epoch, {'L1': loss}, self.seconds / len(dataset), 0.0)
        self.show_pictures(self.one(self.loader, len(dataset) // 2))
        self.save()

    def begin_heldout(self) -> None:
        if self.heldout:
            self.model.on_dataset(self.heldout.dataset)

    def over(self) -> bool:
        """This session ends here, though the run may not be done."""
        enough = self.opt.max_steps is not None and self.steps >= self.opt.max_steps
        return self.stop is not None or enough

    def run_epoch(self) -> None:
        began = before = time.monotonic()
        self.model.on_epoch_start(self.epoch)
        for batch in self.loader.epoch(self.epoch, skip=self.batches):
            waited = time.monotonic() - before
            self.model.on_step_start(self.schedule.over(
                self.epoch - 1 + self.batches / len(self.loader), self.seconds))
            self.model.set_rate(self.schedule.rate(self.epoch, self.seconds))
            batch = self.model.engine.to_batch(batch)
            losses = self.train_step(batch)
            self.model.on_step_end()
            self.steps += 1
            self.batches += 1
            took = time.monotonic() - before
            self.seconds += took
            self.tick(losses, took)
            self.report(losses, batch, took, waited)
            before, reported = time.monotonic(), before + took
            self.seconds += before - reported
            if self.out_of_time() or self.over():
                break
        # more than all when the dataset, or the number of its batches, has shrunk since
        if self.batches >= len(self.loader):
            self.end_epoch(time.monotonic() - began)

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """One step; the first compiled one may fail, and then the run goes on without."""
        if not self.compiled or self.proven:
            return self.model.step(batch)
        try:
            losses = self.model.step(batch)
            self.proven = True          # from now on a failure is a real one
            return losses
        except Exception as error:      # a compiler can fail in any way it likes
            drop_compiled(list(self.model.networks.values()))
            self.compiled = False
            warn(f'torch.compile failed ({type(error).__name__}); going on without it.')
            return self.model.step(batch)

    def end_epoch(self, seconds: float) -> None:
        finished, self.epoch, self.batches = self.epoch, self.epoch + 1, 0
        if self.opt.lr_policy == 'plateau':
            scores = self.validate()
            self.schedule.heldout(scores['L1'])
            self.keep_best(scores)
        self.show.epoch(finished, seconds)
        if finished % self.opt.save_epoch_freq == 0:
            self.save(str(finished))

    def out_of_time(self) -> bool:
        return self.opt.max_minutes is not None and self.done

    # -- what is seen ------------------------------------------------------------------------

    def report(self, losses: dict[str, Tensor], batch: Batch, took: float,
               waited: float) -> None:
        """Log, show and save whatever is due after this step."""
        opt, images = self.opt, self.steps * self.opt.batch_size
        def due(frequency: int) -> bool:
            return images % frequency < opt.batch_size
        if due(opt.print_freq) or self.steps == 1:
            self.show.losses(images, self.epoch, numbers(losses), (took - waited) / len(batch['A']),
                             waited / len(batch['A']), iters=self.batches * opt.batch_size)
        now = time.monotonic()
        last = self.batches == len(self.loader)
        wait = max(SHOW_EPOCH_SECONDS if last else SHOW_SECONDS, self.show_cost / SHOW_SHARE)
        if due(opt.update_html_freq) or due(opt.display_freq) or self.is_last_step() or \
                now - self.shown_at > wait:
            self.show_pictures(batch)
            self.show_cost = time.monotonic() - now
        if opt.save_latest_minutes and now - self.saved_at > opt.save_latest_minutes * 60 or \
                due(opt.save_latest_freq):
            self.save(f'iter_{images}' if opt.save_by_iter else None)
        session = self.steps - self.first_step
        if session == 10:           # the first steps also set things up: they are no pace
            self.paced_from = now
        if session == WARM_UP_STEPS:
            self.tell_pace((now - self.paced_from) / (WARM_UP_STEPS - 10))

    def is_last_step(self) -> bool:
        """Whether this session ends here: the last picture is the one people look at."""
        if self.opt.max_minutes is not None:
            return self.done or self.over()
        last = self.epoch == self.schedule.epochs and self.batches == len(self.loader)
        return last or self.over()

    def show_pictures(self, batch: Batch) -> None:
        images = self.steps * self.opt.batch_size
        first = {key: value[:1] for key, value in batch.items()}
        self.show.pictures(self.epoch, images, self.labelled(first))
        if self.heldout:
            middle = self.one(self.heldout, len(self.heldout.dataset) // 2)
            scores = self.validate()
            self.show.heldout(self.epoch, images, self.labelled(middle), scores['L1'])
            self.keep_best(scores)
        self.shown_at = time.monotonic()

    def labelled(self, batch: Batch) -> dict[str, np.ndarray]:
        """The one picture of each as RGB uint8 (H, W, 3), by upstream's names."""
        images = {'real_A': self.model.visible(batch['A']), 'fake_B': self.model.paint(batch),
                  'real_B': batch['B']}
        return {label: np.ascontiguousarray(np.broadcast_to(
            image := to_image(tensor)[0], (*image.shape[:2], 3)))
            for label, tensor in images.items()}

    def validate(self) -> dict[str, float]:
        """Means on the held-out part: L1, and what --save_best goes by; on training frames where
        nothing is held out."""
        loader = self.heldout or self.loader
        count = len(loader.dataset)
        frames = np.unique(np.linspace(0, count - 1, min(count, HELDOUT_FRAMES)).astype(int))
        scores: dict[str, list[float]] = {name: [] for name in ('L1', self.opt.save_best) if name}
        for frame in frames:
            batch = self.one(loader, frame)
            painted, true = to_image(self.model.paint(batch))[0], to_image(batch['B'])[0]
            for name, values in scores.items():
                score = picture_scores(thorough=True)[save_best_choices()[name]]
                values.append(score.measure(painted, true))
        return {name: float(np.mean(values)) for name, values in scores.items()}

    def keep_best(self, scores: dict[str, float]) -> None:
        """Save the networks as best_net_*.pth too, if no scores were better by --save_best."""
        name = self.opt.save_best
        if not name or not is_better(save_best_choices()[name], scores[name], self.best):
            return
        self.best = scores[name]
        self.save('best')           # with the state, which knows the score: both or neither
        if time.monotonic() - self.told_best_at > TELL_SECONDS:
            self.told_best_at = time.monotonic()
            say(f'best_net_*.pth: {name} {self.best:.4f} on what is held out, after '
                f'{self.steps} steps.')

    def one(self, loader: Loader, frame: int) -> Batch:
        """A batch of one frame, as it is: no random choices."""
        return self.model.engine.to_batch(Loader(loader.dataset).batch([frame]))

    def bar(self) -> Any:
        """By the clock the bar counts seconds, else steps; either way its ETA is the run's."""
        if self.opt.max_minutes is not None:
            return clock(f'training {self.opt.name}', self.opt.max_minutes * 60, self.seconds)
        return progress(None, f'training {self.opt.name}', self.steps + self.steps_left(), 'step',
                        initial=self.steps)

    def steps_left(self) -> int:
        """When it is the epochs that count."""
        return (self.schedule.epochs - self.epoch + 1) * len(self.loader) - self.batches

    def tick(self, losses: dict[str, Tensor], took: float) -> None:
        meter = self.meter
        if self.opt.max_minutes is None:
            meter.update(1)
        else:
            meter.update(min(self.seconds, meter.total) - meter.n)
        now = time.monotonic()
        if now - self.told_at > 1.0:       # reading a loss waits for the device
            self.told_at = now
            of = f'/{self.predicted_epochs():.1f}' if self.opt.max_minutes else \
                f'/{self.schedule.epochs}'
            meter.set_postfix_str(
                bar_words(f'{self.epoch}{of}', self.opt.batch_size / took,
                          memory_taken(self.model.engine.device), numbers(losses)), refresh=False)

    def predicted_epochs(self) -> float:
        """How many epochs the time will hold, from the pace so far."""
        trained = self.epoch - 1 + self.batches / len(self.loader)
        return trained * max(1.0, self.opt.max_minutes * 60 / max(self.seconds, 1e-9))

    # -- speed -------------------------------------------------------------------------------

    def tell_pace(self, pace: float) -> None:
        """After the first steps, at `pace` seconds each: say what fits, and compile if it pays."""
        if self.opt.max_minutes is not None:
            left = self.opt.max_minutes * 60 - self.seconds
            say(f'about {self.predicted_epochs():.1f} epochs fit into {self.opt.max_minutes:g} '
                f'minutes at {pace:.2f} s a step.')
        else:
            left = self.steps_left() * pace
        worth = left * COMPILE_GAIN > COMPILE_SECONDS
        if self.compiled is None and self.model.engine.may_compile and worth:
            self.compile()

    def compile(self) -> None:
        """Turn torch.compile on for the steps from now on."""
        self.compiled = compile_in_place(list(self.model.networks.values()))
        if self.compiled:
            say('torch.compile: the next step takes a minute or two, the rest are faster.')

    # -- leaving -----------------------------------------------------------------------------

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Ctrl-C ends the step, not the process; pressed twice it ends both."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: Any) -> None:
            if self.stop:
                leave(number)
            self.stop = number
            warn('stopping after this step; what is trained is saved. Again to stop at once.')
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT,
                                                                    signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def numbers(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: float(loss) for name, loss in losses.items()}


def random_state() -> dict[str, Any]:
    """Of torch on every device; the data's randomness is a function of seed and epoch."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {'cpu': torch.get_rng_state(), 'cuda': cuda}


def restore_random(state: dict[str, Any]) -> None:
    torch.set_rng_state(state['cpu'])
    if torch.cuda.is_available() and len(state['cuda']) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state['cuda'])

