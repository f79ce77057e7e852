"""Read untrusted pickles: some data sets and weights are published as such, and a pickle can run any code.

This reader admits only plain Python data, and arrays of the types in DTYPES.
"""

import io
import pickle
from collections import OrderedDict

import numpy as np

DTYPES = {"f4": "<", "u1": "|"}  # numpy's name of an admitted type -> byte order


class RefusedError(ValueError):
    """The pickle refers to something other than plain data."""


class Array:
    """Replaces numpy.ndarray in a pickle. `array` is the array, read-only."""

    def __init__(self, *_):  # numpy's arguments for an empty array; __setstate__ replaces it
        pass

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state  # the first is a version
        content = content.encode("latin1") if isinstance(content, str) else content  # str: written by Python 2
        self.array = np.frombuffer(content, dtype.name).reshape(shape, order="F" if fortran else "C")


class _DType:
    """Replaces numpy.dtype in a pickle."""

    def __init__(self, name, *_):
        if name not in DTYPES:
            raise ValueError(f"arrays of type {name} are not supported")
        self.name = DTYPES[name] + name

    def __setstate__(self, state):
        if state[1] != self.name[0]:
            raise ValueError(f"arrays of byte order {state[1]} are not supported")


class _Reader(pickle.Unpickler):
    """Admits only the names that plain data needs, and replaces the harmful ones.

    numpy's own classes are harmful: with a numpy.dtype that declares pointers to be plain numbers, a pickle forges
    objects.
    """

    ADMITTED = {  # noqa: RUF012 (never changed)
        "builtins.tuple": tuple,
        "__builtin__.tuple": tuple,  # protocol 2
        "collections.OrderedDict": OrderedDict,
        "_codecs.encode": str.encode,  # protocol 2 has no bytes: it encodes strings
        "numpy.ndarray": Array,
        "numpy.dtype": _DType,
        "numpy.core.multiarray._reconstruct": Array,  # numpy 1
        "numpy._core.multiarray._reconstruct": Array,  # numpy 2
    }

    def find_class(self, module, name):
        if f"{module}.{name}" not in self.ADMITTED:
            raise RefusedError(f"refused: the pickle refers to {module}.{name}, which is not plain data")
        return self.ADMITTED[f"{module}.{name}"]


def loads(content: bytes):
    """Unpickle plain data, with an `Array` in place of every array; strings of Python 2 are read as Latin-1.

    Raises:
        RefusedError: the pickle refers to something else, which is not run.
        Exception: any kind, for a damaged pickle.
    """
    return _Reader(io.BytesIO(content), encoding="latin1").load()
