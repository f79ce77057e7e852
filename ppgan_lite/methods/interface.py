"""Descriptions of the networks' inputs and outputs, for samplers and for users of an export."""

from dataclasses import dataclass
from typing import Literal

from ppgan_lite.data.spec import Field


@dataclass(frozen=True)
class Port:
    """One input or output of a network.

    Attributes:
        name: the tensor's name.
        shape: the shape of one item, without the batch.
        meaning: the meaning of the values, in words.
        dtype: the tensor's type.
        range: the smallest and the largest value; None: any number.
        distribution: how an input is drawn, each element independently: "normal" is N(0, 1); "uniform" is uniform over
            `range` (for integers both ends included). None: not drawn; within this suite the input is the data's field
            of the port's name.
        layout: the order of dimensions of pictures; None for anything else.
        names: the name of each class; None where the values are no classes.
    """

    name: str
    shape: tuple[int, ...]
    meaning: str
    dtype: str = "float32"
    range: tuple[float, float] | None = None
    distribution: Literal["normal", "uniform"] | None = None
    layout: Literal["NCHW"] | None = None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a network, in the order of `forward`."""

    meaning: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


LOGITS = Port("logits", (1,), "above 0: rather real; below 0: rather generated")


def picture_port(field: Field, name: str = "images") -> Port:
    """The port of pictures: a field of the data as networks' input or output."""
    return Port(name, field.shape, "pictures, from black (-1) to white (1)", range=(-1, 1), layout="NCHW")
