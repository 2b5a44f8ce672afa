"""What a report says of the movements that are filmed, missing, or asked for by a dancer."""
import re
from dataclasses import replace

import numpy as np
import pytest
from dominate import document

from pose.matching.movements import MOVEMENTS
from pose.track import PoseTrack
from preprocessing.report import filming
from preprocessing.report.filming import (
    advice,
    missing_sides,
    movement_numbers,
    remarks,
    summary,
)
from preprocessing.report.filming_page import movements_section


class Dataset:
    """What movement_numbers reads of a Prepared."""
    found = None

    def __init__(self, track, layout='pairs'):
        self.track = track
        self.trained = np.ones(len(track), bool)
        self.facts = {'layout': layout}


class Target:
    def __init__(self, dataset):
        self.dataset = dataset


def track_of(movements, size=(400, 400)):
    """A second of each of these movements, by the figures of a report."""
    from preprocessing.report.figures import joints_of
    poses = []
    for name in movements:
        pose = np.zeros((25, 3), np.float32)
        track = PoseTrack(pose[None], np.zeros(1), np.zeros(1), 'BODY_25', size)
        for joint, (x, y) in joints_of(name).items():
            pose[track.joints.index(joint)] = 200 + 2 * x, 200 + 2 * y, 1
        poses += [pose] * 25
    return PoseTrack(np.stack(poses), np.arange(len(poses)) / 25, np.arange(len(poses)), 'BODY_25',
                     size)


ALL = [movement.name for movement in MOVEMENTS]
FEW = ['facing the camera', 'arms up']


@pytest.fixture
def target():
    return Dataset(track_of(FEW))


@pytest.fixture
def dancer():
    return Dataset(track_of(['facing the camera', 'crouching', 'arms up']), 'poses')


def test_what_a_training_video_lacks_is_told_before_anybody_dances(target):
    numbers = movement_numbers(target, None)
    said = list(advice(numbers))
    assert summary(numbers) == '2 of 12 movements are filmed.'
    named = [re.match(r'  (.+?): ', line)[1] for line in said[1:]]
    assert named == [name for name in ALL if name not in FEW]
    crouching = MOVEMENTS[ALL.index('crouching')]
    assert f'  crouching: {crouching.do}; {crouching.seconds} s' in said


def test_a_side_that_is_missing_is_named():
    numbers = movement_numbers(Dataset(track_of(['facing the camera', 'sideways'])), None)
    said = '\n'.join(advice(numbers))
    assert '  sideways (right): ' in said and '  arms up: ' in said


def test_what_the_dancer_does_and_the_target_does_not_comes_first(target, dancer):
    numbers = movement_numbers(dancer, Target(target))
    first, crouching, others = advice(numbers)
    assert 'was not filmed doing' in first
    assert crouching.startswith('  crouching at 0:01: ')
    assert others.startswith('Not filmed either') and 'arms crossed' in others
    assert 'arms up' not in others and 'crouching' not in others


def test_a_dancer_without_a_target_asks_for_nothing(dancer):
    numbers = movement_numbers(dancer, None)
    assert summary(numbers) == '' and list(advice(numbers)) == []
    crouching = numbers[ALL.index('crouching')]['sides']['']
    assert crouching['filmed'] is None and crouching['danced'] == pytest.approx(1)


def test_a_dancer_turns_as_filmed_and_not_as_fitted(target, dancer, monkeypatch):
    """The fitted poses never turn, as the target never did."""
    dancer.found = track_of(['facing the camera', 'crouching', 'back'])
    monkeypatch.setattr(filming, 'repair', lambda track: (track, {}))
    assert any(line.startswith('  back at 0:02') for line in
               advice(movement_numbers(dancer, Target(target))))


def test_half_a_body_is_not_asked_for_its_feet():
    cut = Dataset(replace(track_of(FEW), size=(400, 280)))
    numbers = movement_numbers(cut, None)
    assert 'not asked for: crouching, wide step, foot up.' in summary(numbers)
    assert not any('crouching' in line for line in advice(numbers))


def test_a_video_of_everything_lacks_nothing():
    mirrored = track_of(ALL)
    mirrored = replace(mirrored, poses=mirrored.poses[:, list(mirrored.joints.partners)]
                       * np.float32((-1, 1, 1)) + np.float32((400, 0, 0))
                       * (mirrored.poses[:, list(mirrored.joints.partners), 2:] > 0))
    both = np.concatenate([track_of(ALL).poses, mirrored.poses])
    track = PoseTrack(both, np.arange(len(both)) / 25, np.arange(len(both)), 'BODY_25', (400, 400))
    numbers = movement_numbers(Dataset(track), None)
    assert list(advice(numbers)) == [] and summary(numbers) == '12 of 12 movements are filmed.'


def test_who_is_short_small_or_hides_a_hand_hears_of_it(dancer):
    long = track_of(FEW * 40)
    assert remarks(Dataset(replace(long, size=(400, 340)))) == []
    short, = remarks(Dataset(replace(track_of(FEW), size=(400, 340))))
    assert short == 'Only 2 s are painted from. Film two minutes.'
    small, = remarks(Dataset(replace(long, size=(400, 600))))
    assert 'you fill 33 % of the picture' in small
    hidden = replace(long, size=(400, 340), poses=long.poses.copy())
    hidden.poses[::4, hidden.joints.index('LWrist'), 2] = 0
    hand, = remarks(Dataset(hidden))
    assert hand == 'The left hand is hidden or out of the picture in 25 % of the frames.'
    assert remarks(dancer) == []
    cut = ' '.join(remarks(Dataset(replace(long, size=(400, 280)))))
    assert 'No feet are in the picture' in cut and 'Film the whole body.' in cut


def page_of(numbers):
    page = document()
    with page.body:
        movements_section(numbers)
    return page.render()


def test_the_page_has_a_figure_of_each_movement_and_the_moment_of_those_filmed(target):
    numbers = movement_numbers(target, None)
    text = page_of(numbers)
    assert text.count('<svg class="move"') == len(MOVEMENTS)
    assert text.count('class="move missing"') == sum(map(bool, map(missing_sides, numbers)))
    assert '✓ left: filmed 1.0 s, at 0:01' in text and '✗ not filmed' in text


def test_the_page_of_a_dancer_shows_first_what_to_film(target, dancer):
    text = page_of(movement_numbers(dancer, Target(target)))
    assert text.index('crouching') < text.index('back') < text.index('facing the camera')
    assert text.count('class="move asked"') == 1 and 'class="move missing"' not in text
