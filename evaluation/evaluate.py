"""Scores the frames that test.py painted: metrics.json, and a summary in words.

The painted frames are compared with the real ones, where there are any, and so are baselines that
need no training (evaluation.baselines). util.metrics.names lists all scores.
"""
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from data.base_dataset import BaseDataset
from evaluation.baselines import Baselines
from evaluation.evaluators import (
    FLOW_SMALLEST,
    BoxFrechetEvaluator,
    Evaluator,
    FramedEvaluator,
    ImageEvaluator,
    LpipsEvaluator,
    MotionEvaluator,
    PoseEvaluator,
)
from evaluation.frame_sets import FrameSet, MeasuredFrames
from evaluation.identity import identity_evaluators
from evaluation.results import Results
from evaluation.sharpness import SharpnessEvaluator, target_gradient
from evaluation.silhouettes import DEFAULTS as SILHOUETTES
from evaluation.silhouettes import Silhouettes, silhouettes_of
from evaluation.target import Target, target_of, target_room
from evaluation.verdict import summary, verdict
from models.engine import Engine
from pose.detect import declared, detectors, make_detector
from pose.detect.base import Detector
from pose.skeleton import skeleton_of
from util.errors import UserError, say
from util.files import write_json
from util.metrics.lpips import FETCH, SMALLEST, Lpips, lpips_weights
from util.metrics.names import BOX, METHODS, VGG_FRAMES, order, picture_scores
from util.options import Options
from util.parallel import prefetch
from util.progress import progress
from util.sampling import evenly_spaced
from util.shapes import shown

FORMAT = 1
AT_ONCE = 3                     # evaluators: each thread keeps memory of its own
DIGITS = 6                      # of a score, behind the point
FRECHET_FRAMES = 64             # real boxes, and as many painted ones: AlexNet gives 256 features
# One frame of FOR_EACH_VGG is shown to VGG16, and for each painted frame at most REFERENCES of the
# target's own to the detector: measuring a short film then costs no more than three times painting
# it. Of 34 frames of 256x454 measuring took 29 s of processor time with 8 and 30, painting 6.
FOR_EACH_VGG = 12
REFERENCES = 0.5
FEWEST_REFERENCES = 12
MIN_CONFIDENCE = 0.1            # of a joint, where the dataset's settings do not say
# Makes evaluators; its argument gets the scores that cannot be measured, with the reason.
Maker = Callable[[dict[str, str]], list[Evaluator]]


def measure(results: Results, dataset: BaseDataset, opt: Options, engine: Engine,
            facts: Mapping[str, Any]) -> dict[str, Any]:
    """Score the frames in the results' folder; write metrics.json there and return it.

    dataset  the painted one, its items in the order of results.frames
    opt      of test.py: --metrics says which scores are measured
    facts    'run' and 'epoch'
    """
    began = time.monotonic()
    baselines = Baselines(dataset, opt, engine) if has_truth_in(results) else None
    not_measured = dict(baselines.missing) if baselines else {}
    film = MeasuredFrames(results, dataset, baselines)
    evaluators = make_evaluators(film, opt, engine, not_measured)
    process_all(evaluators, film, len(film))
    scores, frames = merge_scores(evaluators)
    metrics = {'format': FORMAT, **facts, 'frames': len(results.frames), 'names': results.names,
               'times': results.times()[0], 'scores': in_json(scores),
               'frames_scores': in_json(film.spread(frames.get('painted', {}))),
               'not_measured': not_measured, 'verdict': verdict(scores, frames),
               'measured': {'frames': len(film), 'size': film.size},
               'seconds': round(time.monotonic() - began, 2)}
    write_json(results.folder / 'metrics.json', metrics)
    say('\n'.join(summary(metrics)))
    return metrics


def has_truth_in(results: Results) -> bool:
    """Whether every painted frame has a real one."""
    return all('real_B' in frame for frame in results.frames)


def process_all(evaluators: Sequence[Evaluator], frame_sets: Iterable[FrameSet],
                count: int) -> None:
    """Give all of the `count` frame sets to each evaluator, then close the evaluators."""
    try:
        # in parallel: while one evaluator waits for a single core, another uses the other core
        with ThreadPoolExecutor(AT_ONCE) as pool:
            # and the next frame is read and shrunk
            for frame_set in progress(prefetch(frame_sets, 1), 'measuring', count):
                running = [pool.submit(each.process, frame_set) for each in evaluators]
                for one in running:
                    one.result()
    finally:
        for evaluator in evaluators:
            evaluator.close()


