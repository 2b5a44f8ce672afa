"""Pickled arrays of unknown origin: what is broken is one kind of error."""
import io
import os
import pickle

import numpy as np
import pytest

from util.pickles import read_npy_object, read_pickle


def saved(value):
    file = io.BytesIO()
    np.save(file, np.array(value, dtype=object), allow_pickle=True)
    return file.getvalue()


def test_a_table_of_arrays_is_read():
    found = read_npy_object(io.BytesIO(saved({1: np.arange(3.0)})))
    assert found[1].tolist() == [0, 1, 2]


# numpy itself cannot free an array whose dtype was broken, and says so
@pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')
def test_no_flipped_bit_and_no_cut_raises_anything_else():
    whole = saved({1: np.arange(3.0), 'b': [1, None]})
    broken = [whole[:k] + bytes([whole[k] ^ bit]) + whole[k + 1:]
              for k in range(len(whole)) for bit in (1, 16, 128)]
    for data in broken + [whole[:k] for k in range(len(whole))]:
        try:
            read_npy_object(io.BytesIO(data))
        except pickle.UnpicklingError:
            pass


def test_code_is_never_run():
    class Harm:
        def __reduce__(self):
            return os.system, ('false',)
    with pytest.raises(pickle.UnpicklingError, match='system'):
        read_pickle(io.BytesIO(pickle.dumps(Harm())))
