"""Check nested values against dataclasses. Each ConfigError names the wrong key.

The values come from YAML (schema/text.py), where the expected type decides what a text is, or from JSON or Python.
"""

import dataclasses
import difflib
import math
import reprlib
import types
import typing

from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.text import MOST_DIGITS, Plain, escape_hint

MOST_SHOWN = 60  # characters of a value in a message

_repr = reprlib.Repr()
_repr.maxlevel = 2
_repr.maxstring = _repr.maxlong = _repr.maxother = MOST_SHOWN


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
    missing = dataclasses.MISSING
    return [field.name for field in dataclasses.fields(cls) if field.default is field.default_factory is missing]


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
                f"{prefix}{_show_key(key)}: unknown key; allowed: {', '.join(sorted(allowed))}{nearest(key, allowed)}"
            )
    for key in required:
        if key not in tree:
            raise ConfigError(f"{prefix}{key}: missing; this key must be given")


def check_value(value, where: str, hint):
    """`value` as the type `hint`. Raises a ConfigError that names the key `where`."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):  # X | None
        null = value is None or (is_tilde(value) and arguments[0] is not str)
        return None if null else check_value(value, where, arguments[0])
    if origin is typing.Annotated:
        checked = check_value(value, where, arguments[0])
        if checked not in arguments[1]:
            shown = show(list(checked) if isinstance(checked, tuple) else checked)
            raise ConfigError(f"{where}: must be {arguments[1]}, got {shown}")
        return checked
    if origin is typing.Literal:
        return _one_of(value, where, arguments)
    if origin is tuple:
        if arguments[-1] is Ellipsis:  # any length
            if not isinstance(value, list | tuple):
                raise ConfigError(f"{where}: expected a list, for example [], got {show(value)}")
            arguments = arguments[:1] * len(value)
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise ConfigError(f"{where}: expected a list of {len(arguments)} values, got {show(value)}")
        return tuple(check_value(x, f"{where}[{i}]", a) for i, (x, a) in enumerate(zip(value, arguments, strict=True)))
    return _scalar(value, where, hint)


def is_tilde(value) -> bool:
    """Whether a value is YAML's ~, which is null unless a text is expected."""
    return isinstance(value, Plain) and value == "~"


def _one_of(value, where: str, allowed: tuple):
    """The allowed value that a value is. The types must agree: 1 == 1.0 == True."""
    for each in allowed:
        if (type(each) is type(value) and each == value) or (isinstance(value, Plain) and str(each) == value):
            return each
    raise ConfigError(_unknown_value(where, value, allowed))


def _scalar(value, where: str, cls: type):
    read = value.read(cls) if isinstance(value, Plain) else _as_it_is(value, cls)
    if read is None:
        expected = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}[cls]
        if isinstance(value, str) and len(value) > MOST_DIGITS:
            expected += f" of at most {MOST_DIGITS} characters"
        raise ConfigError(f"{where}: expected {expected}, got {show(value)}")
    if cls is str and not _is_possible(read):
        raise ConfigError(f"{where}: {show(read)} has a character that file names cannot have{escape_hint(read)}")
    return read


def _as_it_is(value, cls: type):
    """A value of Python as the type `cls`; None if it has another. A bool is no int, but an int may be a float."""
    if type(value) is cls and cls is not float:
        return value
    if cls is not float or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)  # a str: YAML 1.1 reads 2e-4 (no dot) as one
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_possible(text: str) -> bool:
    """Whether the system may take a text as a file name: no zero, no half of a surrogate pair."""
    try:
        return b"\0" not in text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False


def _unknown_value(where: str, value, allowed) -> str:
    return f"{where}: unknown value {show(value)}; allowed: {', '.join(map(str, allowed))}{nearest(value, allowed)}"


def nearest(word, allowed) -> str:
    """The end of a message: `; did you mean X?` with the allowed word most similar to `word`, or nothing."""
    words = {str(x).lower(): x for x in allowed}
    match = difflib.get_close_matches(show(word).strip("'").lower(), words, n=1)
    return f"; did you mean {words[match[0]]}?" if match else ""


def _show_key(key) -> str:
    """A key in a message: without quotes, if it is a word."""
    is_word = isinstance(key, str) and 0 < len(key) <= MOST_SHOWN and key.isprintable() and " " not in key
    return key if is_word else "null" if key is None else show(key)


def show(value) -> str:
    """A value in a message: one line of at most MOST_SHOWN characters."""
    if value is None:
        return "nothing"
    try:
        words = " ".join(_repr.repr(value).split())
    except ValueError:
        return "a number of too many digits"  # Python writes whole numbers only up to 4,300 digits
    return words if len(words) <= MOST_SHOWN else f"{words[: MOST_SHOWN - 3]}..."
