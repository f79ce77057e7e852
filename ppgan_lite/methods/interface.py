"""What the networks of a method take and give, for those who run them without this suite."""

from dataclasses import dataclass
from typing import Literal

from ppgan_lite.data.spec import Field


@dataclass(frozen=True)
class Port:
    """One input or output of a network.

    Attributes:
        name: of the tensor.
        shape: of one item; the batch comes before it.
        meaning: in words.
        range: the least and the largest value; None for any number.
        distribution: of an input that is drawn, each number by itself: "normal" is N(0, 1); "uniform" is so over
            `range`, of integers with both ends; None: comes from outside; in this suite, from the data's field of
            that name.
        layout: of pictures; None for other things.
        names: of classes, what each number stands for.
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


LOGITS = Port("logits", (1,), "above 0: taken for real; below: for generated")


def picture_port(field: Field, name: str = "images") -> Port:
    """Pictures of a field of the data as the networks take and give them."""
    return Port(name, field.shape, "pictures, from black (-1) to white (1)", range=(-1, 1), layout="NCHW")
