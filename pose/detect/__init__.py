"""Detectors: pictures in, joints out. One file each; a file more is one more --detector."""
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
    """The detector of that name, with its flags' defaults where `flags` says nothing else.

    parts   some of 'body', 'hands', 'face'
    UserError where the detector lacks a package or a file, or knows no such part.
    """
    kind = detectors.find(name)
    opt = Options(**declared(kind) | flags | {'parts': {'body', *parts}})
    kind.check(opt)
    return kind(opt)


def check_detector(opt: Options) -> None:
    """UserError where --detector cannot do what the options ask for; nothing heavy is loaded."""
    kind = detectors.find(opt.detector)
    parts = parts_of(opt.parts)
    if lacking := parts - set(kind.PARTS):
        able = [name for name in detectors.names() if parts <= set(detectors.find(name).PARTS)]
        raise UserError(f'--parts {opt.parts}: {opt.detector} finds no '
                        f'{" and no ".join(sorted(lacking))}. Use --detector '
                        f'{" or ".join(able)}.')
    kind.check(Options(**vars(opt) | {'parts': parts}))


def detector_for(opt: Options) -> 'Detector':
    """The detector that the options of preprocess.py ask for."""
    return make_detector(opt.detector, **opt.facts() | {'parts': parts_of(opt.parts)})


def parts_of(text: str) -> set[str]:
    """The parts that --parts names: 'hands' is body and hands, 'all' is everything."""
    named = set(text.split(','))
    if unknown := named - {'body', 'all', *PARTS}:
        raise UserError(f'--parts {text}: {unknown.pop()} is no part. Give body, hands, face, '
                        f'or all.')
    return {'body', *(PARTS if 'all' in named else named)}


def declared(kind: 'type[Detector]') -> dict[str, Any]:
    """The detector's own flags and what they default to."""
    parser = argparse.ArgumentParser()
    kind.declare_options(parser.add_argument_group())
    return vars(parser.parse_args([]))
