"""A run's folder, CHECKPOINTS_DIR/NAME: who may train into it, and what it says of itself."""
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.run_record import RECORDS, write_record


class RunFolder:
    """CHECKPOINTS_DIR/NAME."""

    def __init__(self, checkpoints_dir: str, name: str):
        self.path = Path(checkpoints_dir) / name

    @property
    def has_weights(self) -> bool:
        """Whether something was learnt into it: weights, or an index of frames."""
        return any(self.path.glob('*_net_G.pth')) or (self.path / 'index').is_dir()

    def check_free(self, continue_train: bool, overwrite: bool) -> None:
        """Refuse to train over a run that is there, or on from one that is not."""
        if self.has_weights and not continue_train and not overwrite:
            raise UserError(f'{self.path} holds a trained run already. Add --continue_train to '
                            f'go on with it, --overwrite to start anew, or take another --name.')

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else trains into this folder within the block, nor after a crash for long: the
        lock is the process's own and ends with it."""
        from filelock import FileLock, Timeout
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / '.lock', timeout=0):
                yield
        except Timeout:
            raise UserError(f'another training into {self.path} is under way. Wait for it, stop '
                            f'it, or take another --name.') from None

    def clear(self) -> None:
        """Remove what an earlier run left: its weights, index, log, records and pages, nothing
        else."""
        for pattern in ('*_net_*.pth', 'latest_state.pth', 'loss_log.txt',
                        'wandb_id.txt', *RECORDS):
            for path in self.path.glob(pattern):
                path.unlink()
        for folder in ('web', 'index', 'plate', 'tensorboard'):
            shutil.rmtree(self.path / folder, ignore_errors=True)

    def write_record(self, options: dict[str, Any], dataset: dict[str, Any],
                     model: dict[str, Any]) -> None:
        write_record(self.path, options, dataset, model)
