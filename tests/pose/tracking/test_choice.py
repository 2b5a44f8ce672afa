"""Who of those in the picture is the dancer; posters, shadows and mirrors are not."""
import numpy as np
import pytest

from pose.skeleton import BODY_25, mirror
from pose.tracking.appearance import appearance_of
from pose.tracking.people import check_person
from scripts.demo.body import SOURCE, TARGET
from scripts.demo.dance import SOURCE_DANCE, TARGET_DANCE, choreograph
from scripts.demo.scene import draw_scene, placed, shadow
from tests.pose.tracking.dancers import (
    BLUE,
    CAMERA,
    FAR,
    FULL,
    GREEN,
    RED,
    SIZE,
    dancing,
    film,
    pick,
    who,
)
from util.errors import UserError


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
