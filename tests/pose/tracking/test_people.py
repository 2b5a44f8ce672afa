"""One person, all the way through: who is who, and who of them is the dancer."""
from functools import lru_cache

import numpy as np
import pytest

from pose.detect import make_detector
from pose.skeleton import BODY_25, SKELETONS, mirror
from pose.tracking.appearance import appearance_of, unlike
from pose.tracking.people import check_person, pick_person
from scripts.demo.body import SOURCE, TARGET
from scripts.demo.camera import Camera
from scripts.demo.dance import SOURCE_DANCE, TARGET_DANCE, choreograph
from scripts.demo.scene import draw_scene, joints_of, mirror_image, placed, poster, shadow, walking
from util.errors import UserError

SIZE = 360
CAMERA = Camera(0.60, 0.5, 0.88, wall=(206, 208, 212), ground=(176, 170, 164))
FAR = Camera(0.40, 0.5, 0.88, wall=(206, 208, 212), ground=(176, 170, 164))
FULL = Camera(0.80, 0.5, 0.95, wall=(206, 208, 212), ground=(176, 170, 164))
RED, GREEN, BLUE = np.eye(3).repeat(7, 1) * 12          # three looks that share no part
REDDISH = RED + 3 * (np.arange(21) % 2)                 # like RED, but not as like as one cloth


def film(joints, wear, seed=0, hidden=None, lost=0.05):
    """What a detector makes of them: people and looks per frame, and who each of them is.

    joints  (F, N, 25, 3) true, 0 where not there;  wear  a look per person
    Joints are 1 % of the body off, people come in any order, some are missed; who stands behind
    another (in the order given) is not found, and a look half covered is half the other's.
    """
    rng = np.random.default_rng(seed)
    people, looks, truth = [], [], []
    for frame in joints:
        found = []
        for n, true in enumerate(frame):
            tall = np.ptp(true[:, 1])
            covered = min((np.abs(near[1:9, 0] - true[1:9, 0]).mean() / tall
                           for near in frame[:n]), default=1) if tall else 0
            if not tall or covered < 0.10 or rng.random() < lost:
                continue
            body = np.full((25, 4), np.nan, np.float32)
            body[:, :2] = true[:, :2] + rng.normal(0, 0.01 * tall, (25, 2))
            body[:, 2] = rng.uniform(0.5, 1, 25)
            seen = wear[n] if covered > 0.25 else (wear[n] + wear[0]) / 2
            found.append((body, seen + rng.normal(0, 0.5, 21), n))
        order = rng.permutation(len(found))
        people.append(np.array([found[k][0] for k in order], np.float32).reshape(-1, 25, 4))
        looks.append(np.array([found[k][1] for k in order], np.float32).reshape(-1, 21))
        truth.append([found[k][2] for k in order])
    return people, looks, truth


def pick(people, looks, person='largest', fps=25.0, jumps=(), skeleton='BODY_25'):
    difference = np.full(len(people), 0.5)
    difference[list(jumps)] = 40
    return pick_person(people, looks, np.arange(len(people)) / fps, difference, skeleton,
                       (SIZE, SIZE), person)


def who(picked, truth):
    """Who was picked, frame by frame; nobody is left out."""
    return [truth[f][row] for f, row in enumerate(picked.rows) if row >= 0]


@lru_cache
def dancing(figure=SOURCE, camera=CAMERA, x=0.0, z=0.0, fps=25, seconds=4, moves=SOURCE_DANCE):
    """Joints (F, 25, 3) of somebody who dances."""
    dance = choreograph(moves, seconds)
    return np.array([joints_of(figure, placed(dance.at(f / fps), x, z), camera, SIZE)
                     for f in range(seconds * fps)])


@lru_cache
def crossing(fps, turn_back):
    """Joints (F, 2, 25, 3): two who walk past each other, or meet, stand a second and go back."""
    seconds = np.arange(4 * fps) / fps - 2
    path = 1.2 * seconds
    if turn_back:
        path = -np.maximum(1.2 * (np.abs(seconds) - 0.5), 0.02)
    return np.array([[
        joints_of(TARGET, walking(x, 0.35, way), CAMERA, SIZE),
        joints_of(SOURCE, walking(-x, -0.25, -way), CAMERA, SIZE)]
        for x, way in zip(path, np.where((seconds > 0) & turn_back, -1, 1))])


