"""Everybody in a source is looked at once, counted before work, and taken out of the scene."""
from pathlib import Path

import numpy as np
import pytest

import preprocess
import preprocessing.detection
from options.preprocess_options import PreprocessOptions
from pose.masks import PersonMask
from pose.skeleton import BODY_25
from preprocessing.people import FoundOnce
from scene.source_scene import SourceScene
from tests.preprocessing.test_scene import BLUE, FRAMES, RED, Two, at, block, body, empty
from util.errors import UserError
from util.options import Options
from util.video_writer import VideoWriter

HIDDEN = range(12, 18)      # frames in which the second person is not found


class Passing(Two):
    """Two people who walk; the second is not found for some frames, and is a picture where
    `is_alive` says so."""
    is_alive = True

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        self.f = index
        found = [walker(at(index), 8.0, 30, np.sin(index / 3))]
        if index not in HIDDEN:
            swing = np.sin(index / 2) if self.is_alive else 0
            found.append(walker(other(index), 5.0, 60, swing))
        return np.stack(found).astype(np.float32)

    def masks(self) -> list[PersonMask | None]:
        first = block(at(self.f), 70, 40, 12)
        return [first] if self.f in HIDDEN else [first, block(other(self.f), 82, 25, 7)]


def walker(x: float, size: float, top: float, swing: float) -> np.ndarray:
    """A body whose arms and legs swing, -1 to 1."""
    pose = body(x, size, top)
    for joint in ('Wrist', 'Ankle'):
        for side, way in (('R', 1), ('L', -1)):
            pose[BODY_25.index(side + joint), 0] += way * swing * size
    return pose


def other(f: int) -> int:
    return 150 - 2 * f


def flags(video: Path, root: Path, *more: str) -> list[str]:
    return ['--video', str(video), '--dataroot', str(root), '--size', '64', '--poses_only',
            '--keep_scene', 'nobody', *more]


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(preprocessing.detection, 'detector_for', Passing)
    path = tmp_path / 'two.mp4'
    with VideoWriter(path, fps=25, crf=8) as film:
        for f in range(FRAMES):
            image = empty(f)
            image[57:107, other(f) - 7:other(f) + 7] = BLUE
            image[30:110, at(f) - 12:at(f) + 12] = RED
            film.write(image)
    return path


def test_who_is_hidden_for_a_moment_is_taken_out_of_the_scene_too(
        video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = FoundOnce()
    find.check_people(options(video, tmp_path), [1])
    monkeypatch.delattr(preprocessing.detection, 'detector_for')        # it is found already
    preprocess.main(flags(video, tmp_path / 'one', '--person', '1'), find=find)
    scene = SourceScene(tmp_path / 'one')
    for f in (5, 13, 16, 25):
        body_of_other = scene(f)[60:100, other(f) - 4:other(f) + 4].astype(int)
        assert np.abs(body_of_other - BLUE).max(-1).min() > 60, f'no blue in frame {f}'


def test_a_source_is_looked_at_once_for_all_its_people(video: Path, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    once = preprocessing.detection.detect
    monkeypatch.setattr('preprocessing.people.detect',
                        lambda *given: looks.append(1) or once(*given))
    find = FoundOnce()
    for person in '12':
        find.check_people(options(video, tmp_path, '--person', person), [1, 2])
    assert len(looks) == 1
    find.check_people(options(video, tmp_path, '--end', '0.8'), [1])
    assert len(looks) == 2, 'another part is looked at again'


def options(video: Path, folder: Path, *more: str) -> Options:
    return PreprocessOptions().parse(flags(video, folder / 'any', *more)).but(parts='body')


def test_more_people_than_there_are_is_one_sentence_that_says_who_there_is(video: Path,
                                                                           tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'two.mp4: person 3 is asked for, and there are 2 people: '
                                        r'1 from 0.0 s at .* in 30 frames; 2 .* in 24 frames. '
                                        r'Give .*fewer videos at --target'):
        FoundOnce().check_people(options(video, tmp_path), [1, 3])


def test_a_picture_on_the_wall_is_warned_of(video: Path, tmp_path: Path,
                                            monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    """No more: two who dance each other's mirror image look like one and a mirror."""
    monkeypatch.setattr(Passing, 'is_alive', False)
    FoundOnce().check_people(options(video, tmp_path), [1, 2])
    said = ' '.join(''.join(capsys.readouterr()).split())
    assert 'person 2 may be nobody alive: never changes its pose' in said
    FoundOnce().check_people(options(video, tmp_path), [1])
    assert 'nobody alive' not in ''.join(capsys.readouterr())
