"""Pairs of pictures a and b: side by side in one file, or in two folders, under the same names.

The two pictures of a pair are one item, stacked along the channels, from the file to the batch: they are cached, left
out, shuffled, mirrored and cut together.
"""

import contextlib
import functools
import os
import zlib

import numpy as np

from ppgan_lite.data import picture_set
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.domains import Domains
from ppgan_lite.data.layout import held_out, lay_out, stem
from ppgan_lite.data.listing import Files, Listing, check_any, find_pictures, list_pictures
from ppgan_lite.data.passed_over import shortened
from ppgan_lite.data.pictures import BadImageError, decode, is_dim, square
from ppgan_lite.errors import DataError
from ppgan_lite.files import sha256

FIELDS = ("a", "b")
MOST_NAMED = 3  # lone pictures that are named; the rest is counted


def build(options, split: str = "train") -> Dataset:
    """The training or test pairs of `options.root`, or of `options.root_a` and `options.root_b`.

    Folders train/ and test/ define the split as in data/listing.py; without them, the names do. With `paired: false`
    the training data are two domains: a from one half of the pairs, b from the other.

    Raises:
        DataError: see `list_pictures`, `two_folders` and `picture_set.build`; or one pair is too few for two halves.
    """
    if options.root_a:
        pairs = two_folders(options, split)
    else:
        pairs = SideBySide(list_pictures(options.root, split, options.test_share, one_class=True))
    build_set = functools.partial(picture_set.build, options=options, name="pairs", margin=options.margin(split))
    if options.paired or split == "test":
        return Pairs(build_set(pairs), options.spec())
    sources = [pairs.select(half, (field,)) for field, half in zip(FIELDS, halves(pairs), strict=True)]
    return Domains(dict(zip(FIELDS, map(build_set, sources), strict=True)), "pairs", pairs.origin)


class Pairs(Dataset):
    """Item i is `a` and `b`, float32 [C, size, size] in [-1, 1].

    Args:
        pictures: the pairs, each as one picture [2C, size, size].
        spec: the fields.
    """

    def __init__(self, pictures: picture_set.PictureSet, spec):
        super().__init__()
        self.spec, self.source = spec, pictures.source
        self.flip, self.margin = pictures.flip, pictures.margin
        self._pictures = pictures

    def batch(self, indices):
        return self._apart(self._pictures.batch(indices)["image"])

    def pixels(self, field, indices):
        return self._apart(self._pictures.pixels("image", indices))[field]

    def stream(self, batches):
        with contextlib.closing(self._pictures.stream(batches)) as stream:
            for items in stream:
                yield self._apart(items["image"])

    def _apart(self, stacked: np.ndarray) -> dict[str, np.ndarray]:
        """[N, 2C, H, W] -> a and b, [N, C, H, W]."""
        return dict(zip(FIELDS, np.split(stacked, len(FIELDS), axis=1), strict=True))


class PairFiles(Files):
    """Files with pairs, or with the pictures of one domain only; a subclass defines `_decode`.

    Args:
        fields: the pictures of a pair that are used, of FIELDS.
        listings: where they come from.
    """

    def __init__(self, fields: tuple[str, ...], listings: list[Listing]):
        self.fields, self.stacked = fields, len(fields)
        self.origin = " and ".join(listing.origin for listing in listings)
        self.labels, self.class_names = listings[0].labels, listings[0].class_names
        self._listings = listings

    def __len__(self):
        return len(self._listings[0])

    def name(self, index: int) -> str:
        """The path of the file, or of the first of two."""
        return self._listings[0].name(index)

    def picture(self, index, size, channels):
        decoded = self._decode(index, channels)
        # [size, size, C] each -> [stacked * C, size, size]
        stacked = np.concatenate([square(pixels, size) for _, pixels in decoded], axis=2).transpose(2, 0, 1)
        return stacked, any(is_dim(content, pixels) for content, pixels in decoded)

    def _decode(self, index: int, channels: int) -> list[tuple[bytes, np.ndarray]]:
        """For each field, the content of its file, and its picture, uint8 [H, W, channels]. Raises BadImageError."""
        raise NotImplementedError

    @functools.cached_property
    def digest(self) -> str:
        """sha256 of the fields and the listings' digests."""
        return sha256(" ".join([*self.fields, *(listing.digest for listing in self._listings)]).encode())

    @functools.cached_property
    def fingerprint(self) -> str:
        """sha256 of the fields and the listings' fingerprints."""
        return sha256(" ".join([*self.fields, *(listing.fingerprint for listing in self._listings)]).encode())


class SideBySide(PairFiles):
    """Files with two pictures of the same size each, a on the left and b on the right."""

    def __init__(self, listing: Listing, fields: tuple[str, ...] = FIELDS):
        super().__init__(fields, [listing])

    def select(self, which, fields: tuple[str, ...]) -> "SideBySide":
        """The pairs at `which` (see `Listing.select`), only with these fields."""
        return SideBySide(self._listings[0].select(which), fields)

    def _decode(self, index, channels):
        content = self._listings[0].read(index)
        whole = decode(content, channels)
        height, width, _ = whole.shape
        if width % 2 or width <= height:
            raise BadImageError(f"{width}x{height} pixels: not two pictures of one size side by side")
        halves = dict(zip(FIELDS, np.split(whole, 2, axis=1), strict=True))
        return [(content, halves[field]) for field in self.fields]


