"""Make a dataset from a video: pose|frame pairs to train on, or poses to paint.

    python preprocess.py --video me.mp4 --dataroot datasets/me
"""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from options.preprocess_options import PreprocessOptions
from util.errors import run_main, say
from util.options import Options
from util.ranks import check_alone

if TYPE_CHECKING:           # --help is quick without it
    from preprocessing.detection import Find


def main(argv: list[str] | None = None, in_room: bool = True, find: Find | None = None,
         adds_scene: bool = False) -> Path:
    """Prepare as `argv` says, unless it is done already. Returns the dataset's report.

    in_room   False: a fitted dancer may leave the target's picture, for an experiment
    find      finds the people, in place of preprocessing.detection.detect
    adds_scene  make a dataset that only lacks the scene of --keep_scene again; without, refuse
    """
    check_alone('preprocess.py')
    options = PreprocessOptions()
    opt = options.parse(argv)
    if opt.doctor:
        from preprocessing.report.write import doctor
        report = doctor(*map(Path, opt.doctor))
        say(f'report: {report}')
        return report
    if opt.redraw:
        from preprocessing.redraw import redraw
        redraw(Path(opt.dataroot), opt.draw_style, opt.line_width)
        return Path(opt.dataroot) / 'report.html'

    from data.target import Target
    from pose.detect import check_detector, check_source
    from pose.draw import check_style
    from pose.tracking.people import check_person
    from preprocessing.prepare import is_finished, lacks_scene, prepare
    from preprocessing.sources import open_source

    target = Target(opt.retarget_to) if opt.retarget_to else None
    if target and not in_room:
        target.room = None
    opt = opt.but(parts=opt.parts or (target.parts if target else 'body'))
    check_detector(opt)
    if opt.draw_style:
        check_style(opt.draw_style)
    video = opt.video if opt.camera is None else filmed(opt)
    source = open_source(video, opt.images, opt.start, opt.end, opt.fps)
    report = Path(opt.dataroot) / 'report.html'
    if adds_scene and lacks_scene(opt) and \
            is_finished(opt.but(keep_scene=None), source, target, options.defaults()):
        opt = opt.but(overwrite=True)       # the same poses again, and the scene
    if is_finished(opt, source, target, options.defaults()):
        say(f'{opt.dataroot} is already finished with these settings: {report}')
        return report
    check_person(opt.person, source.size)
    skipped = round(opt.start * source.fps)         # frames of pictures before --start
    check_source(opt, source.size, skipped + source.facts()['frames'])
    report = prepare(opt, source, target, find)
    say(f'report: {report}')
    return report


def filmed(opt: Options) -> str:
    """Film what --camera sees, next to the dataset. Returns the video's path."""
    from preprocessing.sources import check_film, film
    root = Path(opt.dataroot)
    video = root.with_name(f'{root.name}.mp4')
    check_film(video, root, opt.overwrite)
    film(opt.camera, opt.seconds, video)
    say(f'filmed: {video}')
    return str(video)


if __name__ == '__main__':
    run_main(main)
