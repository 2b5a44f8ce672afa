"""Write the networks of a trained run as ONNX or for OpenVINO, and compare them with torch.

    python scripts/export.py --name me
    python scripts/export.py --name me --format openvino
    python scripts/export.py --name me --for figment

The files lie in checkpoints/NAME/export; test.py --runtime onnx paints with them. They take their
places only if they compute what torch does on frames of the run's dataset.
"""
import datetime
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from models.exporting import places
from options.base_options import BaseOptions
from options.parser import Parser
from options.test_options import declare_normalizing
from util.errors import UserError, run_main, say, warn
from util.options import Options, refuse
from util.version import version
from util.words import command

if TYPE_CHECKING:
    from data.base_dataset import BaseDataset
    from evaluation.parity import Painting
    from models.base_model import BaseModel

FIGMENT = 512               # px: the side of the pictures that figment's image node takes


class ExportOptions(BaseOptions):
    """Says which flags exist. Options in the run's record need not be typed again."""

    description = 'Write the networks of a run as files for other programs and for test.py ' \
                  '--runtime, and compare them with torch on frames of the run\'s dataset.'
    phase = 'test'

    def declare(self, parser: Parser) -> None:
        super().declare(parser)
        export = parser.add_argument_group('export')
        export.add_argument('--format', default='onnx', choices=list(places.SUFFIXES),
                            help='onnx for onnxruntime, openvino for OpenVINO')
        export.add_argument('--for', dest='program', default=None, choices=['figment'],
                            help='write the one file that this program takes')
        export.add_argument('--phase', default='val', help='compare on DATAROOT/PHASE; on train '
                            'where there is no val')
        declare_normalizing(export)

    def reads_record(self, known: dict[str, Any]) -> bool:
        return True

    def check(self, opt: Options) -> None:
        super().check(opt)
        folder = Path(opt.checkpoints_dir) / opt.name
        if not folder.is_dir():
            from util.runs import missing
            raise missing(folder / f'{opt.epoch}_net_G.pth')
        places.check_model(opt.model)
        if opt.program == 'figment':
            refuse((
                (opt.format != 'onnx', '--for figment: figment reads ONNX. Leave --format out.'),
                (opt.direction == 'BtoA',
                 f'--for figment: {opt.name} was trained with --direction BtoA and paints poses '
                 f'from pictures. Train a run with --direction AtoB.'),
                ((opt.input_nc, opt.output_nc) != (3, 3),
                 f'--for figment: {opt.name} paints {opt.output_nc} channels from {opt.input_nc}, '
                 f'and figment takes 3. Train a run in colour.')))


def main(argv: list[str] | None = None) -> list[Path]:
    """Export as `argv` says. Returns the networks' files."""
    opt = ExportOptions().parse(argv)

    from data.facts import trained_facts
    from models import models
    from util.noted import check_ours, recorded
    from util.owned import finish, replacing

    run = Path(opt.checkpoints_dir) / opt.name
    kind = models.find(opt.model)
    kind.check_saved(run, opt.epoch)
    facts = trained_facts(run)
    if opt.program == 'figment':
        check_for_figment(opt, facts)
    place = run / places.FOLDER
    pattern = places.written_by(opt.epoch, opt.format, opt.program == 'figment')
    finish(place)                   # an export that was killed while its files took their places
    check_ours(place, filter(pattern.fullmatch, names_in(place)))
    model = made(opt)
    check_trained(model, opt, run)
    places.check_installed(opt.format, '--format')      # last: what else is wrong costs no download
    with frames(opt, facts, run) as dataset:
        model.load_weights(run, opt.epoch)
        ours = networks_asked(model, dataset, opt)
        say(f'{opt.model}: {kind.EXPORTED}.')
        with replacing(place, lambda: set(filter(pattern.fullmatch, recorded(place)))) as new:
            files = {name: write(model, name, ours, opt, facts, new) for name in ours.asked}
            compare(model, dataset, ours, files, opt, new)
    return [place / file.name for file in files.values()]


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def check_for_figment(opt: Options, facts: dict[str, Any]) -> None:
    """UserError where the run was not trained on such pictures as figment gives."""
    style, size = facts.get('draw', {}).get('style'), tuple(facts.get('size', ()))
    if style != 'figment' or size != (FIGMENT, FIGMENT):
        shown = f'{size[0]}x{size[1]} px' if size else 'of an unknown size'
        name = f'{opt.name}_figment'
        make = command('preprocess.py', video='me.mp4', dataroot=f'datasets/{name}', size=FIGMENT,
                       draw_style='figment')
        train = command('train.py', dataroot=f'datasets/{name}', name=name, model='pix2pix')
        raise UserError(f'--for figment: {opt.name} was trained on poses drawn as '
                        f'{style or "unknown"}, {shown}, and figment draws its own at '
                        f'{FIGMENT}x{FIGMENT}. Make a run for it: {make} and then {train}')


