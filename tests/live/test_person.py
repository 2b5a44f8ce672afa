"""A picture of the camera becomes a pose in the target's picture."""
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from live.frames import Captured, Posed
from live.person import HOLD, LivePerson
from pose.cleaning.smoothing import lag
from pose.detect.base import Detector
from pose.masks import PersonMask
from pose.retargeting.filmed_ways import measure_facing
from pose.retargeting.ground import WINDOW, measure_ground
from pose.retargeting.room import is_framed, measure_room
from pose.skeleton import BODY_25, skeleton_of
from pose.track import PoseTrack
from tests.pose.retargeting.drawn import film, target_film
from tests.pose.retargeting.turning import half_turns, turning
from tests.pose.test_track import standing

FPS, SIZE = 25.0, (320, 240)
HIP = BODY_25.index('MidHip')


class Scripted(Detector):
    """Finds what the test says, frame by frame, and counts its looks."""

    def __init__(self, people: list[list[np.ndarray]]):
        self.people = people
        self.looks: list[int] = []
        self.resets = 0

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        self.looks.append(index)
        found = np.full((len(self.people[index]), 25, 4), np.nan, np.float32)
        for n, pose in enumerate(self.people[index]):
            found[n, :, :3] = pose
        return found

    def reset(self) -> None:
        self.resets += 1


def a_target(track: PoseTrack | None = None, skeleton: str = 'BODY_25') -> Any:
    track = target_film() if track is None else track
    return SimpleNamespace(ground=measure_ground(track), size=track.size, skeleton=skeleton,
                           facing=measure_facing(track), room=measure_room(track))


def picture(shade: int = 90) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), shade, np.uint8)


def play(person: LivePerson, frames: int, first: int = 0, fps: float = FPS,
         shade: int = 90) -> list[Posed]:
    return [person(Captured(f, f / fps, picture(shade))) for f in range(first, first + frames)]


def test_the_first_picture_gives_a_pose_in_the_targets_picture():
    target = a_target()
    captured = Captured(0, 7.5, picture())
    posed = LivePerson(Scripted([[standing(100, 150)]]), target)(captured)
    assert posed.captured is captured and posed.skeleton == 'BODY_25'
    assert posed.pose.dtype == posed.found.dtype == np.float32
    assert posed.pose.shape == (25, 3) and posed.found.shape == (25, 4) and posed.depth is None
    assert is_framed(posed.pose, BODY_25, target.size, target.room)
    assert np.abs(posed.found[:, :2] - standing(100, 150)[:, :2]).max() < 0.01
    there = posed.scale @ [*posed.found[HIP, :2], 1]
    assert np.abs(there[:2] - posed.pose[HIP, :2]).max() < 1


def test_nobody_is_the_last_pose_for_half_a_second_and_then_none():
    person = LivePerson(Scripted([[standing(100, 150)]] * 25 + [[]] * 50), a_target())
    posed = play(person, 75)
    gone = [f for f, each in enumerate(posed) if each.pose is None]
    assert gone[0] == 25 + int(HOLD * FPS) and gone == list(range(gone[0], 75))
    assert np.array_equal(posed[30].pose, posed[24].pose) and posed[30].found is None


def test_the_mask_of_the_person_followed_comes_along() -> None:
    detector = Scripted([[standing(100, 150), standing(240, 150, 0.7)]] * 3)
    masks = [PersonMask.of(np.full((8, 8), n, np.uint8), 9, 9, 8) for n in range(2)]
    detector.masks = lambda: masks        # type: ignore[method-assign]
    assert all(each.mask is masks[0] for each in play(LivePerson(detector, a_target()), 3))


def test_who_comes_back_is_painted_at_once():
    person = LivePerson(Scripted([[standing(100, 150)]] * 25 + [[]] * 40
                                 + [[standing(180, 150)]] * 5), a_target())
    posed = play(person, 70)
    assert posed[64].pose is None and posed[65].pose is not None


def test_two_people_the_one_chosen_first_stays():
    first, second = standing(80, 150), standing(240, 200, 1.8)
    person = LivePerson(Scripted([[first]] * 20 + [[second, first]] * 60), a_target())
    for posed in play(person, 80):
        assert abs(posed.found[HIP, 0] - first[HIP, 0]) < 2


def test_who_comes_after_the_window_is_measured_anew():
    after = int(25 + (WINDOW + 1) * FPS)
    person = LivePerson(Scripted([[standing(80, 150)]] * 25 + [[]] * (after - 25)
                                 + [[standing(240, 220, 1.8)]]), a_target())
    posed = play(person, after + 1)
    assert np.abs(posed[-1].pose[HIP, :2] - posed[0].pose[HIP, :2]).max() < 8


@pytest.mark.parametrize('every', [1, 2, 3])
def test_the_detector_looks_at_every_nth_picture_and_joints_move_on_between(every):
    way = [standing(60 + 1.5 * f, 150) for f in range(90)]
    detector = Scripted([[pose] for pose in way])
    person = LivePerson(detector, a_target())
    person.every = every
    posed = play(person, 90, fps=30.0)
    assert detector.looks == list(range(0, 90, every))
    off = [posed[f].found[HIP, 0] - way[f][HIP, 0] for f in range(45, 90)]
    assert np.abs(off).max() < 1.5 and np.ptp(off) < 1


