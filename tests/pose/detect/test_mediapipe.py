"""The default detector: everybody, hands and face, as good as MediaPipe's own for one person."""
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from pose.detect import make_detector
from pose.detect.decoders import face_mesh
from pose.detect.decoders.mediapipe_graph import (
    Picture,
    Square,
    plain_matplotlib,
    quiet,
    square_about,
)
from pose.detect.mediapipe import HANDS, Person, apart, one_each, search_squares
from pose.skeleton import BODY_25, FACE_MIRROR, from_mediapipe, skeleton_of
from scripts.demo.body import SOURCE, TARGET
from scripts.demo.camera import SOURCE_CAMERA, TARGET_CAMERA
from scripts.demo.dance import SOURCE_DANCE, TARGET_DANCE, choreograph
from scripts.demo.figure import draw_figure
from util.errors import UserError

pytest.importorskip('mediapipe')
HOUSE = Path(__file__).parents[3]
TAICHI = HOUSE.parent / 'shared' / 'data' / 'taichi2.mp4'
CAST = {'target': (TARGET, TARGET_CAMERA, TARGET_DANCE),
        'source': (SOURCE, SOURCE_CAMERA, SOURCE_DANCE)}


def dancing(name, frames, size=240, step=0.1):
    """Pictures of a drawn dancer and the joints that are true: lists of (H, W, 3), (25, 3)."""
    figure, camera, moves = CAST[name]
    dance = choreograph(moves, 21)
    return zip(*(draw_figure(figure, camera, dance.at(step * f), size) for f in range(frames)))


@pytest.fixture(scope='module')
def duo():
    """15 pictures of both dancers side by side, and the joints that are true (15, 2, 25, 3)."""
    (left, left_joints), (right, right_joints) = dancing('target', 15), dancing('source', 15)
    joints = np.stack([left_joints, right_joints], 1) + np.array(((0, 0, 0), (240, 0, 0)))[:, None]
    return [np.hstack(pair) for pair in zip(left, right)], joints


@pytest.fixture(scope='module')
def detector():
    """Looks for bodies only; every test begins with reset()."""
    return make_detector('mediapipe')


def python(code):
    """What a fresh interpreter prints for that code, stdout and stderr."""
    done = subprocess.run([sys.executable, '-c', code], cwd=HOUSE, text=True, check=True,
                          capture_output=True)
    return done.stdout + done.stderr


def test_two_people_are_both_found_where_they_are(duo, detector):
    detector.reset()
    pictures, joints = duo
    neck, hip = BODY_25.index('Neck'), BODY_25.index('MidHip')
    good = 0
    for index, picture in enumerate(pictures):
        people = detector(picture, index)
        people = people[np.argsort(people[:, neck, 0])]
        if len(people) == 2:
            away = people[:, [neck, hip], :2] - joints[index][:, [neck, hip], :2]
            good += np.linalg.norm(away, axis=-1).max() < 15
    assert good >= 0.95 * len(pictures)


def test_one_person_is_one_and_nobody_is_none(duo, detector):
    detector.reset()
    pictures, _ = duo
    assert [detector(p[:, :240], f).shape for f, p in enumerate(pictures)] == [(1, 25, 4)] * 15
    room = pictures[0][:, :20].mean(1, keepdims=True).astype(np.uint8).repeat(240, 1)
    assert detector(room, 15).shape == (0, 25, 4)


def test_alone_the_joints_are_those_of_mediapipes_own_solution(duo, detector):
    from mediapipe.python.solutions.pose import Pose
    picture = duo[0][0][:, :240]
    with Pose(model_complexity=1, smooth_landmarks=False) as solution:
        own = from_mediapipe(np.array(
            [(m.x * 240 - 0.5, m.y * 240 - 0.5, m.z * 240, m.visibility)
             for m in solution.process(picture).pose_landmarks.landmark]))
    detector.reset()
    away = np.abs(detector(picture, 0)[0] - own)[own[:, 2] > 0]
    # Not to the last digit: see decoders/mediapipe_graph.py about its windows.
    assert away.max() < 0.5 and np.median(away) < 0.05


def test_somebody_who_comes_in_later_is_found_soon(duo, detector):
    detector.reset()
    pictures, _ = duo
    empty = pictures[0].copy()
    empty[:, 240:] = empty[:, 240:250].mean(1, keepdims=True)
    assert [len(detector(empty, f)) for f in range(8)] == [1] * 8
    assert [len(detector(pictures[0], 8 + f)) for f in range(11)][-1] == 2


