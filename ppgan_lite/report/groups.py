"""Groups of runs that differ only in their seed, and the sections of groups that can be compared."""

from itertools import groupby
from statistics import fmean

from ppgan_lite.report.records import CLASSIFIERS, GENERATORS, TRANSLATORS, Record
from ppgan_lite.runs.results import check_same_protocol

ORDER = (GENERATORS, TRANSLATORS, CLASSIFIERS)


class Group:
    """The runs with one name on the same data, by seed.

    Attributes:
        steps: the steps at which all of them were evaluated, in order. Means over seeds are taken at one of these:
            runs of different lengths differ in more than the seed.
        suffix: what tables add to the name.
    """

    def __init__(self, records: list[Record], suffix: str = ""):
        self.records, self.name, self.suffix = records, records[0].name, suffix
        self.steps = sorted(set.intersection(*({each.step for each in record.evaluations} for record in records)))

    @property
    def step(self) -> int | None:
        """The newest of `steps`; None if there are none."""
        return self.steps[-1] if self.steps else None

    def epoch(self, step: int) -> float:
        """The epochs done at one of `steps`."""
        return self.records[0].at(step).epoch

    def step_of(self, epoch: int) -> int | None:
        """The one of `steps` that ends an epoch, if there is one."""
        return next((step for step in self.steps if self.epoch(step) == epoch), None)

    def values(self, figure: str, step: int | None) -> list[float]:
        """A figure at a step, of the runs that have it."""
        values = [record.value(figure, step) for record in self.records]
        return [value for value in values if value is not None]

    def seconds(self, step: int) -> float | None:
        """Mean time until a step; None: not known."""
        seconds = [each.seconds for record in self.records if (each := record.at(step)) and each.seconds is not None]
        return fmean(seconds) if seconds else None

    def by_row(self) -> list["Group"]:
        """The groups that stand in the rows of tables: this one; or one per seed if these have no step in common."""
        return [self] if self.steps else [Group([record], f", seed {record.seed}") for record in self.records]


class Section:
    """All runs in one place, by name and seed. Raises EvaluationError if two were measured differently."""

    def __init__(self, records: list[Record]):
        self.records, self.kind, self.data = records, records[0].kind, records[0].data
        self.protocol = records[0].protocol
        self.groups = [Group(list(same)) for _, same in groupby(records, key=lambda record: record.name)]
        self.rows = [row for group in self.groups for row in group.by_row()]
        for record in records[1:]:
            check_comparable(records[0], record)

    def real(self, figure: str) -> list[float]:
        """A figure of real images, of the runs that have it."""
        return [record.real[figure] for record in self.records if figure in record.real]

    def baseline(self, name: str, figure: str) -> list[float]:
        """A figure of a baseline, of the runs that have it."""
        found = (record.baselines.get(figure, {}) for record in self.records)
        return [values[name] for values in found if name in values]


def sections_of(records: list[Record]) -> list[Section]:
    """Records by place, name and seed; in the ORDER of their kinds, then the data sets with the most groups."""
    ordered = sorted(records, key=lambda record: record.key)
    sections = [Section(list(same)) for _, same in groupby(ordered, key=lambda record: record.place)]
    return sorted(sections, key=lambda section: (ORDER.index(section.kind), -len(section.groups)))


def check_comparable(record: Record, other: Record):
    """Refuse to compare runs that were measured differently. Raises EvaluationError."""
    check_same_protocol(record, other, (record.title, other.title))
