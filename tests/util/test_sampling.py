"""Evenly spaced numbers begin at the first, end at the last, and are as many as asked for."""
import pytest

from util.sampling import evenly_spaced


@pytest.mark.parametrize('nearest', [False, True])
@pytest.mark.parametrize('count, most', [(10, 4), (100, 7), (7, 7), (3, 50), (1, 5), (1000, 999)])
def test_they_are_distinct_from_first_to_last_and_nearly_equally_apart(count, most, nearest):
    found = evenly_spaced(count, most, nearest).tolist()
    assert len(found) == min(count, most) and found[0] == 0 and found[-1] == count - 1
    gaps = {after - before for before, after in zip(found, found[1:])}
    assert all(gap > 0 for gap in gaps) and (not gaps or max(gaps) - min(gaps) <= 1)


def test_of_nothing_there_is_nothing():
    assert evenly_spaced(0, 5).tolist() == []


def test_nearest_rounds_where_the_other_cuts_off():
    assert evenly_spaced(9, 4).tolist() == [0, 2, 5, 8]
    assert evenly_spaced(9, 4, nearest=True).tolist() == [0, 3, 5, 8]
