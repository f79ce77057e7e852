"""What others claim, as a YAML file has it: the classes here are the form of that file."""

import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

from ppgan_lite.data.options import DATASETS
from ppgan_lite.errors import ConfigError
from ppgan_lite.report.markdown import cited, spaced
from ppgan_lite.report.measured import FIGURES, RUNNING
from ppgan_lite.report.names import Configs, Name
from ppgan_lite.runs.results import METRICS
from ppgan_lite.schema.check import check_keys, check_value
from ppgan_lite.schema.text import parse_yaml
from ppgan_lite.schema.types import Count, Range

REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"
NOT_MEASURED = "not measured"
ROUNDING = 1e-9  # of a sum of decimals; no figure is so exact


@dataclass(frozen=True)
class FigureClaim:
    """A published figure of a group's runs. Reproduced: within `tolerance` of it, or better, if one side is better."""

    group: Name
    metric: Literal[tuple(FIGURES)]
    value: float
    tolerance: Annotated[float, Range(0)]
    source: str
    epoch: Count | None = None  # at whose end; null: where the runs were evaluated last
    better: Literal["higher", "lower", "neither"] = "higher"

    def __str__(self):
        return f"{self.value:g} ± {self.tolerance:g}, {cited(self.source)}"

    @property
    def figure(self) -> str:
        """What it is of, in words."""
        return spaced(self.metric) + (f", epoch {self.epoch}" if self.epoch else "")

    def verdict(self, values: list[float]) -> str:
        """What the figures of the seeds say."""
        if not values:
            return NOT_MEASURED
        above = fmean(values) - self.value
        missing = {"higher": -above, "lower": above, "neither": abs(above)}[self.better]
        return REPRODUCED if missing <= self.tolerance + ROUNDING else NOT_REPRODUCED


@dataclass(frozen=True)
class NotComparable:
    """Published figures that ours cannot be compared with, on one data set."""

    data: Literal[tuple(DATASETS)]
    what: str
    figures: str
    why: str
    source: str


@dataclass(frozen=True)
class Comparison:
    """The claim that metrics of a group's runs are higher than another's."""

    title: str
    source: str
    group: Name
    than: Name
    metrics: tuple[Literal[tuple(METRICS)], ...]


@dataclass(frozen=True)
class Limit:
    """What a metric must be at most or at least."""

    metric: Literal[tuple(METRICS)]
    op: Literal["at most", "at least"]
    value: float


@dataclass(frozen=True)
class Criterion:
    """The claim that a group's runs come to keep all limits within so many epochs."""

    title: str
    source: str
    group: Name
    epochs: Count
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Claims:
    """All that a file holds; `sources` maps a short name to what it stands for."""

    sources: dict
    figures: tuple[FigureClaim, ...]
    not_comparable: tuple[NotComparable, ...]
    comparisons: tuple[Comparison, ...]
    criteria: tuple[Criterion, ...]

    @classmethod
    def read(cls, path: Path, configs: Configs) -> "Claims":
        """Read and check a file. Raises ConfigError."""
        try:
            tree = parse_yaml(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from error
        if not isinstance(tree, dict):
            raise ConfigError(f"{path}: expected the lists {', '.join(x.name for x in dataclasses.fields(cls))}")
        try:
            claims = _section(tree, "", cls, configs)
            for name in ("figures", "not_comparable", "comparisons", "criteria"):
                for i, claim in enumerate(getattr(claims, name)):
                    check_value(claim.source, f"{name}[{i}].source", Literal[tuple(claims.sources)])
            for i, claim in enumerate(claims.figures):
                if claim.metric == RUNNING and claim.epoch is None:
                    raise ConfigError(f"figures[{i}].epoch: missing; {RUNNING} is that of an epoch")
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        return claims


def _section(tree, where: str, cls: type, configs: Configs):
    """A section as the dataclass `cls`."""
    fields = dataclasses.fields(cls)
    required = [field.name for field in fields if field.default is dataclasses.MISSING]
    check_keys(tree, where, allowed=[field.name for field in fields], required=required)
    hints = typing.get_type_hints(cls, include_extras=True)
    prefix = f"{where}." if where else ""
    return cls(**{key: _part(value, f"{prefix}{key}", hints[key], configs) for key, value in tree.items()})


def _part(value, where: str, hint, configs: Configs):
    """A value as the type `hint`: that of a group, of sections in a list, or one that a config may have, too."""
    inner = typing.get_args(hint)
    if Name in (hint, *inner):
        return _group(value, where, configs)
    if hint is dict:
        check_keys(value, where, allowed=None, required=())
        return value
    if inner and dataclasses.is_dataclass(inner[0]):
        if not isinstance(value, list):
            raise ConfigError(f"{where}: expected a list, got {value!r}")
        return tuple(_section(each, f"{where}[{i}]", inner[0], configs) for i, each in enumerate(value))
    return check_value(value, where, hint)


def _group(tree, where: str, configs: Configs) -> Name:
    """The name of the runs that `{config: STEM, with: {KEY: VALUE}}` stands for."""
    check_keys(tree, where, allowed=("config", "with"), required=("config",))
    stem = check_value(tree["config"], f"{where}.config", Literal[tuple(configs.trees)])
    changes = tree.get("with", {})
    check_keys(changes, f"{where}.with", allowed=None, required=())
    try:
        return configs.name_with(stem, changes)
    except ConfigError as error:
        raise ConfigError(f"{where}.with: {error}") from error
