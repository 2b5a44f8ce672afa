"""Detectors: pictures in, joints out. Every file here is one --detector; a new file adds one."""
import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pose.skeleton import PARTS
from util.errors import UserError
from util.options import Options
from util.registry import Registry

if TYPE_CHECKING:                   # choices are listed without importing any of them
    from pose.detect.base import Detector

detectors: 'Registry[Detector]' = Registry('--detector', 'pose.detect', '', 'Detector')


def make_detector(name: str, parts: Iterable[str] = ('body',), **flags: Any) -> 'Detector':
    """The detector of that name; flags that are not given have their defaults.

    parts   some of 'body', 'hands', 'face'
    UserError where a package or a file is missing, or the detector cannot find a part.
    """
    kind = detectors.find(name)
    opt = Options(**declared(kind) | flags | {'parts': {'body', *parts}})
    kind.check(opt)
    return kind(opt)


def check_detector(opt: Options) -> None:
    """UserError where --detector cannot do what the options ask for; loads nothing heavy."""
    kind = detectors.find(opt.detector)
    parts = parts_of(opt.parts)
    missing = parts - set(kind.PARTS)
    if missing:
        able = [name for name in detectors.names() if parts <= set(detectors.find(name).PARTS)]
        raise UserError(f'--parts {opt.parts}: {opt.detector} finds no '
                        f'{" and no ".join(sorted(missing))}. Use --detector '
                        f'{" or ".join(able)}.')
    kind.check(opt.but(parts=parts))


def check_source(opt: Options, size: tuple[int, int], frames: int) -> None:
    """UserError where --detector cannot be used on a source of that (width, height) px and number
    of frames."""
    detectors.find(opt.detector).check_source(opt, size, frames)


def detector_for(opt: Options) -> 'Detector':
    """The detector that the options of preprocess.py or webcam.py ask for."""
    flags = {flag: getattr(opt, flag) for flag in declared(detectors.find(opt.detector))}
    return make_detector(opt.detector, parts_of(opt.parts), **flags)


def with_masks(detector: 'Detector') -> 'Detector':
    """The detector itself where it gives person masks; else one that finds the same people and
    borrows their masks from MediaPipe, or gives None for each where that is not installed."""
    from pose.detect.base import gives_masks
    if gives_masks(detector):
        return detector
    from pose.detect.decoders.borrowed_masks import BorrowedMasks
    return BorrowedMasks(detector)


def parts_of(text: str) -> set[str]:
    """The parts that --parts names: 'hands' is body and hands, 'all' is everything."""
    named = set(text.split(','))
    unknown = named - {'body', 'all', *PARTS}
    if unknown:
        raise UserError(f'--parts {text}: {unknown.pop()} is no part. Give body, hands, face, '
                        f'or all.')
    return {'body', *(PARTS if 'all' in named else named)}


def declared(kind: 'type[Detector]') -> dict[str, Any]:
    """The detector's own flags and their defaults."""
    parser = argparse.ArgumentParser()
    kind.declare_options(parser.add_argument_group())
    return vars(parser.parse_args([]))
