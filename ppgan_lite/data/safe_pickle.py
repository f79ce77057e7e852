"""Read untrusted pickles: some data sets and weights are published as such, and a pickle can run any code.

This reader admits only plain Python data, and arrays of the types in DTYPES.
"""

import functools
import io
import pickle
import pickletools
from collections import OrderedDict

import numpy as np

TOO_LARGE = "refused: the pickle needs much more memory than its file"
DTYPES = {"f4": "<", "u1": "|"}  # numpy's name of an admitted type -> byte order


class RefusedError(ValueError):
    """The pickle refers to something other than plain data."""


class Array:
    """Replaces numpy.ndarray in a pickle. `array` is the array, read-only."""

    def __init__(self, *_):  # numpy's arguments for an empty array; __setstate__ replaces it
        pass

    def __setstate__(self, state):
        _, self._shape, self._dtype, self._fortran, self._content = state  # the first is a version
        if not isinstance(self._dtype, _DType):
            raise TypeError(f"{self._dtype!r:.60} is not an array's type")

    @functools.cached_property
    def array(self) -> np.ndarray:
        content = self._content.encode("latin1") if isinstance(self._content, str) else self._content  # str: Python 2
        return np.frombuffer(content, self._dtype.name).reshape(self._shape, order="F" if self._fortran else "C")


class _DType:
    """Replaces numpy.dtype in a pickle."""

    def __init__(self, name, *_):
        if name not in DTYPES:
            raise ValueError(f"arrays of type {name} are not supported")
        self.name = DTYPES[name] + name

    def __setstate__(self, state):
        if state[1] != self.name[0]:
            raise ValueError(f"arrays of byte order {state[1]} are not supported")


def _encode(text: str, encoding: str) -> bytes:
    """Replaces _codecs.encode. Other codecs run code, or take quadratic time."""
    if encoding != "latin1":
        raise RefusedError(f"refused: the pickle encodes text as {encoding!r:.60}, not as latin1")
    return str.encode(text, "latin1")


class _Reader(pickle.Unpickler):
    """Admits only the names that plain data needs, and replaces the harmful ones.

    numpy's own classes are harmful: with a numpy.dtype that declares pointers to be plain numbers, a pickle forges
    objects.
    """

    ADMITTED = {  # noqa: RUF012 (never changed)
        "builtins.tuple": tuple,
        "__builtin__.tuple": tuple,  # protocol 2
        "collections.OrderedDict": OrderedDict,
        "_codecs.encode": _encode,  # protocol 2 has no bytes: it encodes strings
        "numpy.ndarray": Array,
        "numpy.dtype": _DType,
        "numpy.core.multiarray._reconstruct": Array,  # numpy 1
        "numpy._core.multiarray._reconstruct": Array,  # numpy 2
    }

    def __init__(self, content: bytes):
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._left = len(content)  # what calls may still copy: a pickle can have the same object copied again and again

    def find_class(self, module, name):
        if f"{module}.{name}" not in self.ADMITTED:
            raise RefusedError(f"refused: the pickle refers to {module}.{name}, which is not plain data")
        admitted = self.ADMITTED[f"{module}.{name}"]
        if admitted in (Array, _DType):
            return admitted
        return lambda *arguments: self._call(admitted, *arguments)

    def _call(self, function, *arguments):
        self._left -= sum(len(argument) for argument in arguments[:1])
        if self._left < 0:
            raise RefusedError(TOO_LARGE)
        return function(*arguments)


def loads(content: bytes):
    """Unpickle plain data, with an `Array` in place of every array; strings of Python 2 are read as Latin-1.

    Raises:
        RefusedError: the pickle refers to something else, which is not run, or needs much more memory than `content`.
        Exception: any kind, for a damaged pickle.
    """
    if _largest_number(content) > len(content):
        raise RefusedError(TOO_LARGE)
    return _Reader(content).load()


def _largest_number(content: bytes) -> int:
    """The largest number of an object to be remembered: the unpickler keeps a table of all numbers from 0 on."""
    numbers = (argument for code, argument, _ in pickletools.genops(content) if code.name.endswith("PUT"))
    try:
        return max(numbers, default=0)
    except ValueError as error:
        raise EOFError(f"not a whole pickle: {error}") from error
