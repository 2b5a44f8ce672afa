"""loss_log.txt, exactly as upstream writes it, so that tools for upstream read ours."""
import time
from collections.abc import Mapping

from util.sinks.base_sink import RunFacts, Sink


class LogSink(Sink):
    """CHECKPOINTS_DIR/NAME/loss_log.txt: one line for every call of `losses`."""
    name = 'loss_log.txt'
    WRITES = (r'loss_log\.txt',)

    def __init__(self, run: RunFacts):
        super().__init__(run)
        run.folder.mkdir(parents=True, exist_ok=True)
        self.path = run.folder / 'loss_log.txt'
        if not run.continued:
            self.path.unlink(missing_ok=True)
        self.write(f'================ Training Loss ({time.strftime("%c")}) ================')

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        values = ''.join(f'{name}: {value:.3f} ' for name, value in losses.items())
        self.write(f'(epoch: {epoch}, iters: {step if iters is None else iters}, '
                   f'time: {seconds:.3f}, data: {data_seconds:.3f}) {values}')

    def write(self, line: str) -> None:
        # not atomic: a log grows line by line, and a truncated line damages no other
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write(line + '\n')
