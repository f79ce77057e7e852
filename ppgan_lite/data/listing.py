"""The picture files of a folder or zip file, with their classes and splits: a million of them in little memory.

The first-level folders are the classes, if every picture is in one and there are at least two; otherwise there is one
class, named after the root. If there are folders `train` and `test` (or `val`, `valid`, `validation`), they define the
split; files outside them are ignored, and the folders in `train` are the classes. If one folder contains all pictures,
its folders count as the first level: zip files often have such a folder.
"""

import array
import collections
import functools
import hashlib
import itertools
import os
import stat
import zipfile
import zlib

import numpy as np

from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.errors import DataError

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
TEST_FOLDERS = (b"test", b"val", b"valid", b"validation")  # the first that exists has the test pictures
MAX_BYTES = 1 << 28  # limit for one file

_ENCRYPTED = 1  # flag of a file in a zip file
_LOCAL_HEADER_BYTES = 30  # header of a file in a zip file, up to the file's name


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


class Listing:
    """Picture files. Small to pickle, and safe to use in forked processes.

    Args:
        origin: absolute path of the folder or zip file.
        names: the files' paths below `origin`, with forward slashes.
        facts: further facts about the files, name -> int64 [N].
        labels: int64 [N]; None: all 0.
        class_names: in the labels' order; None: one class, named after `origin`.
    """

    IDENTITY = ("size",)  # facts that identify a data set, wherever it is stored
    STATE = ("modified",)  # facts that also change when a file is rewritten

    def __init__(self, origin: str, names: PackedNames, facts: dict[str, np.ndarray], labels=None, class_names=None):
        self.origin = origin
        self.names = names
        self.facts = facts
        self.labels = np.zeros(len(names), "int64") if labels is None else labels
        self.class_names = (os.path.basename(origin),) if class_names is None else class_names

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
        if self.facts["size"][index] > MAX_BYTES:
            raise BadImageError(f"{self.facts['size'][index]:,} bytes, more than the limit of {MAX_BYTES:,}")
        try:
            return self._content(index)
        except OSError as error:
            raise BadImageError(error.strerror or str(error)) from error

    def _content(self, index: int) -> bytes:
        with open(os.path.join(self.origin, self.name(index)), "rb") as file:
            return file.read()

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

    def _content(self, index: int) -> bytes:
        fact = {name: int(values[index]) for name, values in self.facts.items()}
        with open(self.origin, "rb") as file:
            file.seek(fact["offset"])
            header = file.read(_LOCAL_HEADER_BYTES)
            extra = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            file.seek(extra, os.SEEK_CUR)
            content = file.read(fact["packed_size"])
        if fact["method"] == zipfile.ZIP_DEFLATED:
            try:
                content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, fact["size"] + 1)
            except zlib.error as error:
                raise BadImageError("damaged in the zip file") from error
        if len(content) != fact["size"] or zlib.crc32(content) != fact["crc"]:
            raise BadImageError("damaged in the zip file")
        return content


def list_pictures(root: str | None, split: str = "train", test_share: float = 0.1, one_class: bool = False) -> Listing:
    """The training or test pictures below `root`, with their classes.

    Args:
        root: see `find_root`.
        split: `train` or `test`.
        test_share: fraction held out for testing if there are no train and test folders. A picture's name alone
            decides, so adding pictures does not move others to another split.
        one_class: put all pictures into one class, whatever the folders are.

    Raises:
        DataError: `root` is null, missing or cannot be read; there are no pictures (in this split); or a test picture
            is not in one of the training pictures' class folders.
    """
    listing = list_files(root)
    depth = _common_depth(listing.names)
    folders = _folders(listing.names, depth)
    test_folder = next((name for name in TEST_FOLDERS if name in folders), None)
    if b"train" in folders and test_folder:
        training, testing = (np.array([folder == name for folder in folders]) for name in (b"train", test_folder))
        folders = _folders(listing.names, depth + 1)
        classes = set(itertools.compress(folders, training))
    else:
        testing = np.array([zlib.crc32(name) < test_share * 2**32 for name in listing.names])
        training = ~testing
        classes = set(folders)
    in_split = training if split == "train" else testing
    if not in_split.any():
        raise DataError(
            f"data.root: {listing.origin}: none of its {len(listing)} pictures is in the {split} split; put them into "
            f"folders train/ and test/, or change data.test_share ({test_share:g})"
        )
    if None not in classes and len(classes) > 1 and not one_class:
        labels = {folder: label for label, folder in enumerate(sorted(classes))}
        listing.labels = np.array([labels.get(folder, -1) for folder in folders])
        listing.class_names = tuple(os.fsdecode(folder) for folder in labels)
    selected = listing.select(in_split)
    if (strays := np.flatnonzero(selected.labels < 0)).size:
        raise DataError(
            f"data.root: {listing.origin}: {selected.name(strays[0])}: not in a class folder that also exists in train/"
        )
    return selected


