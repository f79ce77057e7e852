"""Pictures with attributes: from a list (data/attribute_list.py), or the classes that are their folders.

Attributes called GROUP=VALUE exclude each other: a picture has one of each group. The classes are called class=NAME.
"""

import contextlib
import dataclasses

import numpy as np

from ppgan_lite.data import picture_set
from ppgan_lite.data.attribute_list import AttributeList, read_list
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.layout import some_names
from ppgan_lite.data.listing import Listing, list_files, list_pictures
from ppgan_lite.data.passed_over import shortened
from ppgan_lite.data.spec import groups_of, with_attributes
from ppgan_lite.errors import DataError, warn
from ppgan_lite.files import sha256


def build(options, split: str = "train") -> "AttributedPictures":
    """The training or test pictures below `options.root`, with the attributes of `options.list_file` or their classes.

    Pictures that are not in the list are left out, with a warning. For splits and classes see data/listing.py.

    Raises:
        DataError: see `list_pictures`, `read_list` and `picture_set.build`; the list names no picture, or several by
            one name; an attribute is not in it; attributes do not exclude each other as their names say; or, without a
            list, the folders are not classes.
    """
    if options.list_file is None:
        listing = list_pictures(options.root, split, options.test_share)
        names, values = _classes(listing, split)
    else:
        listing = list_pictures(options.root, split, options.test_share, one_class=True)
        attributes = read_list(listing.origin, options.list_file)
        attributes = attributes.choose(options.attributes or attributes.names)
        if split == "train":
            _check_names(attributes, list_files(options.root))
        listing, values = _with_values(listing, attributes)
        names = attributes.names
    _check_values(listing, names, values, split)
    # As its label, a picture carries its place in the listing, which is right also where it replaces a bad file.
    listing.labels = np.arange(len(listing))
    return AttributedPictures(picture_set.build(listing, options, "attributes", options.margin(split)), names, values)


class AttributedPictures(Dataset):
    """Item i is `image`, float32 [C, size, size] in [-1, 1], and `attributes`, float32 [c], each 0 or 1.

    Args:
        pictures: the images; each has as its label its row in `values`.
        names: the attributes' names, c.
        values: uint8 [number of files, c], each 0 or 1.
    """

    def __init__(self, pictures: picture_set.PictureSet, names: tuple[str, ...], values: np.ndarray):
        super().__init__()
        self._pictures, self._values = pictures, values.astype("float32")
        self.spec = with_attributes(pictures.spec["image"].shape, names)
        self.flip, self.margin = pictures.flip, pictures.margin
        digest = sha256(" ".join([pictures.source.sha256, *names]).encode() + values.tobytes())
        self.source = dataclasses.replace(pictures.source, sha256=digest)

    def batch(self, indices):
        return self._with_attributes(self._pictures.batch(indices))

    def pixels(self, field, indices):
        return self._pictures.pixels(field, indices)

    def stream(self, batches):
        """Yield `batch(indices)` for each of `batches`, with `margin`. Closing it ends work done in advance."""
        with contextlib.closing(self._pictures.stream(batches)) as stream:
            for batch in stream:
                yield self._with_attributes(batch)

    def _with_attributes(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"image": batch["image"], "attributes": self._values[batch["label"]]}


def _classes(listing: Listing, split: str) -> tuple[tuple[str, ...], np.ndarray]:
    """The classes as attributes: their names, and values, uint8 [N, classes]. Raises DataError."""
    names, labels = listing.class_names, listing.labels
    if len(names) < 2:
        raise DataError(
            f"data.root: {listing.origin}: its pictures are one class ({names[0]}), so they have no attributes; put "
            "the pictures of each class into a folder of its own, with none outside them, or set data.list_file"
        )
    if (labels < 0).any():
        raise DataError(
            f"data.root: {listing.origin}: {(labels < 0).sum()} of {len(labels)} {split} pictures are not in a class "
            f"folder that also exists in train/ ({some_names(listing.names, labels < 0)}); put them into {split}/CLASS/"
        )
    return tuple(f"class={name}" for name in names), np.eye(len(names), dtype="uint8")[labels]


def _check_names(attributes: AttributeList, listing: Listing):
    """Warn about names in the list without a picture. Raises DataError: several pictures have one name of the list.

    Args:
        attributes: the list.
        listing: the pictures of both splits.
    """
    rows, names = attributes.find(listing.names), list(attributes.rows)
    times = np.bincount(rows[rows >= 0], minlength=len(names))
    if (times > 1).any():
        row = int(np.argmax(times > 1))
        raise DataError(
            f"data.list_file: {attributes.path}: {(times > 1).sum()} of its {len(names)} names belong to several "
            f"pictures ({shortened(names[row])}: {some_names(listing.names, rows == row)}); write the paths below "
            f"{listing.origin} instead"
        )
    if (times == 0).any() and times.any():
        first = shortened(names[int(np.argmin(times))])
        warn(f"{attributes.path}: {(times == 0).sum()} of its {len(names)} names are of no picture ({first})")


def _with_values(listing: Listing, attributes: AttributeList) -> tuple[Listing, np.ndarray]:
    """The pictures that are in the list, and their values, uint8 [N, c]. Raises DataError: there are none."""
    rows = attributes.find(listing.names)
    missing = rows < 0
    if missing.all():
        raise DataError(
            f"data.list_file: {attributes.path}: it names none of the {len(rows)} pictures: it has names such as "
            f"{shortened(next(iter(attributes.rows)))}, not {some_names(listing.names, missing)}"
        )
    if missing.any():
        warn(
            f"{listing.origin}: {missing.sum()} of {len(rows)} pictures are not in {attributes.path} "
            f"({some_names(listing.names, missing)}); left out"
        )
    return listing.select(~missing), attributes.values[rows[~missing]]


def _check_values(listing: Listing, names: tuple[str, ...], values: np.ndarray, split: str):
    """Warn about attributes that do not vary. Raises DataError: a picture has none or several of a group."""
    for group in groups_of(names):
        wrong = values[:, group].sum(1) != 1
        if len(group) > 1 and wrong.any():
            raise DataError(
                f"data.attributes: {', '.join(names[index] for index in group)} exclude each other by their names, but "
                f"{wrong.sum()} of {len(wrong)} pictures have none or several of them "
                f"({some_names(listing.names, wrong)}); choose all of this group, or rename them"
            )
    constant = [name for name, of_all in zip(names, values.T, strict=True) if of_all.min() == of_all.max()]
    if constant and split == "train":
        warn(f"{listing.origin}: the same for all training pictures, so not learned: {', '.join(constant)}")
