"""Published figures, aims and questions, as a YAML file has them: the classes here are the form of that file."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Annotated, Literal

from ppgan_lite.data.options import DATASETS
from ppgan_lite.errors import ConfigError
from ppgan_lite.report.markdown import spaced
from ppgan_lite.report.names import Configs, Name
from ppgan_lite.report.records import FIGURES, RUNNING
from ppgan_lite.runs.results import DIRECTED, LIKELIHOODS, METRICS
from ppgan_lite.schema.check import check_keys, check_value
from ppgan_lite.schema.text import parse_yaml
from ppgan_lite.schema.tree import from_tree
from ppgan_lite.schema.types import Count, Range

REPRODUCED, NOT_REPRODUCED, UNDECIDED = "reproduced", "not reproduced", "undecided"
NOT_MEASURED = "not measured"
MEASURED = (*METRICS, *DIRECTED)
ROUNDING = 1e-9  # error of a sum of decimals; no figure is that exact


@dataclass(frozen=True)
class Source:
    """Where a claim comes from, and its address."""

    text: str
    url: str | None = None

    def __str__(self):
        return f"[{self.text}]({self.url})" if self.url else self.text


@dataclass(frozen=True)
class FigureClaim:
    """A published figure of a group's runs. Reproduced: within `tolerance` of it, or better, if one side is better."""

    group: Name
    metric: Literal[tuple(FIGURES)]
    value: float
    tolerance: Annotated[float, Range(0)]
    source: str
    epoch: Count | None = None  # at the end of this epoch; null: at the newest evaluation
    better: Literal["higher", "lower", "neither"] = "higher"

    @property
    def figure(self) -> str:
        """The claimed figure in words."""
        return spaced(self.metric) + (f", epoch {self.epoch}" if self.epoch else "")

    def verdict(self, values: list[float]) -> str:
        """The verdict on the figures of all seeds."""
        if not values:
            return NOT_MEASURED
        above = fmean(values) - self.value
        missing = {"higher": -above, "lower": above, "neither": abs(above)}[self.better]
        return REPRODUCED if missing <= self.tolerance + ROUNDING else NOT_REPRODUCED


@dataclass(frozen=True)
class NotComparable:
    """Published figures that ours cannot be compared with: data set -> figures in words."""

    what: str
    why: str
    source: str
    figures: dict[str, str]


@dataclass(frozen=True)
class Reference:
    """A published likelihood, for the table of our own: `what` is the model, and what differs from ours."""

    data: Literal[tuple(DATASETS)]
    metric: Literal[LIKELIHOODS]
    value: float
    what: str
    source: str


@dataclass(frozen=True)
class Limit:
    """What a metric must be at most or at least."""

    metric: Literal[MEASURED]
    op: Literal["at most", "at least"]
    value: float

    def __str__(self):
        return f"{self.op} {self.value:g}"

    def met(self, value: float) -> bool:
        """Whether a figure is within the limit."""
        return value <= self.value if self.op == "at most" else value >= self.value


@dataclass(frozen=True)
class Aim:
    """An aim of this suite for a group's runs."""

    group: Name
    limits: tuple[Limit, ...]


@dataclass(frozen=True)
class Comparison:
    """The claim that metrics of a group's runs are higher than another's."""

    title: str
    source: str
    group: Name
    than: Name
    metrics: tuple[Literal[MEASURED], ...]


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
    """The whole file.

    Attributes:
        sources: the short names that claims use, and what they stand for.
        without_pictures: data sets of which the page shows no pictures, such as pictures of people: titles of records
            without the size.
    """

    sources: dict[str, Source]
    figures: tuple[FigureClaim, ...]
    not_comparable: tuple[NotComparable, ...]
    aims: tuple[Aim, ...]
    comparisons: tuple[Comparison, ...]
    criteria: tuple[Criterion, ...]
    references: tuple[Reference, ...] = ()
    without_pictures: tuple[str, ...] = ()

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
            claims = from_tree(tree, "", cls, {Name: lambda group, where: _group(group, where, configs)})
            claims._check()
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error
        return claims

    def _check(self):
        """Check what depends on more than one key. Raises ConfigError."""
        for name in ("figures", "not_comparable", "references", "comparisons", "criteria"):
            for i, claim in enumerate(getattr(self, name)):
                check_value(claim.source, f"{name}[{i}].source", Literal[tuple(self.sources)])
        for i, claim in enumerate(self.figures):
            if claim.metric == RUNNING and claim.epoch is None:
                raise ConfigError(f"figures[{i}].epoch: missing; {RUNNING} is measured over an epoch")
        for i, claim in enumerate(self.not_comparable):
            check_keys(claim.figures, f"not_comparable[{i}].figures", allowed=DATASETS, required=())


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
