"""One category of LSUN (Yu et al. 2015), from its LMDB or from picture files exported from the LMDB.

An LSUN LMDB is a folder such as bedroom_train_lmdb. Its keys are 40 hexadecimal digits, its values are image files
(WebP, as published). It is opened again for each picture, which takes 0.2 ms: an open LMDB must not be inherited by a
forked process, and no process can open it twice.
"""

import contextlib
import functools
import hashlib
import itertools
import os
import re
import zipfile
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ppgan_lite.data import picture_set
from ppgan_lite.data.listing import Files, PackedNames, find_root, list_pictures
from ppgan_lite.data.lmdb_pages import DamagedError, check_pages
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.errors import DataError
from ppgan_lite.files import disk_errors, writing

TRAIN, TEST = "_train_lmdb", "_val_lmdb"  # ends of the folders' names
SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}  # first bytes of a file -> its suffix; all others: .webp
NESTED = 4  # depth of exported pictures: for the 3 million bedrooms, 46 in each of 65,536 folders


class LMDB(Files):
    """The pictures of an LMDB in the order of their keys, as one class: a source for `picture_set.build`.

    It is identified by its keys and, for the cache, by the file's size and modification time: reading 43 GB of values
    would take too long.

    Raises:
        DataError: the LMDB cannot be read, is truncated or empty; or the package lmdb is missing.
    """

    def __init__(self, folder: Path):
        self.origin = os.path.abspath(folder)
        with _reading(self.origin) as transaction:
            _check(self.origin, transaction.stat()["psize"])
            self.names = PackedNames(transaction.cursor().iternext(values=False))
        if not len(self.names):
            raise DataError(f"{self.origin}: the LMDB is empty")
        self.labels = np.zeros(len(self.names), "int64")
        self.class_names = (Path(folder).name.removesuffix(TRAIN).removesuffix(TEST),)

    def __len__(self):
        return len(self.names)

    def name(self, index: int) -> str:
        """The key, as text."""
        return self.names[index].decode("utf-8", "backslashreplace")

    def read(self, index: int) -> bytes:
        """The content of the image file.

        Raises:
            BadImageError: it is no longer in the LMDB.
            DataError: the LMDB cannot be read.
        """
        with _reading(self.origin) as transaction:
            content = transaction.get(self.names[index])
        if content is None:
            raise BadImageError("no longer in the LMDB")
        return content

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the keys."""
        return hashlib.sha256(b"\0".join(self.names)).hexdigest()

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256 of the keys and of the file's size and modification time."""
        status = os.stat(os.path.join(self.origin, "data.mdb"))
        return hashlib.sha256(f"{self.digest} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()


def build(options, split: str = "train"):
    """The training or test pictures of the category in `options.root`, as one class.

    `root` is the LMDB of the training pictures (with the test pictures' LMDB next to it) or its file data.mdb, a folder
    with both LMDBs, or a folder of exported pictures, split as in `list_pictures`.

    Raises:
        DataError: there are no such pictures; or see `LMDB` and `picture_set.build`.
    """
    root = Path(find_root(options.root, "folder with an LSUN LMDB or with exported pictures"))
    root = root.parent if root.name == "data.mdb" else root
    folder = find_lmdb(root, split)
    if not folder:
        _refuse_misplaced(root)
    # one class: the folders of exported pictures are characters of their keys
    source = LMDB(folder) if folder else list_pictures(str(root), split, one_class=True)
    return picture_set.build(source, options, "lsun")


def find_lmdb(root: Path, split: str) -> Path | None:
    """The LMDB of a split: `root` itself, in `root`, or (for `test`) next to `root`; None if there is no LMDB at all.

    Raises:
        DataError: only the other split's LMDB exists, or there are several for this split.
    """
    ending = TRAIN if split == "train" else TEST
    if _is_lmdb(root):
        folders = [root] if split == "train" else [root.with_name(root.name.removesuffix(TRAIN) + TEST)]
    elif any(map(_is_lmdb, root.glob("*_lmdb"))):
        folders = sorted(root.glob(f"*{ending}"))
    else:
        return None
    folders = [folder for folder in folders if _is_lmdb(folder)]
    if len(folders) != 1:
        names = ", ".join(folder.name for folder in folders) or "none"
        raise DataError(f"data.root: {root}: the {split} pictures need exactly one LMDB *{ending}, found: {names}")
    return folders[0]


def _refuse_misplaced(root: Path):
    """Raises DataError: there is an LMDB, but packed, or where `find_lmdb` does not look."""
    if root.suffix == ".mdb" and root.is_file():
        raise DataError(f"data.root: {root}: rename it to data.mdb, in a folder of its own named *{TRAIN}")
    below = next(itertools.chain(root.glob("*/data.mdb"), root.glob("*/*/data.mdb")), None)
    if below:
        raise DataError(f"data.root: {root}: its LMDB is in {below.parent}; set data.root to this folder")
    with contextlib.suppress(OSError, ValueError, zipfile.BadZipFile, NotImplementedError):  # reported when it is read
        names = zipfile.ZipFile(root).namelist() if root.is_file() else []
        if any(name.rpartition("/")[2] == "data.mdb" for name in names):
            raise DataError(f"data.root: {root}: an LMDB is not read from a zip file; unpack it, and name its folder")


def export(folder: Path, out: Path) -> int:
    """Write the pictures of an LMDB as files OUT/k/e/y/s/KEYS....webp (or .jpg, .png); existing files are kept.

    Returns:
        number of files written.

    Raises:
        DataError: see `LMDB`; or a key is not a valid file name.
        RunError: a file cannot be written.
    """
    source, written = LMDB(folder), 0
    for index in tqdm(range(len(source)), unit=" pictures", desc=str(out)):
        key = source.name(index)
        try:
            content = source.read(index)
        except BadImageError as error:
            raise DataError(f"{source.origin}: {key}: {error}") from error
        if not re.fullmatch(r"[\w-]{1,200}", key, re.ASCII):
            raise DataError(f"{source.origin}: the key {key!r} is not a valid file name")
        suffix = next((suffix for start, suffix in SUFFIXES.items() if content.startswith(start)), ".webp")
        path = Path(out, *key[:NESTED], key + suffix)
        with disk_errors(path):
            if path.exists() and path.stat().st_size == len(content):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
        with writing(path, sync=False) as stream:
            stream.write(content)
        written += 1
    return written


def _is_lmdb(folder: Path) -> bool:
    return (folder / "data.mdb").is_file()


def _check(folder: str, page_bytes: int):
    """Raises DataError: the LMDB is damaged."""
    try:
        with open(os.path.join(folder, "data.mdb"), "rb") as file:
            check_pages(file, page_bytes)
    except (OSError, DamagedError) as error:
        raise DataError(f"{folder}: data.mdb is damaged ({error}); copy it again") from error


@contextlib.contextmanager
def _reading(folder: str):
    """A read transaction of an LMDB.

    Raises:
        DataError: the LMDB cannot be read or is truncated; or the package lmdb is missing.
    """
    try:
        import lmdb  # an optional dependency
    except ImportError as error:
        raise DataError("lsun: reading an LMDB needs the package lmdb: pip install -r requirements-lsun.txt") from error
    try:
        with lmdb.open(folder, readonly=True, lock=False, readahead=False) as environment:
            needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            present = os.path.getsize(os.path.join(folder, "data.mdb"))
            if present < needed:  # reading beyond the end of the file would kill this process (SIGBUS)
                raise DataError(f"{folder}: truncated: data.mdb has {present} bytes of {needed}; copy it again")
            with environment.begin() as transaction:
                yield transaction
    except lmdb.Error as error:
        raise DataError(f"{folder}: cannot be read as an LMDB: {error}") from error
