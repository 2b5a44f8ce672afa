"""Train a model: options, datasets, model, loop.

    python train.py --dataroot datasets/me --name me --max_minutes 20
"""
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options.train_options import TrainOptions
from training.advice import OF_TRAIN, Advice
from util.errors import UserError, leave, run_main, say
from util.options import Options
from util.words import command

if TYPE_CHECKING:
    from data.base_dataset import BaseDataset
    from models.base_model import BaseModel
    from models.engine import Engine
    from training.loop import Training
    from util.runs import RunFolder


def main(argv: list[str] | None = None, advice: Advice = OF_TRAIN, **made_with: Any) -> bool:
    """Train as `argv` says. Returns whether the run is finished (not stopped on the way).

    advice      what users are told to type, where another command calls this one
    made_with   further arguments of the model, e.g. settings of body2body for an experiment
    """
    opt = TrainOptions().parse(argv)
    check_alone()

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
        training = Training(opt, model, dataset, heldout, folder.path, advice)
        if opt.continue_train:
            training.files.load(opt.epoch)
            if training.done:
                say(training.finished_message())
                return True
        finished = start(training, opt, folder)
    if training.interrupt.requested:
        leave(training.interrupt.requested)
    return finished


def check_alone() -> None:
    """UserError in one of several processes that torchrun started: each would train it all."""
    count = os.environ.get('WORLD_SIZE', '1')
    if count != '1':
        raise UserError(f'torchrun started {count} processes, but this program trains in one. Type '
                        f'python train.py instead; --gpu_ids 0,1 shares each batch among GPUs.')


def open_dataset(opt: Options, folder: 'RunFolder') -> 'BaseDataset':
    """DATAROOT/PHASE, read as the run so far read it."""
    from data import datasets
    from data.facts import trained_facts
    trained = trained_facts(folder.path) if opt.continue_train else None
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
    from models.limits import no_larger_than_saved
    with no_larger_than_saved(opt):
        model = models.find(opt.model)(opt, engine, **made_with)
    model.check_size(*dataset.size)
    if opt.verbose:
        say('\n'.join(str(network) for network in model.networks.values()))
    return model


def start(training: 'Training', opt: Options, folder: 'RunFolder') -> bool:
    """Write down what the run is, then train. Returns whether the run is finished."""
    from util.runs import write_record
    from util.visualizer import RunFacts, Visualizer
    dataset = training.loader.dataset
    facts = {'size': list(dataset.size), **dataset.facts}

    background = background_of(dataset)

    def record(place: Path) -> None:
        write_record(place, opt.facts(), facts, training.model.metadata())
        if background:
            shutil.copyfile(background, place / background.name)
    earlier = folder.written() if opt.overwrite else []
    # a disk without room for the run says so now, not in an hour
    training.files.begin(record, [*earlier, *([background.name] if background else [])])
    finished = training.run(Visualizer(RunFacts(opt.name, folder.path, opt.facts(), facts,
                                                opt.continue_train)))
    if not finished:
        own = command('train.py', name=opt.name, checkpoints_dir=opt.checkpoints_dir,
                      continue_train=True)
        say(f'{opt.name}: stopped at epoch {training.position.epoch}, step '
            f'{training.position.steps}. To go on: {training.advice.resume or own}')
    return finished


def background_of(dataset: 'BaseDataset') -> Path | None:
    """The dataset's picture of its video without anybody, if it has one. A copy in the run's folder
    lets test.py --whole_frame do without the dataset."""
    from data.film import BACKGROUND
    background = dataset.root / BACKGROUND
    return background if 'background' in dataset.facts and background.is_file() else None


if __name__ == '__main__':
    run_main(main)
