"""The types of options: numbers with ranges, and sections with a `name`."""

import importlib
from dataclasses import dataclass
from typing import Annotated, ClassVar


@dataclass(frozen=True)
class Range:
    """The allowed values of a number, from `low` to `high`; both are included, except those in `open_ends`."""

    low: float | None = None
    high: float | None = None
    open_ends: str = ""  # any of "low" and "high"

    def __contains__(self, value):
        above = self.low is None or (value > self.low if "low" in self.open_ends else value >= self.low)
        below = self.high is None or (value < self.high if "high" in self.open_ends else value <= self.high)
        return above and below

    def __str__(self):
        ends = [] if self.low is None else [f"{'above' if 'low' in self.open_ends else 'at least'} {self.low}"]
        ends += [] if self.high is None else [f"{'below' if 'high' in self.open_ends else 'at most'} {self.high}"]
        return " and ".join(ends)


Count = Annotated[int, Range(1)]
Width = Annotated[int, Range(1, 4096)]  # units or feature maps of a layer
Seed = Annotated[int, Range(0, 2**32 - 1)]
Positive = Annotated[float, Range(0, open_ends="low")]
Weight = Annotated[float, Range(0)]  # weight of a term in a loss
Share = Annotated[float, Range(0, 1, open_ends="high")]  # a fraction, or the decay of a moving average


@dataclass(frozen=True)
class Named:
    """A section of a config: its `name` chooses this class from a table, and BUILT_BY names what it configures."""

    BUILT_BY: ClassVar[str]  # "package.module.name" of the class or function that takes these options

    name: str

    def builder(self):
        """The class or function that BUILT_BY names. Imports its module, and so Paddle."""
        module, _, name = self.BUILT_BY.rpartition(".")
        return getattr(importlib.import_module(module), name)
