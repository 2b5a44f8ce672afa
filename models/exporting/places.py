"""Where exported networks lie, and what is refused before anything is loaded. Imports no torch.

RUN/export/EPOCH_NETWORK.onnx, or .xml with .bin for OpenVINO; EPOCH_FORMAT.png shows how near they
paint to torch's networks; figment_EPOCH.onnx is the one for figment.
"""
from __future__ import annotations

import argparse
import re
from importlib.util import find_spec
from pathlib import Path

from util.errors import UserError
from util.options import refuse
from util.runs import EXPORT as FOLDER
from util.runs import missing
from util.words import command

SUFFIXES = {'onnx': '.onnx', 'openvino': '.xml'}            # what the runtime of a format reads
PACKAGES = {'onnx': 'onnxruntime', 'openvino': 'openvino'}
INSTALL = {'onnx': 'pip install onnxruntime==1.31.1', 'openvino': 'pip install openvino==2026.4.1'}


def file_of(run: Path, epoch: str, network: str, kind: str) -> Path:
    """The file of a network, such as G, in that format."""
    return run / FOLDER / f'{epoch}_{network}{SUFFIXES[kind]}'


def exported_files(run: Path, epoch: str, kind: str) -> dict[str, Path]:
    """{network: file} of all that were exported in that format."""
    pattern = re.compile(rf'{re.escape(epoch)}_([A-Za-z][\w.]*){re.escape(SUFFIXES[kind])}')
    folder = run / FOLDER
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    found = filter(None, map(pattern.fullmatch, names))
    return {match[1]: folder / match[0] for match in found}


def written_by(epoch: str, kind: str, figment: bool) -> re.Pattern[str]:
    """The names in RUN/export that an export of that kind replaces."""
    if figment:
        return re.compile(rf'figment_{re.escape(epoch)}\.(onnx|png)')
    endings = r'[A-Z][\w.]*\.onnx' if kind == 'onnx' else r'[A-Z][\w.]*\.(xml|bin)'
    return re.compile(rf'{re.escape(epoch)}_({endings}|{kind}\.png)')


def again(name: str, checkpoints_dir: str | Path, epoch: str, kind: str) -> str:
    """The command that exports that epoch of a run."""
    folder = {} if Path(checkpoints_dir) == Path('checkpoints') else {
        'checkpoints_dir': checkpoints_dir}
    which = {} if epoch == 'latest' else {'epoch': epoch}
    return command('scripts/export.py', name=name, **folder, **which, format=kind)


def check_model(model: str) -> None:
    """UserError for a model without a network to export."""
    from models import models
    if not models.find(model).EXPORTED:
        able = [name for name in models.names() if models.find(name).EXPORTED]
        raise UserError(f'--model {model} has no network, so there is nothing to export. Models '
                        f'with one: {", ".join(able)}.')


def check_installed(kind: str, flag: str) -> None:
    """UserError where the runtime of a format is not installed; `flag` asked for it."""
    if find_spec(PACKAGES[kind]) is None:
        raise UserError(f'{flag} {kind}: {PACKAGES[kind]} is not installed. Install it: '
                        f'{INSTALL[kind]}')


def check_runtime(opt: argparse.Namespace) -> None:
    """Refuse a --runtime that cannot paint with the run."""
    kind = opt.runtime
    if kind == 'torch':
        return
    check_model(opt.model)
    check_installed(kind, '--runtime')
    refuse((
        (opt.device in ('cuda', 'mps'), f'--device {opt.device}: --runtime {kind} computes on the '
                                        f'CPU here. Leave --device out.'),
        (opt.gpu_ids not in (None, '-1'), f'--gpu_ids {opt.gpu_ids}: --runtime {kind} computes on '
                                          f'the CPU here. Leave --gpu_ids out.'),
        (opt.precision == 'bf16', f'--precision bf16: --runtime {kind} computes in float32. Leave '
                                  f'--precision out.')))
    run = Path(opt.checkpoints_dir) / opt.name
    if not run.is_dir():
        raise missing(run / f'{opt.epoch}_net_G.pth')
    if not exported_files(run, opt.epoch, kind):
        raise UserError(f'--runtime {kind}: {file_of(run, opt.epoch, "G", kind)} is missing. '
                        f'Export the run first: '
                        + again(opt.name, opt.checkpoints_dir, opt.epoch, kind))