def test_where_pictures_come_slowly_every_one_is_looked_at():
    detector = Scripted([[standing(100, 150)]] * 10)
    person = LivePerson(detector, a_target())
    person.every = 3
    play(person, 10, fps=5.0)
    assert detector.looks == list(range(10))


def test_joints_do_not_fly_on_when_nothing_is_found():
    way = [[standing(60 + 4.0 * f, 150)] for f in range(30)]
    person = LivePerson(Scripted(way + [[]] * 10), a_target())
    posed = play(person, 40)
    assert all(np.array_equal(each.pose, posed[29].pose) for each in posed[30:])


@pytest.mark.parametrize('image', [
    np.zeros((0, 0, 3), np.uint8), np.zeros((1, 1, 3), np.uint8), np.zeros((240, 320), np.uint8),
    np.zeros((240, 320, 4), np.uint8)])
def test_a_strange_picture_shows_nobody(image):
    posed = LivePerson(Scripted([[standing(100, 150)]]), a_target())(Captured(0, 0.0, image))
    assert posed.pose is None and posed.found is None


def test_a_camera_that_changes_its_size_begins_again():
    person = LivePerson(Scripted([[standing(100, 150)]] * 3), a_target())
    play(person, 2)
    posed = person(Captured(2, 0.08, np.zeros((480, 640, 3), np.uint8)))
    assert posed.pose is not None and person.size == (640, 480)


def test_measure_again_takes_the_person_as_it_stands():
    far, near = standing(100, 150, 0.8), standing(200, 200, 1.6)
    person = LivePerson(Scripted([[far]] * 100 + [[near]] * 40), a_target(), fit='once')
    posed = play(person, 120)
    person.measure_again()
    posed += play(person, 20, first=120)
    size = [np.ptp(each.pose[each.pose[:, 2] > 0, 1]) for each in posed]
    assert abs(size[-1] / size[80] - 1) < 0.06


def test_a_cut_of_a_film_forgets_who_was_measured():
    before, after = standing(60, 120, 0.6), standing(220, 230, 2.0)
    detector = Scripted([[before]] * 50 + [[]] * 5 + [[after]] * 15)
    person = LivePerson(detector, a_target())
    shown = play(person, 50)
    posed = play(person, 20, first=50, shade=200)
    assert detector.resets == 1
    assert np.abs(posed[-1].pose[HIP] - shown[0].pose[HIP]).max() < 8


def test_a_target_of_another_skeleton_is_given_its_own_joints():
    target = a_target(target_film().numbered('COCO_18'), 'COCO_18')
    posed = LivePerson(Scripted([[standing(100, 150)]]), target)(Captured(0, 0.0, picture()))
    joints = len(skeleton_of('COCO_18').joints)
    assert posed.pose.shape == (joints, 3) and posed.found.shape == (joints, 4)


def test_a_dance_comes_hardly_late_and_never_leaves_the_picture():
    track = film(noise=0.003)[0]
    target = a_target()
    person = LivePerson(Scripted([[pose] for pose in track.poses]), target)
    posed = play(person, len(track), fps=track.fps)
    for each in posed:
        assert is_framed(each.pose, BODY_25, target.size, target.room)
    found = PoseTrack(np.array([each.found[:, :3] for each in posed]), track.times, track.index,
                      'BODY_25', track.size)
    assert lag(track, found) / track.fps < 0.04


def test_who_walks_out_of_the_cameras_picture_stays_in_the_targets():
    target = a_target()
    way = [[standing(60 + 4.0 * f, 150)] for f in range(75)]
    for posed in play(LivePerson(Scripted(way), target, fit='once'), 75):
        assert is_framed(posed.pose, BODY_25, target.size, target.room)


def test_with_fit_off_a_person_stays_as_the_camera_sees_it():
    way = [[standing(60, 40)] for _ in range(10)]       # far away
    target = a_target()
    near = LivePerson(Scripted(way), target, fit='off', facing='as_is')
    posed = play(near, 10)[-1]
    scale = posed.scale[0, 0]
    neck, ankle = (posed.found[BODY_25.index(joint), 1] for joint in ('Neck', 'RAnkle'))
    shown = posed.pose[BODY_25.index('RAnkle'), 1] - posed.pose[BODY_25.index('Neck'), 1]
    assert shown == pytest.approx(scale * (ankle - neck), rel=0.02)
    assert scale == pytest.approx(min(np.divide(target.size, SIZE)), rel=0.02)


def test_a_back_that_was_never_filmed_is_seen_from_the_front():
    dancer = turning(half_turns())
    target = a_target(turning(np.zeros(60)))
    person = LivePerson(Scripted([[pose] for pose in dancer.poses]), target)
    right, left = (BODY_25.index(side + 'Shoulder') for side in 'RL')
    for posed in play(person, len(dancer))[5:]:
        assert posed.pose[right, 0] < posed.pose[left, 0]
