"""Trees of plain values, as YAML and JSON give them, checked and turned into dataclasses that may hold others."""

import dataclasses
import functools
import json
import types
import typing

from ppgan_lite.errors import ConfigError, one_line
from ppgan_lite.schema.check import check_keys, check_value, required_keys, show

MOST_LEVELS = 32  # levels of a record: no record of this suite has more than 6
MOST_SHOWN = 400  # characters of what is wrong with a record


def parse_json(content: bytes):
    """The values in a JSON text, of which each number is finite and each key appears once.

    Raises:
        ConfigError: it is not such a text, or has more than MOST_LEVELS levels.
    """
    try:
        tree = json.loads(content, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # ValueError: also of text that is not UTF-8 and of endless numbers
        raise ConfigError(cut(f"not JSON: {error}")) from error
    _check_levels(tree, MOST_LEVELS)
    return tree


def to_json(tree) -> bytes:
    """A tree as JSON for people to read, in UTF-8.

    What UTF-8 cannot have, half of a surrogate pair from the name of a file, is written as JSON's escape for it.
    """
    return json.dumps(tree, indent=1, ensure_ascii=False).encode(errors="backslashreplace")


def read_record(tree, cls: type):
    """The values of a record as the dataclass `cls`; keys that it does not have are of another version, and left out.

    Raises:
        ConfigError: naming the first key that is wrong, in a few words.
    """
    if not isinstance(tree, dict):
        raise ConfigError("not a record")
    try:
        _check_levels(tree, MOST_LEVELS)
        return from_tree(tree, "", cls, others=True)
    except ConfigError as error:
        raise ConfigError(cut(str(error))) from error


def from_tree(tree, where: str, hint, readers=None, others: bool = False):
    """A value as the type `hint`: a dataclass, a list of one, a dict, or a type of `schema.check.check_value`.

    Args:
        where: the value's key, for messages; empty for the whole file.
        readers: type -> function(tree, where) that reads values of this type.
        others: whether sections may have keys that their dataclass does not have. They are left out.

    Raises:
        ConfigError: naming the first key that is wrong.
    """
    readers = readers or {}
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in readers:
        return readers[hint](tree, where)
    if origin in (typing.Union, types.UnionType):  # X | None, str | int | bool
        if type(tree) in inner and type(tree) is not float:  # a float may be infinite
            return tree
        return from_tree(tree, where, inner[0], readers, others)
    if dataclasses.is_dataclass(hint):
        return _dataclass(tree, where, hint, readers, others)
    if origin is tuple and dataclasses.is_dataclass(inner[0]):
        if not isinstance(tree, list):
            raise ConfigError(f"{where}: expected a list, got {show(tree)}")
        return tuple(from_tree(each, f"{where}[{i}]", inner[0], readers, others) for i, each in enumerate(tree))
    if dict in (hint, origin):
        check_keys(tree, where, allowed=None, required=())
        return {
            key: from_tree(each, f"{where}.{key}", inner[1], readers, others) if inner else each
            for key, each in tree.items()
        }
    return check_value(tree, where, hint)


def _dataclass(tree, where: str, cls: type, readers: dict, others: bool):
    hints, required = _keys(cls)
    check_keys(tree, where, allowed=None if others else hints, required=required)
    prefix = f"{where}." if where else ""
    known = {key: each for key, each in tree.items() if key in hints}
    return cls(**{key: from_tree(each, f"{prefix}{key}", hints[key], readers, others) for key, each in known.items()})


@functools.cache
def _keys(cls: type) -> tuple[dict, list[str]]:
    """The types of a dataclass's keys, and the keys that it must be given. A log has thousands of lines to check."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}, required_keys(cls)


def _check_levels(tree, most: int):
    """Refuse a tree with more levels than `most`: later, it could exceed Python's limit for nested calls."""
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if inner and not most:
        raise ConfigError(f"more than {MOST_LEVELS} levels")
    for each in inner:
        if isinstance(each, dict | list):
            _check_levels(each, most - 1)


def _refuse(constant: str):
    raise ValueError(f"{constant} is not a number")


def _unique(pairs: list[tuple]) -> dict:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        raise ValueError("a key appears twice")
    return tree


def cut(text: str) -> str:
    """What is wrong with a record, on one line and in at most MOST_SHOWN characters: it may quote the record."""
    words = one_line(text)
    return words if len(words) <= MOST_SHOWN else f"{words[:MOST_SHOWN]} ..."
