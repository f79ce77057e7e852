"""Replace a data set that is not available by another, with a banner that nobody overlooks."""

import dataclasses
import sys
import textwrap

from ppgan_lite.data.options import DATASETS
from ppgan_lite.errors import DataError, one_line

WIDTH = 100  # width of the banner, in characters


def stand_in_options(asked):
    """The options of data set `asked.offline`: shared keys are copied from `asked`, the rest keep their defaults."""
    kind = DATASETS[asked.offline]
    shared = {field.name for field in dataclasses.fields(kind)} & {field.name for field in dataclasses.fields(asked)}
    return kind(**{key: getattr(asked, key) for key in shared} | {"name": asked.offline})


def stand_in(asked, split: str, build, folder: str, reason: DataError):
    """Build the data set `asked.offline` in place of the one asked for, with a banner on stderr.

    Args:
        asked: options of the data set that is not available.
        split: `train` or `test`.
        build: builds the stand-in: build(options, split, stands_in_for=name).
        folder: name of the folder for the files of the data set asked for.
        reason: why it is not available.

    Raises:
        DataError: `reason`, if `asked.offline` is null or there is no such option; or the stand-in fails, too.
    """
    if getattr(asked, "offline", None) is None:
        raise reason
    try:
        dataset = build(stand_in_options(asked), split, stands_in_for=asked.name)
    except DataError as error:
        raise DataError(f"{reason}; its stand-in {asked.offline} is not available either: {error}") from error
    texts = [
        f"NOT {_title(asked.name)}: {_title(asked.offline)} instead.",
        getattr(reason, "summary", str(reason)),
        *(f"- {why}" for why in getattr(reason, "reasons", ())),  # one per mirror and folder
        f"For the real data, put its files into a folder {folder}/ and set PPGAN_DATA to the parent folder; "
        "to stop with an error instead, set data.offline to null.",
    ]
    bar = "*" * WIDTH
    print("\n".join([bar, *(line for text in texts for line in _wrapped(text)), bar]), file=sys.stderr)
    return dataset


def _wrapped(text: str) -> list[str]:
    """A text as lines of the banner. A word that is too long, such as an address, stays whole."""
    more = "*    " if text.startswith("- ") else "*  "
    wrapper = textwrap.TextWrapper(WIDTH, initial_indent="*  ", subsequent_indent=more)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.wrap(one_line(text))


def _title(name: str) -> str:
    return name.upper().replace("_", " ")
