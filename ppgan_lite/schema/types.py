"""The types of options: numbers with ranges, and sections that are chosen by their name."""

import importlib
from dataclasses import dataclass
from typing import Annotated, ClassVar


@dataclass(frozen=True)
class Range:
    """The values a number may take, from `low` to `high`, both included unless `open_ends` names them."""

    low: float | None = None
    high: float | None = None
    open_ends: str = ""  # any of "low" and "high"

    def __contains__(self, value):
        above = self.low is None or (value > self.low if "low" in self.open_ends else value >= self.low)
        below = self.high is None or (value < self.high if "high" in self.open_ends else value <= self.high)
        return above and below

    def __str__(self):
        ends = [] if self.low is None else [f"{'above' if 'low' in self.open_ends else 'at least'} {self.low:g}"]
        ends += [] if self.high is None else [f"{'below' if 'high' in self.open_ends else 'at most'} {self.high:g}"]
        return " and ".join(ends)


Count = Annotated[int, Range(1)]
Width = Annotated[int, Range(1, 4096)]  # of a layer
Seed = Annotated[int, Range(0, 2**32 - 1)]
Positive = Annotated[float, Range(0, open_ends="low")]
Weight = Annotated[float, Range(0)]  # of a term in a loss
Share = Annotated[float, Range(0, 1, open_ends="high")]  # also the decay of a moving average: the share that is kept


@dataclass(frozen=True)
class Named:
    """A section of a config whose `name` chooses this class from a table. What it describes stands in BUILT_BY."""

    BUILT_BY: ClassVar[str]  # "package.module.name" of the class or function that builds it

    name: str

    def builder(self):
        """What BUILT_BY names. Imports its module, and with it Paddle."""
        module, _, name = self.BUILT_BY.rpartition(".")
        return getattr(importlib.import_module(module), name)
