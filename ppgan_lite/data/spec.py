"""What the items of a data set hold, field by field: known from the options, before a file is opened. No Paddle."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Field:
    """One field of every item.

    Attributes:
        kind: `image`: pixels, float32 in [-1, 1]; `point`: coordinates as an image of one pixel; `label`: a class.
        shape: of one item: C, H, W of an image, dims, 1, 1 of a point, nothing of a label.
        names: what each value of a label means; empty where only the files can tell.
    """

    kind: Literal["image", "point", "label"]
    shape: tuple[int, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def has_pixels(self) -> bool:
        """Whether networks take it as [N, C, H, W]."""
        return self.kind != "label"


Spec = dict[str, Field]  # the fields by their names, in their order


def images(shape: tuple[int, int, int], class_names=()) -> Spec:
    """The fields of images [C, H, W] with a label each."""
    return {"image": Field("image", tuple(shape)), "label": Field("label", names=tuple(class_names))}


def points(dims: int, class_names=()) -> Spec:
    """The fields of points with a label each."""
    return {"image": Field("point", (dims, 1, 1)), "label": Field("label", names=tuple(class_names))}


def to_record(spec: Spec) -> dict:
    """The fields as run.json has them."""
    return {name: {"kind": f.kind, "shape": list(f.shape), "names": list(f.names)} for name, f in spec.items()}


def from_record(record: dict) -> Spec:
    """What `to_record` made.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: it is something else.
    """
    return {
        name: Field(f["kind"], tuple(int(size) for size in f["shape"]), tuple(map(str, f["names"])))
        for name, f in record.items()
    }
