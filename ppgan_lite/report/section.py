"""All metrics of the runs on one data set."""

from collections.abc import Callable

from ppgan_lite.report.groups import Section
from ppgan_lite.report.markdown import duration, image, number, spaced, spread, table
from ppgan_lite.report.names import Name
from ppgan_lite.report.ranking import ENGLISH, health
from ppgan_lite.report.records import CLASSIFIERS, GENERATORS, Record
from ppgan_lite.runs.results import GROUPS, METRICS

OF_CLASSIFIERS = tuple(GROUPS["classification"])
OF_TRANSLATORS = tuple(GROUPS["attributes"])
DISTANCES = ("frechet_distance", "kernel_distance", "classifier_score", "class_kl")
COVERAGE = ("precision", "recall", "density", "coverage")
# For generators with an input in addition to noise: a class, or codes.
CONTROL = tuple(GROUPS["control by class or code"])
REST = tuple(name for name in METRICS if name not in OF_CLASSIFIERS + OF_TRANSLATORS + DISTANCES + COVERAGE + CONTROL)
TABLES = (DISTANCES, COVERAGE, REST, CONTROL)  # a table each: one with all columns would be too wide to read
MATRIX_WIDTH, MATRICES_IN_A_ROW = 280, 3


def describe(section: Section, link: Callable[[Name], str]) -> list[str]:
    """All metrics of generators, the protocol, and the runs."""
    tables = _metrics(section, link) if section.kind == GENERATORS else []
    return [
        f"### Metrics of {section.kind}: {section.data.title}",
        _protocol(section),
        *tables,
        "The runs:",
        _runs(section, link),
    ]


def accuracies(section: Section, link: Callable[[Name], str]) -> list[str]:
    """The accuracies of classifiers at each step at which all runs of a group were evaluated; confusion matrices."""
    rows = []
    for row in section.rows:
        for step in row.steps:
            cells = [spread(row.values(figure, step)) for figure in OF_CLASSIFIERS]
            rows.append([link(row.name) + row.suffix, f"{row.epoch(step):.3g}", f"{step:,}", *cells])
    heads = ["config", "epoch", "step", "test accuracy", "train accuracy"]
    blocks = [f"### Accuracy: {section.data.title}", table(heads, rows)]
    shown = [group.records[0] for group in section.groups if group.records[0].picture]
    for first in range(0, len(shown), MATRICES_IN_A_ROW):
        records = shown[first : first + MATRICES_IN_A_ROW]
        words = [f"confusion matrix of {str(record.name).replace('`', '')}, seed {record.seed}" for record in records]
        images = [image(record.picture, alt, MATRIX_WIDTH) for record, alt in zip(records, words, strict=True)]
        blocks.append(table([str(record.name) for record in records], [images]))
    return blocks


def _protocol(section: Section) -> str:
    """How the figures were measured."""
    parts = [f"{spaced(key)} {value}" for key, value in section.protocol.items()]
    trained_on = " or ".join(f"{num:,}" for num in sorted({record.data.num_images for record in section.records}))
    return f"Trained on {trained_on} images. Protocol: {'; '.join(parts)}."


def _metrics(section: Section, link: Callable[[Name], str]) -> list[str]:
    """The metrics of generators at the newest step of each group, below the metrics of real images."""
    tables = []
    for names in TABLES:
        names = [name for name in names if any(row.values(name, row.step) for row in section.rows)]
        rows = [["real images", "", *(spread(section.real(name)) for name in names)]]
        for row in section.rows:
            cells = [spread(row.values(name, row.step)) for name in names]
            if any(cells):
                rows.append([link(row.name) + row.suffix, f"{row.step:,}", *cells])
        if names:
            tables.append(table(["config", "step", *map(spaced, names)], rows))
    return tables


def _runs(section: Section, link: Callable[[Name], str]) -> str:
    """Each run, and the checkpoint in best/ if it is not the newest evaluated one."""
    heads = ["run", "config", "seed", "evaluated at step", "time", "health", "better checkpoint"]
    rows = []
    for record in section.records:
        cells = [f"`{record.title}`", link(record.name), record.seed, f"{record.newest.step:,}"]
        rows.append([*cells, duration(record.newest.seconds), health([record], ENGLISH), _better(record)])
    columns = [i for i, _ in enumerate(heads) if i < 5 or section.kind != CLASSIFIERS]
    if not any(row[-1] for row in rows):
        columns = [i for i in columns if heads[i] != "better checkpoint"]
    return table([heads[i] for i in columns], [[row[i] for i in columns] for row in rows])


def _better(record: Record) -> str:
    if record.best_step is None:
        return ""
    distance = record.value("frechet_distance", record.best_step)
    return f"step {record.best_step:,}" + (f", Frechet distance {number(distance)}" if distance is not None else "")
