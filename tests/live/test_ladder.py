"""Which quality a session paints in: measured, then one choice, told in one line."""
import pytest

from live.ladder import Ladder, asked_for
from live.quality import QUALITIES, Quality
from util.errors import UserError

BEST, GOOD, LEAST = [Quality(name, 8, 1, False, 1) for name in ('best', 'good', 'least')]
ALL = BEST, GOOD, LEAST


def measured(paints, rate=30, poses=None):
    """A ladder that measured these seconds a picture, by quality; it stops where it chooses."""
    ladder = Ladder(ALL, rate)
    now = 0.0
    while not ladder.chosen:
        takes = paints[ladder.quality.name]
        now += takes
        ladder.found((poses or {}).get(ladder.quality.name, 0.001))
        ladder.painted(takes, now)
    return ladder, now


def test_the_best_quality_that_reaches_the_rate_is_chosen():
    assert measured({'best': 0.1, 'good': 0.03, 'least': 0.01})[0].quality == GOOD


def test_qualities_below_one_that_reaches_the_rate_are_not_tried():
    assert list(measured({'best': 0.01})[0].rates) == [BEST]


def test_where_none_reaches_the_rate_the_best_that_reaches_half_of_it_is_chosen():
    assert measured({'best': 0.1, 'good': 0.06, 'least': 0.04})[0].quality == GOOD


def test_where_none_reaches_half_the_rate_the_cheapest_is_chosen():
    ladder, _ = measured({'best': 0.9, 'good': 0.4, 'least': 0.5})      # on a busy machine
    assert ladder.quality == LEAST and 'about 2 of 30' in ladder.sentence


def test_a_slow_pose_counts_as_much_as_slow_painting():
    paints = dict.fromkeys(('best', 'good', 'least'), 0.02)
    poses = {'best': 0.09, 'good': 0.03, 'least': 0.03}
    assert measured(paints, poses=poses)[0].quality == GOOD


def test_measuring_takes_about_two_seconds_however_slow_painting_is():
    assert measured({'best': 0.5, 'good': 0.3, 'least': 0.2})[1] <= 3.5


def test_the_first_picture_of_a_quality_does_not_count():
    ladder = Ladder(ALL, 30)
    for takes in (2.0, 0.01, 0.01, 0.01):       # two seconds to set up
        ladder.painted(takes, 0.0)
    assert ladder.chosen and ladder.quality == BEST


def test_one_quality_is_chosen_without_measuring():
    assert Ladder([GOOD], 30).chosen


def test_a_film_that_ends_before_all_is_measured_is_painted_as_well_as_is_known():
    ladder = Ladder(ALL, 30)
    for _ in range(4):
        ladder.painted(0.05, 0.0)
    ladder.finish()
    assert ladder.chosen and ladder.quality == BEST
    nothing = Ladder(ALL, 30)
    nothing.finish()
    assert nothing.chosen and nothing.quality == BEST


def test_a_quality_is_asked_for_by_name_or_number():
    assert asked_for(None, ALL) == ALL
    assert asked_for('good', ALL) == [GOOD] and asked_for('1', ALL) == [BEST]


@pytest.mark.parametrize('text', ['0', '4', 'perfect', '-1'])
def test_a_quality_that_there_is_not_is_refused_with_those_that_there_are(text):
    with pytest.raises(UserError, match='best, good, least'):
        asked_for(text, ALL)


def test_no_quality_asks_for_more_than_the_one_above_it():
    for above, below in zip(QUALITIES, QUALITIES[1:]):
        assert above.size >= below.size and above.num_frames >= below.num_frames
        assert above.network >= below.network and above.every <= below.every
        assert above != below


def test_pictures_of_nobody_measure_nothing():
    """They take next to nothing: the best quality would be chosen on any computer."""
    ladder = Ladder(ALL, 30)
    ladder.nobody(0.0)
    ladder.nobody(2.9)
    assert not ladder.chosen
    ladder.nobody(3.1)
    assert ladder.quality == GOOD and 'nobody is there' in ladder.sentence


def test_where_the_person_goes_away_what_was_measured_counts():
    ladder = Ladder(ALL, 30)
    for n in range(10):
        ladder.painted(0.1, 0.1 * n)
    assert ladder.quality != BEST
    ladder.nobody(1.0)
    ladder.nobody(4.1)
    assert ladder.chosen and 'about 10 of 30' in ladder.sentence


def went_on(ladder, paints, seconds, now=0.0, rate=30):
    """A session that goes on for some seconds with pictures that take so long, by quality; the
    qualities it went through."""
    went = [ladder.quality]
    end = now + seconds
    while now < end:
        takes = paints[ladder.quality.name]
        now += max(takes, 1 / rate)
        ladder.found(0.001)
        ladder.painted(takes, now)
        if ladder.quality != went[-1]:
            went.append(ladder.quality)
    return went, now


def test_a_quality_that_falls_clearly_short_of_its_promise_gives_way_to_the_next_one():
    ladder, now = measured({'best': 0.1, 'good': 0.03, 'least': 0.01})
    went, _ = went_on(ladder, {'good': 0.06, 'least': 0.02}, 60, now)
    assert went == [GOOD, LEAST] and 'only 17 pictures a second' in ladder.sentence


def test_a_stall_of_seconds_changes_no_quality():
    ladder, now = measured({'best': 0.1, 'good': 0.03, 'least': 0.01})
    for _ in range(5):
        went, now = went_on(ladder, {'good': 0.2, 'least': 0.01}, 4, now)
        assert went == [GOOD]
        went, now = went_on(ladder, {'good': 0.03, 'least': 0.01}, 30, now)
        assert went == [GOOD]


def test_a_slow_camera_changes_no_quality():
    ladder, now = measured({'best': 0.1, 'good': 0.03, 'least': 0.01})
    assert went_on(ladder, {'good': 0.03, 'least': 0.01}, 60, now, rate=12)[0] == [GOOD]


def test_where_the_computer_becomes_free_a_better_quality_is_taken():
    ladder, now = measured({'best': 0.1, 'good': 0.03, 'least': 0.01})      # on a busy machine
    went, _ = went_on(ladder, {'best': 0.02, 'good': 0.006}, 60, now)
    assert went == [GOOD, BEST] and 'room' in ladder.sentence


def test_a_quality_that_proved_too_slow_is_never_taken_again():
    ladder, now = measured({'best': 0.1, 'good': 0.03, 'least': 0.02})
    went, now = went_on(ladder, {'good': 0.06, 'least': 0.02}, 40, now)
    assert went == [GOOD, LEAST]
    assert went_on(ladder, {'good': 0.06, 'least': 0.001}, 300, now)[0] == [LEAST]


def test_an_empty_picture_says_nothing_of_a_quality():
    ladder, now = measured({'best': 0.1, 'good': 0.03, 'least': 0.01})
    for _ in range(20):
        went, now = went_on(ladder, {'good': 0.06, 'least': 0.01}, 9, now)
        assert went == [GOOD]
        ladder.nobody(now)


def test_the_one_quality_that_was_asked_for_stays():
    ladder = Ladder([GOOD], 30)
    assert went_on(ladder, {'good': 0.5}, 100)[0] == [GOOD]


def test_a_computer_that_paints_no_picture_a_second_is_not_said_to_paint_0():
    ladder = Ladder(QUALITIES[-2:], 25)
    for now in range(2, 10, 2):
        ladder.painted(2.4, now)
    assert ladder.chosen
    assert ladder.sentence.endswith('less than 1 of 25 pictures a second')