@contextmanager
def frames(opt: Options, facts: dict[str, Any], run: Path) -> Iterator['BaseDataset']:
    """What is painted to compare: the run's dataset, or drawn figures where it is gone."""
    from data import datasets
    from evaluation.drawn_frames import write_pairs
    if opt.dataroot and Path(opt.dataroot).is_dir():
        dataset = held_out(opt, facts)
        say(f'comparing on {opt.dataroot} ({dataset.phase})')
        yield dataset
        return
    if opt.dataset_mode == 'labelled':
        raise UserError(f'{opt.dataroot or "the dataset"} is not there, and this run paints from '
                        f'label or instance maps, which cannot be drawn here. Name the dataset '
                        f'with --dataroot.')
    with tempfile.TemporaryDirectory() as folder:
        root = write_pairs(Path(folder), facts, run / 'index' / 'poses.npz')
        warn(f'{opt.dataroot or "the dataset of the run"} is not there: comparing on drawn '
             f'figures. Name the dataset with --dataroot to compare on its frames.')
        mode = 'sequence' if opt.dataset_mode == 'sequence' else 'aligned'
        drawn = opt.but(dataroot=str(root), dataset_mode=mode)
        yield datasets.find(mode)(drawn, 'val', facts)


def held_out(opt: Options, facts: dict[str, Any]) -> 'BaseDataset':
    """--phase of the dataset; train where it has no val."""
    from data import datasets
    kind = datasets.find(opt.dataset_mode)
    try:
        return kind(opt, opt.phase, facts)
    except UserError:
        if opt.phase != 'val':
            raise
        return kind(opt, 'train', facts)


def made(opt: Options) -> 'BaseModel':
    """A model as that of the run, as test.py paints with it, on the plain path: what is compared
    with. Its weights are still to be loaded."""
    from models import models
    from models.engine import choose_engine
    from models.limits import no_larger_than_saved
    engine = choose_engine('cpu', precision='fp32', no_compile=True)
    with no_larger_than_saved(opt):
        return models.find(opt.model)(opt, engine)


def check_trained(model: 'BaseModel', opt: Options, run: Path) -> None:
    """UserError where the run's networks took no step, and the model paints without them: known
    from the weights alone, before what else it keeps is loaded."""
    model.load_networks(run, opt.epoch)
    painters: list[Any] = [model.networks[name] for name in model.PAINTERS
                           if name in model.networks]
    silent = [hasattr(network, 'is_silent') and network.is_silent() for network in painters]
    if painters and all(silent):
        raise UserError(f'{opt.name} is not trained and paints without a network, so there is '
                        f'nothing to export. Train it first: '
                        + command('train.py', name=opt.name, checkpoints_dir=opt.checkpoints_dir,
                                  continue_train=True, max_minutes=20))


def networks_asked(model: 'BaseModel', dataset: 'BaseDataset', opt: Options) -> 'Painting':
    """Frames painted with torch, and the networks that were asked. UserError where there is none,
    or, for figment, where G takes more than a pose."""
    from evaluation.parity import painted
    model.on_dataset(dataset)
    ours = painted(model, dataset, 'painting with torch', records=True)
    if not ours.asked:
        raise UserError(f'{opt.name} paints these frames without a network, so there is nothing to '
                        f'compare. Compare on the frames that it was trained on, with --phase '
                        f'train, or on another dataset, with --dataroot.')
    asked = {name.partition('.')[0] for name in ours.asked}         # G.model is a part of G
    left_out = [name for name in model.PAINTERS if name in model.networks and name not in asked]
    if left_out:
        warn(f'{", ".join(left_out)} painted nothing in these frames: not exported, and torch '
             f'goes on to compute it.')
    if opt.program == 'figment':
        takes = tuple(ours.asked['G'].inputs[0].shape) if set(ours.asked) == {'G'} else ()
        if takes != (1, 3, FIGMENT, FIGMENT):
            raise UserError(f'--for figment: figment gives its model one drawn pose of {FIGMENT}x'
                            f'{FIGMENT} px and nothing else, but {opt.model} takes more, or '
                            f'another size. Train a run with --model pix2pix.')
    return ours


