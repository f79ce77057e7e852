"""The only reader of YAML: a file and command-line overrides become a frozen `Config`, or one `ConfigError`."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import yaml

from ppgan_lite import options
from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.check import check_dataclass, check_keys, check_named, show
from ppgan_lite.schema.text import parse_yaml
from ppgan_lite.schema.types import Named


@dataclass(frozen=True)
class Config:
    """One experiment, every key checked.

    `networks` maps each of the method's network sections (`generator`, ...) to its options, `optim` each of its
    optimizers.
    """

    method: Named
    networks: dict[str, Named]
    optim: dict[str, Named]
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
        raise ConfigError(f"{path}: expected sections (method, optim, data, ...), got {show(tree)}")
    for override in overrides:
        _apply_override(tree, override)
    return check_config(tree)


def check_config(tree: dict) -> Config:
    """Check nested dicts against ppgan_lite/options.py and return them as a `Config`.

    Raises:
        ConfigError: see `load_config`.
    """
    check_keys(tree, "", allowed=None, required=("method",))
    method = check_named(tree["method"], "method", options.METHODS)
    sections = ("method", *method.NETWORKS, "optim", "data", "train")
    check_keys(tree, "", allowed=sections, required=sections)
    networks = {section: check_named(tree[section], section, options.NETWORKS[section]) for section in method.NETWORKS}
    if method.PENALISES_GRADIENTS:
        _check_double_gradient(method, networks["discriminator"])
    if method.TELLS_CLASSES:
        _check_takes_classes(method, networks)
    train = check_dataclass(tree["train"], "train", options.Train)
    if train.epochs is None and train.steps is None:
        raise ConfigError("train.epochs: missing; give train.epochs or train.steps, a whole number at least 1")
    if train.ema is not None and not isinstance(method, options.Adversarial):
        raise ConfigError(f"train.ema: averages the generator of a GAN, but {method.name} is none; set it to null")
    optim = tree["optim"]
    check_keys(optim, "optim", allowed=method.optimizers, required=method.optimizers)
    return Config(
        method=method,
        networks=networks,
        optim={name: check_named(optim[name], f"optim.{name}", options.OPTIMIZERS) for name in method.optimizers},
        data=check_named(tree["data"], "data", options.DATASETS),
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
        f"{key}: {show(a.get(key))}, not {show(b.get(key))}"
        for key in sorted(a.keys() | b.keys())
        if key not in ignored and a.get(key) != b.get(key)
    ]


def to_yaml(config: Config) -> str:
    """The config as YAML text that `load_config` reads back to the same `Config`."""
    return yaml.safe_dump(config.to_dict(), sort_keys=False, default_flow_style=None)


# Some constructors let Python's own errors through: of a date like 2024-13-45, of `!!int foo`, of endless nesting.


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


def _flatten(tree: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    return [_plain(x) for x in value] if isinstance(value, tuple) else value
