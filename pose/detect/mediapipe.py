"""MediaPipe Pose, the full model: one person, tracked from frame to frame, offline.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", 2020, arXiv 2006.10204.
"""
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np

from pose.detect.base import Detector
from pose.skeleton import from_mediapipe
from util.errors import UserError

# Below this visibility a landmark is a guess at what the picture does not show.
MIN_VISIBILITY = 0.1
# A joint may lie this far outside the picture, as a part of its shorter side.
MARGIN = 0.1


class MediaPipe(Detector):
    """33 landmarks with visibility, as BODY_25 (without small toes)."""
    DESCRIPTION = 'MediaPipe Pose, full model: one person, works offline, no setup'

    def __init__(self) -> None:
        with quiet():
            try:
                from mediapipe.python.solutions.pose import Pose
            except ImportError as error:
                raise UserError(f'--detector mediapipe: {error}. Install it: '
                                f'pip install mediapipe==0.10.21 (Python 3.10 to 3.12).') from error
            # Its own smoothing lags behind the motion; pose/track.py smooths without lag.
            self.pose = Pose(model_complexity=1, smooth_landmarks=False)
            # The first picture loads the networks, which write to the terminal as they come.
            self.pose.process(np.zeros((64, 64, 3), np.uint8))
        # It writes once more at the first person.
        self.hush: Callable[[], AbstractContextManager[None]] = quiet

    def __call__(self, image: np.ndarray) -> np.ndarray | None:
        with self.hush():
            found = self.pose.process(np.ascontiguousarray(image)).pose_landmarks
        if found is None:
            return None
        self.hush = nullcontext
        height, width = image.shape[:2]
        marks = np.array([(m.x * width - 0.5, m.y * height - 0.5, m.z, m.visibility)
                          for m in found.landmark])
        margin = MARGIN * min(width, height)
        inside = ((marks[:, :2] > -margin) & (marks[:, :2] < (width + margin, height + margin)))
        marks[~inside.all(1) | (marks[:, 3] < MIN_VISIBILITY), 3] = 0
        return from_mediapipe(marks)

    def reset(self) -> None:
        # Nobody in an empty picture: it looks everywhere in the next. A new graph costs 0.3 s.
        self.pose.process(np.zeros((64, 64, 3), np.uint8))

    def close(self) -> None:
        self.pose.close()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ writes to stderr off the terminal; Python's own stderr goes with it."""
    os.environ.setdefault('GLOG_minloglevel', '2')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)
