import dataclasses
import gzip
import hashlib
import tracemalloc

import numpy as np
import pytest
from conftest import make_no_file
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


def test_a_bomb_fills_no_memory(file):
    """Unpacked it would have 8 GB."""
    member = gzip.compress(bytes(1 << 28), 1)
    path = file(gzip.compress(pack(np.zeros(3)))[:-8], packed=False)
    path.write_bytes(gzip.compress(b"\x00\x00\x08\x01" + (1 << 33).to_bytes(5, "big")[1:]) + 32 * member)
    tracemalloc.start()
    with pytest.raises(DataError, match="bytes do not match the shape"):
        read_idx(path, sha256="0" * 64)
    assert tracemalloc.get_traced_memory()[1] < 4e8
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "too long"])
def test_only_regular_files_of_a_fit_length_are_read(tmp_path, kind):
    path = tmp_path / "images.gz"
    make_no_file(path, kind)
    with pytest.raises(DataError, match=r"images.gz: cannot be read \(") as caught:
        read_idx(path, "0" * 64)
    assert "\n" not in str(caught.value)


def test_an_unpacked_file_is_verified_by_its_content(file, capsys):
    content = pack(np.arange(3))
    for packed in (False, True):  # True: packed again, so that the .gz file is not the published one
        path = file(content, packed)
        digest = hashlib.sha256(content).hexdigest()
        np.testing.assert_array_equal(read_idx(path, "0" * 64, digest), [0, 1, 2])
        with pytest.raises(DataError, match="wrong checksum: damaged, or a file of another data set"):
            read_idx(path, "0" * 64, "0" * 64)
    assert capsys.readouterr().err == ""
    read_idx(file(content, packed=False), "0" * 64)
    assert "unpacked; it cannot be verified" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 28, 28)), LABELS, "do not match labels of shape"),
        (np.zeros((3, 64, 64)), LABELS, "do not match labels of shape"),
        (IMAGES, [1, 2, 10], "label 10 is none of the 10 classes"),
        (np.zeros((0, 28, 28)), [], "do not match labels of shape"),
    ],
)
def test_unverified_files_must_fit_each_other(tmp_path, monkeypatch, images, labels, message):
    published = small(Published("x", (), {}, tuple("0123456789")), tmp_path / "x", monkeypatch)
    for path, array in zip(sorted((tmp_path / "x").iterdir()), (images, labels), strict=True):
        path.write_bytes(pack(np.array(array)))
    published = dataclasses.replace(published, contents={})
    with pytest.raises(DataError, match=message):
        build(options.MNIST(name="x", batch_size=8, root=str(tmp_path)), "train", published)


def test_missing_files_are_downloaded_and_read(tmp_path, monkeypatch):
    served = tmp_path / "served" / "x"
    published = small(Published("x", (), {}, tuple("0123456789")), served, monkeypatch, (f"{served.as_uri()}/",))
    dataset = build(options.MNIST(name="x", batch_size=8), "train", published)
    assert dataset.source.origin == str(tmp_path / "served" / "cache" / "x")
    np.testing.assert_array_equal(dataset.images[:, 0], IMAGES)
    assert dataset.labels.tolist() == LABELS
