"""Check nested plain values, as YAML gives them, against dataclasses. Each ConfigError names the wrong key."""

import dataclasses
import difflib
import types
import typing

from ppgan_lite.errors import ConfigError


def check_named(tree, where: str, table: dict[str, type]):
    """A section as the class that `table` has for its `name`. Raises ConfigError."""
    check_keys(tree, where, allowed=None, required=("name",))
    if not isinstance(tree["name"], str) or tree["name"] not in table:
        raise ConfigError(_unknown_value(f"{where}.name", tree["name"], table))
    return check_dataclass(tree, where, table[tree["name"]])


def check_dataclass(tree, where: str, cls: type):
    """A section as the dataclass `cls`, with every value checked against its type. Raises ConfigError."""
    check_keys(tree, where, allowed=[field.name for field in dataclasses.fields(cls)], required=required_keys(cls))
    hints = typing.get_type_hints(cls, include_extras=True)
    return cls(**{key: check_value(value, f"{where}.{key}", hints[key]) for key, value in tree.items()})


def required_keys(cls: type) -> list[str]:
    """The keys of a dataclass without a default."""
    return [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]


def check_keys(tree, where: str, allowed, required):
    """Check that a section is a dict with the right keys.

    Args:
        tree: the section.
        where: the section's key, for messages; empty for the whole file.
        allowed: the allowed keys; None: any.
        required: the keys that must be there.

    Raises:
        ConfigError: it names the first wrong key.
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
    """`value` as the type `hint`. Raises a ConfigError that names the key `where`."""
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
        if arguments[-1] is Ellipsis:  # any length
            if not isinstance(value, list | tuple):
                raise ConfigError(f"{where}: expected a list, for example [], got {show(value)}")
            arguments = arguments[:1] * len(value)
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise ConfigError(f"{where}: expected a list of {len(arguments)} values, got {show(value)}")
        return tuple(check_value(x, f"{where}[{i}]", a) for i, (x, a) in enumerate(zip(value, arguments, strict=True)))
    return _scalar(value, where, hint)


def _scalar(value, where: str, cls: type):
    if cls is float:
        # YAML 1.1 reads 2e-4 (no dot) as a string.
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            number = None
        if number is not None and number - number == 0:  # finite
            return number
    elif type(value) is cls:  # not isinstance: a bool is an int
        return value
    expected = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[cls]
    raise ConfigError(f"{where}: expected {expected}, got {show(value)}")


def _unknown_value(where: str, value, allowed) -> str:
    return f"{where}: unknown value {show(value)}; allowed: {', '.join(map(str, allowed))}{nearest(value, allowed)}"


def nearest(word, allowed) -> str:
    """The end of a message: `; did you mean X?` with the allowed word most similar to `word`, or nothing."""
    match = difflib.get_close_matches(str(word), [str(x) for x in allowed], n=1)
    return f"; did you mean {match[0]}?" if match else ""


def show(value) -> str:
    """A value in a message."""
    return "nothing" if value is None else repr(value)
