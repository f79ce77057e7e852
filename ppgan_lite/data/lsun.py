"""One category of LSUN (Yu et al. 2015), from its LMDB or from the picture files exported from that.

An LSUN LMDB is a folder such as bedroom_train_lmdb. Its keys are 40 hexadecimal digits, its values are image files
(WebP, as published). It is opened anew for each picture, which takes 0.2 ms: what is open must not come into another
process by a fork, and no process can open it twice.
"""

import contextlib
import functools
import hashlib
import os
import re
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ppgan_lite.data import picture_set
from ppgan_lite.data.listing import Names, find_root, list_pictures
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.errors import DataError
from ppgan_lite.files import disk_errors, writing

TRAIN, TEST = "_train_lmdb", "_val_lmdb"  # how the folders' names end
SUFFIXES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png"}  # by how a file begins; all others: .webp
NESTED = 4  # folders above an exported picture: 46 pictures in each of 65,536 folders, for the 3 million bedrooms


class LMDB:
    """The pictures of an LMDB in the order of their keys, as one class: a source of `picture_set.build`.

    It is known by its keys and, for the cache, by its size and time: reading 43 GB of values would take too long.

    Raises:
        DataError: it cannot be read, is truncated or empty; or the package lmdb is missing.
    """

    def __init__(self, folder: Path):
        self.origin = os.path.abspath(folder)
        with _reading(self.origin) as transaction:
            self.names = Names(transaction.cursor().iternext(values=False))
        if not len(self.names):
            raise DataError(f"{self.origin}: an empty LMDB")
        self.labels = np.zeros(len(self.names), "int64")
        self.class_names = (Path(folder).name.removesuffix(TRAIN).removesuffix(TEST),)

    def __len__(self):
        return len(self.names)

    def name(self, index: int) -> str:
        """The key, as text."""
        return self.names[index].decode("utf-8", "backslashreplace")

    def read(self, index: int) -> bytes:
        """The image file. Raises BadImageError: it is not there any more."""
        with _reading(self.origin) as transaction:
            content = transaction.get(self.names[index])
        if content is None:
            raise BadImageError("not in the LMDB any more")
        return content

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the keys."""
        return hashlib.sha256(b"\0".join(self.names)).hexdigest()

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256 of the keys, and of the file's size and time."""
        status = os.stat(os.path.join(self.origin, "data.mdb"))
        return hashlib.sha256(f"{self.digest} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()


def build(options, split: str = "train"):
    """The training or test pictures of the category in `options.root`, as one class.

    `root` is the LMDB of the training pictures (with that of the test pictures beside it), a folder that holds the two,
    or one of exported pictures, parted as `list_pictures` does.

    Raises:
        DataError: there are no such pictures, or see `LMDB` and `picture_set.build`.
    """
    root = Path(find_root(options.root, "folder of an LSUN LMDB, or of pictures exported from it"))
    folder = find_lmdb(root, split)
    # the folders of exported pictures are characters of their keys, and no classes
    source = LMDB(folder) if folder else list_pictures(str(root), split, one_class=True)
    return picture_set.build(source, options, "lsun")


def find_lmdb(root: Path, split: str) -> Path | None:
    """The LMDB of a split: `root` itself, in it, or (of the test pictures) beside it; None if there is no LMDB at all.

    Raises:
        DataError: it is missing while that of the other split is there, or there are several.
    """
    ending = TRAIN if split == "train" else TEST
    if _is_lmdb(root):
        found = [root] if split == "train" else [root.with_name(root.name.removesuffix(TRAIN) + TEST)]
    elif any(map(_is_lmdb, root.glob("*_lmdb"))):
        found = sorted(root.glob(f"*{ending}"))
    else:
        return None
    found = [folder for folder in found if _is_lmdb(folder)]
    if len(found) != 1:
        names = ", ".join(folder.name for folder in found) or "none"
        raise DataError(f"data.root: {root}: one LMDB *{ending} is needed for the {split} pictures, but found {names}")
    return found[0]


def export(folder: Path, out: Path) -> int:
    """Write the pictures of an LMDB as files OUT/k/e/y/s/KEYS....webp (or .jpg, .png); those that are there stay.

    Returns:
        how many were written.

    Raises:
        DataError: see `LMDB`; or a key is no name for a file.
        RunError: a file cannot be written.
    """
    source, written = LMDB(folder), 0
    for index in tqdm(range(len(source)), unit=" pictures", desc=str(out)):
        key, content = source.name(index), source.read(index)
        if not re.fullmatch(r"[\w-]{1,200}", key, re.ASCII):
            raise DataError(f"{source.origin}: the key {key!r} is no name for a file")
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


@contextlib.contextmanager
def _reading(folder: str):
    """A transaction of an LMDB that reads it.

    Raises:
        DataError: it cannot be read, or is truncated; or the package lmdb is missing.
    """
    try:
        import lmdb  # not everybody's package
    except ImportError as error:
        raise DataError("lsun: an LMDB needs the package lmdb: pip install -r requirements-lsun.txt") from error
    try:
        with lmdb.open(folder, readonly=True, lock=False, readahead=False) as environment:
            needed = (environment.info()["last_pgno"] + 1) * environment.stat()["psize"]
            present = os.path.getsize(os.path.join(folder, "data.mdb"))
            if present < needed:  # reading behind its end would end this process (SIGBUS)
                raise DataError(f"{folder}: truncated: data.mdb has {present} bytes of {needed}; copy it again")
            with environment.begin() as transaction:
                yield transaction
    except lmdb.Error as error:
        raise DataError(f"{folder}: cannot be read as an LMDB: {error}") from error
