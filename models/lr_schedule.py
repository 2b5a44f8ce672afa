"""How long a run trains and how its learning rate falls: by epochs, or by the clock."""
import math
from typing import Any


class Schedule:
    """The learning rate at any time, and whether the run is done.

    n_epochs, n_epochs_decay   epochs at the initial rate, then epochs of falling to zero
    max_minutes                instead of epochs: the same course over this time of training
    policy                     linear | step | plateau | cosine
    """

    PATIENCE = 5            # plateau: epochs without a better held-out loss, as upstream

    def __init__(self, lr: float, policy: str = 'linear', n_epochs: int = 100,
                 n_epochs_decay: int = 100, max_minutes: float | None = None,
                 lr_decay_iters: int = 50):
        self.lr = lr
        self.policy = policy
        self.n_epochs = n_epochs
        self.n_epochs_decay = n_epochs_decay
        self.max_minutes = max_minutes
        self.lr_decay_iters = lr_decay_iters
        # plateau: the best held-out loss, epochs since then, and the factor of the rate
        self.best = math.inf
        self.stale = 0
        self.cut = 1.0

    @property
    def epochs(self) -> int:
        """Number of the last epoch, if the run is measured in epochs."""
        return self.n_epochs + self.n_epochs_decay

    def done(self, epoch: int, seconds: float) -> bool:
        """Whether the run is done at the start of `epoch`, after `seconds` of training."""
        if self.max_minutes is not None:
            return seconds >= self.max_minutes * 60
        return epoch > self.epochs

    def over(self, epochs: float, seconds: float) -> float:
        """The fraction of the run, 0 to 1, that is over after these epochs and seconds."""
        if self.max_minutes is not None:
            return min(1.0, seconds / (self.max_minutes * 60))
        return min(1.0, epochs / max(1, self.epochs))

    def rate(self, epoch: int, seconds: float) -> float:
        """The learning rate in `epoch` (from 1), after `seconds` of training."""
        if self.max_minutes is not None:
            return self.lr * self._by_clock(min(1.0, seconds / (self.max_minutes * 60)))
        return self.lr * self._by_epoch(epoch)

    def _by_epoch(self, epoch: int) -> float:
        if self.policy == 'linear':             # upstream's rule, its epochs counted from 1
            return 1.0 - max(0, epoch - self.n_epochs) / (self.n_epochs_decay + 1)
        if self.policy == 'cosine':
            return (1 + math.cos(math.pi * (epoch - 1) / max(1, self.epochs))) / 2
        if self.policy == 'step':
            return 0.1 ** ((epoch - 1) // self.lr_decay_iters)
        return self.cut

    def _by_clock(self, t: float) -> float:
        """The factor of the rate at t, the fraction of the time that is over. Every policy ends
        at zero."""
        if t >= 1:
            return 0.0
        if self.policy == 'cosine':
            return (1 + math.cos(math.pi * t)) / 2
        if self.policy == 'step':
            return 0.1 ** int(t * 3)
        fall = min(1.0, 2 - 2 * t)
        return min(fall, self.cut) if self.policy == 'plateau' else fall

    def heldout(self, loss: float) -> None:
        """Plateau only: note the held-out loss of an epoch; after PATIENCE epochs without a better
        one the rate is divided by 5."""
        if loss < self.best * (1 - 0.01):
            self.best = loss
            self.stale = 0
        else:
            self.stale += 1
        if self.stale > self.PATIENCE:
            self.cut *= 0.2
            self.stale = 0

    def state(self) -> dict[str, Any]:
        return {'best': self.best, 'stale': self.stale, 'cut': self.cut}

    def load_state(self, state: dict[str, Any]) -> None:
        self.best = float(state['best'])
        self.stale = int(state['stale'])
        self.cut = float(state['cut'])
