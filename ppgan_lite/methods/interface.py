"""Descriptions of the networks' inputs and outputs, for samplers and for users of an export."""

from dataclasses import dataclass
from typing import Literal

from ppgan_lite.data.spec import Field


@dataclass(frozen=True)
class Port:
    """One input or output of a network.

    Attributes:
        name: the tensor's name.
        shape: the shape of one item, without the batch; None for a height and width that are free.
        meaning: the meaning of the values, in words.
        dtype: the tensor's type.
        range: the smallest and the largest value; None: any number.
        distribution: how an input is drawn, each element independently: "normal" is N(0, 1); "uniform" is uniform over
            `range` (for integers both ends included). None: not drawn; within this suite the input is `value`, or where
            there is none, the data's field of the port's name.
        layout: the order of dimensions of pictures; None for anything else.
        names: the name of each class or attribute; None where the values are neither.
        multiple: what a free height and width must be multiples of; all free pictures of a network have one size. None:
            the shape has no free sizes.
        value: what each element of an input is, unless the user gives another value within `range`; None: no such
            value. An input that has one is not drawn.
    """

    name: str
    shape: tuple[int | None, ...]
    meaning: str
    dtype: str = "float32"
    range: tuple[float, float] | None = None
    distribution: Literal["normal", "uniform"] | None = None
    layout: Literal["NCHW"] | None = None
    names: tuple[str, ...] | None = None
    multiple: int | None = None
    value: float | None = None


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a network, in the order of `forward`."""

    meaning: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


LOGITS = Port("logits", (1,), "above 0: rather real; below 0: rather generated")
PATCH_LOGITS = Port("logits", (1, None, None), "one per patch; above 0: rather real; below 0: rather generated")


def picture_port(field: Field, name: str = "images", multiple: int | None = None) -> Port:
    """The port of pictures: a field of the data as networks' input or output.

    Args:
        multiple: the pictures may have any height and width that are multiples of this; None: only the field's.
    """
    shape = field.shape if multiple is None else (field.shape[0], None, None)
    meaning = "pictures, from black (-1) to white (1)"
    return Port(name, shape, meaning, range=(-1, 1), layout="NCHW", multiple=multiple)


def label_port(field: Field) -> Port:
    """The port `labels`: a field of the data as networks' input."""
    last = len(field.names) - 1
    return Port("labels", (), "the class", "int64", (0, last), distribution="uniform", names=field.names)
