"""Where a run stands, and its checkpoints: all that --continue_train needs to go on exactly."""
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from models.base_model import BaseModel
from util import checkpoints
from util.errors import UserError, warn
from util.state_dicts import not_finite


@dataclass
class Position:
    """Where a run stands.

    epoch    the current one, from 1
    batches  of that epoch, already trained on
    steps    in all
    seconds  of training in all, over every session
    """
    epoch: int = 1
    batches: int = 0
    steps: int = 0
    seconds: float = 0.0


class Part(Protocol):
    """Whatever else remembers something between two steps."""

    def state(self) -> Any:
        """Plain values and tensors, for latest_state.pth."""

    def load_state(self, state: Any) -> None:
        """Take back what state() gave."""


class RunFiles:
    """The checkpoints of a run: the weights by upstream's names, and latest_state.pth.

    parts     {key in latest_state.pth: what is kept there}
    prepared  whether all that the model keeps apart from weights is whole: it can paint
    """

    def __init__(self, folder: Path, model: BaseModel, position: Position,
                 parts: Mapping[str, Part]):
        self.folder = folder
        self.model = model
        self.position = position
        self.parts = parts
        self.ranks = model.engine.ranks
        self.prepared = False
        self.saved_at = time.monotonic()

    def begin(self, record: Callable[[Path], None], earlier: Collection[str]) -> None:
        """The first save of a session, together with the run's record; `earlier` are the files of
        a run in whose place this one begins, which are removed by the same event."""
        self.write(['latest'], record, earlier)

    def save(self, epoch: str | None = None) -> None:
        """Write latest_net_*.pth and latest_state.pth, and EPOCH_net_*.pth too if named."""
        self.write(['latest', *([epoch] if epoch else [])])

    def write(self, labels: list[str], record: Callable[[Path], None] | None = None,
              earlier: Collection[str] = ()) -> None:
        """All in one event: whoever kills this process leaves the save before or this one. The
        first rank writes while the others wait."""
        own = self.ranks.gather(self.own_state())
        self.ranks.of_first(lambda: self.write_alone(labels, own[1:], record, earlier))
        self.saved_at = time.monotonic()

    def write_alone(self, labels: list[str], others: list[dict[str, Any]],
                    record: Callable[[Path], None] | None, earlier: Collection[str]) -> None:
        """`write` without the other ranks, each of which has handed over its own_state."""
        weights: dict[Path, Any] = {
            self.folder / f'{label}_net_{name}.pth': value
            for label in labels for name, value in self.model.weights().items()}
        self.check_finite(weights)
        files = weights | {self.folder / checkpoints.STATE: self.state(others)}
        # test.py would paint with an average that is no longer kept
        gone = [path.name for label in labels for path in self.folder.glob(f'{label}_net_*_ema.pth')
                if path not in files]
        checkpoints.save(files, {*gone, *earlier}, record)

    def check_finite(self, weights: Mapping[Path, Any]) -> None:
        """UserError before weights that are no numbers take the place of good ones."""
        diverged = [path.name for path, state in weights.items() if not_finite(state)]
        if diverged:
            raise UserError(f'{", ".join(diverged)}: NaN or infinity after step '
                            f'{self.position.steps}, so the training diverged, and this is not '
                            f'saved. To go on from the save before: --continue_train --lr '
                            f'{self.model.opt.lr / 10:g}, or give another seed.')

    def load(self, epoch: str) -> None:
        """Load the networks of `epoch`; with 'latest' everything else, where the folder has it."""
        state = checkpoints.read_state(self.folder) if epoch == 'latest' else None
        if checkpoints.is_unstarted(state):
            self.load_unstarted()
        else:
            self.model.load_weights(self.folder, epoch)
        if state is None:
            warn(f'{self.folder} has only the weights of epoch {epoch}. Adam starts fresh, at '
                 f'epoch {self.position.epoch} (--epoch_count).')
            return
        try:
            self.load_state(state)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError,
                RuntimeError) as error:         # it may be of any origin
            raise checkpoints.not_a_state(self.folder / checkpoints.STATE) from error
        self.prepared = not checkpoints.is_unstarted(state)

    def load_unstarted(self) -> None:
        """Load the networks of a run that was stopped before its first step: they may be another
        run's. Where the first save was stopped too, some are missing, and the run starts with new
        ones. What else the model keeps is made again."""
        paths = [self.folder / f'latest_net_{name}.pth' for name in self.model.networks]
        if all(path.is_file() for path in paths):
            self.model.load_networks(self.folder, 'latest')

    def state(self, others: list[dict[str, Any]]) -> dict[str, Any]:
        """What latest_state.pth holds.

        others   own_state of all ranks but the first
        """
        parts = {key: part.state() for key, part in self.parts.items()}
        more = {'other_ranks': others} if others else {}
        return {**vars(self.position), **parts, 'random': random_state(),
                'prepared': self.prepared, **more}

    def own_state(self) -> dict[str, Any]:
        """What each rank has of its own; all the rest is the same on all of them."""
        keys = self.model.OF_EACH_RANK if self.ranks.are_several else ()
        state = self.model.state() if keys else {}
        return {'random': random_state(), 'model': {key: state[key] for key in keys}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what state() gave."""
        for field in vars(self.position):
            setattr(self.position, field, state[field])
        for key, part in self.parts.items():
            if key in state:            # runs of earlier versions have no 'best'
                part.load_state(state[key])
        others = state.get('other_ranks', [])
        if len(others) + 1 != self.ranks.count:
            warn(f'the run was saved by {len(others) + 1} processes, and {self.ranks.count} are '
                 f'here: it goes on, but not with the same random numbers.')
        elif not self.ranks.is_first:
            own = others[self.ranks.rank - 1]
            self.model.load_state(state['model'] | own['model'])
            state = state | own
        restore_random(state['random'])


def random_state() -> dict[str, Any]:
    """Of torch on every device; the data's randomness is a function of seed and epoch."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {'cpu': torch.get_rng_state(), 'cuda': cuda}


def restore_random(state: dict[str, Any]) -> None:
    """Take back what random_state() gave; of CUDA only where there are as many devices."""
    torch.set_rng_state(state['cpu'])
    here = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if len(state['cuda']) == here:
        torch.cuda.set_rng_state_all(state['cuda'])
    else:
        warn(f'the run was saved with {len(state["cuda"])} CUDA devices, and {here} are here: it '
             f'goes on, but not with the same random numbers.')
