"""The only reader of YAML: a file and command-line overrides become a frozen `Config`, or one `ConfigError`."""

import dataclasses
import difflib
import types
import typing
from dataclasses import dataclass
from pathlib import Path

import yaml

from ppgan_lite import options
from ppgan_lite.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """One experiment, every key checked.

    `networks` maps each of the method's network sections (`generator`, ...) to its options, `optim` each of its
    optimizers.
    """

    method: options.Named
    networks: dict[str, options.Named]
    optim: dict[str, options.Named]
    data: options.Data
    train: options.Train

    def to_dict(self) -> dict:
        """The config as nested plain dicts and lists, as in a file, with every default written out."""
        tree = _plain(dataclasses.asdict(self))
        return {"method": tree.pop("method"), **tree.pop("networks"), **tree}


def load_config(path: str | Path, overrides: list[str] = ()) -> Config:
    """Read the YAML file `path`, apply `KEY=VALUE` overrides in their order, and check every key.

    Raises:
        ConfigError: one line that names the key, what was given, and what is allowed.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the config file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not a text file in UTF-8") from error
    tree = parse_yaml(text, str(path))
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected sections (method, optim, data, ...), got {_show(tree)}")
    for override in overrides:
        _apply_override(tree, override)
    return check_config(tree)


def check_config(tree: dict) -> Config:
    """Check nested dicts against ppgan_lite/options.py and return them as a `Config`.

    Raises:
        ConfigError: see `load_config`.
    """
    check_keys(tree, "", allowed=None, required=("method",))
    method = _named(tree["method"], "method", options.METHODS)
    sections = ("method", *method.NETWORKS, "optim", "data", "train")
    check_keys(tree, "", allowed=sections, required=sections)
    networks = {section: _named(tree[section], section, options.NETWORKS[section]) for section in method.NETWORKS}
    if method.PENALISES_GRADIENTS:
        _check_double_gradient(method, networks["discriminator"])
    if method.TELLS_CLASSES:
        _check_takes_classes(method, networks)
    train = _dataclass(tree["train"], "train", options.Train)
    if train.epochs is None and train.steps is None:
        raise ConfigError("train.epochs: missing; give train.epochs or train.steps, a whole number at least 1")
    if train.ema is not None and not isinstance(method, options.Adversarial):
        raise ConfigError(f"train.ema: averages the generator of a GAN, but {method.name} is none; set it to null")
    optim = tree["optim"]
    check_keys(optim, "optim", allowed=method.optimizers, required=method.optimizers)
    return Config(
        method=method,
        networks=networks,
        optim={name: _named(optim[name], f"optim.{name}", options.OPTIMIZERS) for name in method.optimizers},
        data=_named(tree["data"], "data", options.DATASETS),
        train=train,
    )


def differences(ours: dict, theirs: dict) -> list[str]:
    """Keys whose values differ between two configs in ways that change what a step computes, as `KEY: a, not b`.

    The keys of `options.Train.MAY_CHANGE`, where the data lies and how it is read do not count; the length does where a
    learning rate decays over it.
    """
    ignored = {f"train.{key}" for key in options.Train.MAY_CHANGE}
    ignored |= {f"data.{key}" for key in ("root", "on_bad_image", "cache", "workers")}  # run.json knows what was read
    a, b = _flatten(ours), _flatten(theirs)
    if any(key.startswith("optim.") and key.endswith(".decay") and value for key, value in a.items()):
        ignored -= {"train.epochs", "train.steps"}
    return [
        f"{key}: {_show(a.get(key))}, not {_show(b.get(key))}"
        for key in sorted(a.keys() | b.keys())
        if key not in ignored and a.get(key) != b.get(key)
    ]


def to_yaml(config: Config) -> str:
    """The config as YAML text that `load_config` reads back to the same `Config`."""
    return yaml.safe_dump(config.to_dict(), sort_keys=False, default_flow_style=None)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which silently keeps the last of two equal keys, made to refuse the second."""

    def construct_mapping(self, node, deep=False):
        seen = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} appears twice", key.start_mark)
            seen.append(key.value)
        return super().construct_mapping(node, deep)