# Who is who

@pytest.mark.parametrize('fps, wear', [(12, (RED, GREEN)), (25, (RED, GREEN)), (25, (RED, RED))],
                         ids=['12 fps', '25 fps', 'in the same clothes'])
@pytest.mark.parametrize('person', ['1', '2'])
def test_two_who_walk_past_each_other_are_never_swapped(fps, wear, person):
    for seed in range(3):
        people, looks, truth = film(crossing(fps, False), wear, seed)
        picked = who(pick(people, looks, person, fps), truth)
        mine = max(set(picked), key=picked.count)
        assert picked.count(mine) >= 0.98 * len(picked)
        assert len(picked) >= 0.95 * sum(mine in there for there in truth)


@pytest.mark.parametrize('fps', [12, 25])
@pytest.mark.parametrize('person', ['1', '2'])
def test_two_who_meet_and_go_back_are_told_apart_by_their_clothes(fps, person):
    for seed in (0, 1, 15):
        people, looks, truth = film(crossing(fps, True), (RED, GREEN), seed)
        picked = who(pick(people, looks, person, fps), truth)
        mine = picked[0]
        assert picked.count(mine) >= 0.98 * len(picked) and set(picked[-fps:]) == {mine}
        assert len(picked) >= 0.9 * sum(mine in there for there in truth)


@pytest.mark.parametrize('turn_back, wear', [(False, (RED, RED)), (True, (RED, REDDISH))],
                         ids=['the way decides', 'the clothes decide'])
def test_after_a_moment_in_which_nobody_is_seen_both_are_known_again(turn_back, wear):
    joints = crossing(25, False)
    joints = np.concatenate([joints[:50], joints[:50][::-1]]) if turn_back else joints.copy()
    joints[36:64] = 0
    people, looks, truth = film(joints, wear)
    for person in '12':
        picked = who(pick(people, looks, person), truth)
        assert len(set(picked)) == 1 and len(picked) > 62


def test_somebody_hidden_for_seconds_is_known_again_by_the_clothes():
    joints = np.stack([dancing(x=-0.6), dancing(TARGET, x=0.5, moves=TARGET_DANCE)], 1).copy()
    joints[30:80, 0] = 0
    people, looks, truth = film(joints, (RED, GREEN))
    picked = pick(people, looks, '2')
    assert set(who(picked, truth)) == {0} and (picked.rows[:30] >= 0).any()
    assert (picked.rows[80:] >= 0).any() and len(picked.people) == 2


def test_without_looks_the_way_alone_tells_who_is_who():
    people, looks, truth = film(crossing(25, False), (RED, GREEN))
    for nothing in ([np.full_like(v, np.nan) for v in looks], [v[:, :0] for v in looks]):
        assert len(set(who(pick(people, nothing), truth))) == 1


def test_one_body_found_twice_is_one_person_and_the_surer_find_is_taken():
    people, looks, _ = film(dancing()[:, None], (RED,), lost=0)
    again = [p + np.float32((2, 2, 0, 0)) for p in people]
    for f, (first, second) in enumerate(zip(people, again)):
        first[..., 2], second[..., 2] = (0.4, 0.8) if f % 2 else (0.8, 0.4)
    both = [np.concatenate(pair) for pair in zip(people, again)]
    picked = pick(both, [np.repeat(v, 2, 0) for v in looks])
    assert len(picked.people) == 1
    assert picked.rows.tolist() == [f % 2 for f in range(len(people))]


# Cuts

def test_a_person_is_found_again_after_a_cut_by_the_clothes():
    left, right = dancing(x=-0.6), dancing(TARGET, x=0.5, moves=TARGET_DANCE)
    other = [dancing(TARGET, FULL, -0.3, moves=TARGET_DANCE), dancing(SOURCE, FULL, 0.4)]
    joints = np.concatenate([np.stack([left, right], 1)[:50], np.stack(other[::-1], 1)[50:]])
    people, looks, truth = film(joints, (RED, GREEN))
    for person in ('1', '2'):
        picked = pick(people, looks, person, jumps=[50])
        assert len(set(who(picked, truth))) == 1
        assert (picked.rows[:50] >= 0).mean() > 0.8 and (picked.rows[50:] >= 0).mean() > 0.8