def make_evaluators(film: MeasuredFrames, opt: Options, engine: Engine,
                    missing: dict[str, str]) -> list[Evaluator]:
    """The evaluators that --metrics asks for, the slowest first.

    missing  gets the scores that cannot be measured, with the reason
    """
    dataset, count = film.dataset, len(film)
    thorough = opt.metrics == 'all'
    has_truth = has_truth_in(film.results)
    target = target_or_reason(opt, dataset) if thorough or not has_truth else ''
    makers: list[Maker] = []
    if thorough and has_truth:
        makers.append(lambda why: lpips_evaluators(count, engine, min(film.size), why))
    if thorough:
        makers.append(lambda why: pose_evaluators(dataset, ['painted'], why, target, film.size,
                                                  count))
        makers.append(lambda why: frechet_evaluators(target, count, engine, why))
        makers.append(lambda why: identity_evaluators(film, target, has_truth, engine, why))
    makers.append(lambda why: framed_evaluators(dataset, opt, why if thorough else {}))
    if has_truth or thorough:
        makers.append(lambda why: sharpness_evaluators(film, target, has_truth, why))
    evaluators = made(makers, missing)
    if min(film.size) < FLOW_SMALLEST:
        missing['flicker'] = f'the frames are smaller than {FLOW_SMALLEST} px'
    elif has_truth or thorough:
        evaluators.append(MotionEvaluator(has_truth, with_flow=thorough))
    if has_truth:
        evaluators.append(ImageEvaluator(thorough))
    else:
        missing |= dict.fromkeys(order(['lpips_alex', *picture_scores(thorough=False)]),
                                 'these poses were not filmed, so there is no truth')
    return evaluators


def made(makers: Sequence[Maker], missing: dict[str, str]) -> list[Evaluator]:
    """What the makers make, in their order. They work at the same time: most of it is a detector
    that looks at the target's own frames, which uses one core."""
    reasons: list[dict[str, str]] = [{} for _ in makers]
    evaluators: list[Evaluator] = []
    with ThreadPoolExecutor(len(makers)) as pool:
        for found in list(pool.map(lambda make, why: make(why), makers, reasons)):
            evaluators += found
    for why in reasons:
        missing |= why
    return evaluators


def lpips_evaluators(count: int, engine: Engine, size: int,
                     missing: dict[str, str]) -> list[Evaluator]:
    """LPIPS through AlexNet on all of `count` frames, and through VGG16 on some of them, of the
    painted film alone.

    size     the frames' width or height in px, whichever is less
    missing  gets the scores that cannot be measured, with the reason
    """
    evaluators: list[Evaluator] = []
    some = evenly_spaced(count, vgg_frames(count)).tolist()
    for net, chosen, frechet, methods in (('vgg', some, 'vgg_frechet', ['painted']),
                                          ('alex', range(count), None, None)):
        why = why_no_lpips(net, size)
        if why:
            missing |= dict.fromkeys(filter(None, (f'lpips_{net}', frechet)), why)
        else:
            lpips = Lpips(net, str(engine.device), engine.bf16)
            evaluators.append(LpipsEvaluator(lpips, f'lpips_{net}', chosen, frechet, methods))
    return evaluators


