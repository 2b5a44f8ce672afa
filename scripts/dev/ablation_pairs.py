"""What each part is worth for the poses of strangers: taken away in turn on pairs of videos.

Nobody filmed these poses, so only what needs no truth is measured. OUT/datasets, OUT/moves,
OUT/checkpoints and OUT/results/PAIR_PART hold what each step makes. The same command goes on with
them: what is painted and measured there is not painted again.
"""
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import preprocess
import test
import train
import transfer
from models import artefacts
from options.transfer_options import TransferOptions
from scripts.dev.ablation_parts import ALL, PARTS, SHOWN, TODAY, sheet
from scripts.gallery_page import read_frame
from scripts.suite_pairs import Pair
from util.errors import UserError
from util.files import read_json
from util.images import write_image
from util.metrics.names import in_words, written
from util.noted import check_ours, noted_file, write_noted
from util.runs import RunFolder
from util.sampling import evenly_spaced

OF_PAIRS = 'masks', 'parts', 'looks', 'facing', 'room'      # taken away unless others are named
SCORES = 'pose_error', 'missed_people', 'framed', 'spill', 'gaps'
QUIET = '--no_html', '--display_id', '0'


def ablate_pairs(pairs: Sequence[Pair], parts: Sequence[str], out: Path,
                 minutes: float) -> dict[str, dict[str, float]]:
    """Write OUT/ablation.md, and OUT/PAIR_PART.jpg for each part. Returns {'PAIR, PART': scores}.

    parts    the first is ALL
    minutes  of training
    """
    found: dict[str, dict[str, float]] = {}
    pictures = [f'{pair.name}_{name}.jpg' for pair in pairs for name in parts]
    check_ours(out, ['ablation.md', *pictures])
    for pair in pairs:
        whole = painted(pair, ALL, out, minutes)
        for name in parts:
            results = painted(pair, name, out, minutes)
            scores = read_json(results / 'metrics.json')['scores']['painted']
            found[f'{pair.name}, {name}'] = {key: scores[key] for key in SCORES if key in scores}
            if name != ALL:
                with noted_file(out, f'{pair.name}_{name}.jpg') as picture:
                    write_image(picture, compared(whole, results, name))
            write_noted(out / 'ablation.md', table_of_pairs(found))
    return found


def painted(pair: Pair, name: str, out: Path, minutes: float) -> Path:
    """The folder of results of a pair without that part."""
    part = PARTS[name]
    results = out / 'results' / f'{pair.name}_{name}'
    measured = sorted(results.glob('*/*_val/metrics.json'))
    if measured:
        return measured[-1].parent
    more = [f'--{step}_args={words}' for step, words in pair.args.items()]
    opt = TransferOptions().parse([
        f'--target={pair.target}', f'--source={pair.source}', f'--minutes={minutes:g}',
        f'--checkpoints_dir={out / "checkpoints"}', f'--results_dir={results}', *more])
    is_same_run = part.settings == TODAY and not part.flags
    run = pair.run if is_same_run else f'{pair.run}_{name}'
    target = out / 'datasets' / pair.run
    moves = out / 'moves' / (f'{pair.name}_{name}' if part.is_of_moves else pair.name)
    steps = transfer.Steps(opt, run, target, moves)
    preprocess.main(steps.person)
    preprocess.main([*steps.moves, *part.moves], in_room=part.in_room)
    folder = RunFolder(opt.checkpoints_dir, run, artefacts())
    going_on = transfer.continued(folder, target, steps.training)
    train.main([*steps.training, *part.flags, *QUIET, *going_on], settings=part.settings)
    return test.main(steps.painting).parent


def compared(whole: Path, lacking: Path, name: str) -> np.ndarray:
    """All of it and what is painted without a part, each below the pose that it was asked for, of
    frames that both results have."""
    frames = [{path.name.removesuffix('_fake_B.png') for path in
               (folder / 'images').glob('*_fake_B.png')} for folder in (whole, lacking)]
    common = sorted(frames[0] & frames[1])
    if not common:
        raise UserError(f'{whole} and {lacking} have no frame in common to be shown.')
    chosen = [common[k] for k in evenly_spaced(len(common), SHOWN)]
    rows = []
    for folder, says in ((whole, ALL), (lacking, PARTS[name].says)):
        for label, heading in (('real_A', f'pose: {says}'), ('fake_B', says)):
            files = [folder / 'images' / f'{frame}_{label}.png' for frame in chosen]
            rows.append((heading, [read_frame(file) for file in files]))
    return sheet(rows)


def table_of_pairs(found: Mapping[str, Mapping[str, float]]) -> str:
    """The scores in Markdown, a row for each pair and part."""
    lines = [f'| pair, without | painted then | {" | ".join(in_words(key) for key in SCORES)} |',
             f'|---|---|{"---|" * len(SCORES)}']
    for row, scores in found.items():
        says = PARTS[row.rpartition(', ')[2]].says
        numbers = ' | '.join(written(key, scores.get(key)) for key in SCORES)
        lines.append(f'| {row} | {says} | {numbers} |')
    return '\n'.join(lines) + '\n'
