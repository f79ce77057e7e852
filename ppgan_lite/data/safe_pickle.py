"""Pickles from outside: published data sets and weights come so, and a pickle can run anything.

These are read by a reader that knows nothing but plain Python data and arrays of the few kinds of numbers in DTYPES.
"""

import io
import pickle
from collections import OrderedDict

import numpy as np

DTYPES = {"f4": "<", "u1": "|"}  # numpy's name -> byte order


class RefusedError(ValueError):
    """The pickle asks for what no plain data needs."""


class Array:
    """Stands for numpy.ndarray in a pickle; `array` holds its numbers, read-only."""

    def __init__(self, *_):  # numpy's arguments for an empty array, which the state replaces
        pass

    def __setstate__(self, state):
        _, shape, dtype, fortran, content = state  # a version comes first
        content = content.encode("latin1") if isinstance(content, str) else content  # a str: written by Python 2
        self.array = np.frombuffer(content, dtype.name).reshape(shape, order="F" if fortran else "C")


class _DType:
    """Stands for numpy.dtype in a pickle."""

    def __init__(self, name, *_):
        if name not in DTYPES:
            raise ValueError(f"numbers of type {name}")
        self.name = DTYPES[name] + name

    def __setstate__(self, state):
        if state[1] != self.name[0]:
            raise ValueError(f"numbers of byte order {state[1]}")


class _Reader(pickle.Unpickler):
    """Admits what plain data names, and replaces even that where it could do harm.

    numpy's own classes could: a pickle may tell numpy.dtype that a pointer is a plain number, and so forge objects.
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
            raise RefusedError(f"refused: it asks for {module}.{name}, which no plain data needs")
        return self.ADMITTED[f"{module}.{name}"]


def loads(content: bytes):
    """What was pickled, with an `Array` in the place of every array; strings of Python 2 are read as Latin-1.

    Raises:
        RefusedError: it asks for anything else; nothing of that is run.
        Exception: of any kind, as damaged pickles have it.
    """
    return _Reader(io.BytesIO(content), encoding="latin1").load()
