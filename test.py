"""Paint every pose of a dataset with a trained run: frames, film, page.

    python test.py --dataroot datasets/dancer --name me --video_from dancer.mp4
"""
from pathlib import Path

from options.test_options import TestOptions
from util.errors import run_main, say


def main(argv: list[str] | None = None) -> Path:
    """Paint as `argv` says. Returns the results page."""
    opt = TestOptions().parse(argv)

    from data import datasets
    from data.facts import trained_facts
    from evaluation.painting import paint_dataset, write_painting_record
    from evaluation.results import Results
    from evaluation.whole_frame import whole_frame
    from models import models
    from models.engine import choose_engine
    from models.limits import no_larger_than_saved
    from util.owned import placed
    from util.video import probe

    if opt.video_from:
        probe(opt.video_from)           # before the painting, not after
    run = Path(opt.checkpoints_dir) / opt.name
    models.find(opt.model).check_saved(run, opt.epoch)
    trained = trained_facts(run)
    whole = whole_frame(run, trained) if opt.whole_frame else None
    dataset = datasets.find(opt.dataset_mode)(opt, opt.phase, trained)
    engine = choose_engine(opt.device, opt.gpu_ids, opt.precision, opt.no_compile)
    with no_larger_than_saved(opt):
        model = models.find(opt.model)(opt, engine)
    model.load_weights(run, opt.epoch)
    if opt.verbose:
        say('\n'.join(str(network) for network in model.networks.values()))

    folder = Path(opt.results_dir) / opt.name / f'{opt.epoch}_{opt.phase}'
    averaged = not opt.no_ema and placed(run / f'{opt.epoch}_net_G_ema.pth') is not None
    epoch = f'{opt.epoch}{" (averaged)" if averaged else ""}'
    say(f'{opt.name}, epoch {epoch}, paints {opt.dataroot} ({opt.phase}) on {engine}')
    results = Results(folder, dataset, trained, model.RESULTS, whole)
    # Earlier results stay until the end of this block. A failure before the last frame is painted
    # changes nothing; after one in a film, score or page, the new frames are kept without it.
    with results.replacing():
        seconds = paint_dataset(model, dataset, results, opt.num_test, opt.num_threads)
        write_painting_record(results, model, seconds)
        if not opt.no_video:
            results.write_videos(opt.video_from)
        if opt.metrics != 'none':
            from evaluation.evaluate import measure  # its memory is not part of the painting's
            measure(results, dataset, opt, engine, {'run': opt.name, 'epoch': epoch})
        return results.write_page({
            'run': opt.name, 'epoch': epoch, 'model': opt.model, 'netG': opt.netG,
            'dataset': opt.dataroot, 'phase': opt.phase})


if __name__ == '__main__':
    run_main(main)