def test_where_the_light_is_another_the_rule_chooses_again_but_a_number_does_not():
    near, far = dancing(x=-0.5, z=0.5), dancing(TARGET, FAR, x=1.0, moves=TARGET_DANCE)
    joints = np.stack([near, far], 1)
    before, after = (film(part, wear) for part, wear in (
        (joints[:50], (RED, GREEN)), (joints[50:] + np.float32((30, -20, 0)), (BLUE, BLUE - 9))))
    people, looks, truth = (a + b for a, b in zip(before, after))
    picked = pick(people, looks, 'largest', jumps=[50])
    assert set(who(picked, truth)) == {0} and (picked.rows[50:] >= 0).mean() > 0.8
    assert [p['why'] for p in picked.people if p['chosen']] == [
        'the largest who moves', 'chosen again at 2.0 s']
    for worn in (looks, [np.full_like(v, np.nan) for v in looks]):
        assert (pick(people, worn, '1', jumps=[50]).rows[50:] == -1).all()


def test_a_flash_is_no_cut():
    joints = np.stack([dancing(x=-0.6), dancing(TARGET, x=0.5, moves=TARGET_DANCE)], 1)
    people, looks, truth = film(joints, (RED, GREEN))
    looks = [np.full_like(v, np.nan) for v in looks]        # known by nothing but their way
    picked = pick(people, looks, '1', jumps=[40, 41, 42])
    assert len(set(who(picked, truth))) == 1 and (picked.rows[[40, 41]] >= 0).all()


# Who is chosen

def test_a_poster_larger_than_the_dancer_does_not_become_the_dancer():
    dancer = dancing(camera=FAR)
    hung = np.repeat(dancing(TARGET, FULL, moves=TARGET_DANCE)[30:31], len(dancer), 0)
    joints = np.stack([dancer, hung], 1)
    way = np.arange(len(joints)) / 15
    for f, pose in enumerate(joints):           # the camera pans, zooms and rolls
        roll = np.exp(0.03j * np.sin(way[f])) * (1 + 0.1 * np.sin(1.3 * way[f]))
        at = (pose[..., 0] + 1j * pose[..., 1]) * roll + 20 * np.sin(way[f])
        pose[..., 0], pose[..., 1] = at.real, at.imag
    people, looks, truth = film(joints, (RED, GREEN))
    for person in ('largest', 'longest', 'center', '1'):
        assert set(who(pick(people, looks, person), truth)) == {0}, person
    assert 'picture' in pick(people, looks).people[1]['why']


def test_a_shadow_larger_than_the_dancer_does_not_become_the_dancer():
    dance = choreograph(SOURCE_DANCE, 4)
    thrown = shadow(SOURCE, FULL, dance.at(2), SIZE)
    image, joints = draw_scene([(SOURCE, placed(dance.at(2), 1.0))], FAR, SIZE, [(thrown, (0, 0))])
    wear = [appearance_of(image, pose, BODY_25) for pose in joints]
    people, looks, truth = film(
        np.stack([dancing(camera=FAR, x=1.0), dancing(camera=FULL, x=0.0)], 1), wear)
    picked = pick(people, looks)
    assert set(who(picked, truth)) == {0} and 'shadow' in picked.people[1]['why']


@pytest.mark.parametrize('turned', [True, False], ids=['at the side', 'at the back'])
def test_a_mirrors_image_does_not_become_the_dancer_though_seen_more_often(turned):
    dancer, reflected = dancing(x=-0.8), mirror(dancing(camera=FAR, x=0.5), BODY_25, SIZE)
    if not turned:
        reflected[..., 0] = SIZE - 1 - reflected[..., 0]
    rare = dancer * (np.arange(len(dancer)) % 3 == 0)[:, None, None]
    people, looks, truth = film(np.stack([rare, reflected], 1), (RED, RED))
    picked = pick(people, looks)
    assert set(who(picked, truth)) == {0} and 'mirrored' in picked.people[1]['why']


def test_two_who_dance_in_unison_are_both_alive():
    both = np.stack([dancing(x=-0.6), dancing(camera=FAR, x=1.2)], 1)
    people, looks, _ = film(both, (RED, GREEN))
    assert [p['why'] for p in pick(people, looks).people] == ['the largest who moves', '']


