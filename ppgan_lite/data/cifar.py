"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from their published archives, and CIFAR-10 from JPEG files.

The archives contain pickles, which could run any code. They are opened only if their MD5 is the published one, and even
then by a reader that admits plain data and numbers only.
"""

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppgan_lite.data import safe_pickle
from ppgan_lite.data.download import NoMirrorError, find, find_or_download
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.listing import list_pictures
from ppgan_lite.data.pictures import BadImageError, read_picture
from ppgan_lite.data.stand_in import stand_in
from ppgan_lite.errors import DataError

SIZE = 32  # pixels, height and width
FOLDER = "cifar"
MIRRORS = ("https://dataset.bj.bcebos.com/cifar/", "https://www.cs.toronto.edu/~kriz/")


@dataclass(frozen=True)
class Archive:
    """A published .tar.gz file and its layout."""

    file: str
    md5: str  # as published, and as in Paddle
    splits: dict[str, tuple[str, ...]]  # split -> its pickled dicts, in order
    labels: str  # key of the labels in these dicts
    meta: str  # the pickled dict with the class names
    class_names: str  # key of the class names in it


ARCHIVES = {
    "cifar10": Archive(
        file="cifar-10-python.tar.gz",
        md5="c58f30108f718f92721af3b95e74349a",
        splits={
            "train": tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)),
            "test": ("cifar-10-batches-py/test_batch",),
        },
        labels="labels",
        meta="cifar-10-batches-py/batches.meta",
        class_names="label_names",
    ),
    "cifar100": Archive(
        file="cifar-100-python.tar.gz",
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        splits={"train": ("cifar-100-python/train",), "test": ("cifar-100-python/test",)},
        labels="fine_labels",
        meta="cifar-100-python/meta",
        class_names="fine_label_names",
    ),
}

JPEG_FOLDER = "cifar10-jpeg"
JPEG_FILE = "cifar10_images.zip"


def build(options, split: str = "train") -> ImageArray:
    """The 50,000 training or 10,000 test images of CIFAR-10 or CIFAR-100 (100 classes), by `options.name`.

    Raises:
        DataError: the archive is damaged; or it is not found, cannot be downloaded, and nothing may stand in for it.
    """
    archive = ARCHIVES[options.name]
    try:
        folder = find_or_download(FOLDER, {archive.file: archive.md5}, MIRRORS, options.root, "md5")
    except NoMirrorError as error:
        return stand_in(options, split, build_jpeg, FOLDER, error)
    images, labels, class_names = read_archive(folder / archive.file, archive, split)
    return ImageArray(images, labels, class_names, options.name, str(folder), flip=options.flip)


def build_jpeg(options, split: str = "train", stands_in_for: str | None = None) -> ImageArray:
    """CIFAR-10 as JPEGs from a zip file with train/CLASS/ and test/CLASS/: not the published pixels.

    Raises:
        DataError: the file is not found, or it or a picture in it is damaged.
    """
    folder = find(JPEG_FOLDER, [JPEG_FILE], options.root)
    if folder is None:
        raise DataError(f"{JPEG_FOLDER}/{JPEG_FILE}: not found below data.root or $PPGAN_DATA; copy it there")
    listing = list_pictures(str(folder / JPEG_FILE), split)
    images = np.empty((len(listing), 3, SIZE, SIZE), np.uint8)
    for i in range(len(listing)):
        try:
            images[i] = read_picture(listing.read(i), SIZE, channels=3)
        except BadImageError as error:
            raise DataError(f"{listing.origin}: {listing.name(i)}: {error}") from error
    return ImageArray(
        images, listing.labels, listing.class_names, "cifar10_jpeg", str(folder), stands_in_for, flip=options.flip
    )


def read_archive(path: Path, archive: Archive, split: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read a split.

    Returns:
        images: uint8 [N, 3, 32, 32].
        labels: int64 [N].
        class_names: the name of each label.

    Raises:
        DataError: the archive cannot be read, has a wrong MD5, or another layout than the published one.
    """
    advice = "delete it to download it again"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    if hashlib.md5(content).hexdigest() != archive.md5:  # noqa: S324 (no other checksum is published)
        raise DataError(f"{path}: wrong checksum: damaged, or not the published file; {advice}")
    try:
        dicts = _unpickle(content, {archive.meta, *archive.splits[split]})
        class_names = dicts[archive.meta][archive.class_names]
        batches = [dicts[name] for name in archive.splits[split]]
        images = np.concatenate([batch["data"].array.astype("u1", casting="no", copy=False) for batch in batches])
        labels = np.array([label for batch in batches for label in batch[archive.labels]])
        # [N, 3 * 32 * 32] -> [N, 3, 32, 32]
        images = images.reshape(len(labels), 3, SIZE, SIZE)
        if not all(0 <= label < len(class_names) for label in labels):
            raise ValueError("a label has no class name")
    except safe_pickle.RefusedError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # a damaged archive or pickle can raise anything
        raise DataError(f"{path}: does not have the layout of the published archive ({error!r}); {advice}") from error
    return images, labels, class_names


def _unpickle(content: bytes, names: set[str]) -> dict[str, dict]:
    """Unpickle the named files of a .tar.gz, in one pass, as reading any of them decompresses all before it."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        files = (file for file in archive if file.name in names)
        return {file.name: safe_pickle.loads(archive.extractfile(file).read()) for file in files}
