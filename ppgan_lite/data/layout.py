"""Classes and splits of picture files, from the folders in their paths: see data/listing.py for the rules."""

import itertools
import re
import unicodedata
import zlib
from dataclasses import dataclass, field

import numpy as np

from ppgan_lite.data.passed_over import shortened

# In each, the first that exists counts, written in any case.
TRAIN_FOLDERS = ("train", "training")
TEST_FOLDERS = ("test", "testing", "val", "valid", "validation")

# Also trainA: a data set of two domains.
_SPLIT_WORD = re.compile("(train(ing)?|test(ing)?|val(id(ation)?)?)(set|a|b)?")
_WORD = re.compile("[A-Z]?[a-z]+|[A-Z]+")
_NOT_PRINTED = ("Cc", "Cs", "Zl", "Zp")  # Unicode categories: control characters, undecodable bytes, line ends
_MOST_NAMED = 4  # folders that are named in a remark


@dataclass(frozen=True)
class Layout:
    """Classes and splits of N files.

    Attributes:
        training, testing: masks of the splits, bool [N].
        has_folders: whether folders define the splits, not `test_share`.
        depth: number of folders above the folders of classes, or above the files.
        labels: int64 [N]; -1: a test picture in none of the training pictures' class folders.
        class_names: in the labels' order; None: there is one class.
        remarks: what may surprise, a sentence each.
    """

    training: np.ndarray
    testing: np.ndarray
    has_folders: bool
    depth: int
    labels: np.ndarray
    class_names: tuple[str, ...] | None
    remarks: list[str] = field(default_factory=list)


def lay_out(names, test_share: float, one_class: bool) -> Layout:
    """The layout of files.

    Args:
        names: their paths, bytes, sorted.
        test_share, one_class: see `list_pictures`.
    """
    depth = _common_depth(names)
    folders = _folders(names, depth)
    train, test = (_first(set(folders), words) for words in (TRAIN_FOLDERS, TEST_FOLDERS))
    has_folders = bool(train and test)
    if has_folders:
        training, testing = (np.array([folder in split for folder in folders]) for split in (train, test))
        folders, used, depth = _folders(names, depth + 1), training, depth + 1
        remarks = _outside(names, training | testing, sorted(train | test))
    else:
        testing = held_out(names, test_share)
        training, used = ~testing, np.ones(len(names), bool)
        remarks = _one_split(names, depth)
    labels, class_names = np.zeros(len(names), "int64"), None
    classes = set(itertools.compress(folders, used))
    if not one_class:
        numbers = {} if None in classes else _numbers(classes)
        if len(numbers) > 1:
            label_of = {folder: -1 if folder is None else numbers.get(as_text(folder), -1) for folder in set(folders)}
            labels, class_names = np.array([label_of[folder] for folder in folders]), tuple(numbers)
            remarks += _split_like(class_names, _folders(names, depth + 1))
        else:
            remarks += _loose(names, used & np.array([folder is None for folder in folders]), classes)
    return Layout(training, testing, has_folders, depth, labels, class_names, remarks)


def held_out(names, test_share: float) -> np.ndarray:
    """A mask of about this share of the names, bool [N]. A name alone decides, whatever the others are."""
    return np.array([zlib.crc32(name) < test_share * 2**32 for name in names])


def stem(name: bytes, depth: int) -> str:
    """A file's path below `depth` folders without its suffix, as text (`as_text`): what the files of a pair share."""
    below = as_text(b"/".join(name.split(b"/")[depth:]))
    return below.rpartition(".")[0]


def as_text(name: bytes) -> str:
    r"""A folder's name as the name of a class: the same on all systems (NFC), and safe to print and to record.

    Control characters and bytes that are not UTF-8 are written as escapes, such as `\xff`.
    """
    text = unicodedata.normalize("NFC", name.decode("utf-8", "backslashreplace"))
    if text.isprintable():
        return text
    escaped = (c.encode("unicode_escape").decode() if unicodedata.category(c) in _NOT_PRINTED else c for c in text)
    return "".join(escaped)


