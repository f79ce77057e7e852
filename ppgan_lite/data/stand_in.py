"""What takes the place of a data set that cannot be had, with a banner that nobody overlooks."""

import dataclasses
import sys

from ppgan_lite.data.options import DATASETS
from ppgan_lite.errors import DataError


def stand_in_options(asked):
    """The options of the data set that `asked.offline` names: those that `asked` has, too, and else its defaults."""
    kind = DATASETS[asked.offline]
    shared = {field.name for field in dataclasses.fields(kind)} & {field.name for field in dataclasses.fields(asked)}
    return kind(**{key: getattr(asked, key) for key in shared} | {"name": asked.offline})


def stand_in(asked, split: str, build, folder: str, reason: DataError):
    """Build the data set that stands in for another, with a banner on stderr.

    Args:
        asked: options of the data set that cannot be had.
        split: `train` or `test`.
        build: of the other: build(options, split, stands_in_for=name).
        folder: in which the user can put the files of the one asked for.
        reason: why it cannot be had.

    Raises:
        DataError: `asked.offline` is null or no option of it (then `reason`), or the other cannot be had, too.
    """
    if getattr(asked, "offline", None) is None:
        raise reason
    try:
        dataset = build(stand_in_options(asked), split, stands_in_for=asked.name)
    except DataError as error:
        raise DataError(f"{reason}; nor can {asked.offline} stand in: {error}") from error
    lines = [
        f"NOT {_title(asked.name)}: {_title(asked.offline)} instead.",
        str(reason),
        f"Put the files into a folder {folder}/ and set PPGAN_DATA to the folder above it for the real data;",
        "set data.offline to null to make this an error.",
    ]
    bar = "*" * 100
    print("\n".join([bar, *(f"*  {line}" for line in lines), bar]), file=sys.stderr)
    return dataset


def _title(name: str) -> str:
    return name.upper().replace("_", " ")
