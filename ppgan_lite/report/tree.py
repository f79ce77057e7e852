"""Trees of plain values, as YAML and JSON give them, checked and turned into dataclasses that may hold others."""

import dataclasses
import typing

from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.check import check_keys, check_value, required_keys


def from_tree(tree, where: str, hint, readers=None):
    """A value as the type `hint`: a dataclass, a list of one, a dict, or a type of `schema.check.check_value`.

    Args:
        where: the value's key, for messages; empty for the whole file.
        readers: type -> function(tree, where) that reads values of this type.

    Raises:
        ConfigError: naming the first key that is wrong.
    """
    readers = readers or {}
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in readers:
        return readers[hint](tree, where)
    if dataclasses.is_dataclass(hint):
        return _dataclass(tree, where, hint, readers)
    if origin is tuple and dataclasses.is_dataclass(inner[0]):
        if not isinstance(tree, list):
            raise ConfigError(f"{where}: expected a list, got {tree!r}")
        return tuple(from_tree(each, f"{where}[{i}]", inner[0], readers) for i, each in enumerate(tree))
    if dict in (hint, origin):
        check_keys(tree, where, allowed=None, required=())
        return {
            key: from_tree(each, f"{where}.{key}", inner[1], readers) if inner else each for key, each in tree.items()
        }
    return check_value(tree, where, hint)


def _dataclass(tree, where: str, cls: type, readers: dict):
    check_keys(tree, where, allowed=[field.name for field in dataclasses.fields(cls)], required=required_keys(cls))
    hints = typing.get_type_hints(cls, include_extras=True)
    prefix = f"{where}." if where else ""
    return cls(**{key: from_tree(each, f"{prefix}{key}", hints[key], readers) for key, each in tree.items()})
