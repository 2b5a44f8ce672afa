"""Is it the same face? The cosine of face vectors of painted and of real frames."""
import math
from contextlib import ExitStack
from dataclasses import replace

import numpy as np

from evaluation.evaluators import Evaluator
from evaluation.frame_sets import REAL, FrameSet, MeasuredFrames
from evaluation.target import Target
from models.engine import Engine
from pose.detect.decoders.face_finder import FaceFinder
from pose.faces import DEFAULTS as FRONTAL
from pose.faces import cut_face, face_joints, is_frontal
from pose.skeleton import Skeleton, moved
from util.errors import UserError
from util.images import scaling, size_of
from util.metrics.mobilefacenet import MobileFaceNet, why_no_weights
from util.sampling import evenly_spaced

KEY = 'identity'
OWN_FACES = 16          # of the target, which are compared where there is no truth
LARGE_ENOUGH = f'with at least {FRONTAL.eyes:g} px from eye to eye'


class IdentityEvaluator(Evaluator):
    """How alike the painted face is to the real one of the same frame, 0 where the real frame shows
    a face and the painted one none; without truth, how alike to the target's own in the mean.

    finder     finds a face in a picture, about where a pose has it
    network    faces uint8 (N, 112, 112, 3) -> vectors float32 (N, D) of length 1
    skeleton   of the requested poses
    own        float32 (N, D) of the target's own frontal faces; None: there is truth
    """

    def __init__(self, finder: FaceFinder, network: MobileFaceNet, skeleton: Skeleton,
                 own: np.ndarray | None = None):
        super().__init__()
        self.finder = finder
        self.network = network
        self.skeleton = skeleton
        self.own = own

    def score(self, frame_set: FrameSet) -> None:
        painted = self.face(frame_set, 'painted')
        others = self.own
        if others is None:
            real = self.face(frame_set, REAL)
            others = None if real is None else self.network(real[None])
        cosine = math.nan
        if others is not None and painted is not None:
            cosine = float((others @ self.network(painted[None])[0]).mean())
        elif others is not None and self.own is None:
            cosine = 0.0
        self.keep('painted', {KEY: cosine})

    def face(self, frame_set: FrameSet, name: str) -> np.ndarray | None:
        """The face that is requested, as `name` shows it at film size."""
        if frame_set.pose is None:
            return None
        image = frame_set.at_film_size(name)
        size = size_of(frame_set.methods['painted'])
        pose = moved(frame_set.pose, scaling(size, size_of(image)))
        return frontal_face(image, pose, self.skeleton, self.finder)

    def close(self) -> None:
        self.finder.close()


def frontal_face(image: np.ndarray, pose: np.ndarray, skeleton: Skeleton, finder: FaceFinder
                 ) -> np.ndarray | None:
    """uint8 (112, 112, 3), upright; None where the pose shows no frontal face, or the image none.

    pose   float (K, 3) in px of the image
    """
    face = face_joints(pose, skeleton)
    if face is None or not is_frontal(face):
        return None
    points = finder(image, face)
    return None if points is None else cut_face(image, points)


def own_faces(target: Target, most: int, finder: FaceFinder) -> np.ndarray:
    """uint8 (N, 112, 112, 3): frontal faces of the target's own frames, evenly spaced.

    UserError where no frame shows one, or none large enough.
    """
    skeleton = target.track.joints
    any_size = replace(FRONTAL, eyes=0)
    rows = []
    for row in np.flatnonzero(target.track.shown()).tolist():
        face = face_joints(target.track.poses[row], skeleton)
        if face is not None and is_frontal(face, any_size):
            rows.append(row)
    faces = []
    for place in evenly_spaced(len(rows), most).tolist():
        face = frontal_face(*target.large(rows[place]), skeleton, finder)
        if face is not None:
            faces.append(face)
    if not faces:
        raise UserError(f'no frame of the target shows a frontal face {LARGE_ENOUGH}')
    return np.stack(faces)


def shows_face(film: MeasuredFrames, skeleton: Skeleton) -> bool:
    """Whether a face that is requested is frontal and large enough in the film."""
    joints = film.dataset.joints            # type: ignore[attr-defined]
    grown = scaling(joints.track.size, film.film_size)
    for k in film.chosen.tolist():
        face = face_joints(moved(joints[film.dataset.path(k)], grown), skeleton)
        if face is not None and is_frontal(face):
            return True
    return False


def identity_evaluators(film: MeasuredFrames, target: Target | str, has_truth: bool,
                        engine: Engine, missing: dict[str, str]) -> list[Evaluator]:
    """Whether the painted face is the target's.

    missing  gets that score, with the reason, where it cannot be measured
    """
    joints = getattr(film.dataset, 'joints', None)
    try:
        if joints is None:
            raise UserError(f'{film.dataset.root} has no joints of its frames')
        why = why_no_weights()
        if why:
            raise UserError(why)
        skeleton = joints.track.joints
        if not shows_face(film, skeleton):
            raise UserError(f'no pose shows a frontal face {LARGE_ENOUGH} in the film')
        if isinstance(target, str) and not has_truth:
            raise UserError(target)
        with ExitStack() as stack:
            finder = FaceFinder()
            stack.callback(finder.close)
            network = MobileFaceNet(str(engine.device))
            own = None
            if isinstance(target, Target) and not has_truth:
                own = network(own_faces(target, OWN_FACES, finder))
            stack.pop_all()             # the evaluator closes it
            return [IdentityEvaluator(finder, network, skeleton, own)]
    except UserError as error:
        missing[KEY] = str(error)
        return []