def some_names(names, which: np.ndarray) -> str:
    """The first of the files at `which`, a mask, for a message."""
    first, *others = np.flatnonzero(which)[:2]
    return shortened(names[first].decode("utf-8", "surrogateescape")) + (", ..." if others else "")


def _common_depth(names) -> int:
    """The number of nested folders that contain all files. As names are sorted, the first and the last decide."""
    first, last = (name.split(b"/")[:-1] for name in (names[0], names[-1]))
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _folders(names, depth: int) -> list[bytes | None]:
    """Each file's folder at this depth; None: its path has fewer folders."""
    split = (name.split(b"/", depth + 1) for name in names)
    return [parts[depth] if len(parts) > depth + 1 else None for parts in split]


def _first(folders: set[bytes | None], words: tuple[str, ...]) -> set[bytes]:
    """The folders that are called like the first of `words` that any folder is called, in any case."""
    lower = {folder: as_text(folder).casefold() for folder in folders - {None}}
    found = ({folder for folder, text in lower.items() if text == word} for word in words)
    return next(filter(None, found), set())


def _numbers(classes: set[bytes]) -> dict[str, int]:
    """Class name -> label, in the order of the folders' bytes; folders that differ in their encoding are one class."""
    names = dict.fromkeys(as_text(folder) for folder in sorted(classes))
    return {name: number for number, name in enumerate(names)}


def _outside(names, inside: np.ndarray, splits: list[bytes]) -> list[str]:
    if inside.all():
        return []
    folders = " and ".join(f"{as_text(folder)}/" for folder in splits)
    return [f"{(~inside).sum()} pictures outside {folders} are not used ({some_names(names, ~inside)})"]


def _one_split(names, depth: int) -> list[str]:
    """A remark if all files are in a folder for testing."""
    above = [as_text(folder) for folder in names[0].split(b"/")[:depth]]
    tests = [folder for folder in above if folder.casefold() in TEST_FOLDERS]
    return [f"all pictures are in {tests[0]}/: they are trained on, too"] if tests else []


def _split_like(class_names: tuple[str, ...], below: list[bytes | None]) -> list[str]:
    """Remarks on classes that look like splits, and on splits inside the classes."""
    remarks = []
    if splits := [name for name in class_names if _is_split_like(name)]:
        remarks.append(
            f"{_listed(splits)} look like splits, but are classes here, of which test pictures are held out; the "
            "folders train/ and test/ (or val/) are splits if both exist; for two domains (trainA/, trainB/), set "
            "data.name=unpaired"
        )
    inner = set(below)
    if _first(inner, TRAIN_FOLDERS) and (tests := _first(inner, TEST_FOLDERS)):
        name = as_text(min(tests))
        remarks.append(
            f"folders {name}/ inside the classes are not the test split: use {name}/CLASS/, not CLASS/{name}/"
        )
    return remarks


def _is_split_like(name: str) -> bool:
    """Whether the first or the last word names a split, as in trainA, test_images and my-val."""
    whole, words = name.casefold(), [word.casefold() for word in _WORD.findall(name)]
    return any(_SPLIT_WORD.fullmatch(word) for word in (whole, *words[:1], *words[-1:]))


def _loose(names, loose: np.ndarray, classes: set[bytes | None]) -> list[str]:
    """A remark if files in no folder are why there are no classes or splits."""
    folders = sorted(as_text(folder) for folder in classes - {None})
    if not folders or not loose.any():
        return []
    few = "1 picture is" if loose.sum() == 1 else f"{loose.sum()} pictures are"
    return [
        f"{few} in no class folder ({some_names(names, loose)}), so {_listed(folders)} are not classes or splits: "
        "all pictures are one class"
    ]


def _listed(folders: list[str]) -> str:
    more = ", ..." if len(folders) > _MOST_NAMED else ""
    return f"the folders {', '.join(map(shortened, folders[:_MOST_NAMED]))}{more}"
