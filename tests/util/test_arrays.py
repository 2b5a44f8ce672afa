"""Quantiles of what is known, and rows made on access."""
import numpy as np

from util.arrays import KeptSequence, nan_quantile

NAN = np.nan


def test_a_quantile_counts_only_known_values():
    values = np.array([[3.0, NAN, 1.0, 2.0], [NAN, NAN, 5.0, NAN]])
    assert nan_quantile(values, 0.5, axis=1).tolist() == [2.0, 5.0]
    assert nan_quantile(values, 1.0, axis=1).tolist() == [3.0, 5.0]


def test_a_quantile_of_unknown_values_is_unknown():
    assert np.isnan(nan_quantile(np.full((3, 2), NAN), 0.5)).all()


def test_a_rank_between_two_values_is_rounded_down_where_asked():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert nan_quantile(values, 0.5) == 3.0
    assert nan_quantile(values, 0.5, lower=True) == 2.0


def test_rows_that_come_again_in_turn_are_made_once_as_far_as_they_fit():
    made = []

    def row(k):
        made.append(k)
        return np.full(100, k, np.uint8)
    rows = KeptSequence(5, row, most=399)
    for _ in range(3):
        assert [int(rows[k][0]) for k in range(5)] == [0, 1, 2, 3, 4]
    assert made == [0, 1, 2, 3, 4, 3, 4, 3, 4]      # three fit
    assert rows[-1][0] == 4 and len(rows) == 5