def vgg_frames(count: int) -> int:
    """How many of `count` frames are shown to VGG16; two at least, for a distance of features."""
    return min(VGG_FRAMES, max(2, -(-count // FOR_EACH_VGG)))


def why_no_lpips(net: str, size: int) -> str:
    """The reason why LPIPS cannot be measured through `net`; '' where it can."""
    if size < SMALLEST:
        return f'the frames are smaller than {SMALLEST} px'
    if lpips_weights(net) is None:
        return f'no weights here yet: {FETCH}'
    return ''


def target_or_reason(opt: Options, dataset: BaseDataset) -> Target | str:
    """What the run was trained on, or why that is not known."""
    try:
        return target_of(opt, dataset)
    except UserError as error:
        return str(error)


def pose_evaluators(dataset: BaseDataset, methods: Sequence[str], missing: dict[str, str],
                    target: Target | str = '', size: tuple[int, int] = (0, 0),
                    count: int = 0) -> list[Evaluator]:
    """Pose error, spill and gaps, by the detector that found the dataset's own poses.

    missing  gets the scores that cannot be measured, with the reason
    target   as of target_or_reason;  size, count  of the measured frames
    """
    joints = getattr(dataset, 'joints', None)
    name = dataset.facts.get('detector')
    settings = dataset.facts.get('settings', {})
    try:
        if joints is None:
            raise UserError(f'{dataset.root} has no joints of its frames')
        if name is None or not detectors.find(name).LOOKS:
            raise UserError(f'no detector is known for the poses of {dataset.root}')
        known = declared(detectors.find(name))
        flags = {flag: settings[flag] for flag in known if flag in settings}
        check_flags(dataset.root, known, flags)
        own_detectors = {method: make_detector(name, **flags) for method in methods}
    except UserError as error:
        missing |= dict.fromkeys(('pose_error', 'spill', 'gaps'), str(error))
        return []
    skeleton = joints.track.skeleton
    silhouettes = silhouettes_or_none(target, own_detectors['painted'], skeleton, size, count,
                                      missing)
    min_confidence = settings.get('min_confidence', MIN_CONFIDENCE)
    return [PoseEvaluator(own_detectors, skeleton, min_confidence, silhouettes)]


def check_flags(root: Path, known: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    """UserError where dataset.json has a detector's flag in another kind than its default's."""
    for flag, value in flags.items():
        usual = known[flag]
        kind = type(usual) if usual is not None else str
        if type(value) is not kind and value != usual:
            raise UserError(f'{root / "dataset.json"}: settings: {flag} is {shown(value)}')


def silhouettes_or_none(target: Target | str, detector: Detector, skeleton: str,
                        size: tuple[int, int], count: int,
                        missing: dict[str, str]) -> Silhouettes | None:
    """What measures spill and gaps; None where that cannot be, and `missing` says why."""
    body = skeleton_of(skeleton.partition('+')[0])
    some = max(FEWEST_REFERENCES, round(REFERENCES * count))
    settings = replace(SILHOUETTES, frames=min(some, SILHOUETTES.frames))
    try:
        if isinstance(target, str):
            raise UserError(target)
        return silhouettes_of(target, detector, body, size, settings)
    except UserError as error:
        missing |= dict.fromkeys(('spill', 'gaps'), str(error))
        return None


def frechet_evaluators(target: Target | str, count: int, engine: Engine,
                       missing: dict[str, str]) -> list[Evaluator]:
    """The Fréchet distance of the person's box to the target's own, of `count` painted frames.

    missing  gets that score, with the reason, where it cannot be measured
    """
    key = 'alex_frechet'
    try:
        if isinstance(target, str):
            raise UserError(target)
        if lpips_weights('alex') is None:
            raise UserError(f'no weights here yet: {FETCH}')
        lpips = Lpips('alex', str(engine.device), engine.bf16)
        boxes = target.boxes(min(FRECHET_FRAMES, count))        # no more are compared
        return [BoxFrechetEvaluator(lpips, key, boxes, count)]
    except UserError as error:
        missing[BOX + key] = str(error)
        return []


def framed_evaluators(dataset: BaseDataset, opt: Options, missing: dict[str, str]
                      ) -> list[Evaluator]:
    """Whether the requested joints lie in the picture.

    missing  gets that score, with the reason, where it cannot be measured
    """
    joints = getattr(dataset, 'joints', None)
    if joints is None:
        missing['framed'] = f'{dataset.root} has no joints of its frames'
        return []
    return [FramedEvaluator(joints.track.joints, target_room(opt))]


def sharpness_evaluators(film: MeasuredFrames, target: Target | str, has_truth: bool,
                         missing: dict[str, str]) -> list[Evaluator]:
    """Whether the painted person is as sharp as the real frames, or as the target's own.

    missing  gets that score, with the reason, where it cannot be measured
    """
    joints = getattr(film.dataset, 'joints', None)
    try:
        if joints is None:
            raise UserError(f'{film.dataset.root} has no joints of its frames')
        skeleton = joints.track.skeleton
        body = skeleton_of(skeleton.partition('+')[0])
        if has_truth:
            return [SharpnessEvaluator(body)]
        if isinstance(target, str):
            raise UserError(target)
        return [SharpnessEvaluator(body, target_gradient(target, skeleton, film.film_size))]
    except UserError as error:
        missing['sharpness'] = str(error)
        return []


def merge_scores(evaluators: Iterable[Evaluator]) -> tuple[dict[str, dict[str, float]],
                                                           dict[str, dict[str, list[float]]]]:
    """The scores of all evaluators: {method: {key: score of the whole film}}, in the order of a
    table, and {method: {key: one value for each frame}}."""
    scores: dict[str, dict[str, float]] = {}
    frames: dict[str, dict[str, list[float]]] = {}
    for evaluator in evaluators:
        for method, values in evaluator.scores().items():
            scores.setdefault(method, {}).update(values)
            frames.setdefault(method, {}).update(evaluator.frames.get(method, {}))
    ordered = {}
    for method in METHODS:
        if method in scores:
            ordered[method] = {key: scores[method][key] for key in order(scores[method])}
    return ordered, frames


def in_json(value: Any) -> Any:
    """The same with numbers rounded, and None for those that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {key: in_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [in_json(part) for part in value]
    return round(float(value), DIGITS) if math.isfinite(value) else None
