"""Reads pickled numpy arrays of unknown origin without running code."""
import pickle
from typing import IO, Any

import numpy as np

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
    """The object pickled into `file` by Python 2 or 3."""
    return ArraysOnly(file, encoding='latin1').load()


def read_npy_object(file: IO[bytes]) -> Any:
    """The one object that np.save wrote to `file`, e.g. a dict of arrays."""
    version = np.lib.format.read_magic(file)
    read_header = (np.lib.format.read_array_header_1_0 if version == (1, 0) else
                   np.lib.format.read_array_header_2_0)
    shape, _, dtype = read_header(file)
    if shape != () or not dtype.hasobject:
        raise ValueError('it holds an array, not a table of arrays')
    return read_pickle(file).item()
