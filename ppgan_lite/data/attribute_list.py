"""Lists of pictures' attributes in text files, like CelebA's list_attr_celeba.txt (Liu et al. 2015) or the CSV of it.

A list is UTF-8 text: a line with the number of pictures, which may be missing; a line with the names of the attributes;
then, for each picture, a line with its name and a value for each attribute: 1 if the picture has it, -1 or 0 if not.
Blanks separate them, and may be in a picture's name, which is its path below the root, or its last part, without
folders. In a CSV file commas separate them, and the line with the names of the attributes begins with a name for the
column of pictures.
"""

import csv
import dataclasses
import os
import posixpath

import numpy as np

from ppgan_lite.data import zip_files
from ppgan_lite.data.layout import as_text
from ppgan_lite.data.passed_over import shortened
from ppgan_lite.data.pictures import BadImageError
from ppgan_lite.errors import DataError, warn
from ppgan_lite.files import read_file
from ppgan_lite.schema.check import nearest, show

MAX_BYTES = 1 << 28  # limit for a list; CelebA's, of 202,599 pictures and 40 attributes, has 27 MB
VALUES = {"1": 1, "-1": 0, "0": 0}  # in a list -> whether the picture has the attribute


@dataclasses.dataclass(frozen=True)
class AttributeList:
    """What a list of attributes says.

    Attributes:
        path: where it is, for messages.
        names: the attributes' names, c.
        rows: name of a picture -> its row in `values`; the rows are in order.
        values: uint8 [number of pictures, c], each 0 or 1.
    """

    path: str
    names: tuple[str, ...]
    rows: dict[str, int]
    values: np.ndarray

    def find(self, files) -> np.ndarray:
        """The row of each of some files, paths as bytes: int64 [N], -1 for a file that is not in the list.

        If the path of a file is not in the list, its name without folders counts.
        """
        paths = [as_text(file) for file in files]
        rows = [self.rows.get(path, self.rows.get(posixpath.basename(path), -1)) for path in paths]
        return np.array(rows, "int64")

    def choose(self, names: tuple[str, ...]) -> "AttributeList":
        """The list with some of the attributes, in the order of `names`.

        Raises:
            DataError: one is not in the list.
        """
        for name in names:
            if name not in self.names:
                raise DataError(
                    f"data.attributes: {show(name)} is not in {self.path}, which has {', '.join(self.names)}"
                    f"{nearest(name, self.names)}"
                )
        columns = [self.names.index(name) for name in names]
        return dataclasses.replace(self, names=names, values=self.values[:, columns])


def read_list(origin: str, file: str) -> AttributeList:
    """Read a list of attributes.

    Args:
        origin: absolute path of a folder or zip file.
        file: the list's path below it.

    Raises:
        DataError: it cannot be read or is damaged; the message names the line.
    """
    path = os.path.join(origin, file)
    # not splitlines, which also splits at characters that may be in a file's name
    lines = [(number, line) for number, line in enumerate(_text(origin, file).split("\n"), 1) if line.strip()]
    count = int(lines.pop(0)[1]) if lines and _is_count(lines[0][1]) else None
    if len(lines) < 2:
        raise _error(path, "it needs a line with the names of the attributes, and a line for each picture")
    is_csv = "," in lines[0][1]
    names, rows, values = _names(path, *lines[0], is_csv), {}, bytearray()
    for number, line in lines[1:]:
        name, of_picture = _parse(path, number, line, len(names), is_csv)
        if name in rows:
            raise _error(path, f"line {number}: {shortened(name)} is in the list twice")
        rows[name] = len(rows)
        values += of_picture
    if count not in (None, len(rows)):
        warn(f"{path}: its first line says {count} pictures, but it has {len(rows)}: is it complete?")
    return AttributeList(path, names, rows, np.frombuffer(values, np.uint8).reshape(len(rows), len(names)))


def _text(origin: str, file: str) -> str:
    """A text file below a folder or in a zip file, without a byte-order mark. Raises DataError."""
    path = os.path.join(origin, file)
    try:
        is_folder = os.path.isdir(origin)
        content = read_file(path, MAX_BYTES) if is_folder else zip_files.read_file(origin, file, MAX_BYTES)
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _error(path, f"line {line}: not UTF-8; save the list as text in UTF-8") from error
    except (OSError, BadImageError) as error:
        raise _error(path, f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _is_count(line: str) -> bool:
    return line.strip().isdecimal() and len(line.strip()) < 10


def _cells(line: str) -> list[str]:
    """The cells of a line of a CSV file; none if it is damaged."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], strict=True, skipinitialspace=True))]
    except csv.Error:
        return []


def _names(path: str, number: int, line: str, is_csv: bool) -> tuple[str, ...]:
    """The names of the attributes in a line. Raises DataError."""
    words = _cells(line)[1:] if is_csv else line.split()
    names = tuple(as_text(name.encode()) for name in words)
    if VALUES.keys() & set(names) or not all(names) or not names:
        way = "with blanks or commas between them"
        raise _error(path, f"line {number}: it must have the names of the attributes, {way}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _error(path, f"line {number}: the attribute {shortened(twice)} appears twice")
    return names


def _parse(path: str, number: int, line: str, num: int, is_csv: bool) -> tuple[str, bytes]:
    """The name of a picture and its `num` values, each 0 or 1, in a line. Raises DataError."""
    name, *values = (_cells(line) or [""]) if is_csv else line.rsplit(maxsplit=num)
    if len(values) != num or not name:
        raise _error(path, f"line {number}: values: {len(values)}, attributes: {num}")
    try:
        has = bytes(map(VALUES.__getitem__, values))
    except KeyError as error:
        problem = f"{show(error.args[0])} in place of 1, -1 or 0, or too few values"
        raise _error(path, f"line {number}: {problem}") from error
    return as_text(posixpath.normpath(name.strip().replace("\\", "/")).encode()), has


def _error(path: str, problem: str) -> DataError:
    return DataError(f"data.list_file: {path}: {problem}")
