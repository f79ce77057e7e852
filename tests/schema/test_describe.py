"""Options in words."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ppgan_lite.schema.describe import Key, describe, summary
from ppgan_lite.schema.types import Count, Named, Range, Share


@dataclass(frozen=True)
class Base(Named):
    """What all have."""

    size: Count = 1  # of the base # and more


@dataclass(frozen=True)
class Options(Base):
    """A class of options.

    Its first line is the summary.
    """

    KIND: ClassVar = "x"  # not an option

    size: Count = 8
    mode: Literal["a", "b", "c"] | None = None  # how
    rate: Annotated[float, Range(0, 0.2, open_ends="low")] = 0.1
    pair: tuple[Share, Share] = (0.5, 0.9)
    widths: tuple[int, ...] = ()  # see `"# size"`
    text: str | None = "none"
    on: bool = False


def test_each_key_has_its_type_default_and_comment():
    assert describe(Options) == [
        Key("name", "text", None, ""),
        Key("size", "whole number, at least 1 and at most 1000000000", "8", "of the base # and more"),
        Key("mode", "a, b or c, or null", "null", "how"),
        Key("rate", "number, above 0 and at most 0.2", "0.1", ""),
        Key("pair", "list of 2; each: number, at least 0 and below 1", "[0.5, 0.9]", ""),
        Key("widths", "list; each: whole number", "[]", 'see `"# size"`'),
        Key("text", "text, or null", "none", ""),
        Key("on", "true or false", "false", ""),
    ]


def test_the_summary_is_the_first_line():
    assert summary(Options) == "A class of options."
