"""The fields of a data set's items, known from the options before a file is opened. No Paddle here."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Field:
    """One field of every item.

    Attributes:
        kind: `image`: pixels, float32 in [-1, 1]; `point`: coordinates as an image of one pixel; `label`: a class.
        shape: the shape of one item: an image has C, H, W, a point dims, 1, 1, a label none.
        names: the class names of a label, in the labels' order; empty if they are not known before the data is built.
    """

    kind: Literal["image", "point", "label"]
    shape: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def has_pixels(self) -> bool:
        """Whether networks take the field as [N, C, H, W]."""
        return self.kind != "label"


Spec = dict[str, Field]  # fields by name, in order


def images(shape: tuple[int, int, int], class_names=()) -> Spec:
    """The fields of labelled images [C, H, W]."""
    return {"image": Field("image", tuple(shape)), "label": Field("label", names=tuple(class_names))}


def points(dims: int, class_names=()) -> Spec:
    """The fields of labelled points."""
    return {"image": Field("point", (dims, 1, 1)), "label": Field("label", names=tuple(class_names))}


def has_points(spec: Spec) -> bool:
    """Whether the items are points (data/gaussians.py)."""
    return any(field.kind == "point" for field in spec.values())


def to_record(spec: Spec) -> dict:
    """The fields as they are recorded in run.json."""
    return {name: {"kind": f.kind, "shape": list(f.shape), "names": list(f.names)} for name, f in spec.items()}


def from_record(record: dict) -> Spec:
    """The fields from a record that `to_record` made.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: not such a record.
    """
    return {
        name: Field(f["kind"], tuple(int(size) for size in f["shape"]), tuple(map(str, f["names"])))
        for name, f in record.items()
    }
