"""The picture files of a folder or zip file, with their classes and splits: a million of them in little memory.

The first-level folders are the classes, if every picture is in one and there are at least two; otherwise there is one
class, named after the root. If there are folders `train` (or `training`) and `test` (or `testing`, `val`, `valid`,
`validation`), in any case, they define the split; files outside them are ignored, and the folders in `train` are the
classes. If one folder contains all pictures, its folders count as the first level: zip files often have such a folder.
What is passed over, or may surprise, is reported when the training pictures are listed.
"""

import functools
import hashlib
import itertools
import os
from typing import NamedTuple

import numpy as np

from ppgan_lite.data import folder_files, zip_files
from ppgan_lite.data.layout import as_text, lay_out, some_names
from ppgan_lite.data.passed_over import PassedOver, picture_suffixes
from ppgan_lite.data.pictures import BadImageError, is_dim, read_picture
from ppgan_lite.errors import DataError, one_line, warn
from ppgan_lite.files import read_file
from ppgan_lite.schema.text import escape_hint

MAX_BYTES = 1 << 28  # limit for one file


class PackedNames:
    """A sequence of byte strings, joined into one.

    Forked processes share it. They would copy a list of a million objects, as reading an object writes to it (its
    reference count).
    """

    def __init__(self, names):
        names = list(names)
        self._joined = b"".join(names)
        self._ends = np.cumsum([0, *map(len, names)])

    def __len__(self):
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> bytes:
        index = range(len(self))[index]  # negative: from the end; too large: an IndexError
        return self._joined[self._ends[index] : self._ends[index + 1]]

    def __iter__(self):
        for start, end in itertools.pairwise(self._ends.tolist()):
            yield self._joined[start:end]


class Files:
    """Files of pictures, as `picture_set` takes them. Small to pickle, and safe to use in forked processes.

    A subclass has a length, `name(index)`, `labels` and `class_names` as in `Listing`, `origin`, `digest`,
    `fingerprint` and `read(index)`, the content of a file, which may raise BadImageError.
    """

    KIND = "files"  # in messages
    stacked = 1  # number of pictures in an item, one after the other along the channels

    def picture(self, index: int, size: int, channels: int) -> tuple[np.ndarray, bool]:
        """The pictures of an item, uint8 [stacked * channels, size, size], and whether any is dim (`pictures.is_dim`).

        Raises:
            BadImageError: a file cannot be decoded, or is not what it must be.
        """
        content = self.read(index)
        picture = read_picture(content, size, channels)
        return picture, is_dim(content, picture)


class Listing(Files):
    """Picture files of a folder.

    Args:
        origin: absolute path of the folder or zip file.
        names: the files' paths below `origin`, with forward slashes.
        facts: further facts about the files, name -> int64 [N].
        labels: int64 [N]; -1: of no class; None: all 0.
        class_names: in the labels' order; None: one class, named after `origin`.
    """

    IDENTITY = ("size",)  # facts that identify a data set, wherever it is stored
    STATE = ("modified",)  # facts that also change when a file is rewritten

    def __init__(self, origin: str, names: PackedNames, facts: dict[str, np.ndarray], labels=None, class_names=None):
        self.origin = origin
        self.names = names
        self.facts = facts
        self.labels = np.zeros(len(names), "int64") if labels is None else labels
        self.class_names = (as_text(os.fsencode(os.path.basename(origin))),) if class_names is None else class_names

    def __len__(self):
        return len(self.names)

    def name(self, index: int) -> str:
        """The path of a file below `origin`."""
        return os.fsdecode(self.names[index])

    def read(self, index: int) -> bytes:
        """The content of a file.

        Raises:
            BadImageError: it cannot be read, has more than MAX_BYTES, or is damaged in the zip file.
        """
        try:
            return self._content(index)
        except OSError as error:
            raise BadImageError(error.strerror or str(error)) from error

    def _content(self, index: int) -> bytes:
        if self.facts["size"][index] > MAX_BYTES:
            raise BadImageError(f"{self.facts['size'][index]:,} bytes, more than the limit of {MAX_BYTES:,}")
        return read_file(os.path.join(self.origin, self.name(index)), MAX_BYTES)

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of names and sizes, for a zip file also of checksums: the same wherever the files are stored."""
        return self._sha256(self.IDENTITY)

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256 like `digest`, for a folder also of its files' modification times."""
        return self._sha256(self.IDENTITY + self.STATE)

    def _sha256(self, facts) -> str:
        digest = hashlib.sha256(b"\0".join(self.names))
        for fact in facts:
            digest.update(self.facts[fact].astype("<i8"))
        return digest.hexdigest()

    def select(self, which) -> "Listing":
        """The files at `which`, a mask (bool [N]) or indices; indices also give the order."""
        indices = np.arange(len(self))[which]
        all_names = list(self.names)
        names = PackedNames(all_names[index] for index in indices)
        facts = {name: values[indices] for name, values in self.facts.items()}
        return type(self)(self.origin, names, facts, self.labels[indices], self.class_names)


class ZipListing(Listing):
    """Picture files in a zip file, which is opened for each read: there is no handle to share with other processes."""

    IDENTITY = ("size", "crc")
    STATE = ()  # the checksums change with the files

    def name(self, index: int) -> str:
        """The path of a file in the zip file."""
        return self.names[index].decode()

    def _content(self, index: int) -> bytes:
        entry = zip_files.Entry(*(int(self.facts[fact][index]) for fact in zip_files.Entry._fields))
        with open(self.origin, "rb") as file:
            return zip_files.unpack(file, entry, MAX_BYTES)


