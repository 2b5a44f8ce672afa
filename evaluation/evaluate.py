"""How good what test.py painted is: metrics.json beside the frames, and what it says in words.

The painted film is scored against the truth, where there is one, and so are films that cost no
training (evaluation.baselines). Which scores there are: util.metrics.names.
"""
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from data.base_dataset import BaseDataset
from evaluation.baselines import Baselines
from evaluation.evaluators import (
    FLOW_SMALLEST,
    Evaluator,
    FrameSet,
    ImageEvaluator,
    LpipsEvaluator,
    MotionEvaluator,
    PoseEvaluator,
)
from evaluation.results import Results, fitted
from evaluation.verdict import in_lines, verdict
from models.engine import Engine
from pose.detect import declared, detectors, make_detector
from pose.silhouette import person_box
from util.errors import UserError, say
from util.files import write_json
from util.images import in_colour, size_of
from util.metrics.lpips import FETCH, SMALLEST, Lpips, lpips_weights
from util.metrics.names import METHODS, VGG_FRAMES, order, picture_scores
from util.options import Options
from util.progress import progress

FORMAT = 1
DIGITS = 6                      # of a score that is kept
MIN_CONFIDENCE = 0.1            # where the dataset does not say what its poses were held to


def measure(results: Results, dataset: BaseDataset, opt: Options, engine: Engine,
            facts: Mapping[str, Any]) -> dict[str, Any]:
    """Score the frames that lie in the results' folder, and write metrics.json there.

    dataset  that was painted, its items in the order of results.frames
    opt      of test.py: --metrics says how much is measured
    facts    'run' and 'epoch'
    """
    began = time.monotonic()
    baselines = Baselines(dataset, opt, engine) if has_truth_in(results) else None
    missing = dict(baselines.missing) if baselines else {}
    films = ['painted', *(baselines.films if baselines else [])]
    evaluators = make_evaluators(results, dataset, opt, engine, films, missing)
    try:
        # side by side: while one waits for a single core, the next has the other
        with ThreadPoolExecutor(max(1, len(evaluators))) as pool:
            count = len(results.frames)
            for frame_set in progress(instants(results, dataset, baselines), 'measuring', count):
                running = [pool.submit(each.process, frame_set) for each in evaluators]
                for one in running:
                    one.result()
    finally:
        for evaluator in evaluators:
            evaluator.close()
    scores, frames = gathered(evaluators)
    told = {'format': FORMAT, **facts, 'frames': len(results.frames), 'names': results.names,
            'times': results.times()[0], 'scores': in_json(scores),
            'frames_scores': in_json(frames.get('painted', {})),
            'not_measured': missing, 'verdict': verdict(scores, frames),
            'seconds': round(time.monotonic() - began, 2)}
    write_json(results.folder / 'metrics.json', told)
    say('\n'.join(in_lines(told)))
    return told


def has_truth_in(results: Results) -> bool:
    """Whether there is a real frame beside each painted one."""
    return all('real_B' in frame for frame in results.frames)


def instants(results: Results, dataset: BaseDataset,
             baselines: Baselines | None) -> Iterator[FrameSet]:
    """Every frame of every film; all are brought to the size of the truth, or of what was
    painted."""
    for k, frame in enumerate(results.frames):
        pictures = results.pictures(frame)
        lost = [path for label, path in frame.items() if label not in pictures]
        if lost:
            raise UserError(f'{results.folder / lost[0]}: cannot be read back. Paint again.')
        real = pictures.get('real_B')
        size = size_of(pictures['fake_B'] if real is None else real)
        films = {'painted': pictures['fake_B'], **(baselines.pictures(k) if baselines else {})}
        films = {name: fitted(in_colour(film), size) for name, film in films.items()}
        pose = dataset.item(k).get('joints')
        yield FrameSet(films, real, pose, None if pose is None else person_box(pose, size),
                      dataset.follows(k))


