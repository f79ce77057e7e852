"""Small IDX files in the format of the published ones."""

import dataclasses
import gzip
import hashlib
import struct

import numpy as np

from ppgan_lite.data import download

LABELS = [7, 0, 9]
IMAGES = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 251


def pack(array, magic=b"\x00\x00\x08"):
    """The content of an IDX file, uncompressed."""
    header = magic + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype("uint8").tobytes()


def write_small(folder):
    """Write three training images and their labels; returns file -> sha256."""
    folder.mkdir(parents=True)
    files = {"train-images-idx3-ubyte.gz": IMAGES, "train-labels-idx1-ubyte.gz": np.array(LABELS)}
    for name, array in files.items():
        (folder / name).write_bytes(gzip.compress(pack(array)))
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def small(published, folder, monkeypatch, mirrors=("http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/")):
    """`published` with small files in `folder`; there are no other copies, and by default the mirrors do not answer."""
    monkeypatch.setattr(download, "CACHE", folder.parent / "cache")
    monkeypatch.delenv("PPGAN_DATA", raising=False)
    checksums = write_small(folder)
    contents = {name: hashlib.sha256(gzip.decompress((folder / name).read_bytes())).hexdigest() for name in checksums}
    return dataclasses.replace(published, checksums={"train": checksums}, contents=contents, mirrors=mirrors)