def test_reset_forgets_what_was_seen(duo, detector):
    detector.reset()
    first = [detector(duo[0][f], f) for f in range(3)]
    again = detector(duo[0][0], 3)
    assert not np.array_equal(first[0], again, equal_nan=True)
    detector.reset()
    assert np.array_equal(first[0], detector(duo[0][0], 4), equal_nan=True)


def test_what_lies_far_outside_the_picture_is_not_seen(detector):
    detector.reset()
    picture, joints = (next(iter(v)) for v in dancing('target', 1, size=480))
    cut = int(joints[BODY_25.index('RKnee'), 1])
    pose = detector(picture[:cut], 0)[0]
    ankle = pose[BODY_25.index('RAnkle')]
    assert np.array_equal(ankle, (0, 0, 0, np.nan), equal_nan=True)
    assert pose[BODY_25.index('Nose'), 2] > 0.9 and np.isfinite(pose[BODY_25.index('Nose'), 3])


def test_face_and_hand_lie_where_the_body_has_them():
    detector = make_detector('mediapipe', parts=('hands', 'face'))
    picture, joints = (next(iter(v)) for v in dancing('target', 1, size=1000))
    pose = detector(picture, 0)[0]
    table = skeleton_of(detector.skeleton)
    assert table.name == 'BODY_25+face+hands' and pose.shape == (len(table.joints), 4)
    face, hand = pose[table.part('face')], pose[table.part('left_hand')]
    assert (face[:, 2] > 0.9).all() and (hand[:, 2] > 0.5).all()
    true = dict(zip(BODY_25.joints, joints[:, :2]))
    for points, joint in (((36, 39), 'REye'), ((42, 45), 'LEye'), ((68,), 'REye'),
                          ((69,), 'LEye')):
        assert np.linalg.norm(face[list(points), :2].mean(0) - true[joint]) < 12
    middles = (face[:, 0] + face[list(FACE_MIRROR), 0]) / 2     # she looks into the camera
    assert np.ptp(middles) < 0.1 * np.ptp(face[:, 0])
    assert np.linalg.norm(hand[0, :2] - true['LWrist']) < 30
    assert hand[12, 1] > hand[0, 1] + 30        # the arm hangs, and the fingers point down
    detector.close()


def test_no_point_of_the_mesh_stands_for_two_of_the_face():
    assert len(face_mesh.MESH) == len(set(face_mesh.MESH)) == len(FACE_MIRROR)


def test_a_hand_that_both_wrists_led_to_is_the_nearer_ones():
    marks = np.zeros((33, 4))
    marks[HANDS['left_hand'][0], :2], marks[HANDS['right_hand'][0], :2] = (100, 100), (100, 130)
    hand = np.zeros((21, 4))
    hand[:, 0], hand[:, 1] = 100, 98 - np.arange(21)
    both = {'left_hand': hand, 'right_hand': hand + 0.5}
    assert list(one_each(both, marks)) == ['left_hand']
    both['right_hand'] = hand + (0, 40, 0, 0)
    assert list(one_each(both, marks)) == ['left_hand', 'right_hand']


def test_who_slipped_onto_somebody_else_is_not_counted_twice():
    circle, marks = np.array(((50.0, 50), (50, 0))), np.random.default_rng(0).random((33, 4)) * 50
    stayed, slipped = Person(circle, marks, 0.01), Person(circle + 2, marks + 2, 0.4)
    other = Person(circle + 200, marks + 200, 0.9)
    assert apart([slipped, stayed, other]) == [stayed, other]


def test_a_long_picture_is_searched_in_parts_that_overlap():
    assert search_squares(400, 300) == [Square(200, 150, 400)]
    wide, tall = search_squares(1600, 900), search_squares(900, 1600)
    assert [(s.y, s.x, s.side) for s in tall] == [(s.x, s.y, s.side) for s in wide]
    parts = wide[1:]
    assert parts[0].x == 450 and parts[-1].x == 1150
    assert all(b.x - a.x <= 450 for a, b in zip(parts, parts[1:]))


def test_a_square_places_its_points_where_they_were():
    square = square_about(np.array((50.0, 80)), np.array((60.0, 80)), scale=2)
    assert (square.side, square.turn) == (40, np.pi / 2)
    corners = square.place(np.array(((0.5, 0.5, 1), (0.5, 0.0, 0))))
    assert np.allclose(corners, ((50, 80, 40), (70, 80, 0)))    # its upper edge is at the right


def test_a_square_of_no_size_holds_nobody_and_ends_nothing(detector):
    blank = Picture(np.zeros((50, 50, 3), np.uint8))
    assert detector.body(blank, Square(5, 5, 0))[1] < 0.5
    detector.reset()
    assert len(detector(np.zeros((50, 50, 3), np.uint8), 0)) == 0


