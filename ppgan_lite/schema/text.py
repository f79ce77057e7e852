"""Read YAML as sections, lists and texts: what type a text has is decided by the option that takes it.

So a folder may be called 123, 2024-01-01 or no, which YAML by itself reads as a number, a date and false.
"""

import math
import re

import yaml

from ppgan_lite.errors import ConfigError

MOST_VALUES = 10_000  # aliases count each time; docs/claims.yml has 700, a config fewer than 100
MOST_LEVELS = 20  # a config has 4
TOO_DEEP = f"more than {MOST_LEVELS} levels of sections and lists"
MOST_DIGITS = 100  # characters of a number
MOST_SHOWN = 120  # characters of a text in a message

NULLS = ("", "null", "Null", "NULL")  # not ~, which a text option takes as the home folder
BOOLS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
ESCAPES = "in double quotes a backslash is an escape: use single quotes, or / in place of each backslash"
TAG = "tag:yaml.org,2002:"

# Python's own errors come from \UFFFFFFFF, a number of thousands of digits in %YAML, endless nesting.
_YAML_ERRORS = (yaml.YAMLError, ValueError, OverflowError, RecursionError)


class Plain(str):
    """A text without quotes, as it stands in YAML: it may be a number, true or false, or text."""

    def read(self, cls: type):
        """The value as `bool`, `int`, `float` (finite) or `str`; None if it is none."""
        if cls is str:
            return str(self)
        if cls is bool:
            return BOOLS.get(self.lower())
        try:
            number = _NUMBERS[cls](str(self)) if len(self) <= MOST_DIGITS else math.nan
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def __repr__(self):
        """As in messages: without quotes, if it may be something else than text."""
        return str(self) if any(self.read(cls) is not None for cls in (bool, int, float)) else super().__repr__()


_NUMBERS = {int: lambda text: int(text, 16 if text[:2] in ("0x", "0X") else 10), float: float}


class _Loader(yaml.BaseLoader):
    """YAML as nested dicts, lists, `Plain` texts without quotes, `str` in quotes, and None."""

    num_values = 0  # found in the text
    num_read = 0  # and used: an alias uses a value again

    def compose_node(self, parent, index):
        self.num_values += 1
        self._check_number(self.num_values, self.peek_event())
        return super().compose_node(parent, index)

    def get_single_data(self):
        node = self.get_single_node()
        return None if node is None else self._read(node, MOST_LEVELS)

    def _read(self, node, levels: int):
        self.num_read += 1
        self._check_number(self.num_read, node)
        if not levels:
            raise _error(node, TOO_DEEP)
        if node.tag != TAG + _TAGS[type(node)]:
            raise _error(node, f"remove the tag {node.tag.replace(TAG, '!!')}: the type of a value is known")
        if isinstance(node, yaml.MappingNode):
            return self._section(node, levels - 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._read(each, levels - 1) for each in node.value]
        if node.style is None:
            return None if node.value in NULLS else Plain(node.value)
        return node.value

    def _section(self, node, levels: int) -> dict:
        section, merged = {}, {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error(key, "a key must be a word")
            if key.value in section or (merged and key.value == "<<"):
                raise _error(key, f"key {_cut(repr(key.value))} appears twice")
            read = self._read(value, levels)
            if key.value == "<<" and key.style is None:  # YAML's merge key: defaults for this section
                for each in read if isinstance(read, list) else [read]:
                    if not isinstance(each, dict):
                        raise _error(value, "<< needs a section")
                    merged = each | merged
            else:
                section[key.value] = read
        return merged | section

    def _check_number(self, number: int, place):
        if number > MOST_VALUES:
            raise _error(place, f"more than {MOST_VALUES} values (aliases, written *, count each time)")


_TAGS = {yaml.ScalarNode: "str", yaml.SequenceNode: "seq", yaml.MappingNode: "map"}


def parse_yaml(text: str, where: str):
    """The values in a YAML text: nested dicts, lists, `Plain` for a text without quotes, `str`, and None for null.

    Args:
        text: the text.
        where: where the text comes from, for messages.

    Raises:
        ConfigError: it is not valid YAML, or has a key twice in a section, a tag, or too many values.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 (a subclass of BaseLoader: texts only)
    except _YAML_ERRORS as error:
        raise ConfigError(f"{where}{_place(error, text)}: not valid YAML: {_problem(error)}") from error


def parse_text(text: str, where: str) -> str | None:
    """A text as it stands, but without quotes around it; null or nothing: None.

    Raises:
        ConfigError: in double quotes, it has an escape that YAML does not know.
    """
    if re.fullmatch(r"""'([^']|'')*'|"([^"\\]|\\.)*\"""", text, re.DOTALL):
        return parse_yaml(text, where)
    return None if text in NULLS else text


def escape_hint(text: str) -> str:
    """The end of a message about a text: how its control characters may have come about. Nothing if it has none."""
    return f"; {ESCAPES}" if re.search("[\0-\x1f\x7f-\xa0\u2028\u2029]", text) else ""


def _error(place, problem: str) -> yaml.MarkedYAMLError:
    """An error at the place of a node or an event."""
    return yaml.MarkedYAMLError(problem=problem, problem_mark=place.start_mark)


def _place(error: Exception, text: str) -> str:
    """`:LINE:COLUMN` of an error, or nothing if it is not known."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        return f":{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    mark = getattr(error, "problem_mark", None)
    return f":{mark.line + 1}:{mark.column + 1}" if mark else ""


def _problem(error: Exception) -> str:
    """What is wrong, in one line."""
    if isinstance(error, RecursionError):
        return TOO_DEEP
    if isinstance(error, yaml.reader.ReaderError):
        return f"the character #x{error.character:04x} is not allowed"
    if not isinstance(error, yaml.MarkedYAMLError):
        return "a number or an escape that is too large"
    problem, context = _cut(error.problem), error.context or ""
    if problem.startswith("but "):
        return f"{context} {problem}"
    if "double-quoted" in context and "escape" in problem:
        return f"{problem}; {ESCAPES}"
    return f"{problem}; indent with spaces, not with tabs" if "'\\t'" in problem else problem


def _cut(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MOST_SHOWN else f"{words[:MOST_SHOWN]}..."
