"""Somebody's .npz: bounded before it is decompressed, and one sentence where it is broken."""
import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from util.errors import UserError
from util.npz import read_npz

KINDS = {'a': 'f', 'b': 'iu'}
THEN = 'Make it again.'


def saved(path, **arrays):
    np.savez_compressed(path, **{'a': np.ones((2, 3)), 'b': np.arange(4), **arrays})
    return path


def claiming(path, shape, data=b'12345678', kind='<f8'):
    """An .npz whose array `a` has a header of that shape, whatever follows it."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {'descr': kind, 'fortran_order': False,
                                                  'shape': shape})
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.npy', header.getvalue() + data)
    return path


def test_the_arrays_that_are_asked_for_come_back(tmp_path):
    path = saved(tmp_path / 'x.npz', c=np.array([{}], dtype=object))
    found = read_npz(path, KINDS | {'d': 'f'}, THEN, optional=('d',))
    assert set(found) == {'a', 'b'} and (found['a'] == 1).all()
    found['a'][:] = 2, 3, 4         # it can be written to


@pytest.mark.parametrize('arrays, why', [
    ({'a': np.array(['x'])}, 'a holds <U1'),
    ({'a': np.array([{}], dtype=object)}, 'a holds object'),
    ({'b': np.ones(3)}, 'b holds float64'), ({'a': np.ones(1000)}, 'a would take 0 MB')])
def test_an_array_of_another_kind_or_too_large_is_named(arrays, why, tmp_path):
    path = saved(tmp_path / 'x.npz', **arrays)
    with pytest.raises(UserError, match=rf'x\.npz: cannot be read \({why}\)\. Make it again\.'):
        read_npz(path, KINDS, THEN, most=200)


@pytest.mark.parametrize('shape', [(2**47,), (2**70,), (-1,), (3,), (0,), (2**31, 2**31, 2**31)])
def test_a_header_that_does_not_fit_its_file_is_refused(shape, tmp_path):
    with pytest.raises(UserError, match=r'x\.npz: cannot be read'):
        read_npz(claiming(tmp_path / 'x.npz', shape), {'a': 'f'}, THEN)


def test_no_byte_that_is_cut_or_flipped_goes_unnoticed(tmp_path):
    path = saved(tmp_path / 'x.npz')
    whole = path.read_bytes()
    right = read_npz(path, KINDS, THEN)
    for k in range(0, len(whole), 3):
        for data in (whole[:k], whole[:k] + bytes([whole[k] ^ 16]) + whole[k + 1:]):
            path.write_bytes(data)
            try:
                found = read_npz(path, KINDS, THEN)
            except UserError as error:
                assert str(path) in str(error)
                continue
            for name in KINDS:          # a date or a comment was hit
                assert np.array_equal(found[name], right[name])


def test_a_small_file_that_holds_gigabytes_takes_no_memory(tmp_path):
    path = claiming(tmp_path / 'x.npz', (5 * 10**7,), bytes(4 * 10**8), '<f8')
    assert path.stat().st_size < 1e6
    tracemalloc.start()
    with pytest.raises(UserError, match='would take 400 MB'):
        read_npz(path, {'a': 'f'}, THEN, most=100e6)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


def test_other_compressions_and_encryption_are_refused(tmp_path):
    path = tmp_path / 'x.npz'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_LZMA) as archive:
        archive.writestr('a.npy', b'x')
    with pytest.raises(UserError, match='not compressed as numpy does'):
        read_npz(path, {'a': 'f'}, THEN)
