"""Detectors: found by name, and imported only when used."""
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from options.preprocess_options import PreprocessOptions
from pose.detect import check_detector, declared, detectors, parts_of
from pose.detect.base import Detector
from pose.skeleton import SKELETONS
from util.errors import UserError
from util.options import Options

HOUSE = Path(__file__).parents[3]


def python(code):
    """What a fresh interpreter prints for that code, stdout and stderr."""
    done = subprocess.run([sys.executable, '-c', code], cwd=HOUSE, text=True, check=True,
                          capture_output=True)
    return done.stdout + done.stderr


def test_all_of_pose_is_had_without_torch_and_without_a_detectors_package():
    names = 'skeleton', 'track', 'draw', 'retargeting.retarget', 'detect'
    modules = ', '.join(f'pose.{name}' for name in names)
    out = python(f'import sys, {modules}\n'
                 'for name in pose.detect.detectors.names(): pose.detect.detectors.find(name)\n'
                 'print({"torch", "mediapipe", "matplotlib", "scipy", "av"} & set(sys.modules))')
    assert out.strip() == 'set()'


@pytest.mark.parametrize('name', detectors.names())
def test_every_detector_says_what_it_is_and_help_shows_it(name, capsys):
    found = detectors.find(name)
    assert issubclass(found, Detector) and found.skeleton in SKELETONS
    assert found.DESCRIPTION and found.RATE and '\n' not in found.DESCRIPTION + found.RATE
    assert 'body' in found.PARTS and set(found.PARTS) <= {'body', 'hands', 'face'}
    with pytest.raises(SystemExit):
        PreprocessOptions().parse(['--help'])
    shown = ' '.join(capsys.readouterr().out.split())
    for words in (f'--detector {name}', found.DESCRIPTION, found.RATE, found.NEEDS,
                  *(f'--{flag}' for flag in declared(found))):
        assert ' '.join(words.split()) in shown


def test_no_two_detectors_share_a_flag():
    flags = [flag for name in detectors.names() for flag in declared(detectors.find(name))]
    assert len(set(flags)) == len(flags)


@pytest.mark.parametrize('name', detectors.names())
def test_a_part_no_detector_finds_is_refused_with_one_that_does(name):
    opt = PreprocessOptions().parse(['--video', 'me.mp4', '--dataroot', 'me', '--detector', name,
                                     '--parts', 'all'])
    if {'hands', 'face'} <= set(detectors.find(name).PARTS):
        return
    with pytest.raises(UserError, match='Use --detector .*mediapipe'):
        check_detector(opt)


@pytest.mark.parametrize('text, parts', [
    ('body', {'body'}), ('hands', {'body', 'hands'}), ('hands,face', {'body', 'hands', 'face'}),
    ('all', {'body', 'hands', 'face'})])
def test_parts_are_named_alone_together_or_all_at_once(text, parts):
    assert parts_of(text) == parts


def test_a_part_that_is_none_is_answered_with_those_there_are():
    with pytest.raises(UserError, match='Give body, hands, face, or all'):
        parts_of('feet')


def test_a_misspelt_detector_is_answered_with_the_nearest():
    with pytest.raises(UserError, match='Did you mean mediapipe'):
        detectors.find('mediapip')


def test_the_base_detector_forgets_and_closes_without_ado():
    detector = Detector(Options())
    detector.reset()
    detector.close()
    with pytest.raises(NotImplementedError):
        detector(np.zeros((4, 4, 3), np.uint8), 0)
