"""The types of options: numbers with ranges, and sections with a `name`."""

import importlib
import re
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


@dataclass(frozen=True)
class Matching:
    """The texts that a regular expression matches as a whole."""

    pattern: str

    def __contains__(self, value):
        return re.fullmatch(self.pattern, value, re.ASCII) is not None

    def __str__(self):
        return f"text that matches {self.pattern}"


@dataclass(frozen=True)
class Length:
    """The allowed lengths of a list: up to `most` values."""

    most: int

    def __contains__(self, value):
        return len(value) <= self.most

    def __str__(self):
        return f"at most {self.most} values"


Count = Annotated[int, Range(1, 10**9)]
Repeats = Annotated[int, Range(1, 1000)]  # updates in a step: all their batches are in memory at once
Width = Annotated[int, Range(1, 4096)]  # units or feature maps of a layer
Seed = Annotated[int, Range(0, 2**32 - 1)]
Positive = Annotated[float, Range(0, open_ends="low")]
Weight = Annotated[float, Range(0)]  # weight of a term in a loss
Share = Annotated[float, Range(0, 1, open_ends="high")]  # a fraction, or the decay of a moving average
Measured = Annotated[float, Range(-1e100, 1e100)]  # in a record: squares and sums of it are finite
Word = Annotated[str, Matching(r"\w[\w.-]{0,99}")]  # part of the name of a file, in a record
Whole = Annotated[int, Range(0, 2**53)]  # a step or a number of images, in a record


@dataclass(frozen=True)
class Named:
    """A section of a config: its `name` chooses this class from a table, and BUILT_BY names what it configures."""

    BUILT_BY: ClassVar[str]  # "package.module.name" of the class or function that takes these options
    ONLY_WITH: ClassVar[dict] = {}  # keys without effect for some values of another: key -> (other, its other values)

    name: str

    def builder(self):
        """The class or function that BUILT_BY names. Imports its module, and so Paddle."""
        module, _, name = self.BUILT_BY.rpartition(".")
        return getattr(importlib.import_module(module), name)
