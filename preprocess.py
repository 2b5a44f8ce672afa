"""Make a dataset from a video: pose|frame pairs to train on, or poses to paint.

    python preprocess.py --video me.mp4 --dataroot datasets/me
"""
from pathlib import Path

from options.preprocess_options import PreprocessOptions
from util.errors import UserError, run_main, say, unknown_choice


def main(argv: list[str] | None = None) -> Path:
    """Prepare as `argv` says; nothing is done twice. Returns the dataset's report."""
    opt = PreprocessOptions().parse(argv)

    from data.prepare import Target, is_finished, prepare
    from data.sources import film, open_source
    from pose.detect import detectors
    from pose.draw import STYLES

    detectors.find(opt.detector)
    if opt.draw_style not in STYLES:
        raise unknown_choice('--draw_style', opt.draw_style, STYLES, 'a function in pose/draw.py')
    target = Target(opt.retarget_to) if opt.retarget_to else None
    video = opt.video
    if opt.camera is not None:
        root = Path(opt.dataroot)
        video = str(root.with_name(f'{root.name}.mp4'))
        if Path(video).exists() and not opt.overwrite:
            raise UserError(f'{video} is there already. Prepare it with --video {video}, or add '
                            f'--overwrite to film anew.')
        film(opt.camera, opt.seconds, Path(video))
        say(f'filmed: {video}')
    source = open_source(video, opt.images, opt.start, opt.end, opt.fps)
    report = Path(opt.dataroot) / 'report.html'
    if is_finished(opt, source, target):
        say(f'{opt.dataroot} is finished already, with these settings: {report}')
        return report
    report = prepare(opt, source, target)
    say(f'report: {report}')
    return report


if __name__ == '__main__':
    run_main(main)