def write(model: 'BaseModel', name: str, ours: 'Painting', opt: Options, facts: dict[str, Any],
          folder: Path) -> Path:
    """Write that network into the folder. Returns the file that a runtime reads."""
    from models.exporting.stand_in import named
    from models.exporting.write import write_onnx, write_openvino
    network = named(model, name)
    assert network is not None
    about = said_of(model, name, opt, facts)
    file = places.file_of(Path(), opt.epoch, name, opt.format).name
    file = f'figment_{opt.epoch}.onnx' if opt.program else file
    any_size = hasattr(network, 'multiple') and not opt.program
    x = ours.asked[name].inputs[0]
    if opt.format == 'onnx':
        write_onnx(network, x, folder / file, about, any_size)
        return folder / file
    with tempfile.TemporaryDirectory() as spare:
        between = Path(spare) / 'network.onnx'
        write_onnx(network, x, between, about, any_size)
        write_openvino(between, folder / file, about)
    return folder / file


def said_of(model: 'BaseModel', name: str, opt: Options, facts: dict[str, Any]) -> dict[str, str]:
    """The metadata of a network's file."""
    import torch

    from models.exporting.stand_in import digest, named, normalization
    network = named(model, name)
    assert network is not None
    draw = facts.get('draw', {})
    said = {'run': opt.name, 'epoch': opt.epoch, 'model': opt.model, 'network': name,
            'takes_and_gives': model.EXPORTED, 'range': '-1 to 1, RGB, (batch, channels, H, W)',
            'size': 'x'.join(map(str, facts.get('size', ()))), 'draw_style': draw.get('style'),
            'line_width': draw.get('line_width'), 'skeleton': facts.get('skeleton'),
            'normalization': normalization(network), 'weights': digest(network),
            'made_by': f'body2body {version()}, torch {torch.__version__}',
            'made': datetime.datetime.now().astimezone().isoformat(timespec='seconds')}
    return {key: str(value) for key, value in said.items() if value is not None}


def compare(model: 'BaseModel', dataset: 'BaseDataset', ours: 'Painting', files: dict[str, Path],
            opt: Options, folder: Path) -> None:
    """Compare the exported networks with torch, and say how near and how fast they are. UserError
    where one is further from torch than it may be."""
    from evaluation import parity
    from models.engine import choose_engine
    from models.exporting.runtimes import RUNTIMES
    from models.exporting.stand_in import StandIn, named, stand_in
    engine = choose_engine('cpu', opt.gpu_ids, opt.precision, opt.no_compile)
    stand_ins = {}
    for name, file in files.items():
        network, runtime = named(model, name), RUNTIMES[opt.format](file)
        assert network is not None
        apart = parity.largest_difference(ours.asked[name], runtime)
        if not apart <= parity.LARGEST:
            raise UserError(f'{name} of {opt.name} differs by {apart:.2g} between torch and '
                            f'{opt.format}, more than {parity.LARGEST:g}: nothing was written. '
                            f'Paint with --runtime torch, and report it with this line.')
        stand_ins[network] = StandIn(runtime, file)
        here, there = parity.speeds(network, engine, runtime, ours.asked[name].inputs[0])
        megabytes = sum(f.stat().st_size for f in file.parent.glob(f'{file.stem}.*')) / 1e6
        say(f'{file.name}: {megabytes:.1f} MB; at most {apart:.1e} from torch in '
            f'{len(ours.asked[name].inputs)} frames; {there:.1f} ms a frame, torch {here:.1f} ms '
            f'({engine}): {here / there:.1f} times as fast')
    stand_in(model, stand_ins, opt.format)
    theirs = parity.painted(model, dataset, f'painting with {opt.format}')
    stem = f'figment_{opt.epoch}' if opt.program else f'{opt.epoch}_{opt.format}'
    parity.write_picture(folder / f'{stem}.png', ours, theirs)
    apart = parity.difference(ours.pictures, theirs.pictures)
    say(f'{stem}.png: pose, torch, {opt.format} and {parity.MAGNIFIED} times their difference; '
        f'painted frames differ by at most {apart} of 255')


if __name__ == '__main__':
    run_main(main)
