"""What the reader admits and refuses. Whole files are in tests/evaluation/test_inception.py and test_cifar.py."""

import codecs
import copyreg
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from ppgan_lite.data import safe_pickle

NUMBERS = np.arange(6, dtype="float32") - 2.5


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "u1"])
def test_plain_data_and_arrays_are_read(protocol, order, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype, order=order)
    tree = OrderedDict(a=[1, -2.5, None, True], b=(b"\xff", "\xe9"), c={"d": array})
    loaded = safe_pickle.loads(pickle.dumps(tree, protocol))
    assert type(loaded) is OrderedDict
    assert (loaded["a"], loaded["b"]) == (tree["a"], tree["b"])
    np.testing.assert_array_equal(loaded["c"]["d"].array, array, strict=True)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"], ids=["numpy 1", "numpy 2"])
def test_numpys_versions_name_their_modules_differently(protocol, module):
    content = pickle.dumps({"a": np.arange(6, dtype="float32").reshape(2, 3)}, protocol)
    here = np.empty(0).__reduce__()[0].__module__.encode()
    if protocol == 4:  # the text's and the frame's lengths come first
        here, module = (bytes([len(name)]) + name for name in (here, module))
        content = content[:2] + content[11:]
    assert content.count(here) == 1
    content = content.replace(here, module)
    np.testing.assert_array_equal(safe_pickle.loads(content)["a"].array, [[0, 1, 2], [3, 4, 5]])


def test_python_2_had_no_bytes():
    """Its strings contain the numbers: opcode T, where Python 3 writes B or calls _codecs.encode."""
    content = pickle.dumps({"a": NUMBERS}, 3)
    numbers = NUMBERS.tobytes()
    old = content.replace(b"C\x18" + numbers, b"T\x18\0\0\0" + numbers)
    assert old != content
    np.testing.assert_array_equal(safe_pickle.loads(old)["a"].array, NUMBERS)


def test_a_forged_dtype_is_refused():
    """numpy would accept a dtype that declares its pointers to be plain numbers, and use any number as an object."""
    forged = np.dtype("O", False, True)
    forged.__setstate__((3, "|", None, None, None, -1, -1, 0))
    assert not forged.hasobject, "numpy detects the forgery now: Array and _DType may be removed"
    content = pickle.dumps({"a": np.arange(2, dtype="float32")}, 3)
    for old, new in [(b"X\x02\0\0\0f4", b"X\x02\0\0\0O8"), (b"X\x01\0\0\0<", b"X\x01\0\0\0>")]:
        assert content.count(old) == 1
        with pytest.raises(ValueError, match=r"arrays of .* are not supported"):
            safe_pickle.loads(content.replace(old, new))


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
@pytest.mark.parametrize(
    "value",
    [
        print,
        OrderedDict.fromkeys,
        pickle.loads,
        np.load,
        complex(1, 2),
        copyreg.__newobj__,
        np.ones(2, "u1").view(np.matrix),
    ],
    ids=["function", "method", "pickle", "numpy", "complex", "newobj", "matrix"],
)
def test_everything_else_is_refused_by_name(protocol, value):
    with pytest.raises(
        safe_pickle.RefusedError, match=r"^refused: the pickle refers to [\w.]+, which is not plain data$"
    ):
        safe_pickle.loads(pickle.dumps([value], protocol))


@pytest.mark.parametrize("codec", ["idna", "punycode", "utf-8", "rot13", "no such codec", 7])
def test_text_is_encoded_as_latin1_only(codec):
    """Some codecs take quadratic time."""
    content = pickle.dumps(codecs.encode, 2)[:-1] + pickle.dumps(("\xe9" * 10**6, codec), 2)[2:-1] + b"R."
    with pytest.raises(safe_pickle.RefusedError, match=r"^refused: the pickle encodes text as .*, not as latin1$"):
        safe_pickle.loads(content)


def test_the_type_of_an_array_is_no_other_object():
    state = pickle.dumps((1, (6,), "f4", False, "x" * 24), 2)[2:-1]
    with pytest.raises(TypeError, match="'f4' is not an array's type"):
        safe_pickle.loads(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R" + state + b"b.")


@pytest.mark.parametrize("opcode", [b"r\xff\xff\xff\x7f", b"p2147483647\n"], ids=["LONG_BINPUT", "PUT"])
def test_a_number_that_needs_a_huge_table_is_refused(opcode):
    with pytest.raises(safe_pickle.RefusedError, match="needs much more memory than its file"):
        safe_pickle.loads(b"\x80\x02N" + opcode + b".")


@pytest.mark.parametrize("function", ["encode", "tuple", "OrderedDict"])
def test_the_same_object_is_not_copied_again_and_again(function):
    """A list of 10,000 copies of 1 MB."""
    name, argument = {
        "encode": (b"c_codecs\nencode\n", pickle.dumps("x" * 10**6, 2)),
        "tuple": (b"c__builtin__\ntuple\n", pickle.dumps([None] * 10**5, 2)),
        "OrderedDict": (b"ccollections\nOrderedDict\n", pickle.dumps([(i, i) for i in range(10**4)], 2)),
    }[function]
    more = b"X\x06\0\0\0latin1\x86" if function == "encode" else b"\x85"
    copy = b"j\0\0\1\0j\1\0\1\0" + more + b"R"
    remembered = argument[2:-1] + b"r\1\0\1\x000" + name + b"r\0\0\1\x000"
    with pytest.raises(safe_pickle.RefusedError, match="needs much more memory than its file"):
        safe_pickle.loads(b"\x80\x02" + remembered + b"](" + copy * 10**4 + b"e.")
