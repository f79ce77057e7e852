"""The only reader of configs: a YAML file and command-line overrides become a frozen `Config`, or one `ConfigError`."""

import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path

import yaml

from ppgan_lite.config.find import CONFIGS
from ppgan_lite.config.optim import OPTIMIZERS
from ppgan_lite.config.train import Train
from ppgan_lite.data.options import DATASETS, Data
from ppgan_lite.data.spec import Spec
from ppgan_lite.errors import ConfigError, one_line
from ppgan_lite.files import read_file
from ppgan_lite.methods.options import METHODS
from ppgan_lite.schema.check import check_dataclass, check_keys, check_named, is_tilde, required_keys, show
from ppgan_lite.schema.text import parse_text, parse_yaml
from ppgan_lite.schema.types import Named

MOST_BYTES = 1_000_000  # in a config file
MOST_SHOWN = 100  # characters of an override in a message
TEXTS = {  # keys that take a text as it stands
    f"data.{key}" for cls in DATASETS.values() for key, hint in typing.get_type_hints(cls).items() if hint == str | None
}


@dataclass(frozen=True)
class Config:
    """One experiment, every key checked.

    Attributes:
        networks: section of the config (`generator`, ...) -> the options of that network.
        optim: name of an optimizer of the method -> its options.
    """

    method: Named
    networks: dict[str, Named]
    optim: dict[str, Named]
    data: Data
    train: Train

    @property
    def can_be_longer(self) -> bool:
        """Whether a finished run can go on: not if a learning rate decayed over its length."""
        return all(options.decay is None for options in self.optim.values())

    def to_dict(self) -> dict:
        """The config as nested plain dicts and lists, as in a file, with every default written out."""
        tree = _plain(dataclasses.asdict(self))
        return {"method": tree.pop("method"), **tree.pop("networks"), **tree}


class Override(typing.NamedTuple):
    """A key with another value than in the file; `shown`: as it is named in messages."""

    key: str
    value: object
    shown: str


def load_config(path: str | Path, overrides: list[str] = (), values: dict | None = None) -> Config:
    """Read the YAML file `path`, apply `KEY=VALUE` overrides in their order, and check every key.

    A new length, `train.epochs` or `train.steps`, replaces the one in the file.

    Args:
        path: the file.
        overrides: each `KEY=VALUE`: a text option takes the value as it stands, all others as YAML.
        values: more overrides, as Python has them: key -> value.

    Raises:
        ConfigError: one line that names the key, what was given, and what is allowed.
    """
    original = _read(Path(path))
    changes = [_read_override(text) for text in overrides]
    changes += [Override(key, value, f"{key}={show(value)}") for key, value in (values or {}).items()]
    tree = dict(original)
    for change in changes:
        _apply(tree, change)
    given = {change.key for change in changes if change.value is not None and not is_tilde(change.value)}
    for key, other in (("train.epochs", "train.steps"), ("train.steps", "train.epochs")):
        if key in given and other not in given:
            _apply(tree, Override(other, None, f"{other}=null"))
    config = _checked(tree)
    for change in changes:
        _check_new_name(original, change, config is not None)
    return config or check_config(tree)  # raises what is wrong


