"""Pictures of two domains, a and b, without pairs: trainA, trainB, testA and testB in one folder, or two folders."""

import re

import numpy as np

from ppgan_lite.data import picture_set
from ppgan_lite.data.domains import Domains
from ppgan_lite.data.layout import TEST_FOLDERS, TRAIN_FOLDERS, as_text, held_out, some_names
from ppgan_lite.data.listing import Listing, check_any, find_pictures, list_pictures
from ppgan_lite.data.passed_over import shortened
from ppgan_lite.errors import DataError

FIELDS = ("a", "b")
MOST_NAMED = 4  # folders that are named in a message

# A folder's place in a path: trainA, train_A or train/A, in any case.
_FOLDER = re.compile(rf"(?:^|/)({'|'.join(TRAIN_FOLDERS + TEST_FOLDERS)})[ _-]?/?([ab])/", re.IGNORECASE)


def build(options, split: str = "train") -> Domains:
    """The training or test pictures of both domains: of `options.root`, or of `options.root_a` and `options.root_b`.

    In one root, folders trainA, trainB, testA and testB define domains and splits; without testA and testB,
    `test_share` of the others is held out. In two roots the splits are defined as in data/listing.py.

    Raises:
        DataError: see `list_pictures`, `one_folder` and `picture_set.build`.
    """
    if options.root_a:
        roots = {"root_a": options.root_a, "root_b": options.root_b}
        listings = [list_pictures(root, split, options.test_share, True, option) for option, root in roots.items()]
        origin = " and ".join(listing.origin for listing in listings)
    else:
        listings = one_folder(options.root, split, options.test_share)
        origin = listings[0].origin
    margin = options.margin(split)
    sets = [picture_set.build(listing, options, "unpaired", margin) for listing in listings]
    return Domains(dict(zip(FIELDS, sets, strict=True)), "unpaired", origin)


def one_folder(root: str | None, split: str, test_share: float) -> list[Listing]:
    """The pictures a and b of a split of `root`.

    Raises:
        DataError: see `find_pictures`; one of the folders is missing; or no pictures are in the split.
    """
    found = find_pictures(root)
    listing = found.listing
    folders = _folders(listing.names)
    train, test = (_first(folders, words) for words in (TRAIN_FOLDERS, TEST_FOLDERS))
    for word in filter(None, (train or TRAIN_FOLDERS[0], test)):
        for field in FIELDS:
            if (word, field) not in folders:
                raise DataError(_missing(listing, f"{word}{field.upper()}"))
    if split == "train":
        unused = np.ones(len(listing), bool)
        for key in [(word, field) for word in (train, test) for field in FIELDS]:
            unused[folders.get(key, [])] = False
        found.report(_remarks(listing.names, unused))
    chosen = test if test and split == "test" else train
    listings = [listing.select(folders[chosen, field]) for field in FIELDS]
    return listings if test else [_in_split(listing, split, test_share) for listing in listings]


def _folders(names) -> dict[tuple[str, str], list[int]]:
    """(word for the split, field) -> the indices of the pictures in that folder."""
    folders = {}
    for index, name in enumerate(names):
        if match := _FOLDER.search(as_text(name)):
            word, field = match.groups()
            folders.setdefault((word.lower(), field.lower()), []).append(index)
    return folders


def _first(folders, words: tuple[str, ...]) -> str | None:
    """The first of the words that a folder of any domain begins with."""
    return next((word for word in words if {(word, field) for field in FIELDS} & folders.keys()), None)


def _in_split(listing: Listing, split: str, test_share: float) -> Listing:
    """The pictures of one domain that are in a split, by their names."""
    in_split = held_out(listing.names, test_share) == (split == "test")
    check_any(in_split, listing.origin, split, test_share, "root")
    return listing.select(in_split)


def _missing(listing: Listing, folder: str) -> str:
    """What is missing, what there is, and what to do."""
    found = sorted({as_text(name.rpartition(b"/")[0]) for name in listing.names} - {""})
    more = ", ..." if len(found) > MOST_NAMED else ""
    found = f"the folders {', '.join(map(shortened, found[:MOST_NAMED]))}{more}" if found else "no folders"
    return (
        f"data.root: {listing.origin}: no pictures in a folder {folder}, found {found}; needed are trainA, trainB, "
        "testA and testB, or in place of data.root a folder of each domain, data.root_a and data.root_b"
    )


def _remarks(names, unused: np.ndarray) -> list[str]:
    """A remark if there are pictures that are in none of the folders."""
    if not unused.any():
        return []
    return [
        f"{unused.sum()} pictures outside the folders of the two domains are not used ({some_names(names, unused)})"
    ]
