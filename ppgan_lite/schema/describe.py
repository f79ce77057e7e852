"""The keys of an options class in words: type, range, default, and the comment in its source."""

import ast
import dataclasses
import inspect
import io
import tokenize
import types
import typing
from typing import NamedTuple

WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}


class Key(NamedTuple):
    """One key of a section: its type and range, its default (None: it must be given) and what it means."""

    name: str
    type: str
    default: str | None
    comment: str


def describe(cls: type) -> list[Key]:
    """The keys of a dataclass, in its order."""
    hints, comments = typing.get_type_hints(cls, include_extras=True), {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            comments |= _comments(base)
    return [
        Key(
            field.name,
            _type(hints[field.name]),
            None if field.default is dataclasses.MISSING else _value(field.default),
            comments.get(field.name, ""),
        )
        for field in dataclasses.fields(cls)
    ]


def summary(cls: type) -> str:
    """The first line of the class's docstring."""
    return inspect.getdoc(cls).splitlines()[0]


def _comments(cls: type) -> dict[str, str]:
    """Key -> the comment at the end of its line in the class."""
    source = inspect.getsource(cls)
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.end[0]: token.string[1:].strip() for token in tokens if token.type == tokenize.COMMENT}
    (node,) = ast.parse(source).body
    fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
    return {field.target.id: comments[field.end_lineno] for field in fields if field.end_lineno in comments}


def _type(hint) -> str:
    """A type that `check_value` knows, in words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):  # X | None
        return f"{_type(arguments[0])}, or null"
    if origin is typing.Annotated:
        return f"{_type(arguments[0])}, {arguments[1]}"
    if origin is typing.Literal:
        *others, last = map(str, arguments)
        return f"{', '.join(others)} or {last}" if others else last
    if origin is tuple:
        length = "" if arguments[-1] is Ellipsis else f" of {len(arguments)}"
        return f"list{length}; each: {_type(arguments[0])}"
    return WORDS[hint]


def _value(value) -> str:
    """A default as YAML has it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
