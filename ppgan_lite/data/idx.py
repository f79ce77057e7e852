"""Published data sets in IDX files, the format of MNIST, gzipped or not: found or downloaded, verified, read."""

import gzip
import io
import math
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ppgan_lite import files
from ppgan_lite.data import rendered_digits
from ppgan_lite.data.binarize import binarized
from ppgan_lite.data.download import NoMirrorError, find_or_download, path_in
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.stand_in import stand_in
from ppgan_lite.errors import DataError, warn

MAX_BYTES = 1 << 26  # limit for a file, gzipped or not; the longest have 47 MB
MAX_DIMS = 3  # dimensions of an array
MAGIC = b"\x00\x00\x08"  # first bytes of an IDX file of unsigned bytes
ADVICE = "move it away to download it again"


@dataclass(frozen=True)
class Published:
    """A published data set.

    Attributes:
        folder: name of the folder with its files (see `download.find`).
        mirrors: URL prefixes of the files.
        checksums: split -> file -> sha256 of the .gz file; first the images, then the labels.
        class_names: the name of each label.
        contents: file -> sha256 of what the .gz file contains, as far as it is known.
    """

    folder: str
    mirrors: tuple[str, ...]
    checksums: dict[str, dict[str, str]]
    class_names: tuple[str, ...]
    contents: dict[str, str] = field(default_factory=dict)


def build(options, split: str, published: Published) -> ImageArray:
    """The images of a split, [N, 1, H, W].

    Raises:
        DataError: a file is damaged; or it is not found, cannot be downloaded, and `options.offline` is null.
    """
    checksums = published.checksums[split]
    try:
        folder = find_or_download(published.folder, checksums, published.mirrors, options.root, limit=MAX_BYTES)
    except NoMirrorError as error:
        return stand_in(options, split, rendered_digits.build, published.folder, error)
    images, labels = (
        read_idx(path_in(folder, file), digest, published.contents.get(file)) for file, digest in checksums.items()
    )
    if images.shape != (len(labels), *options.SHAPE[1:]) or labels.ndim != 1 or not labels.size:
        raise DataError(f"{folder}: images of shape {images.shape} do not match labels of shape {labels.shape}")
    if labels.max() >= len(published.class_names):
        raise DataError(f"{folder}: label {labels.max()} is none of the {len(published.class_names)} classes")
    images, origin = binarized(images[:, None], str(folder), options, split)  # [N, H, W] -> [N, 1, H, W]
    return ImageArray(images, labels, published.class_names, options.name, origin, levels=options.levels)


def read_idx(path: Path, sha256: str | None = None, content_sha256: str | None = None) -> np.ndarray:
    """Read an IDX file of unsigned bytes, gzipped or not, into an array of the shape in its header.

    Args:
        sha256: checksum of the published .gz file.
        content_sha256: checksum of what it contains, for a file that was unpacked. If this is not known, the file is
            read with a warning.

    Raises:
        DataError: empty, truncated, not gzip, a wrong header, or not the published content.
    """
    try:
        stored = files.read_file(path, MAX_BYTES)
        content = stored if stored.startswith(MAGIC) else gzip.GzipFile(fileobj=io.BytesIO(stored)).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); {ADVICE}") from error
    magic = content[:4]
    if len(magic) < 4 or magic[:3] != MAGIC or not 1 <= magic[3] <= MAX_DIMS:
        raise DataError(f"{path}: not an IDX file of bytes (magic number {magic.hex() or 'missing'}); {ADVICE}")
    start = 4 + 4 * magic[3]  # the header: magic, number of dimensions, and each dimension as a big-endian uint32
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise DataError(f"{path}: {len(content)} bytes do not match the shape {shape} in its header; {ADVICE}")
    if sha256 is not None and files.sha256(stored) != sha256:
        _verify_content(path, content, content_sha256, is_unpacked=content is stored)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _verify_content(path: Path, content: bytes, sha256: str | None, is_unpacked: bool):
    """Check the content of a file that is not the published .gz file itself: see `read_idx`."""
    if sha256 is None and is_unpacked:
        warn(f"{path}: unpacked; it cannot be verified, as the checksum of the unpacked file is not known")
    elif files.sha256(content) != sha256:
        raise DataError(f"{path}: wrong checksum: damaged, or a file of another data set; {ADVICE}")