@pytest.fixture(scope='module')
def three():
    """Left a large one, in the middle a small one, right one who is there from the first second;
    the first two come after a second and two."""
    joints = np.stack([dancing(x=-0.9, z=0.6), dancing(TARGET, FAR, 0.0, moves=TARGET_DANCE),
                       dancing(TARGET, CAMERA, 0.85, moves=TARGET_DANCE[3:])], 1).copy()
    joints[:25, 0] = 0
    joints[:50, 1] = 0
    return film(joints, (RED, GREEN, BLUE), lost=0)


@pytest.mark.parametrize('person, right', [
    ('largest', 0), ('center', 1), ('longest', 2), ('1', 0), ('2', 2), ('3', 1), ('275,220', 2),
    ('180,250', 1)])
def test_the_person_asked_for_is_taken(three, person, right):
    people, looks, truth = three
    picked = pick(people, looks, person)
    assert set(who(picked, truth)) == {right}
    assert [p['chosen'] for p in picked.people] == [n == right for n in (0, 2, 1)]


def test_the_report_gets_what_shows_each_person(three):
    people, looks, truth = three
    first, second, third = pick(people, looks).people
    assert [p['number'] for p in (first, second, third)] == [1, 2, 3]
    assert [p['frames'] for p in (first, second, third)] == [75, 100, 50]
    assert [p['first'] for p in (first, second, third)] == [1.0, 0.0, 2.0]
    assert first['size'] > second['size'] > third['size']
    for facts, n in ((first, 0), (second, 2), (third, 1)):
        body = people[facts['shown']['frame']][truth[facts['shown']['frame']].index(n)]
        assert np.allclose(facts['shown']['box'], [*body[:, :2].min(0), *body[:, :2].max(0)],
                           atol=0.1)


@pytest.mark.parametrize('person', ['4', '355,5'])
def test_a_number_or_place_that_is_nobodys_lists_who_there_is(three, person):
    people, looks, _ = three
    with pytest.raises(UserError, match=r'1: from 1\.0 s, at \d+,\d+, \d+ px tall, in 75 .*; 3: '):
        pick(people, looks, person)


@pytest.mark.parametrize('text', ['', 'biggest', '0', '-1', '1.5', '3,', '1,2,3', 'nan,1'])
def test_a_bad_choice_of_person_says_what_there_is(text):
    with pytest.raises(UserError, match='largest, center, longest, a number from 1'):
        check_person(text)


def test_a_choice_of_person_is_read():
    assert check_person(' Largest ') == 'largest' and check_person('12') == 12
    assert check_person('320, 240.5') == (320, 240.5)


# One person, and nobody

def test_where_no_frame_shows_two_everybody_found_is_taken():
    joints = dancing().copy()
    joints[10:12] += np.float32((200, 0, 0))        # a find elsewhere, in other clothes
    joints[60:90] = 0
    people, looks, truth = film(joints[:, None], (RED,), lost=0.1)
    looks[11] = looks[11] + 20
    picked = pick(people, looks, jumps=[20, 50])
    assert (picked.rows >= 0).tolist() == [bool(there) for there in truth]
    assert len(picked.people) == 1


def test_a_ghost_of_a_moment_costs_the_dancer_no_frame():
    people, looks, truth = film(dancing()[:, None], (RED,))
    for f in (30, 31, 70):
        people[f] = np.concatenate([people[f], people[f] + np.float32((120, -10, 0, 0))])
        looks[f] = np.repeat(looks[f], 2, 0)
    picked = pick(people, looks)
    assert picked.rows.tolist() == [0 if there else -1 for there in truth]
    assert len(picked.people) == 1


def test_nobody_at_all_is_nobody():
    picked = pick([np.zeros((0, 25, 4), np.float32)] * 5, [np.zeros((0, 21), np.float32)] * 5)
    assert picked.rows.tolist() == [-1] * 5 and picked.people == []


def test_face_and_hands_do_not_outvote_the_body():
    name = 'BODY_25+face+hands'
    people, looks, truth = film(crossing(25, False), (RED, GREEN))
    more = len(SKELETONS[name].joints) - 25
    wide = [np.concatenate([p, np.ones((len(p), more, 4), np.float32)], 1) for p in people]
    assert np.array_equal(pick(wide, looks, skeleton=name).rows, pick(people, looks).rows)


# Clothes and pictures

