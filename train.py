"""Train a model: options, data, model, loop, visualizer.

    python train.py --dataroot datasets/me --name me --max_minutes 20
"""
from typing import TYPE_CHECKING, Any

from options.train_options import TrainOptions
from util.errors import UserError, leave, run_main, say
from util.options import Options

if TYPE_CHECKING:
    from data.base_dataset import BaseDataset


def main(argv: list[str] | None = None, **made_with: Any) -> bool:
    """Train as `argv` says. Returns whether the run is finished (not stopped on the way).

    made_with   further arguments of the model, e.g. settings of body2body for an experiment
    """
    opt = TrainOptions().parse(argv)

    import torch

    from data import datasets
    from models import artefacts, models
    from models.engine import choose_engine
    from training.loop import Training
    from util.run_record import read_record
    from util.runs import RunFolder
    from util.visualizer import RunFacts, Visualizer

    torch.manual_seed(opt.seed)
    folder = RunFolder(opt.checkpoints_dir, opt.name, artefacts())
    folder.check_free(opt.continue_train, opt.overwrite)
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    say(f'{opt.name}: {opt.model} on {engine.training}')
    with folder.locked():
        dataset_class = datasets.find(opt.dataset_mode)
        trained = read_record(folder.path).get('dataset') if opt.continue_train else None
        dataset = dataset_class(opt, opt.phase, trained)
        heldout = open_heldout(dataset_class, opt)
        model = models.find(opt.model)(opt, engine, **made_with)
        model.check_size(*dataset.size)
        if opt.verbose:
            say('\n'.join(str(network) for network in model.networks.values()))

        training = Training(opt, model, dataset, heldout, folder.path)
        if opt.continue_train:
            training.load()
            if training.done:
                say(training.says_done())
                return True
        elif opt.overwrite:
            folder.clear()
        facts = {'size': list(dataset.size), **dataset.facts}
        folder.write_record(opt.facts(), facts, model.metadata())
        training.save()             # a disk without room for the run says so now, not in an hour
        visualizer = Visualizer(RunFacts(opt.name, folder.path, opt.facts(), facts,
                                         opt.continue_train))
        finished = training.run(visualizer)
    if not finished:
        say(f'{opt.name}: stopped at epoch {training.epoch}, step {training.steps}. To go on: '
            f'python train.py --name {opt.name} --checkpoints_dir {opt.checkpoints_dir} '
            f'--continue_train')
    if training.stop:
        leave(training.stop)
    return finished


def open_heldout(kind: 'type[BaseDataset]', opt: Options) -> 'BaseDataset | None':
    """The held-out part, or None after one line where the dataset has none."""
    try:
        return kind(opt, opt.val_phase)
    except UserError:
        say(f'{opt.dataroot} has no {opt.val_phase} to hold out, so progress is judged by what is '
            f'trained on. preprocess.py makes one.')
        return None


if __name__ == '__main__':
    run_main(main)
