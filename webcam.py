"""Stand before a camera and be somebody else: paint what it sees with a trained run, live.

    python webcam.py --name me
    python webcam.py --name me --camera dancer.mp4 --to out.mp4 --to http:8090
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from options.mark_options import marks_in
from options.webcam_options import WebcamOptions
from util.errors import run_main, say, warn
from util.ranks import check_alone

if TYPE_CHECKING:
    from data.target import Target
    from live.controls import Controls
    from live.figures import Figures
    from live.painter import LivePainter
    from live.person import LivePerson
    from live.quality import Quality
    from live.sinks import Chosen
    from live.stages import Output
    from util.camera import Camera
    from util.clock import Clock
    from util.options import Options


def main(argv: list[str] | None = None) -> dict[str, Any]:
    """Run as `argv` says, until it ends or is ended. Returns the figures."""
    check_alone('webcam.py')
    opt = WebcamOptions().parse(argv)

    from data.facts import trained_facts
    from data.target import Target
    from live.controls import Controls
    from live.figures import Figures
    from live.ladder import Ladder, asked_for
    from live.painter import LivePainter
    from live.quality import QUALITIES
    from live.report import check_report, teller
    from live.session import Parts, Session
    from live.sinks import chosen, default_place
    from models import models
    from pose.detect import check_detector
    from util.camera import open_camera
    from util.clock import Clock

    run = Path(opt.checkpoints_dir) / opt.name
    asked = asked_for(opt.quality, QUALITIES)
    check_report(opt.report)
    trained = trained_facts(run)
    LivePainter.check(models.find(opt.model), opt, trained, opt.background)
    target = Target(str(run), '--name')
    opt = opt.but(parts=target.parts)
    check_detector(opt)
    for place in (places := chosen(opt.to or [default_place()])):
        place.check()
    camera = open_camera(opt.camera, opt.mirror, (opt.width, opt.height) if opt.width else None,
                         opt.fps, opt.loop)

    # from here on networks are loaded
    clock = Clock()
    controls = Controls()
    figures = Figures(clock)
    person, painter = load(opt, run, trained, target)
    ladder = Ladder([painter.limited(quality) for quality in asked] if opt.quality
                    else painter.qualities, min(opt.rate, camera.fps or opt.rate))
    parts = Parts(camera, person, painter, ladder, controls,
                  outputs_for(opt, places, controls, figures, camera, clock))
    session = Session(parts, clock, figures, opt.rate, opt.seconds, teller())
    try:
        session.run()
    except KeyboardInterrupt:           # how most sessions end; the status tells a shell of it
        sys.exit(130)
    finally:
        told = tell(opt, ladder.quality, painter.size, figures.total())
    return told


def tell(opt: Options, quality: Quality, size: tuple[int, int], total: dict[str, Any]
         ) -> dict[str, Any]:
    """Say the figures of the whole session, and write them where --report asks for it."""
    from live.figures import line
    from live.report import write_report
    if opt.report:
        write_report(Path(opt.report), opt.name, opt.camera, quality, size, opt.rate, total)
    say(f'{total["seconds"]:.0f} s: {line(total)}')
    if total['seen'] == 0:
        warn(f'--camera {opt.camera}: nobody was seen in it. Stand so that it sees the whole body, '
             f'in good light.')
    return total


def load(opt: Options, run: Path, trained: dict[str, Any], target: Target
         ) -> tuple[LivePerson, LivePainter]:
    """What finds the person before the camera, and what paints the one of the run."""
    import cv2
    import torch

    from live.painter import LivePainter
    from live.person import LivePerson
    from models import models
    from models.exporting.stand_in import engine_for, use_exported
    from models.limits import no_larger_than_saved
    from pose.detect import detector_for
    kind = models.find(opt.model)
    kind.check_saved(run, opt.epoch)
    # one core for poses, one for painting: a stage that takes several holds the other one up
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    engine = engine_for(opt)
    with no_larger_than_saved(opt):
        model = kind(opt, engine)
    model.load_weights(run, opt.epoch)
    use_exported(model, run, opt.epoch, opt.runtime)
    painter = LivePainter(model, trained, opt.background, marks=marks_in(opt))
    person = LivePerson(detector_for(opt), target, opt.fit, opt.facing)
    say(f'{opt.name} paints --camera {opt.camera} on {model.engine}')
    return person, painter


def outputs_for(opt: Options, places: Sequence[Chosen], controls: Controls, figures: Figures,
                camera: Camera, clock: Clock) -> Callable[[tuple[int, int]], list[Output]]:
    """Makes the sinks of --to, and the one that records, for pictures of a (width, height)."""
    from live.recorder import Recorder
    from live.stages import Output
    tags = marks_in(opt).tags

    def outputs(size: tuple[int, int]) -> list[Output]:
        made = []
        for place in places:
            sink = place.kind(place.argument, size, opt.rate, controls, figures.now, camera, tags)
            made.append(Output(place.title, sink, clock, figures))
        saved = Path(opt.results_dir) / opt.name / 'live'
        recorder = Recorder(str(saved), size, opt.rate, controls, figures.now, camera, tags)
        made.append(Output('recorder', recorder, clock, figures, counts=False))
        return made
    return outputs


if __name__ == '__main__':
    run_main(main)