class TwoFolders(PairFiles):
    """Two files for each pair.

    Args:
        sides: field -> the pictures of this domain, in the order of the pairs.
    """

    KIND = "pairs"

    def __init__(self, sides: dict[str, Listing]):
        super().__init__(tuple(sides), list(sides.values()))

    def select(self, which, fields: tuple[str, ...]) -> "TwoFolders":
        """The pairs at `which` (see `Listing.select`), only with these fields."""
        sides = dict(zip(self.fields, self._listings, strict=True))
        return TwoFolders({field: sides[field].select(which) for field in fields})

    def _decode(self, index, channels):
        decoded = []
        for field, listing in zip(self.fields, self._listings, strict=True):
            try:
                content = listing.read(index)
                decoded.append((content, decode(content, channels)))
            except BadImageError as error:
                raise BadImageError(f"{field}: {error}") from error
        sizes = ["{1}x{0}".format(*pixels.shape) for _, pixels in decoded]
        if len(set(sizes)) > 1:
            unequal = ", ".join(f"{field} has {size}" for field, size in zip(self.fields, sizes, strict=True))
            raise BadImageError(f"of unequal size: {unequal} pixels")
        return decoded


def two_folders(options, split: str) -> TwoFolders:
    """The pairs of a split from `options.root_a` and `options.root_b`, in the order of their names.

    A pair's files have the same path without suffix below the folder of their split.

    Raises:
        DataError: see `find_pictures`; a picture has no partner, or several of one folder have the same name; only
            one of the folders has train/ and test/; or no pair is in the split.
    """
    a, b = sides = [_Side(options.root_a, "root_a"), _Side(options.root_b, "root_b")]
    for side, other in ((a, b), (b, a)):
        if side.has_folders and not other.has_folders:
            raise DataError(
                f"data.{other.option}: {other.listing.origin}: no folders train/ and test/, which "
                f"{side.listing.origin} has; give both, or neither"
            )
    if lone := [text for text in (a.without_partner(b), b.without_partner(a)) if text]:
        raise DataError(f"data.root_a and data.root_b: {'; '.join(lone)}; remove or rename these")
    if split == "train":
        for side in sides:
            side.report()
    keys, is_test = sorted(a.files), split == "test"
    if a.has_folders:
        in_split = np.array([testing == is_test for testing, _ in keys])
    else:
        in_split = held_out([os.fsencode(name) for _, name in keys], options.test_share) == is_test
    check_any(in_split, a.listing.origin, split, options.test_share, a.option)
    chosen = [keys[index] for index in np.flatnonzero(in_split)]
    return TwoFolders({field: side.select(chosen) for field, side in zip(FIELDS, sides, strict=True)})


def halves(pairs: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """The indices of two disjoint halves of the pairs, whatever their order: names are hashed.

    Raises:
        DataError: there is only one pair.
    """
    if len(pairs) < len(FIELDS):
        raise DataError(f"{pairs.origin}: data.paired=false needs at least two pairs for training, one for each domain")
    order = np.argsort([zlib.crc32(os.fsencode(pairs.name(index))) for index in range(len(pairs))], kind="stable")
    one, other = np.array_split(order, len(FIELDS))
    return np.sort(one), np.sort(other)


class _Side:
    """The pictures of one domain in a folder of their own.

    Args:
        root: the folder or zip file.
        option: the key of `data` that names it.

    Attributes:
        listing: all pictures.
        has_folders: whether there are folders train/ and test/.
        files: (whether it is in the folder for testing, name that its partner has too) -> index.
    """

    def __init__(self, root: str, option: str):
        self.option, self._found = option, find_pictures(root, option)
        self.listing = self._found.listing
        self._layout = lay_out(self.listing.names, 0, one_class=True)
        self.has_folders, self.files = self._layout.has_folders, {}
        for index, name in enumerate(self.listing.names):
            if self._layout.training[index] or self._layout.testing[index]:
                self._add((bool(self._layout.testing[index]), stem(name, self._layout.depth)), index)

    def _add(self, key: tuple[bool, str], index: int):
        if key in self.files:
            one, other = (shortened(self.listing.name(each)) for each in (self.files[key], index))
            raise DataError(
                f"data.{self.option}: {self.listing.origin}: {one} and {other} have the same name but for the suffix: "
                "which one is the partner is not clear; remove one"
            )
        self.files[key] = index

    def without_partner(self, other: "_Side") -> str | None:
        """The lone pictures in words; None: all have a partner."""
        lone = [self.listing.name(index) for key, index in self.files.items() if key not in other.files]
        if not lone:
            return None
        more = f" and {len(lone) - MOST_NAMED} more" if len(lone) > MOST_NAMED else ""
        named = ", ".join(map(shortened, lone[:MOST_NAMED]))
        return f"{len(lone)} of {len(self.files)} pictures in {self.listing.origin} have no partner ({named}{more})"

    def report(self):
        """Print what is passed over and what may surprise."""
        self._found.report(self._layout.remarks)

    def select(self, keys) -> Listing:
        """The pictures with these keys, in their order."""
        return self.listing.select([self.files[key] for key in keys])
