"""YAML texts, with one line for whatever is wrong with them."""

import yaml

from ppgan_lite.errors import ConfigError


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which silently keeps the last of two equal keys, made to refuse the second."""

    def construct_mapping(self, node, deep=False):
        seen = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} appears twice", key.start_mark)
            seen.append(key.value)
        return super().construct_mapping(node, deep)


_YAML_ERRORS = (yaml.YAMLError, ValueError, KeyError, AttributeError, RecursionError)


def parse_yaml(text: str, where: str):
    """What a YAML text holds.

    Args:
        where: it comes from, for the message.

    Raises:
        ConfigError: it is not valid, or a section has a key twice.
    """
    try:
        return yaml.load(text, _UniqueKeyLoader)  # noqa: S506 (a subclass of SafeLoader)
    except _YAML_ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError(f"{where}{place}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
