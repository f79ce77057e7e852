"""MNIST (LeCun et al.) and Fashion-MNIST (Xiao et al. 2017) from their IDX files."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

from ppgan_lite.data import rendered_digits
from ppgan_lite.data.download import NoMirrorError, find_or_download
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.stand_in import stand_in
from ppgan_lite.errors import DataError

FOLDERS = {"mnist": "mnist", "fashion_mnist": "fashion-mnist"}

MIRRORS = {
    "mnist": (
        "https://dataset.bj.bcebos.com/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion_mnist": (
        "https://dataset.bj.bcebos.com/fashion_mnist/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
}

# sha256 of the published .gz files (their published MD5 sums were checked when these were computed), by the split.
CHECKSUMS = {
    ("mnist", "train"): {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    },
    ("mnist", "test"): {
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    ("fashion_mnist", "train"): {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    },
    ("fashion_mnist", "test"): {
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
}

CLASS_NAMES = {
    "mnist": "0123456789",
    "fashion_mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"
    ),
}  # fmt: skip


def build(options, split: str = "train") -> ImageArray:
    """The 60,000 training or 10,000 test images of the data set that `options.name` names.

    Raises:
        DataError: a file is damaged, or is nowhere and cannot be downloaded (and `options.offline` is null).
    """
    name = options.name
    try:
        folder = find_or_download(FOLDERS[name], CHECKSUMS[name, split], MIRRORS[name], options.root)
    except NoMirrorError as error:
        return stand_in(options, split, rendered_digits.build, FOLDERS[name], error)
    images, labels = (read_idx(folder / file, digest) for file, digest in CHECKSUMS[name, split].items())
    # [N, 28, 28] -> [N, 1, 28, 28]
    return ImageArray(images[:, None], labels, CLASS_NAMES[name], name, str(folder))


def read_idx(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read a gzipped IDX file of unsigned bytes into an array of the shape that its header gives.

    Raises:
        DataError: empty, truncated, not gzip, a wrong header, or another content than `sha256` (of the file).
    """
    advice = "delete it, and it is downloaded again"
    try:
        packed = path.read_bytes()
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); {advice}") from error
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{path}: not an IDX file of bytes (magic {content[:4].hex() or 'missing'}); {advice}")
    start = 4 + 4 * content[3]  # the header: magic, number of dimensions, and each dimension as a big-endian uint32
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise DataError(f"{path}: {len(content)} bytes do not fit the header's shape {shape}; {advice}")
    if sha256 is not None and hashlib.sha256(packed).hexdigest() != sha256:
        raise DataError(f"{path}: wrong checksum, so not the published file; {advice}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
