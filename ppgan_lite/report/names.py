"""Names of runs: the nearest config, and the keys that were changed in it."""

import json
from dataclasses import dataclass
from pathlib import Path

from ppgan_lite.config.load import differences, load_config


@dataclass(frozen=True, order=True)
class Name:
    """A config, and the changed keys as KEY=VALUE."""

    config: str
    changes: tuple[str, ...] = ()

    def __str__(self):
        return " + ".join(f"`{part}`" for part in (self.config, *self.changes))


class Configs:
    """The configs that runs are named by. Raises ConfigError."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.trees = {path.stem: load_config(path).to_dict() for path in sorted(folder.glob("*.yml"))}

    def name_of(self, tree: dict) -> Name:
        """The config with the fewest other values than `tree`, and these. The seed is not part of a name."""
        changed = {stem: _changed_keys(tree, other) for stem, other in self.trees.items()}
        stem = min(changed, key=lambda stem: len(changed[stem]))
        values = {key: _value_at(tree, key) for key in changed[stem]}
        # A key that only the config has is gone because of another that differs.
        return Name(stem, tuple(f"{key}={_text(value)}" for key, value in values.items() if value != {}))

    def name_with(self, stem: str, changes: dict) -> Name:
        """The name of a config with some keys (with dots) changed. Raises ConfigError."""
        return self.name_of(load_config(self.folder / f"{stem}.yml", values=changes).to_dict())


def _changed_keys(tree: dict, other: dict) -> list[str]:
    keys = [line.partition(":")[0] for line in differences(tree, other)]
    return [key for key in keys if key != "train.seed"]


def _value_at(tree: dict, key: str):
    """The value of a key with dots; {} if there is none."""
    for part in key.split("."):
        tree = tree.get(part, {})
    return tree


def _text(value) -> str:
    return value if isinstance(value, str) else json.dumps(value)
