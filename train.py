"""Train a model: options, datasets, model, loop.

    python train.py --dataroot datasets/me --name me --max_minutes 20
"""
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options.train_options import TrainOptions
from training.advice import OF_TRAIN, Advice
from util.errors import UserError, leave, run_main, say
from util.options import Options
from util.ranks import Ranks, joined
from util.words import command

LOST = 'The run is as it was saved last. To go on: the same command with --continue_train.'

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
    with joined(LOST) as ranks:
        return train(argv, advice, ranks, **made_with)


def train(argv: list[str] | None, advice: Advice, ranks: Ranks, **made_with: Any) -> bool:
    """`main` in one of the processes that torchrun started, or in the only one."""
    with ranks.in_turn():
        opt = TrainOptions().parse(argv)

        import torch

        from models import artefacts
        from models.engine import choose_engine
        from training.loop import Training
        from util.runs import RunFolder

        torch.manual_seed(opt.seed)
        folder = RunFolder(opt.checkpoints_dir, opt.name, artefacts())
        if ranks.is_first:
            folder.check_free(opt.continue_train, opt.overwrite)
        engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile, ranks)
        say(f'{opt.name}: {opt.model} on {engine.training}')
    with folder.locked() if ranks.is_first else nullcontext():
        with ranks.in_turn():       # the first one decodes the dataset
            dataset = open_dataset(opt, folder)
            check_shared(opt, len(dataset), ranks)
            heldout = open_heldout(opt)
            model = make_model(opt, engine, dataset, **made_with)
            training = Training(opt, model, dataset, heldout, folder.path, advice)
            if not ranks.is_first:  # weights are as the first one's; dropout and noise are not
                torch.manual_seed(opt.seed + ranks.rank)
            if opt.continue_train:
                training.files.load(opt.epoch)
        if opt.continue_train and training.done:
            say(training.finished_message())
            return True
        finished = start(training, opt, folder)
    if training.asked:
        ranks.wait()            # torchrun ends them all as soon as one has left
        leave(training.asked)
    return finished


def check_shared(opt: Options, frames: int, ranks: Ranks) -> None:
    """UserError where the processes of torchrun cannot share this training."""
    if not ranks.are_several:
        return
    from models import models
    count = ranks.count
    if not models.find(opt.model).TRAINS or opt.max_minutes == 0:
        raise UserError(f'torchrun started {count} processes, but this run has no steps to share. '
                        f'Type python train.py in place of torchrun.')
    if frames < count:
        raise UserError(f'torchrun started {count} processes, but {opt.dataroot} has {frames} '
                        f'frames to train on. Give --nproc_per_node {frames} or less.')
    if opt.batch_size % count:
        fitting = -(-opt.batch_size // count) * count
        raise UserError(f'--batch_size {opt.batch_size}: the images of a step are shared among '
                        f'{count} processes. Give --batch_size {fitting}, or another multiple of '
                        f'{count}.')


def open_dataset(opt: Options, folder: 'RunFolder') -> 'BaseDataset':
    """DATAROOT/PHASE, read as the run so far read it."""
    from data import datasets
    from data.base_dataset import no_frames
    from data.facts import trained_facts
    kind = datasets.find(opt.dataset_mode)
    if not kind.HAS_FRAMES:
        raise no_frames(opt.dataroot)
    trained = trained_facts(folder.path) if opt.continue_train else None
    return kind(opt, opt.phase, trained)


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
    run = RunFacts(opt.name, folder.path, opt.facts(), facts, opt.continue_train)
    finished = training.run(Visualizer(run, silent=not training.ranks.is_first))
    if not finished:
        own = command('train.py', name=opt.name, checkpoints_dir=opt.checkpoints_dir,
                      continue_train=True)
        own = training.ranks.started_by(own)
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