@pytest.fixture(scope='module')
def studio():
    dance = choreograph(TARGET_DANCE, 4)
    return [draw_scene([(figure, dance.at(time))], CAMERA, SIZE, noise=k)
            for k, (figure, time) in enumerate([(TARGET, 0.5), (TARGET, 2.5), (SOURCE, 0.5)])]


def test_a_look_is_known_again_in_another_pose_and_light_and_others_clothes_are_not(studio):
    (image, joints), (later, other_pose), (stranger, body) = studio
    mine = appearance_of(image, joints[0], BODY_25)
    dimmed = appearance_of((later * 0.7).astype(np.uint8), other_pose[0], BODY_25)
    assert mine.shape == (21,) and mine.dtype == np.float32 and np.isfinite(mine).all()
    assert unlike(mine, dimmed) < 1.5 < 3 < unlike(mine, appearance_of(stranger, body[0], BODY_25))


def test_a_look_does_not_mind_left_and_right_mistaken(studio):
    image, joints = studio[0]
    swapped = joints[0][list(BODY_25.partners)]
    assert unlike(appearance_of(image, joints[0], BODY_25),
                  appearance_of(image, swapped, BODY_25)) < 0.1


def test_what_is_not_seen_has_no_look(studio):
    image, joints = studio[0]
    pose = joints[0].copy()
    pose[[BODY_25.index(j) for j in ('RKnee', 'LKnee')]] = 0
    unknown = np.isnan(appearance_of(image, pose, BODY_25)).reshape(7, 3).all(1)
    assert unknown.tolist() == [False] * 5 + [True] * 2
    assert np.isnan(appearance_of(image, pose + np.float32((900, 0, 0)), BODY_25)).all()
    assert np.isnan(unlike(appearance_of(image, np.zeros((25, 3)), BODY_25),
                           appearance_of(image, pose, BODY_25)))


def test_in_a_scene_the_nearer_hides_the_farther_and_what_hangs_keeps_its_joints():
    dance = choreograph(SOURCE_DANCE, 2)
    hung = [(poster(TARGET, FULL, dance.at(1), 120), (10, 20)),
            (mirror_image(SOURCE, FULL, dance.at(1), 120), (230, 20))]
    cast = [(TARGET, walking(0, 0.4, 1)), (SOURCE, walking(0, -0.4, -1))]
    image, joints = draw_scene(cast, CAMERA, SIZE, hung)
    hips = joints[:, BODY_25.index('MidHip'), :2].round().astype(int)
    red, green, _ = np.array([image[y, x] for x, y in hips]).astype(int).T
    assert joints.shape == (4, 25, 3)
    assert ((red - green)[:3] > 40).all() and (green - red)[3] > 40
    assert joints[2, 2, 0] < joints[2, 5, 0] and joints[3, 2, 0] < joints[3, 5, 0]


def test_the_real_detector_follows_one_of_two_who_cross():
    """Whoever is picked is that one in 98 % of the frames in which anybody is picked.

    A find that lies half way between both bodies, within 3 % of their height, is nobody's.
    """
    fps = 15
    detector, people, looks, joints = make_detector('mediapipe'), [], [], []
    for f, x in enumerate(np.linspace(-1, 1, 3 * fps)):
        cast = [(TARGET, walking(x, 0.35, 1)), (SOURCE, walking(-x, -0.25, -1))]
        image, true = draw_scene(cast, CAMERA, SIZE, noise=f)
        found = detector(image, f)
        people.append(found)
        seen = [appearance_of(image, p, BODY_25) for p in found]
        looks.append(np.array(seen).reshape(len(found), 21))
        joints.append(true)
    detector.close()
    for person in ('1', '2') if max(map(len, people)) > 1 else ('1',):
        picked = pick(people, looks, person, fps)
        nearer = []         # how much nearer it is to the one than to the other, body heights
        for f in np.flatnonzero(picked.rows >= 0):
            seen = people[f][picked.rows[f]][1:15]
            one, other = (
                np.linalg.norm((seen[:, :2] - true[1:15, :2])[seen[:, 2] > 0.3], axis=1).mean()
                / np.ptp(true[:, 1]) for true in joints[f])
            nearer.append(one - other)
        nearer = np.array(nearer) * np.sign(np.median(nearer))
        assert len(nearer) >= 0.5 * len(joints)
        assert (nearer > -0.03).mean() >= 0.98
