"""The training loop: steps, losses, pictures and checkpoints, resumable at any step."""
import math
import time
from pathlib import Path

from torch import Tensor

from data.base_dataset import BaseDataset
from data.loader import Loader
from models.base_model import BaseModel
from models.engine import Batch
from models.lr_schedule import Schedule
from training.advice import OF_TRAIN, Advice
from training.pace import Compilation, Pace, Stopwatch, numbers
from training.state import Position, RunFiles
from training.validation import Validation, labelled, single
from util.errors import UserError, say
from util.interrupt import Interrupt
from util.options import Options
from util.visualizer import Visualizer

SHOW_SECONDS = 60.0         # pictures are shown at least this often ...
SHOW_EPOCH_SECONDS = 20.0   # ... and at the end of an epoch unless some were shown just before,
SHOW_SHARE = 0.02           # but never for a larger part of the time than this
BEST_SECONDS = 60.0         # between two lines that report a new best
LONGER = 10                 # minutes that are offered to a run which was given none


class Training:
    """One run of train.py over `dataset`, validated on `heldout` (None: on training frames)."""

    def __init__(self, opt: Options, model: BaseModel, dataset: BaseDataset,
                 heldout: BaseDataset | None, folder: Path, advice: Advice = OF_TRAIN):
        if opt.save_best and not heldout:
            raise UserError(f'--save_best {opt.save_best}: {opt.dataroot} has no {opt.val_phase} '
                            f'split to score. Leave that flag out, or name another split with '
                            f'--val_phase.')
        self.opt = opt
        self.advice = advice
        self.model = model
        self.folder = folder
        self.ranks = model.engine.ranks
        self.loader = Loader(dataset, opt.batch_size, opt.num_threads,
                             shuffle=not opt.serial_batches, seed=opt.seed, ranks=self.ranks)
        self.heldout = heldout or None
        self.schedule = Schedule(opt.lr, opt.lr_policy, opt.n_epochs, opt.n_epochs_decay,
                                 opt.max_minutes, opt.lr_decay_iters)
        self.position = Position(opt.epoch_count or 1)
        self.compilation = Compilation(model)
        self.pace = Pace(opt, self.schedule, self.position, len(self.loader), self.compilation)
        self.validation = Validation(model, self.heldout or dataset, opt.save_best)
        self.files = RunFiles(folder, model, self.position, {
            'compiled': self.compilation, 'schedule': self.schedule, 'best': self.validation,
            'model': model})
        saved = '' if self.ranks.are_several else ', which is saved'    # unless a rank is lost
        self.interrupt = Interrupt(f'stopping after this step{saved}. Press Ctrl-C again to stop '
                                   f'at once.')
        self.agreed: int | None = None              # the signal that asked any of several ranks
        self.visualizer: Visualizer | None = None   # given to run()
        self.shown_at = time.monotonic()
        self.show_cost = 0.0                        # seconds that showing pictures took
        self.best_said_at = -math.inf

    # -- where the run stands ----------------------------------------------------------------

    @property
    def images(self) -> int:
        """Trained on so far, as upstream counts them."""
        return self.position.steps * self.opt.batch_size

    @property
    def done(self) -> bool:
        """Whether the run is finished."""
        if not self.model.TRAINS or not self.files.prepared:
            return self.position.steps > 0
        return self.schedule.done(self.position.epoch, self.position.seconds)

    @property
    def out_of_time(self) -> bool:
        return self.opt.max_minutes is not None and self.done

    @property
    def over(self) -> bool:
        """Whether this session ends here, though the run may not be finished."""
        most = self.opt.max_steps
        enough = most is not None and self.position.steps >= most
        return enough or self.asked is not None

    @property
    def asked(self) -> int | None:
        """The signal that asked the run to stop: this process, or any of several ranks."""
        return self.agreed if self.ranks.are_several else self.interrupt.requested

    @property
    def epoch_is_over(self) -> bool:
        """Every batch was used; more than all of them if the dataset has shrunk since."""
        return self.position.batches >= len(self.loader)

    @property
    def is_last_step(self) -> bool:
        """Whether this session ends here: the last picture is the one people look at."""
        if self.opt.max_minutes is not None:
            return self.done or self.over
        last_epoch = self.position.epoch == self.schedule.epochs
        return self.over or (last_epoch and self.position.batches == len(self.loader))

    def finished_message(self) -> str:
        """Why nothing is left to do, and the flag that changes it."""
        name = self.opt.name
        if not self.model.TRAINS:
            return (f'{name} is finished: --model {self.opt.model} does not train. To use other '
                    f'frames: {self.advice.again}.')
        if self.opt.max_minutes is not None:
            minutes = self.position.seconds / 60
            longer = math.ceil(minutes + (self.opt.max_minutes or LONGER))
            done = f'it has trained for {minutes:.1f} minutes. To go on'
            if not self.position.steps:
                done = 'it paints without training. To train it'
            return f'{name} is finished: {done}: {self.advice.longer.format(longer)}.'
        return (f'{name} is finished: epoch {self.position.epoch - 1} of {self.schedule.epochs}. '
                f'To go on: --continue_train --n_epochs_decay {self.opt.n_epochs_decay + 50}.')

    # -- the loop ----------------------------------------------------------------------------

    def run(self, visualizer: Visualizer) -> bool:
        """Train until the schedule is done, --max_steps is reached or Ctrl-C is pressed.

        Returns   whether the run is finished
        """
        self.visualizer = visualizer
        self.files.saved_at = self.shown_at = time.monotonic()
        try:
            if self.model.TRAINS:
                self.train()
            else:
                self.fit()
        finally:
            visualizer.close(self.done)
        return self.done

    def train(self) -> None:
        """In steps."""
        self.model.on_train_start(self.loader.dataset, self.folder)
        if self.ranks.is_first:             # which alone paints them
            self.open_heldout()
        self.files.prepared = True
        if self.opt.max_minutes == 0:
            self.show_untrained()
            self.show.settle()
            self.files.save()
            return
        with self.interrupt, self.pace.shown():
            while not self.done and not self.over:
                self.run_epoch()
            self.files.save()

    def show_untrained(self) -> None:
        """What the model paints without a step."""
        say(f'no training: {self.opt.name} paints with untrained weights. To train it: '
            f'{self.advice.longer.format(LONGER)}.')
        if not self.heldout:
            self.model.on_dataset(self.loader.dataset)
        shown = labelled(self.model, self.validation.middle())
        if not self.heldout:
            self.show.pictures(self.position.epoch, 0, shown)
            return
        scores = self.validation.score()
        self.show.heldout(self.position.epoch, 0, shown, scores['L1'])
        self.keep_best(scores)

    def fit(self) -> None:
        """All at once, where the model does not train in steps."""
        dataset = self.loader.dataset
        stopwatch = Stopwatch()
        self.model.fit(dataset, self.folder)
        self.open_heldout()
        self.files.prepared = True
        self.position.steps = 1
        self.position.seconds = stopwatch.lap()
        loss = self.validation.score()['L1']
        frames = 'held-out frames' if self.heldout else 'training frames'
        say(f'{self.opt.name} knows {len(dataset)} frames; L1 {loss:.4f} on {frames}.')
        seconds = self.position.seconds / len(dataset)
        self.show.losses(len(dataset), self.position.epoch, {'L1': loss}, seconds, 0.0)
        self.show_pictures(single(self.model, dataset, len(dataset) // 2))
        self.show.settle()
        self.files.save()

    def open_heldout(self) -> None:
        if self.heldout:
            self.model.on_dataset(self.heldout)

    def run_epoch(self) -> None:
        """From where the run stands to the end of the epoch or of the session."""
        position = self.position
        epoch_clock = Stopwatch()
        clock = Stopwatch()
        self.model.on_epoch_start(position.epoch)
        for batch in self.loader.epoch(position.epoch, skip=position.batches):
            waited = clock.lap()
            epochs = position.epoch - 1 + position.batches / len(self.loader)
            self.model.on_step_start(self.schedule.over(epochs, position.seconds))
            self.model.set_rate(self.schedule.rate(position.epoch, position.seconds))
            batch = self.model.engine.to_batch(batch)
            losses = self.train_step(batch)
            self.model.on_step_end()
            position.steps += 1
            position.batches += 1
            took = waited + clock.lap()
            position.seconds += took
            self.agree()
            self.report(losses, batch, took, waited)
            position.seconds += clock.lap()         # reporting counts as training time
            self.agree()
            if self.out_of_time or self.over:
                break
        if self.epoch_is_over:
            self.end_epoch(epoch_clock.lap())

    def agree(self) -> None:
        """All ranks go by the clock of the first one, and stop where any of them was asked to."""
        if self.ranks.are_several:
            said = self.ranks.numbers(self.position.seconds, self.interrupt.requested or 0)
            self.position.seconds = said[0][0]
            self.agreed = next((int(signal) for _, signal in said if signal), None)

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """One step; where the first compiled one fails, the run goes on without compiling."""
        if not self.compilation.on or self.compilation.proven:
            return self.model.step(batch)
        try:
            losses = self.model.step(batch)
        except Exception as error:          # a compiler can fail in any way
            self.compilation.give_up(error)
            return self.model.step(batch)
        self.compilation.proven = True      # from now on a failure is not the compiler's
        return losses

    def end_epoch(self, seconds: float) -> None:
        """Go to the next epoch; the one that ends took `seconds`."""
        finished = self.position.epoch
        self.position.epoch += 1
        self.position.batches = 0
        if self.opt.lr_policy == 'plateau':
            scores = self.validation.score()
            self.schedule.heldout(scores['L1'])
            self.keep_best(scores)
        self.show.epoch(finished, seconds)
        if finished % self.opt.save_epoch_freq == 0:
            self.files.save(str(finished))

    # -- after a step ------------------------------------------------------------------------

    def report(self, losses: dict[str, Tensor], batch: Batch, took: float,
               waited: float) -> None:
        """Log, show and save whatever is due after a step of `took` seconds, of which it waited
        `waited` seconds for its batch."""
        self.pace.tick(losses, took)
        if self.is_due(self.opt.print_freq) or self.position.steps == 1:
            count = len(batch['A'])
            self.show.losses(self.images, self.position.epoch, numbers(losses),
                             (took - waited) / count, waited / count,
                             iters=self.position.batches * self.opt.batch_size)
        now = time.monotonic()
        if self.ranks.of_first(lambda: self.pictures_due(now)):
            self.show_pictures(batch)
            self.show_cost = time.monotonic() - now
        if self.is_last_step:       # what is saved as done is on the page: nobody does it again
            self.show.settle()
        if self.ranks.of_first(lambda: self.save_due(now)):
            self.files.save(f'iter_{self.images}' if self.opt.save_by_iter else None)
        self.pace.measure(now)

    def is_due(self, frequency: int) -> bool:
        """Whether this step crosses a multiple of `frequency` images."""
        return self.images % frequency < self.opt.batch_size

    def pictures_due(self, now: float) -> bool:
        """By number of images, by time, and at the very end."""
        opt = self.opt
        epoch_ends = self.position.batches == len(self.loader)
        rest = SHOW_EPOCH_SECONDS if epoch_ends else SHOW_SECONDS
        by_time = now - self.shown_at > max(rest, self.show_cost / SHOW_SHARE)
        by_count = self.is_due(opt.update_html_freq) or self.is_due(opt.display_freq)
        return by_time or by_count or self.is_last_step

    def save_due(self, now: float) -> bool:
        """By number of images, and by time."""
        minutes = self.opt.save_latest_minutes
        by_time = bool(minutes) and now - self.files.saved_at > minutes * 60
        return by_time or self.is_due(self.opt.save_latest_freq)

    @property
    def show(self) -> Visualizer:
        assert self.visualizer is not None, 'run() is given one'
        return self.visualizer

    def show_pictures(self, batch: Batch) -> None:
        """The first pair of `batch`, and where frames are held out, one of them with the score."""
        first = {key: value[:1] for key, value in batch.items()}
        epoch = self.position.epoch
        if self.ranks.is_first:
            self.show.pictures(epoch, self.images, labelled(self.model, first))
        if self.heldout:
            scores = self.validation.score()
            if self.ranks.is_first:
                middle = labelled(self.model, self.validation.middle())
                self.show.heldout(epoch, self.images, middle, scores['L1'])
            self.keep_best(scores)
        self.shown_at = time.monotonic()

    def keep_best(self, scores: dict[str, float]) -> None:
        """Save the networks as best_net_*.pth too, if no scores were better by --save_best."""
        if not self.validation.is_best(scores):
            return
        best = scores[self.opt.save_best]
        self.validation.best = best
        self.files.save('best')         # with the state, which holds the score: both or neither
        if time.monotonic() - self.best_said_at > BEST_SECONDS:
            self.best_said_at = time.monotonic()
            say(f'best_net_*.pth: {self.opt.save_best} {best:.4f} on held-out frames, after '
                f'{self.position.steps} steps.')
