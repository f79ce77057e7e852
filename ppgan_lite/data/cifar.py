"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from their archives, unpacked or not, and CIFAR-10 from JPEG files.

The unpacked files may each be compressed by xz, and some of CIFAR-10's five training batches may be missing.

The archives contain pickles, which could run any code. They are opened only if the MD5 of the archive, or of each of
its files, is the published one, and even then by a reader that admits plain data and numbers only.
"""

import contextlib
import hashlib
import io
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppgan_lite.data import safe_pickle
from ppgan_lite.data.download import NoMirrorError, find, find_or_download, path_in, shortage
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.listing import list_pictures
from ppgan_lite.data.pictures import BadImageError, read_picture
from ppgan_lite.data.stand_in import stand_in
from ppgan_lite.errors import DataError, warn
from ppgan_lite.files import read_file

ADVICE = "delete it to download it again"
SIZE = 32  # pixels, height and width
FOLDER = "cifar"
MIRRORS = ("https://dataset.bj.bcebos.com/cifar/", "https://www.cs.toronto.edu/~kriz/")


@dataclass(frozen=True)
class Archive:
    """A published .tar.gz file and its layout."""

    file: str
    md5: str  # as published, and as in Paddle
    num_bytes: int
    splits: dict[str, tuple[str, ...]]  # split -> its pickled dicts, in order
    labels: str  # key of the labels in these dicts
    meta: str  # the pickled dict with the class names
    class_names: str  # key of the class names in it
    contents: dict[str, str]  # MD5 of each of these files, as in torchvision

    def files(self, split: str) -> tuple[str, ...]:
        """The files that have a split."""
        return *self.splits[split], self.meta


ARCHIVES = {
    "cifar10": Archive(
        file="cifar-10-python.tar.gz",
        md5="c58f30108f718f92721af3b95e74349a",
        num_bytes=170_498_071,
        splits={
            "train": tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6)),
            "test": ("cifar-10-batches-py/test_batch",),
        },
        labels="labels",
        meta="cifar-10-batches-py/batches.meta",
        class_names="label_names",
        contents={
            "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
            "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
            "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
            "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        },
    ),
    "cifar100": Archive(
        file="cifar-100-python.tar.gz",
        md5="eb9058c3a382ffc7106e4002c42a8d85",
        num_bytes=169_001_437,
        splits={"train": ("cifar-100-python/train",), "test": ("cifar-100-python/test",)},
        labels="fine_labels",
        meta="cifar-100-python/meta",
        class_names="fine_label_names",
        contents={
            "cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d",
            "cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "cifar-100-python/meta": "7973b15100ade9c7d40fb424638fde48",
        },
    ),
}
MAX_BYTES = 1 << 28  # limit for a file, compressed or not; the longest, CIFAR-10's .tar, has 186 MB
XZ = b"\xfd7zXZ\x00"  # the first bytes of a file compressed by xz

JPEG_FOLDER = "cifar10-jpeg"
JPEG_FILE = "cifar10_images.zip"


def build(options, split: str = "train") -> ImageArray:
    """The 50,000 training or 10,000 test images of CIFAR-10 or CIFAR-100 (100 classes), by `options.name`.

    Where only some of CIFAR-10's training batches are there, their images, with a warning; the source names them.

    Raises:
        DataError: a file is damaged; or it is not found, cannot be downloaded, and nothing may stand in for it.
    """
    archive = ARCHIVES[options.name]
    unpacked = list(map(_base, archive.files(split)))
    inner = [archive.meta.partition("/")[0], archive.file.removesuffix(".tar.gz"), options.name]
    try:
        folder = find(FOLDER, [archive.file], options.root, inner) or find(FOLDER, unpacked, options.root, inner)
        folder = folder or _find_some(archive, split, options.root, inner)
        folder = folder or find_or_download(
            FOLDER, {archive.file: archive.md5}, MIRRORS, options.root, "md5", archive.num_bytes
        )
    except NoMirrorError as error:
        reasons = [*error.reasons, *shortage(FOLDER, unpacked, options.root, inner)]
        error = NoMirrorError(error.summary, list(dict.fromkeys(reasons)), error.advice)
        return stand_in(options, split, build_jpeg, FOLDER, error)
    path = path_in(folder, archive.file)
    images, labels, class_names = (read_archive if path else read_folder)(path or folder, archive, split)
    part = None if path else _part(folder, archive, split, len(images))
    if part:
        warn(f"{options.name}: not all of its images are in {folder}: {part}")
    return ImageArray(images, labels, class_names, options.name, str(folder), flip=options.flip, part=part)


def _find_some(archive: Archive, split: str, root: str | None, inner) -> Path | None:
    """The first folder with the class names and at least one of a split's files. See `find`."""
    folders = (find(FOLDER, [_base(name), _base(archive.meta)], root, inner) for name in archive.splits[split])
    return next(filter(None, folders), None)


