"""The fields of a data set's items, known from the options before a file is opened. No Paddle here."""

from dataclasses import dataclass
from typing import Annotated, Literal

from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.tree import from_tree
from ppgan_lite.schema.types import Range

MOST_CLASSES = 2**16  # in a record
LEVELS = 256  # 8 bits
DIMENSIONS = {"image": 3, "point": 3, "label": 0, "attributes": 0}  # length of the shape of each kind


@dataclass(frozen=True)
class Field:
    """One field of every item.

    Attributes:
        kind: `image`: pixels, float32 in [-1, 1]; `point`: coordinates as an image of one pixel; `label`: a class;
            `attributes`: float32, 1 for each attribute that the item has, 0 for the others.
        shape: the shape of one item: an image has C, H, W, a point dims, 1, 1, a label or attributes none.
        levels: number of values that a number of an image can have, at even distances from -1 to 1.
        names: the class names of a label, in the labels' order, or the names of attributes; empty if they are not known
            before the data is built. Attributes called GROUP=VALUE exclude each other: an item has one of each group.
    """

    kind: Literal["image", "point", "label", "attributes"]
    shape: tuple[Annotated[int, Range(1, 2**16)], ...] = ()
    names: tuple[str, ...] = ()
    levels: Annotated[int, Range(2, LEVELS)] = LEVELS

    @property
    def has_pixels(self) -> bool:
        """Whether networks take the field as [N, C, H, W]."""
        return self.kind in ("image", "point")


Spec = dict[str, Field]  # fields by name, in order


def images(shape: tuple[int, int, int], class_names=(), levels: int = LEVELS) -> Spec:
    """The fields of labelled images [C, H, W]."""
    return {"image": Field("image", tuple(shape), levels=levels), "label": Field("label", names=tuple(class_names))}


def points(dims: int, class_names=()) -> Spec:
    """The fields of labelled points."""
    return {"image": Field("point", (dims, 1, 1)), "label": Field("label", names=tuple(class_names))}


def pair(shape: tuple[int, int, int]) -> Spec:
    """The fields of images [C, H, W] of two domains."""
    return {"a": Field("image", tuple(shape)), "b": Field("image", tuple(shape))}


def with_attributes(shape: tuple[int, int, int], names=()) -> Spec:
    """The fields of images [C, H, W] with attributes."""
    return {"image": Field("image", tuple(shape)), "attributes": Field("attributes", names=tuple(names))}


def groups_of(names: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """The indices of attributes, grouped: those called GROUP=VALUE with one GROUP; any other is a group of its own."""
    groups = {}
    for index, name in enumerate(names):
        group, equals, _ = name.partition("=")
        groups.setdefault(group if equals else (name, index), []).append(index)
    return tuple(map(tuple, groups.values()))


def has_points(spec: Spec) -> bool:
    """Whether the items are points (data/gaussians.py)."""
    return any(field.kind == "point" for field in spec.values())


def to_record(spec: Spec) -> dict:
    """The fields as they are recorded in run.json."""
    return {
        name: {"kind": f.kind, "shape": list(f.shape), "names": list(f.names), "levels": f.levels}
        for name, f in spec.items()
    }


def from_record(record) -> Spec:
    """The fields from a record that `to_record` made.

    Raises:
        ConfigError: not such a record.
    """
    spec = from_tree(record, "fields", dict[str, Field], others=True)
    for name, field in spec.items():
        most = 0 if field.has_pixels else MOST_CLASSES
        if len(field.shape) != DIMENSIONS[field.kind] or len(field.names) > most:
            raise ConfigError(f"fields.{name}: no {field.kind} has this shape or so many names")
    return spec