def test_it_is_quiet():
    out = python('import numpy as np\n'
                 'from pose.detect import make_detector\n'
                 'detector = make_detector("mediapipe", parts=("hands", "face"))\n'
                 'noise = np.random.default_rng(0).integers(0, 256, (120, 161, 3), np.uint8)\n'
                 'print(len(detector(noise, 0))); detector.reset(); detector.close()\n')
    assert out.strip() == '0'


def test_two_threads_that_are_quiet_leave_stderr_as_it_was():
    before, kept = os.fstat(2), os.dup(2)
    other_is_quiet, this_is_over = threading.Event(), threading.Event()

    def other():
        with quiet():
            other_is_quiet.set()
            this_is_over.wait(5)
    thread = threading.Thread(target=other)
    try:
        with quiet():
            thread.start()
            other_is_quiet.wait(0.3)        # in vain: it is not its turn
        this_is_over.set()
        thread.join()
        assert os.path.samestat(os.fstat(2), before)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def test_without_its_package_it_says_what_to_install():
    out = python('import sys; sys.modules["mediapipe"] = None\n'
                 'from pose.detect import make_detector\n'
                 'try: make_detector("mediapipe")\n'
                 'except Exception as error: print(type(error).__name__, error)\n')
    assert out.startswith('UserError') and 'pip install mediapipe' in out


@pytest.mark.parametrize('quality', ['lite', 'heavy'])
def test_models_that_are_not_there_are_answered_with_the_command(quality, tmp_path, monkeypatch):
    monkeypatch.setenv('BODY2BODY_WEIGHTS', str(tmp_path))
    with pytest.raises(UserError, match='python scripts/get_models.py mediapipe'):
        make_detector('mediapipe', pose_quality=quality)


@pytest.mark.slow
@pytest.mark.skipif(not TAICHI.exists(), reason=f'{TAICHI} is not here')
def test_a_real_womans_face_and_hands_are_found_and_not_where_she_is_turned_away():
    from itertools import islice

    from util.video import read_frames
    detector = make_detector('mediapipe', parts=('hands', 'face'))
    frames = {f.index: f.image for f in islice(read_frames(TAICHI), 600) if f.index % 12 == 0}
    poses = {index: detector(image, index) for index, image in frames.items()}
    assert all(len(people) == 1 for people in poses.values())
    table = skeleton_of(detector.skeleton)
    seen = {part: {index for index, people in poses.items()
                   if people[0, table.part(part), 2].max() > 0}
            for part in ('face', 'left_hand', 'right_hand')}
    assert {0, 60, 120, 180, 240} <= seen['face'] and not {444, 456} & seen['face']
    assert {360, 588} & (seen['left_hand'] | seen['right_hand'])
    for part, wrist in (('left_hand', 'LWrist'), ('right_hand', 'RWrist')):
        for index in seen[part]:
            hand, body = poses[index][0, table.part(part)], poses[index][0, table.index(wrist)]
            assert np.linalg.norm(hand[0, :2] - body[:2]) < 40


@pytest.mark.slow
@pytest.mark.skipif(not TAICHI.exists(), reason=f'{TAICHI} is not here')
def test_a_real_woman_and_her_mirror_image_are_both_found(detector):
    from itertools import islice

    from util.video import read_frames
    detector.reset()
    inner = [f.image[90:630, 120:840] for f in islice(read_frames(TAICHI), 100)]
    found = [len(detector(np.hstack([i, i[:, ::-1]]), f)) for f, i in enumerate(inner)]
    assert found.count(2) >= 95


def test_it_works_where_jupyter_names_a_backend_of_matplotlib_that_is_not_here():
    code = 'import os\nfrom pose.detect.decoders.mediapipe_graph import PersonFinder\n' \
           'PersonFinder()\nprint(os.environ["MPLBACKEND"])'
    named = 'module://matplotlib_inline.backend_inline'
    done = subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[3], text=True,
                          env={**os.environ, 'MPLBACKEND': named}, capture_output=True)
    assert done.stdout.strip() == named, done.stderr[-1000:]


def test_several_threads_that_load_it_leave_the_named_backend_as_it_was(monkeypatch):
    monkeypatch.delenv('MPLBACKEND', raising=False)
    both = threading.Barrier(2, timeout=1)

    def load():
        with plain_matplotlib(), suppress(threading.BrokenBarrierError):
            both.wait()                 # never both within at a time
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(load), pool.submit(load)]:
            done.result()
    assert 'MPLBACKEND' not in os.environ
