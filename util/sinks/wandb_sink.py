"""Weights & Biases, if its package is installed: losses, images, held-out images."""
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from util.errors import UserError
from util.files import write_text
from util.sinks.base_sink import RunFacts, Sink
from util.web.page import LABELS

if TYPE_CHECKING:
    from util.sinks.base_sink import Pictures

STARTS_WITHIN = 30      # seconds for the log-in and for the start of a run; then it is left out


class WandbSink(Sink):
    """A run NAME in project WANDB_PROJECT_NAME, with every option and the facts of the dataset.

    With WANDB_MODE=offline nothing is sent; `wandb sync` sends it later. A continued run keeps the
    identifier in CHECKPOINTS_DIR/NAME/wandb_id.txt.
    """
    name = 'wandb'
    WRITES = (r'wandb_id\.txt',)

    @staticmethod
    def WHEN(run: RunFacts) -> bool:
        return run.options.get('use_wandb', False)

    def __init__(self, run: RunFacts):
        super().__init__(run)
        try:
            import wandb
        except ModuleNotFoundError:
            raise UserError('--use_wandb: the package wandb is not installed, so nothing is sent '
                            'to it. Type: pip install wandb') from None
        self.image = wandb.Image
        path = run.folder / 'wandb_id.txt'
        if not (run.continued and path.is_file()):
            write_text(path, uuid.uuid4().hex)
        self.to = wandb.init(
            project=run.options.get('wandb_project_name'), name=run.name, dir=str(run.folder),
            config={**run.options, 'dataset': run.dataset}, id=path.read_text(encoding='utf-8'),
            resume='allow', settings=wandb.Settings(
                init_timeout=STARTS_WITHIN, login_timeout=STARTS_WITHIN, console='off'))
        # wandb's own step count may never decrease, but that of a run resumed further back does
        self.to.define_metric('images')
        self.to.define_metric('*', step_metric='images')

    def losses(self, step: int, epoch: int, losses: Mapping[str, float], seconds: float,
               data_seconds: float, iters: int | None = None) -> None:
        self.log(step, epoch, {f'losses/{name}': value for name, value in losses.items()})

    def pictures(self, epoch: int, step: int, pictures: 'Pictures') -> None:
        self.log(step, epoch, self.shown('training part', epoch, pictures))

    def heldout(self, epoch: int, step: int, pictures: 'Pictures', score: float | None) -> None:
        number = {} if score is None else {'held out/score': score}
        self.log(step, epoch, {**number, **self.shown('held out', epoch, pictures)})

    def close(self, finished: bool) -> None:
        self.to.finish()

    def log(self, step: int, epoch: int, values: dict[str, Any]) -> None:
        self.to.log({'images': step, 'epoch': epoch, **values})

    def shown(self, part: str, epoch: int, pictures: 'Pictures') -> dict[str, Any]:
        return {f'{part}/{LABELS.get(label, label)}': self.image(picture, caption=f'epoch {epoch}')
                for label, picture in pictures.items()}
