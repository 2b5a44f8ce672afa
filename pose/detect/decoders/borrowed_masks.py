"""Person masks for the people that another detector found: MediaPipe's body network looks at the
square around each pose."""
import importlib.util
from functools import cached_property

import numpy as np

from pose.detect.base import Detector
from pose.detect.decoders import mediapipe_graph
from pose.detect.decoders.mediapipe_graph import Picture, square_about
from pose.masks import PersonMask
from pose.skeleton import Skeleton, from_mediapipe, skeleton_of, skeleton_with

MODEL = 'pose_landmark/pose_landmark_full.tflite'       # the package brings it
PRESENT = 0.5       # with less confidence the network sees nobody in the square
REACH = 1.1         # of the way from the hips to the furthest joint: hair, hands and shoes
SCALE = 1.25        # half the square's side over that reach, as MediaPipe's own
ASTRAY = 0.25       # of that reach: landmarks further from the joints are of somebody else
BASIC = 'BODY_25'


class BorrowedMasks(Detector):
    """The people of `detector`, with masks. Without MediaPipe every mask is None."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.image: np.ndarray | None = None
        self.people = np.zeros((0, 0, 4), np.float32)

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        self.image = image
        self.people = self.detector(image, index)
        return self.people

    def masks(self) -> list[PersonMask | None]:
        if self.image is None or self.network is None or not len(self.people):
            return [None] * len(self.people)
        picture = Picture(self.image)
        skeleton = skeleton_with(self.people.shape[1])
        return [mask_of(self.network, picture, pose, skeleton) for pose in self.people]

    @cached_property
    def network(self) -> mediapipe_graph.BodyLandmarker | None:
        """Made when the first mask is asked for."""
        if importlib.util.find_spec('mediapipe') is None:
            return None
        try:
            with mediapipe_graph.quiet():
                return mediapipe_graph.BodyLandmarker(MODEL)
        except ImportError:
            return None

    def reset(self) -> None:
        self.detector.reset()

    def close(self) -> None:
        self.detector.close()
        network = vars(self).get('network')
        if network is not None:
            network.close()


def mask_of(network: mediapipe_graph.BodyLandmarker, picture: Picture, pose: np.ndarray,
            skeleton: Skeleton) -> PersonMask | None:
    """The mask of the person of that pose, float (K, 4); None where the network sees nobody there,
    or somebody else."""
    joints = {name: pose[k, :2] + 0.5 for k, name in enumerate(skeleton.joints) if pose[k, 2] > 0}
    hips = [joints[name] for name in ('RHip', 'LHip', 'MidHip') if name in joints]
    neck = [joints[name] for name in ('Neck', 'RShoulder', 'LShoulder') if name in joints]
    if not hips or not neck:
        return None
    middle = np.mean(hips, 0)
    up = np.mean(neck, 0) - middle
    reach = REACH * max(float(np.hypot(*(point - middle))) for point in joints.values())
    if not np.hypot(*up) > 0:
        return None
    square = square_about(middle, middle + up / np.hypot(*up) * reach, SCALE)
    marks, presence = network(picture, square)
    found = from_mediapipe(marks[:33])
    basic = skeleton_of(BASIC).joints
    both = [k for k, name in enumerate(basic) if name in joints and found[k, 2] > 0]
    if presence < PRESENT or not both:
        return None
    off = np.array([np.hypot(*(found[k, :2] - joints[basic[k]])) for k in both])
    if np.median(off) > ASTRAY * reach:
        return None
    return PersonMask.of(network.mask(), *square)