class Found(NamedTuple):
    """The pictures in a folder or zip file, and what else was found."""

    listing: Listing  # all pictures, sorted by name, as one class
    passed: PassedOver
    decoded_as: str | None  # how names in a zip file were decoded: see `zip_files.scan`

    def report(self, remarks: list[str]):
        """Print what is passed over, a line for all of it, and what may surprise; a warning if pictures are missed."""
        origin = self.listing.origin
        if self.decoded_as:
            _note(f"{origin}: file names without a mark for UTF-8 are read as {self.decoded_as}")
        if self.passed.total:
            report = _note if self.passed.is_harmless else warn
            report(f"{origin}: {self.passed.total} other files are not read as pictures: {self.passed}")
        for remark in remarks:
            warn(f"{origin}: {remark}")


def list_pictures(
    root: str | None, split: str = "train", test_share: float = 0.1, one_class: bool = False, option: str = "root"
) -> Listing:
    """The training or test pictures below `root`, with their classes.

    Args:
        root: see `find_root`.
        split: `train` or `test`.
        test_share: fraction held out for testing if there are no train and test folders. A picture's name alone
            decides, so adding pictures does not move others to another split.
        one_class: put all pictures into one class, whatever the folders are.
        option: the key of `data` that is `root`, for the messages.

    Raises:
        DataError: `root` is null, missing or cannot be read; or there are no pictures (in this split).
    """
    found = find_pictures(root, option)
    listing, layout = found.listing, lay_out(found.listing.names, test_share, one_class)
    in_split = layout.training if split == "train" else layout.testing
    if split == "train":
        found.report(layout.remarks)
    elif (strays := in_split & (layout.labels < 0)).any():
        warn(
            f"{listing.origin}: {strays.sum()} of {in_split.sum()} test pictures have no class: not in a class folder "
            f"that also exists in train/ ({some_names(listing.names, strays)})"
        )
    check_any(in_split, listing.origin, split, test_share, option)
    listing.labels, listing.class_names = layout.labels, layout.class_names or listing.class_names
    return listing.select(in_split)


def check_any(in_split: np.ndarray, origin: str, split: str, test_share: float, option: str):
    """Raises DataError: none of the pictures of `origin` is in the split; `in_split` is a mask of all of them."""
    if not in_split.any():
        raise DataError(
            f"data.{option}: {origin}: none of its {len(in_split)} pictures is in the {split} split; put them into "
            f"folders train/ and test/, or change data.test_share ({test_share:g})"
        )


def list_files(root: str | None) -> Listing:
    """All picture files below `root`, sorted by name, as one class.

    Raises:
        DataError: `root` is null, missing or cannot be read, or there are no pictures.
    """
    return find_pictures(root).listing


def find_root(root: str | None, what: str = "folder or zip file of pictures", option: str = "root") -> str:
    """The absolute path of `data.root`: as given, or else relative to $PPGAN_DATA.

    Args:
        root: the path as given.
        what: the kind of path expected, for the messages.
        option: the key of `data` that is `root`, for the messages.

    Raises:
        DataError: `root` is null, or does not exist.
    """
    if not root:
        raise DataError(f"data.{option}: missing; set it to a {what}")
    shared = os.environ.get("PPGAN_DATA")
    for place in (os.path.expanduser(root), shared and os.path.join(os.path.expanduser(shared), root)):
        if place and os.path.exists(place):
            return os.path.abspath(place)
    below = f"here or below $PPGAN_DATA ({shared})" if shared else "and $PPGAN_DATA is not set"
    place = os.path.expanduser(root)
    raise DataError(f"data.{option}: {_unambiguous(root)}: no such {what}{_reason(place)}, {below}{escape_hint(root)}")


def find_roots(data) -> dict[str, str]:
    """Option -> absolute path, of all roots that the options of a data set of pictures have.

    Raises:
        DataError: one of them does not exist; or none is given.
    """
    two = {option: getattr(data, option, None) for option in ("root_a", "root_b")}
    if any(two.values()):
        return {option: find_root(root, option=option) for option, root in two.items()}
    if not data.root and hasattr(data, "root_a"):
        raise DataError(
            "data.root: missing; set it to a folder or zip file of pictures, or set data.root_a and data.root_b to "
            "one for each domain"
        )
    return {"root": find_root(data.root)}


def find_pictures(root: str | None, option: str = "root") -> Found:
    """All pictures below `root`, with what is passed over; see `list_pictures`.

    Raises:
        DataError: `root` is null, missing or cannot be read, or there are no pictures.
    """
    origin = find_root(root, option=option)
    if os.path.isdir(origin):
        kind, encode, decoded_as, (names, facts, passed) = Listing, os.fsencode, None, folder_files.scan(origin, option)
    else:
        kind, encode, (names, facts, passed, decoded_as) = ZipListing, str.encode, zip_files.scan(origin, option)
    if not names:
        others = f"only {passed.total} other files: {passed}" if passed.total else "no files at all"
        raise DataError(f"data.{option}: {origin}: no pictures ({picture_suffixes()}), {others}")
    order = sorted(range(len(names)), key=names.__getitem__)
    facts = {fact: np.array(values, "int64")[order] for fact, values in facts.items()}
    return Found(kind(origin, PackedNames(encode(names[index]) for index in order), facts), passed, decoded_as)


def _note(message: str):
    print(one_line(message), flush=True)


def _reason(path: str) -> str:
    """Why a path cannot be opened, in brackets; empty if it does not exist."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return " (it is a link to nothing)" if os.path.islink(path) else ""
    except OSError as error:
        return f" ({error.strerror})"
    except ValueError:  # it has a zero character
        pass
    return ""


def _unambiguous(path: str) -> str:
    """A path for a message: quoted, with escapes, if blanks or control characters in it could be overlooked."""
    return path if path.isprintable() and path == " ".join(path.split()) else repr(path)