def _part(folder: Path, archive: Archive, split: str, num_images: int) -> str | None:
    """The files of a split that are in a folder, in words; None: all of them."""
    names = list(map(_base, archive.splits[split]))
    found = [name for name in names if path_in(folder, name)]
    return None if found == names else f"{', '.join(found)} of {len(names)} batches, {num_images:,} images"


def build_jpeg(options, split: str = "train", stands_in_for: str | None = None) -> ImageArray:
    """CIFAR-10 as JPEGs from a zip file with train/CLASS/ and test/CLASS/: not the published pixels.

    Raises:
        DataError: the file is not found, or it or a picture in it is damaged.
    """
    folder = find(JPEG_FOLDER, [JPEG_FILE], options.root)
    if folder is None:
        message = f"{JPEG_FOLDER}/{JPEG_FILE}: not found below data.root or $PPGAN_DATA; copy it there"
        found = [] if stands_in_for else shortage(JPEG_FOLDER, [JPEG_FILE], options.root)
        raise DataError("; ".join([message, *found]))
    listing = list_pictures(str(path_in(folder, JPEG_FILE)), split)
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
    """Read a split from the archive, gzipped or not.

    Returns:
        images: uint8 [N, 3, 32, 32].
        labels: int64 [N].
        class_names: the name of each label.

    Raises:
        DataError: the archive cannot be read, has a wrong MD5, or another layout than the published one.
    """
    content = _read(path)
    is_published = _md5(content) == archive.md5
    if not is_published and content[257:262] != b"ustar":  # the mark of a .tar
        raise DataError(f"{path}: wrong checksum: damaged, or not the published file; {ADVICE}")
    with _layout_errors(path):
        files = _members(content, archive.files(split), "r:gz" if is_published else "r:")
    if not is_published:
        _verify(files, path, archive)
    with _layout_errors(path):
        return _read_split(files, archive, split)


def read_folder(folder: Path, archive: Archive, split: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Read a split, or as much of it as is there, from the unpacked archive's folder. See `read_archive`."""
    paths = {name: path_in(folder, _base(name)) for name in archive.files(split)}
    files = {name: _unpacked(path) for name, path in paths.items() if path}
    _verify(files, folder, archive)
    with _layout_errors(folder):
        return _read_split(files, archive, split)


def _read(path: Path) -> bytes:
    try:
        return read_file(path, MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _unpacked(path: Path) -> bytes:
    """The content of a file that may be compressed by xz. Raises DataError."""
    content = _read(path)
    if not content.startswith(XZ):
        return content
    try:
        with lzma.open(io.BytesIO(content)) as stream:
            return stream.read(MAX_BYTES)
    except (lzma.LZMAError, EOFError) as error:
        raise DataError(f"{path}: damaged: {error}; {ADVICE}") from error


def _base(name: str) -> str:
    """The name of a file without its folder in the archive."""
    return name.rpartition("/")[2]


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()  # noqa: S324 (no other checksum is published)


def _verify(files: dict[str, bytes], path: Path, archive: Archive):
    """Raises DataError: a file of the archive has not the published content."""
    for name, content in files.items():
        if _md5(content) != archive.contents[name]:
            raise DataError(f"{path}: {name}: wrong checksum: damaged, or not the published file; {ADVICE}")


@contextlib.contextmanager
def _layout_errors(path: Path):
    try:
        yield
    except safe_pickle.RefusedError as error:
        raise DataError(f"{path}: {error}") from error
    except Exception as error:  # a damaged archive or pickle can raise anything
        raise DataError(f"{path}: does not have the layout of the published archive ({error!r}); {ADVICE}") from error


def _members(content: bytes, names, mode: str) -> dict[str, bytes]:
    """The named files of an archive, in one pass, as reading any of them decompresses all before it."""
    with tarfile.open(fileobj=io.BytesIO(content), mode=mode) as tar:
        # an entry with holes may be much larger than its archive
        members = (member for member in tar if member.name in names and member.isreg() and member.size <= MAX_BYTES)
        return {member.name: tar.extractfile(member).read() for member in members}


def _unpickle(files: dict[str, bytes]) -> dict[str, dict]:
    return {name: safe_pickle.loads(content) for name, content in files.items()}


def _read_split(files: dict[str, bytes], archive: Archive, split: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images, labels and class names (see `read_archive`) from the archive's files."""
    dicts = _unpickle(files)
    class_names = dicts[archive.meta][archive.class_names]
    batches = [dicts[name] for name in archive.splits[split] if name in dicts]
    images = np.concatenate([batch["data"].array.astype("u1", casting="no", copy=False) for batch in batches])
    labels = np.array([label for batch in batches for label in batch[archive.labels]])
    images = images.reshape(len(labels), 3, SIZE, SIZE)  # from [N, 3 * 32 * 32]
    if not all(0 <= label < len(class_names) for label in labels):
        raise ValueError("a label has no class name")
    return images, labels, class_names
