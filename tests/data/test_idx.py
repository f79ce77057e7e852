import gzip

import numpy as np
import pytest
from idx_files import IMAGES, LABELS, pack, small

from ppgan_lite.data import options
from ppgan_lite.data.idx import Published, build, read_idx
from ppgan_lite.errors import DataError


@pytest.fixture
def file(tmp_path):
    def write(content, packed=True):
        path = tmp_path / "images.gz"
        path.write_bytes(gzip.compress(content) if packed else content)
        return path

    return write


def test_idx_reads_back(file):
    array = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype="uint8")
    np.testing.assert_array_equal(read_idx(file(pack(array))), array)


@pytest.mark.parametrize(
    ("content", "packed", "message"),
    [
        (b"", False, "not an IDX file of bytes \\(magic number missing\\)"),
        (gzip.compress(pack(np.zeros(100)), mtime=0)[:20], False, "cannot be read"),
        (b"not gzip at all", False, "cannot be read \\(Not a gzipped file"),
        (gzip.compress(pack(np.zeros(9)), mtime=0)[:-9] + b"\xff" * 9, False, "cannot be read"),
        (b"", True, "magic number missing"),
        (b"\x00\x00\x0d\x01" + bytes(8), True, "not an IDX file of bytes \\(magic number 00000d01\\)"),
        (pack(np.zeros((2, 3)))[:-1], True, "17 bytes do not match the shape \\[2, 3\\] in its header"),
        (pack(np.zeros((2, 3))) + b"x", True, "19 bytes do not match the shape"),
        (b"\x00\x00\x08\x03\x00\x00", True, "bytes do not match the shape"),
        (b"\x00\x00\x08\x02" + b"\xff" * 8, True, "bytes do not match the shape"),
    ],
)
def test_damaged_files_are_named(file, content, packed, message):
    path = file(content, packed)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_checksum_is_refused(file):
    with pytest.raises(DataError, match="wrong checksum"):
        read_idx(file(pack(np.zeros(3))), sha256="0" * 64)


def test_missing_files_are_downloaded_and_read(tmp_path, monkeypatch):
    served = tmp_path / "served" / "x"
    published = small(Published("x", (), {}, tuple("0123456789")), served, monkeypatch, (f"{served.as_uri()}/",))
    dataset = build(options.MNIST(name="x", batch_size=8), "train", published)
    assert dataset.source.origin == str(tmp_path / "served" / "cache" / "x")
    np.testing.assert_array_equal(dataset.images[:, 0], IMAGES)
    assert dataset.labels.tolist() == LABELS
