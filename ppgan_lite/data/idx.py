"""Published data sets in gzipped IDX files, the format of MNIST: found or downloaded, verified, read."""

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppgan_lite.data import rendered_digits
from ppgan_lite.data.download import NoMirrorError, find_or_download
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.stand_in import stand_in
from ppgan_lite.errors import DataError


@dataclass(frozen=True)
class Published:
    """A published data set.

    Attributes:
        folder: name of the folder with its files (see `download.find`).
        mirrors: URL prefixes of the files.
        checksums: split -> file -> sha256 of the .gz file; first the images, then the labels.
        class_names: the name of each label.
    """

    folder: str
    mirrors: tuple[str, ...]
    checksums: dict[str, dict[str, str]]
    class_names: tuple[str, ...]


def build(options, split: str, published: Published) -> ImageArray:
    """The images of a split, [N, 1, H, W].

    Raises:
        DataError: a file is damaged; or it is not found, cannot be downloaded, and `options.offline` is null.
    """
    checksums = published.checksums[split]
    try:
        folder = find_or_download(published.folder, checksums, published.mirrors, options.root)
    except NoMirrorError as error:
        return stand_in(options, split, rendered_digits.build, published.folder, error)
    images, labels = (read_idx(folder / file, digest) for file, digest in checksums.items())
    # [N, H, W] -> [N, 1, H, W]
    return ImageArray(images[:, None], labels, published.class_names, options.name, str(folder))


def read_idx(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes into an array of the shape in its header.

    Raises:
        DataError: empty, truncated, not gzip, a wrong header, or a file with another checksum than `sha256`.
    """
    advice = "delete it to download it again"
    try:
        packed = path.read_bytes()
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); {advice}") from error
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: not an IDX file of bytes (magic number {content[:4].hex() or 'missing'}); {advice}")
    start = 4 + 4 * content[3]  # the header: magic, number of dimensions, and each dimension as a big-endian uint32
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise DataError(f"{path}: {len(content)} bytes do not match the shape {shape} in its header; {advice}")
    if sha256 is not None and hashlib.sha256(packed).hexdigest() != sha256:
        raise DataError(f"{path}: wrong checksum: not the published file; {advice}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
