"""How good the model is between epochs: scores and pictures of held-out frames."""
import numpy as np
from torch import Tensor

from data.base_dataset import BaseDataset
from data.loader import Loader
from models.base_model import BaseModel
from models.engine import Batch, to_image
from util.metrics.names import is_better, picture_scores, save_best_choices
from util.sampling import evenly_spaced

SCORED_FRAMES = 8       # each time: enough to see a trend, and cheap


class Validation:
    """Scores the model on held-out frames, or on training frames where none are held out.

    It never saves: the training loop does, when `is_best` says so.

    dataset    whose frames are scored
    save_best  the score that --save_best names, or None
    best       the best value of that score so far
    """

    def __init__(self, model: BaseModel, dataset: BaseDataset, save_best: str | None):
        self.model = model
        self.dataset = dataset
        self.save_best = save_best
        self.best: float | None = None
        keys = save_best_choices()
        self.keys = {name: keys[name] for name in ('L1', save_best) if name}

    def score(self) -> dict[str, float]:
        """Means over SCORED_FRAMES evenly spaced frames: L1, and what --save_best goes by. The
        first rank measures them, for all."""
        return self.model.engine.ranks.of_first(self.measured)

    def measured(self) -> dict[str, float]:
        frames = evenly_spaced(len(self.dataset), SCORED_FRAMES)
        metrics = picture_scores(thorough=True)
        values: dict[str, list[float]] = {name: [] for name in self.keys}
        for frame in frames:
            batch = single(self.model, self.dataset, frame)
            painted = to_image(self.model.paint(batch))[0]
            real = to_image(batch['B'])[0]
            for name, key in self.keys.items():
                values[name].append(metrics[key].measure(painted, real))
        return {name: float(np.mean(found)) for name, found in values.items()}

    def is_best(self, scores: dict[str, float]) -> bool:
        """Whether no scores so far were better by --save_best; never without that flag."""
        name = self.save_best
        return name is not None and is_better(self.keys[name], scores[name], self.best)

    def middle(self) -> Batch:
        """The frame that is shown: the one in the middle."""
        return single(self.model, self.dataset, len(self.dataset) // 2)

    def state(self) -> dict[str, str | float | None]:
        return {'by': self.save_best, 'score': self.best}

    def load_state(self, state: dict[str, str | float | None]) -> None:
        """Take back what state() gave, unless another score was the best one's then."""
        if state.get('by') == self.save_best:
            best = state.get('score')
            self.best = None if best is None else float(best)


def single(model: BaseModel, dataset: BaseDataset, frame: int) -> Batch:
    """A batch of one frame, without augmentation."""
    return model.engine.to_batch(Loader(dataset).batch([frame]))


def labelled(model: BaseModel, batch: Batch) -> dict[str, np.ndarray]:
    """The pose, the painted and the real picture of a batch of one, by upstream's names.

    Returns  {label: RGB uint8 (H, W, 3)}
    """
    images: dict[str, Tensor] = {'real_A': model.visible(batch['A']), 'fake_B': model.paint(batch),
                                 'real_B': batch['B']}
    pictures = {label: to_image(tensor)[0] for label, tensor in images.items()}
    return {label: in_rgb(picture) for label, picture in pictures.items()}


def in_rgb(picture: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 1 or 3) -> contiguous (H, W, 3)."""
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
