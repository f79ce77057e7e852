"""Read YAML, with errors of one line."""

import yaml

from ppgan_lite.errors import ConfigError


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, but a key that appears twice is an error; the original silently keeps the last value."""

    def construct_mapping(self, node, deep=False):
        seen = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} appears twice", key.start_mark)
            seen.append(key.value)
        return super().construct_mapping(node, deep)


# Some constructors raise Python's own errors: on a date like 2024-13-45, on `!!int foo`, on endless nesting.
_YAML_ERRORS = (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError)


def parse_yaml(text: str, where: str):
    """The values in a YAML text.

    Args:
        text: the text.
        where: where the text comes from, for messages.

    Raises:
        ConfigError: it is not valid YAML, or a section has a key twice.
    """
    try:
        return yaml.load(text, _UniqueKeyLoader)  # noqa: S506 (a subclass of SafeLoader)
    except _YAML_ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{where}{place}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
