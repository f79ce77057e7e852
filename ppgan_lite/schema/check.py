"""Trees of plain values, as YAML gives them, checked against dataclasses: or one ConfigError that names the key."""

import dataclasses
import difflib
import types
import typing

from ppgan_lite.errors import ConfigError


def check_named(tree, where: str, table: dict[str, type]):
    """Check a section against the class that `table` has under the section's own `name`."""
    check_keys(tree, where, allowed=None, required=("name",))
    if not isinstance(tree["name"], str) or tree["name"] not in table:
        raise ConfigError(_unknown_value(f"{where}.name", tree["name"], table))
    return check_dataclass(tree, where, table[tree["name"]])


def check_dataclass(tree, where: str, cls: type):
    """A section as the dataclass `cls`, every field checked against its type. Raises ConfigError."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    required = [name for name, field in fields.items() if field.default is dataclasses.MISSING]
    check_keys(tree, where, allowed=fields, required=required)
    hints = typing.get_type_hints(cls, include_extras=True)
    return cls(**{key: check_value(value, f"{where}.{key}", hints[key]) for key, value in tree.items()})


def check_keys(tree, where: str, allowed, required):
    """Check that a section is one and has the keys it should.

    Args:
        where: its own key; empty for the whole file.
        allowed: keys; None for any.
        required: keys.

    Raises:
        ConfigError: naming the first key that is wrong.
    """
    if not isinstance(tree, dict):
        raise ConfigError(f"{where}: expected a section with keys, got {show(tree)}")
    prefix = f"{where}." if where else ""
    for key in tree if allowed is not None else ():
        if key not in allowed:
            raise ConfigError(
                f"{prefix}{key}: unknown key; allowed: {', '.join(sorted(allowed))}{nearest(key, allowed)}"
            )
    for key in required:
        if key not in tree:
            raise ConfigError(f"{prefix}{key}: missing; this key must be given")


def check_value(value, where: str, hint):
    """Return `value` as the type `hint` asks for, or raise a ConfigError that names `where`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):  # X | None
        return None if value is None else check_value(value, where, arguments[0])
    if origin is typing.Annotated:
        number = check_value(value, where, arguments[0])
        if number not in arguments[1]:
            raise ConfigError(f"{where}: must be {arguments[1]}, got {show(value)}")
        return number
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(_unknown_value(where, value, arguments))
        return value
    if origin is tuple:
        if arguments[-1] is Ellipsis:  # as many as are given
            if not isinstance(value, list | tuple):
                raise ConfigError(f"{where}: expected a list, for example [], got {show(value)}")
            arguments = arguments[:1] * len(value)
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise ConfigError(f"{where}: expected a list of {len(arguments)} values, got {show(value)}")
        return tuple(check_value(x, f"{where}[{i}]", a) for i, (x, a) in enumerate(zip(value, arguments, strict=True)))
    return _scalar(value, where, hint)


def _scalar(value, where: str, cls: type):
    if cls is float:
        # YAML 1.1 reads 2e-4 (no dot) as a string: take it as the number it is.
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            number = None
        if number is not None and number - number == 0:  # finite
            return number
    elif type(value) is cls:  # a bool is no int
        return value
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}[cls]
    raise ConfigError(f"{where}: expected {wanted}, got {show(value)}")


def _unknown_value(where: str, value, allowed) -> str:
    return f"{where}: unknown value {show(value)}; allowed: {', '.join(map(str, allowed))}{nearest(value, allowed)}"


def nearest(word, allowed) -> str:
    """The end of a message: which of the allowed words was meant, where one is near."""
    match = difflib.get_close_matches(str(word), [str(x) for x in allowed], n=1)
    return f"; did you mean {match[0]}?" if match else ""


def show(value) -> str:
    """A value as messages have it."""
    return "nothing" if value is None else repr(value)