def _read(path: Path) -> dict:
    """The sections of a config file."""
    try:
        text = read_file(path, MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the config file: {error.strerror}") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16, for one
        raise ConfigError(f"{path}: not a text file in UTF-8; save it as UTF-8")
    tree = parse_yaml(text, str(path))
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected sections (method, optim, data, ...), got {show(tree)}")
    return tree


def check_config(tree: dict) -> Config:
    """Check nested dicts against the options of their sections and return them as a `Config`.

    Raises:
        ConfigError: see `load_config`.
    """
    check_keys(tree, "", allowed=None, required=("method",))
    method = check_named(tree["method"], "method", METHODS)
    sections = ("method", *method.NETWORKS, "optim", "data", "train")
    check_keys(tree, "", allowed=sections, required=sections)
    networks = {section: check_named(tree[section], section, table) for section, table in method.NETWORKS.items()}
    check_keys(tree["optim"], "optim", allowed=method.trains, required=method.trains)
    config = Config(
        method=method,
        networks=networks,
        optim={name: check_named(tree["optim"][name], f"optim.{name}", OPTIMIZERS) for name in method.trains},
        data=check_named(tree["data"], "data", DATASETS),
        train=check_dataclass(tree["train"], "train", Train),
    )
    _check_together(config)
    return config


def differences(ours: dict, theirs: dict) -> list[str]:
    """Keys with different values in two configs that change what a step computes, as `KEY: ours, not theirs`.

    The keys of `Train.MAY_CHANGE`, and where the data is and how it is read, are ignored. The length counts only if a
    learning rate decays over it.
    """
    ignored = {f"train.{key}" for key in Train.MAY_CHANGE}
    ignored |= {f"data.{key}" for key in ("root", "on_bad_image", "cache", "workers")}  # run.json records the data read
    a, b = _flatten(ours), _flatten(theirs)
    for flat in (a, b):
        if flat.get("train.steps") is not None:
            flat["train.epochs"] = None  # without effect
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


def example_config(method: str, data: str = "mnist") -> str | None:
    """The name of a config in configs/ that trains `method`, preferably on the data set `data`. None: there is none."""
    trees = {path.stem: parse_yaml(path.read_text(encoding="utf-8"), path.name) for path in CONFIGS.glob("*.yml")}
    names = [name for name, tree in trees.items() if tree["method"]["name"] == method]
    return min(names, key=lambda name: (trees[name]["data"]["name"] != data, name), default=None)


def usable_networks(method: Named, section: str) -> list[str]:
    """The names of the networks for a section that can do what the method needs, some only with certain options."""
    needs = set(method.needs.get(section, ()))
    return [name for name, cls in method.NETWORKS[section].items() if needs <= cls.CAN | cls.CAN_WITH.keys()]


def _read_override(text: str) -> Override:
    """An override from the command line."""
    key, equals, value = text.partition("=")
    key, shown = key.strip(), one_line(text)
    shown = f"-o {shown if len(shown) <= MOST_SHOWN else shown[:MOST_SHOWN] + '...'}"
    if not equals or not key:
        raise ConfigError(f"{shown}: expected KEY=VALUE, for example -o train.epochs=1")
    return Override(key, (parse_text if key in TEXTS else parse_yaml)(value, shown), shown)


def _apply(tree: dict, change: Override):
    *parents, last = change.key.split(".")
    for depth, name in enumerate(parents):
        if not isinstance(tree.get(name, {}), dict):
            raise ConfigError(f"{change.shown}: {'.'.join(parents[: depth + 1])} is a value, not a section")
        tree[name] = dict(tree.get(name, {}))  # a copy: a YAML alias puts one section in several places
        tree = tree[name]
    tree[last] = change.value


def _check_new_name(original: dict, change: Override, valid: bool):
    """Refuse an override of a section's `name` that the config's other keys do not fit, and say what to do instead.

    Args:
        original: the config before all overrides.
        valid: whether the config is valid after all overrides.
    """
    section, _, key = change.key.rpartition(".")
    if key != "name" or not section or (config := _checked(original)) is None:
        return
    changed = dict(original)
    _apply(changed, change)
    if section == "method":
        _check_new_method(config, change, changed, valid)
    elif not valid:
        optimizers = {f"optim.{name}": OPTIMIZERS for name in config.optim}
        table = {**config.method.NETWORKS, **optimizers, "data": DATASETS}.get(section, {})
        _check_new_section(section, config, change, changed, table)


def _check_new_method(config: Config, change: Override, changed: dict, valid: bool):
    """Refuse a method that lacks keys of the old one, or does not fit the other sections. See `_check_new_name`."""
    old, name = config.method, change.value
    if not isinstance(name, str) or name not in METHODS:
        return
    has_keys = {field.name for field in dataclasses.fields(old)} <= {f.name for f in dataclasses.fields(METHODS[name])}
    if not has_keys or not (valid or _checked(changed)):
        example = example_config(name, config.data.name)
        such_as = f", such as -c {example}" if example else ""
        raise ConfigError(f"{change.shown}: the config is for {old.name}; start from a config of {name}{such_as}")


def _check_new_section(section: str, config: Config, change: Override, changed: dict, table: dict[str, type[Named]]):
    """Refuse a section with other keys than the new name has. See `_check_new_name`."""
    old, new, name = config.to_dict(), changed, change.value
    if not isinstance(name, str) or name not in table:
        return
    for part in section.split("."):
        old, new = old[part], new[part]
    try:
        check_named(new, section, table)
    except ConfigError as error:
        needed = {key: old[key] for key in required_keys(table[name]) if key in old} | {"name": str(name)}
        text = yaml.safe_dump(needed, sort_keys=False, default_flow_style=True).strip()
        raise ConfigError(
            f"{change.shown}: {name} does not have all keys of this config's {section}; replace the whole section: "
            f'-o "{section}={text}"'
        ) from error


def _checked(tree: dict) -> Config | None:
    """The config, or None where it is wrong."""
    try:
        return check_config(tree)
    except ConfigError:
        return None


def _check_together(config: Config):
    """Refuse what each section allows, but not all of them together: before any data is opened."""
    method, train = config.method, config.train
    method.check()
    config.data.check()
    for section, abilities in method.needs.items():
        _check_abilities(method, section, config.networks[section], abilities)
    if train.epochs is None and train.steps is None:
        raise ConfigError("train.epochs: missing; give train.epochs or train.steps, a whole number at least 1")
    if train.ema is not None and not method.AVERAGES:
        raise ConfigError(f"train.ema: {method.name} has no generator to average; set it to null")
    check_spec(config, config.data.spec())
    if method.NEEDS_PAIRS and not config.data.paired:
        name = config.data.name
        has_none = "data.name: unpaired" if name == "unpaired" else f"data.paired: false, and so {name}"
        raise ConfigError(f"{has_none} has no pairs to train on, but {method.name} needs them; cyclegan does without")


def _check_abilities(method, section: str, network, abilities: tuple[str, ...]):
    """Refuse a network that cannot do what the method needs of it."""
    for ability in abilities:
        if ability in network.CAN:
            continue
        if ability in network.CAN_WITH:
            key, values = network.CAN_WITH[ability]
            if (value := getattr(network, key)) not in values:
                allowed = ", ".join(values)
                raise ConfigError(
                    f"{section}.{key}: {method.name} needs {ability.needed}; allowed: {allowed}, got {value!r}"
                )
            continue
        raise ConfigError(
            f"{section}.name: {method.name} needs {ability.needed}, {ability.missing.format(network.name)}; "
            f"allowed: {', '.join(usable_networks(method, section))}"
        )


def check_spec(config: Config, spec: Spec):
    """Refuse data without the fields that the method takes, or with images of a size that a network does not take.

    Raises:
        ConfigError: naming the section, and the fields, networks or sizes that are allowed.
    """
    for name in config.method.takes:
        if name not in spec:
            has, takes = ", ".join(spec), ", ".join(config.method.takes)
            raise ConfigError(f"data.name: {config.method.name} takes the fields {takes}; {config.data.name} has {has}")
        if spec[name].kind == "point" and getattr(config.method, "augment", ()):
            raise ConfigError(f"method.augment: for pictures, but {config.data.name} has points; leave it out")
        if spec[name].has_pixels:
            for section, network in config.networks.items():
                _check_size(config, section, network, *spec[name].shape[1:])
                network.check_fit(section, config.method, spec[name].shape[1])


def _check_size(config: Config, section: str, network, height: int, width: int):
    """Refuse a network that does not take images of a size, and name the networks that do."""
    try:
        network.check_size(height, width)
    except ConfigError as error:
        table = config.method.NETWORKS[section]
        fit = [name for name in usable_networks(config.method, section) if table[name].takes(height, width)]
        others = f"; for {height}x{width}: {', '.join(fit)}" if fit else ""
        raise ConfigError(f"{section}.name: {error}{others}") from error


def without_effect(config: Config) -> list[str]:
    """The keys that have another value than their default but change nothing, each with the reason."""
    method, train = config.method, config.train
    reasons = {}
    optimizers = {f"optim.{name}": options for name, options in config.optim.items()}
    for section, options in {"method": method, **config.networks, **optimizers, "data": config.data}.items():
        for key, (other, values) in options.ONLY_WITH.items():
            if getattr(options, other) not in values and getattr(options, key) != getattr(type(options), key):
                reasons[f"{section}.{key}"] = f"{section}.{other} is {getattr(options, other)}"
    if train.epochs is not None and train.steps is not None:
        reasons["train.epochs"] = "train.steps is given"
    for name in train.stop_on:
        if name not in method.diagnoses:
            reasons[f"train.stop_on: {name}"] = f"a run of {method.name} does not log what shows it"
    return [f"{key} has no effect: {reason}" for key, reason in reasons.items()]


def _flatten(tree: dict, prefix: str = "") -> dict:
    flat = {}
    for key, value in tree.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(x) for key, x in value.items()}
    return [_plain(x) for x in value] if isinstance(value, tuple) else value
