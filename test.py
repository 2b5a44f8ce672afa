"""Paint every pose of a dataset with a trained run: frames, film, page.

    python test.py --dataroot datasets/dancer --name me --video_from dancer.mp4
"""
from pathlib import Path
from typing import TYPE_CHECKING

from options.mark_options import marks_in
from options.test_options import TestOptions
from util.errors import run_main, say
from util.options import Options
from util.ranks import Ranks, joined

if TYPE_CHECKING:
    from models.base_model import BaseModel

LOST = 'Nothing is painted. Give the same command again.'


def main(argv: list[str] | None = None) -> Path:
    """Paint as `argv` says. Returns the results page."""
    with joined(LOST) as ranks:
        return paint(argv, ranks)


def paint(argv: list[str] | None, ranks: Ranks) -> Path:
    """`main` in one of the processes that torchrun started, or in the only one."""
    opt = TestOptions().parse(argv)

    from data import datasets
    from data.facts import trained_facts
    from evaluation.backgrounds import background_of, film_of
    from evaluation.painting import paint_dataset, write_painting_record
    from evaluation.results import Results
    from evaluation.slices import check_enough, one_folder
    from evaluation.whole_frame import whole_frame
    from models import models
    from util.owned import placed
    from util.video import probe

    if opt.video_from:
        probe(opt.video_from)           # before the painting, not after
    run = Path(opt.checkpoints_dir) / opt.name
    models.find(opt.model).check_saved(run, opt.epoch)
    trained = trained_facts(run)
    whole = whole_frame(run, trained) if opt.whole_frame else None
    behind = background_of(opt)
    with ranks.in_turn():
        dataset = datasets.find(opt.dataset_mode)(opt, opt.phase, trained)
    check_enough(dataset, opt.num_test, ranks)
    model = load(opt, ranks, run)

    folder = Path(opt.results_dir) / opt.name / f'{opt.epoch}_{opt.phase}'
    averaged = not opt.no_ema and placed(run / f'{opt.epoch}_net_G_ema.pth') is not None
    epoch = f'{opt.epoch}{" (averaged)" if averaged else ""}'
    say(f'{opt.name}, epoch {epoch}, paints {opt.dataroot} ({opt.phase}) on {model.engine}')
    results = Results(folder, dataset, trained, model.RESULTS, whole, behind, film_of(opt))
    # Earlier results stay until the end of this block. A failure before the last frame is painted
    # changes nothing; after one in a film, score or page, the new frames are kept without it.
    with one_folder(results, ranks):
        seconds = paint_dataset(model, dataset, results, opt.num_test, opt.num_threads)
        if not ranks.is_first:
            return folder / 'index.html'
        write_painting_record(results, model, seconds)
        if not opt.no_video:
            results.write_videos(opt.video_from, marks_in(opt))
        if opt.metrics != 'none':
            from evaluation.evaluate import measure  # its memory is not part of the painting's
            from util.memory import give_back
            give_back()         # what painting and the films took
            measure(results, dataset, opt, model.engine, {'run': opt.name, 'epoch': epoch})
        return results.write_page({
            'run': opt.name, 'epoch': epoch, 'model': opt.model, 'netG': opt.netG,
            'dataset': opt.dataroot, 'phase': opt.phase})


def load(opt: Options, ranks: Ranks, run: Path) -> 'BaseModel':
    """The run's model, ready to paint."""
    from evaluation.painting import at_once
    from models import models
    from models.exporting.stand_in import engine_for, use_exported
    from models.limits import no_larger_than_saved
    engine = engine_for(opt, ranks)
    with no_larger_than_saved(opt):
        model = models.find(opt.model)(opt, engine)
    model.load_weights(run, opt.epoch)
    use_exported(model, run, opt.epoch, opt.runtime, at_once(model))
    if opt.verbose:
        say('\n'.join(str(network) for network in model.networks.values()))
    return model


if __name__ == '__main__':
    run_main(main)