def list_files(root: str | None) -> Listing:
    """All picture files below `root`, sorted by name, as one class.

    Raises:
        DataError: `root` is null, missing or cannot be read, or there are no pictures.
    """
    origin = find_root(root)
    kind, scan = (Listing, _scan_folder) if os.path.isdir(origin) else (ZipListing, _scan_zip)
    names, facts, others = scan(origin)
    if not names:
        kinds = ", ".join(f"{count} {suffix or 'without suffix'}" for suffix, count in others.most_common(3))
        files = f"only {others.total()} other files ({kinds})" if others else "no files at all"
        raise DataError(f"data.root: {origin}: no pictures ({', '.join(sorted(IMAGE_SUFFIXES))}), {files}")
    order = sorted(range(len(names)), key=names.__getitem__)
    facts = {fact: np.array(values)[order] for fact, values in facts.items()}
    return kind(origin, PackedNames(os.fsencode(names[index]) for index in order), facts)


def find_root(root: str | None, what: str = "folder or zip file of pictures") -> str:
    """The absolute path of `data.root`: as given, or else relative to $PPGAN_DATA.

    Args:
        what: the kind of path expected, for the messages.

    Raises:
        DataError: `root` is null, or does not exist.
    """
    if not root:
        raise DataError(f"data.root: missing; set it to a {what}")
    shared = os.environ.get("PPGAN_DATA")
    for place in (os.path.expanduser(root), shared and os.path.join(os.path.expanduser(shared), root)):
        if place and os.path.exists(place):
            return os.path.abspath(place)
    below = f"here or below $PPGAN_DATA ({shared})" if shared else "and $PPGAN_DATA is not set"
    raise DataError(f"data.root: {root}: no such {what}, {below}")


def _common_depth(names: PackedNames) -> int:
    """The number of nested folders that contain all files. As names are sorted, the first and the last decide."""
    first, last = (name.split(b"/")[:-1] for name in (names[0], names[-1]))
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _folders(names: PackedNames, depth: int) -> list[bytes | None]:
    """Each file's folder at this depth; None: its path has fewer folders."""
    split = (name.split(b"/", depth + 1) for name in names)
    return [parts[depth] if len(parts) > depth + 1 else None for parts in split]


def _scan_folder(origin: str):
    """Names and facts of the picture files in a folder, in any order, and the number of other files by suffix.

    Links to files and folders are followed. A dangling link is listed if its suffix is a picture's; reading it reports
    the error.
    """
    names, sizes, times, others = [], array.array("q"), array.array("q"), collections.Counter()
    pending = [("", frozenset())]  # folders, each with the real paths of its parent folders
    while pending:
        folder, above = pending.pop()
        path = os.path.join(origin, folder)
        if (real := os.path.realpath(path)) in above:  # a link to one of its parent folders
            continue
        for entry in _entries(path):
            status, suffix = _status(entry), _suffix(entry.name)
            if status and stat.S_ISDIR(status.st_mode):
                pending.append((f"{folder}{entry.name}/", above | {real}))
            elif suffix not in IMAGE_SUFFIXES or (status and not stat.S_ISREG(status.st_mode)):
                others[suffix] += 1
            else:
                names.append(folder + entry.name)
                sizes.append(status.st_size if status else 0)
                times.append(status.st_mtime_ns if status else 0)
    return names, {"size": sizes, "modified": times}, others


def _entries(path: str):
    """Yield the os.DirEntry of everything in a folder that is not hidden."""
    try:
        with os.scandir(path) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"data.root: {path}: cannot be listed: {error.strerror}") from error


def _suffix(name: str) -> str:
    """A file's suffix in lower case, with its dot; empty if there is none."""
    _, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return dot + suffix.lower() if dot else ""


def _status(entry: os.DirEntry) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def _scan_zip(origin: str):
    """`_scan_folder` for a zip file."""
    try:
        with zipfile.ZipFile(origin) as file:
            infos = file.infolist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DataError(f"data.root: {origin}: neither a folder nor a valid zip file: {error}") from error
    pictures, others = [], collections.Counter()
    for info in infos:
        if info.filename.endswith("/") or "/." in f"/{info.filename}":  # a folder, or hidden
            continue
        if (suffix := _suffix(info.filename)) in IMAGE_SUFFIXES:
            pictures.append(info)
        else:
            others[suffix] += 1
    for info in pictures:
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"data.root: {origin}: {info.filename} is encrypted, or compressed with another method than deflate; "
                "create a plain zip file"
            )
    facts = {
        "size": [info.file_size for info in pictures],
        "crc": [info.CRC for info in pictures],
        "offset": [info.header_offset for info in pictures],
        "packed_size": [info.compress_size for info in pictures],
        "method": [info.compress_type for info in pictures],
    }
    return [info.filename for info in pictures], facts, others
