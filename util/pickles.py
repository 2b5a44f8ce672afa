"""Reads pickled numpy arrays of unknown origin without running code."""
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from util.npz import HEADERS

# the names that old and new numpy write for an array; no other name is looked up
NUMPY = {(module, name) for module in ('numpy.core.multiarray', 'numpy._core.multiarray')
         for name in ('_reconstruct', 'scalar')} | {
    ('numpy', 'ndarray'), ('numpy', 'dtype'), ('_codecs', 'encode')}


class ArraysOnly(pickle.Unpickler):
    """Lists, dicts, text, numbers and numpy arrays; pickle.UnpicklingError for anything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in NUMPY:
            raise pickle.UnpicklingError(f'it names {module}.{name}')
        return super().find_class(module, name)


def read_pickle(file: IO[bytes]) -> Any:
    """The object pickled into `file` by Python 2 or 3. pickle.UnpicklingError for any other."""
    with _named():
        return ArraysOnly(file, encoding='latin1').load()


def read_npy_object(file: IO[bytes]) -> Any:
    """The one object that np.save wrote to `file`, e.g. a dict of arrays. pickle.UnpicklingError
    for any other file."""
    with _named():
        version = np.lib.format.read_magic(file)
        shape, _, dtype = HEADERS[version](file)
        if shape != () or not dtype.hasobject:
            raise ValueError('it holds an array, not a table of arrays')
        return read_pickle(file).item()


@contextmanager
def _named() -> Iterator[None]:
    """Broken bytes can raise anything in pickle and numpy: one error stands for all."""
    try:
        yield
    except pickle.UnpicklingError:
        raise
    except Exception as error:
        raise pickle.UnpicklingError(str(error) or type(error).__name__) from error