# Some constructors let Python's own errors through: of a date like 2024-13-45, of `!!int foo`, of endless nesting.
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


def _apply_override(tree: dict, override: str):
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"-o {override}: expected KEY=VALUE, for example -o train.epochs=1")
    *parents, last = key.strip().split(".")
    for depth, name in enumerate(parents):
        if not isinstance(tree.get(name, {}), dict):
            raise ConfigError(f"-o {override}: {'.'.join(parents[: depth + 1])} is a value, not a section")
        tree[name] = dict(tree.get(name, {}))  # a copy: YAML's aliases make one section stand in several places
        tree = tree[name]
    tree[last] = parse_yaml(text, f"-o {override}")


def _check_double_gradient(method, discriminator):
    """Refuse a discriminator whose gradient cannot be penalised."""
    if not discriminator.HAS_DOUBLE_GRADIENT:
        able = [name for name, cls in options.DISCRIMINATORS.items() if cls.HAS_DOUBLE_GRADIENT]
        raise ConfigError(
            f"discriminator.name: {method.name} needs double gradients, but {discriminator.name} has none; "
            f"allowed: {', '.join(able)}"
        )


def _check_takes_classes(method, networks):
    """Refuse networks that cannot be told a class."""
    for section, network in networks.items():
        if not network.TAKES_CLASSES:
            able = [name for name, cls in options.NETWORKS[section].items() if cls.TAKES_CLASSES]
            raise ConfigError(
                f"{section}.name: {method.name} needs a network that takes classes, which {network.name} does not; "
                f"allowed: {', '.join(able)}"
            )


def _named(tree, where: str, table: dict[str, type]):
    """Check a section against the class that `table` has under the section's own `name`."""
    check_keys(tree, where, allowed=None, required=("name",))
    if not isinstance(tree["name"], str) or tree["name"] not in table:
        raise ConfigError(_unknown_value(f"{where}.name", tree["name"], table))
    return _dataclass(tree, where, table[tree["name"]])


def _dataclass(tree, where: str, cls: type):
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
        raise ConfigError(f"{where}: expected a section with keys, got {_show(tree)}")
    prefix = f"{where}." if where else ""
    for key in tree if allowed is not None else ():
        if key not in allowed:
            raise ConfigError(
                f"{prefix}{key}: unknown key; allowed: {', '.join(sorted(allowed))}{_nearest(key, allowed)}"
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
            raise ConfigError(f"{where}: must be {arguments[1]}, got {_show(value)}")
        return number
    if origin is typing.Literal:
        if value not in arguments:
            raise ConfigError(_unknown_value(where, value, arguments))
        return value
    if origin is tuple:
        if arguments[-1] is Ellipsis:  # as many as are given
            if not isinstance(value, list | tuple):
                raise ConfigError(f"{where}: expected a list, for example [], got {_show(value)}")
            arguments = arguments[:1] * len(value)
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise ConfigError(f"{where}: expected a list of {len(arguments)} values, got {_show(value)}")
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
    raise ConfigError(f"{where}: expected {wanted}, got {_show(value)}")


def _unknown_value(where: str, value, allowed) -> str:
    return f"{where}: unknown value {_show(value)}; allowed: {', '.join(map(str, allowed))}{_nearest(value, allowed)}"


def _nearest(word, allowed) -> str:
    match = difflib.get_close_matches(str(word), [str(x) for x in allowed], n=1)
    return f"; did you mean {match[0]}?" if match else ""


def _show(value) -> str:
    return "nothing" if value is None else repr(value)


def _flatten(tree: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    return [_plain(x) for x in value] if isinstance(value, tuple) else value
