"""loss_log.txt, exactly as upstream writes it, so that tools for upstream read ours."""
import time
from collections.abc import Mapping

from util.files import append_line
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
        started = time.strftime('%c')
        append_line(self.path, f'================ Training Loss ({started}) ================')

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        values = ''.join(f'{name}: {value:.3f} ' for name, value in losses.items())
        images = step if iters is None else iters
        append_line(self.path, f'(epoch: {epoch}, iters: {images}, time: {seconds:.3f}, '
                               f'data: {data_seconds:.3f}) {values}')