def make_evaluators(results: Results, dataset: BaseDataset, opt: Options, engine: Engine,
                films: Sequence[str], missing: dict[str, str]) -> list[Evaluator]:
    """Those that --metrics asks for, the slowest first; what cannot be measured is added to
    `missing`, with why."""
    thorough, has_truth = opt.metrics == 'all', has_truth_in(results)
    size = min(size_of(results.pictures(results.frames[0])['fake_B']))
    evaluators: list[Evaluator] = []
    if thorough and has_truth:
        evaluators += lpips_evaluators(len(results.frames), engine, size, missing)
    if thorough:
        evaluators += pose_gauges(dataset, films, missing)
    if size < FLOW_SMALLEST:
        missing['flicker'] = f'the frames are smaller than {FLOW_SMALLEST} px'
    elif has_truth or thorough:
        evaluators.append(MotionEvaluator(has_truth, with_flow=thorough))
    if has_truth:
        evaluators.append(ImageEvaluator(thorough))
    else:
        missing |= dict.fromkeys(order(['lpips_alex', *picture_scores(thorough=False)]),
                                 'these poses were not filmed, so there is no truth')
    return evaluators


def lpips_evaluators(count: int, engine: Engine, size: int,
                     missing: dict[str, str]) -> list[Evaluator]:
    """LPIPS through AlexNet over all of `count` frames, and through VGG16 over some."""
    evaluators: list[Evaluator] = []
    some = np.linspace(0, count - 1, min(count, VGG_FRAMES)).astype(int).tolist()
    for net, rows, further in (('vgg', some, 'vgg_frechet'), ('alex', range(count), None)):
        why = f'the frames are smaller than {SMALLEST} px' if size < SMALLEST else \
            f'no weights here yet: {FETCH}' if lpips_weights(net) is None else ''
        if why:
            missing |= dict.fromkeys(filter(None, (f'lpips_{net}', further)), why)
        else:
            lpips = Lpips(net, str(engine.device), engine.bf16)
            evaluators.append(LpipsEvaluator(lpips, f'lpips_{net}', rows, further))
    return evaluators


def pose_gauges(dataset: BaseDataset, films: Sequence[str],
                missing: dict[str, str]) -> list[Evaluator]:
    """The detector that found the dataset's poses, to find them again in what was painted."""
    name, joints = dataset.facts.get('detector'), getattr(dataset, 'joints', None)
    settings = dataset.facts.get('settings', {})
    why = ''
    if joints is None:
        why = f'{dataset.root} knows no joints of its pictures'
    elif name is None or not detectors.find(name).LOOKS:
        why = f'no detector is known that found the poses of {dataset.root}'
    else:
        try:
            flags = {flag: settings[flag] for flag in declared(detectors.find(name))
                     if flag in settings}
            return [PoseEvaluator({film: make_detector(name, **flags) for film in films},
                              joints.track.skeleton,
                              settings.get('min_confidence', MIN_CONFIDENCE))]
        except UserError as error:
            why = str(error)
    missing['pose_error'] = why
    return []


def gathered(evaluators: list[Evaluator]) -> tuple[dict[str, dict[str, float]],
                                           dict[str, dict[str, list[float]]]]:
    """{film: {key: value}} of whole films, and {film: {key: one for each frame}}."""
    scores: dict[str, dict[str, float]] = {}
    frames: dict[str, dict[str, list[float]]] = {}
    for evaluator in evaluators:
        for film, values in evaluator.scores().items():
            scores.setdefault(film, {}).update(values)
            frames.setdefault(film, {}).update(evaluator.frames.get(film, {}))
    return ({film: {key: scores[film][key] for key in order(scores[film])}
             for film in METHODS if film in scores}, frames)


def in_json(value: Any) -> Any:
    """Numbers rounded, None for those that JSON does not have."""
    if isinstance(value, Mapping):
        return {key: in_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [in_json(part) for part in value]
    return round(float(value), DIGITS) if math.isfinite(value) else None

