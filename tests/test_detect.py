"""Detectors: found by name, and imported only when used."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pose.detect import detectors
from pose.detect.base import Detector
from pose.skeleton import SKELETONS
from util.errors import UserError

HOUSE = Path(__file__).parents[1]


def python(code):
    """What a fresh interpreter prints for that code, stdout and stderr."""
    done = subprocess.run([sys.executable, '-c', code], cwd=HOUSE, text=True, check=True,
                          capture_output=True)
    return done.stdout + done.stderr


def test_all_of_pose_is_had_without_torch_and_without_a_detectors_package():
    modules = ', '.join(f'pose.{m}' for m in ('skeleton', 'track', 'draw', 'retarget', 'detect'))
    out = python(f'import sys, {modules}\n'
                 'for name in pose.detect.detectors.names(): pose.detect.detectors.find(name)\n'
                 'print({"torch", "mediapipe", "matplotlib", "scipy", "av"} & set(sys.modules))')
    assert out.strip() == 'set()'


@pytest.mark.parametrize('name', detectors.names())
def test_every_detector_says_what_it_is(name):
    found = detectors.find(name)
    assert issubclass(found, Detector) and found.DESCRIPTION and found.skeleton in SKELETONS
    assert '\n' not in found.DESCRIPTION + found.NEEDS


def test_a_misspelt_detector_is_answered_with_the_nearest():
    with pytest.raises(UserError, match='Did you mean mediapipe'):
        detectors.find('mediapip')


def test_mediapipe_finds_nobody_in_noise_and_is_quiet():
    pytest.importorskip('mediapipe')
    out = python('import numpy as np\n'
                 'from pose.detect import detectors\n'
                 'detector = detectors.find("mediapipe")()\n'
                 'noise = np.random.default_rng(0).integers(0, 256, (120, 161, 3), np.uint8)\n'
                 'print(detector(noise)); detector.reset(); detector.close()\n')
    assert out.strip() == 'None'


def test_a_detector_without_its_package_says_what_to_install():
    out = python('import sys; sys.modules["mediapipe"] = None\n'
                 'from pose.detect import detectors\n'
                 'try: detectors.find("mediapipe")()\n'
                 'except Exception as error: print(type(error).__name__, error)\n')
    assert out.startswith('UserError') and 'pip install mediapipe' in out


def test_the_base_detector_forgets_and_closes_without_ado():
    detector = Detector()
    detector.reset()
    detector.close()
    with pytest.raises(NotImplementedError):
        detector(np.zeros((4, 4, 3), np.uint8))
