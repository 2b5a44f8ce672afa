"""Train a model: options, datasets, model, loop.

    python train.py --dataroot datasets/me --name me --max_minutes 20
"""
from typing import TYPE_CHECKING, Any

from options.train_options import TrainOptions
from util.errors import UserError, leave, run_main, say
from util.options import Options

if TYPE_CHECKING:
    from data.base_dataset import BaseDataset
    from models.base_model import BaseModel
    from models.engine import Engine
    from training.loop import Training
    from util.runs import RunFolder


def main(argv: list[str] | None = None, **made_with: Any) -> bool:
    """Train as `argv` says. Returns whether the run is finished (not stopped on the way).

    made_with   further arguments of the model, e.g. settings of body2body for an experiment
    """
    opt = TrainOptions().parse(argv)

    import torch

    from models import artefacts
    from models.engine import choose_engine
    from training.loop import Training
    from util.runs import RunFolder

    torch.manual_seed(opt.seed)
    folder = RunFolder(opt.checkpoints_dir, opt.name, artefacts())
    folder.check_free(opt.continue_train, opt.overwrite)
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    say(f'{opt.name}: {opt.model} on {engine.training}')
    with folder.locked():
        dataset = open_dataset(opt, folder)
        heldout = open_heldout(opt)
        model = make_model(opt, engine, dataset, **made_with)
        training = Training(opt, model, dataset, heldout, folder.path)
        if opt.continue_train:
            training.files.load(opt.epoch)
            if training.done:
                say(training.finished_message())
                return True
        elif opt.overwrite:
            folder.clear()
        finished = start(training, opt, folder)
    if training.interrupt.requested:
        leave(training.interrupt.requested)
    return finished


def open_dataset(opt: Options, folder: 'RunFolder') -> 'BaseDataset':
    """DATAROOT/PHASE, read as the run so far read it."""
    from data import datasets
    from util.runs import read_record
    trained = read_record(folder.path).get('dataset') if opt.continue_train else None
    return datasets.find(opt.dataset_mode)(opt, opt.phase, trained)


def open_heldout(opt: Options) -> 'BaseDataset | None':
    """DATAROOT/VAL_PHASE, or None after one line where there is none."""
    from data import datasets
    try:
        return datasets.find(opt.dataset_mode)(opt, opt.val_phase)
    except UserError:
        say(f'{opt.dataroot} has no {opt.val_phase} split; progress is measured on training '
            f'frames. preprocess.py makes a val split.')
        return None


def make_model(opt: Options, engine: 'Engine', dataset: 'BaseDataset',
               **made_with: Any) -> 'BaseModel':
    """The model of --model, for frames of the dataset's size."""
    from models import models
    model = models.find(opt.model)(opt, engine, **made_with)
    model.check_size(*dataset.size)
    if opt.verbose:
        say('\n'.join(str(network) for network in model.networks.values()))
    return model


def start(training: 'Training', opt: Options, folder: 'RunFolder') -> bool:
    """Write down what the run is, then train. Returns whether the run is finished."""
    from util.visualizer import RunFacts, Visualizer
    dataset = training.loader.dataset
    facts = {'size': list(dataset.size), **dataset.facts}
    folder.write_record(opt.facts(), facts, training.model.metadata())
    training.files.save()       # a disk without room for the run says so now, not in an hour
    finished = training.run(Visualizer(RunFacts(opt.name, folder.path, opt.facts(), facts,
                                                opt.continue_train)))
    if not finished:
        say(f'{opt.name}: stopped at epoch {training.position.epoch}, step '
            f'{training.position.steps}. To go on: python train.py --name {opt.name} '
            f'--checkpoints_dir {opt.checkpoints_dir} --continue_train')
    return finished


if __name__ == '__main__':
    run_main(main)
