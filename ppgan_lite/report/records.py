"""Records of evaluated runs: all that the page says of a run, as a run folder and the file of records give it."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from ppgan_lite.errors import ConfigError
from ppgan_lite.files import read_file, writing
from ppgan_lite.report.names import Name
from ppgan_lite.runs.results import DIRECTED, METRICS, TRANSLATION
from ppgan_lite.schema.tree import cut, from_tree, parse_json, to_json
from ppgan_lite.schema.types import Measured, Seed, Whole

RUNNING = "running_train_accuracy"
LOGGED = {  # figure -> the logged scalars that it is the mean of
    "d_loss": ("loss/d_real", "loss/d_fake"),
    "d_accuracy": ("accuracy/d_real", "accuracy/d_fake"),
    "g_loss": ("loss/g",),
}
LOGGED_STEPS = 1000  # LOGGED are means over so many last steps
LOGS = {
    RUNNING: "mean accuracy, before each update, of the logged steps of an epoch",
    "d_loss": f"D's loss, mean over real and generated images and over the last {LOGGED_STEPS:,} steps",
    "d_accuracy": "D's accuracy, likewise",
    "g_loss": "G's loss, likewise",
}
EXPLAINED = METRICS | TRANSLATION | LOGS  # what a metric is, in words
FIGURES = METRICS | DIRECTED | LOGS  # what claims can be about
CLASSIFIERS, GENERATORS, TRANSLATORS = "classifiers", "generators", "translators"
FORMAT = 1
MOST_BYTES = 2**26  # limit for a file of records: ten thousand runs have room


@dataclass(frozen=True)
class Data:
    """The training data.

    Attributes:
        name: the data set, one of `data.options.DATASETS`.
        title: its name on the page, with what it stands in for.
        sha256: its first 12 digits.
    """

    name: str
    title: str
    sha256: str
    num_images: Whole


@dataclass(frozen=True)
class Evaluation:
    """What was measured at a step.

    Attributes:
        epoch: epochs done; a whole number at the last step of an epoch.
        seconds: time of all steps so far at the median speed; None: not known.
        figures: the measured ones of FIGURES, and the ones of groups of attributes.
    """

    step: Whole
    epoch: Measured
    seconds: Measured | None
    figures: dict[str, Measured]


@dataclass(frozen=True)
class Diagnosis:
    """An alarm of `runs.health`: reported at `step`, for a condition that holds since the step `since`."""

    step: Whole
    since: Whole
    diagnosis: str
    words: str


@dataclass(frozen=True)
class Record:
    """An evaluated run.

    Attributes:
        title: its path from the folder of --runs on.
        machines: device, settings and versions of its sessions, a line each.
        protocol: how the figures were measured.
        real: figures of real images.
        baselines: figure -> its values for what needs no training, by name.
        evaluations: those by the protocol of the newest, oldest first; at least one.
        watched: whether health was watched.
        best_step: the evaluated step of the checkpoint in best/, if it is not the newest evaluated one.
        picture: name of the picture of its newest samples, or of its confusion matrix; `picture_step` is its step.
        picture_of_real: name of a picture of training images.
        note: a remark that the page shows with its figures.
        likelihood: how the likelihood was measured; empty without one.
    """

    title: str
    kind: Literal["classifiers", "generators", "translators"]
    name: Name
    seed: Seed
    data: Data
    batch_size: Whole
    protocol: dict[str, str | int | bool]
    real: dict[str, Measured]
    evaluations: tuple[Evaluation, ...]
    machines: tuple[str, ...] = ()
    watched: bool = False
    diagnoses: tuple[Diagnosis, ...] = ()
    best_step: Whole | None = None
    picture: str | None = None
    picture_step: Whole | None = None
    picture_of_real: str | None = None
    note: str = ""
    baselines: dict[str, dict[str, Measured]] = field(default_factory=dict)
    likelihood: str = ""

    @property
    def place(self) -> tuple:
        """What it has in common with the runs that it can share a table with.

        The data that its figures depend on are not always its own: translators are measured alike on pairs, whether or
        not they were trained on pairs.
        """
        return self.kind, self.data.title, str(self.protocol.get("train_sha256", self.data.sha256))

    @property
    def key(self) -> tuple:
        """What no two runs on the page have in common."""
        return self.place, self.name, self.seed

    @property
    def newest(self) -> Evaluation:
        """The evaluation at the highest step."""
        return self.evaluations[-1]

    def at(self, step: int | None) -> Evaluation | None:
        """The evaluation at a step, if there is one."""
        return next((each for each in self.evaluations if each.step == step), None)

    def value(self, figure: str, step: int | None) -> float | None:
        """A figure at a step; None: not measured."""
        evaluation = self.at(step)
        return evaluation.figures.get(figure) if evaluation else None


@dataclass(frozen=True)
class _File:
    format: Literal[1]
    records: tuple[Record, ...]


def read_records(path: Path) -> list[Record]:
    """The records in a file; none if there is no file yet. Raises ConfigError."""
    try:
        records = list(from_tree(parse_json(read_file(path, MOST_BYTES)), "", _File).records)
        for record in records:
            _check(record)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ConfigError as error:
        advice = "restore it, or move it away to make it again from the runs"
        raise ConfigError(f"{path}: not a file of records: {cut(str(error))}; {advice}") from error
    return records


def _check(record: Record):
    """Refuse a record with parts that do not belong together, or a picture elsewhere. Raises ConfigError."""
    steps = [each.step for each in record.evaluations]
    if not steps:
        raise ConfigError(f"{record.title} has no evaluations")
    if steps != sorted(set(steps)) or record.best_step not in (None, *steps):
        raise ConfigError(f"{record.title}: its evaluations are not in the order of their steps, or one is missing")
    if (record.picture is None) != (record.picture_step is None):
        raise ConfigError(f"{record.title}: picture and picture_step belong together")
    for name in (record.picture, record.picture_of_real):
        if name and not (re.fullmatch(r"[^/\\:]+\.png", name) and name.isprintable()):
            message = f"{record.title}: a picture is named without its folder, and its name ends in .png"
            raise ConfigError(f"{message}, not {name}")


def write_records(path: Path, records: list[Record]):
    """Write all records, sorted. Raises RunError."""
    tree = {"format": FORMAT, "records": [asdict(record) for record in sorted(records, key=lambda record: record.key)]}
    with writing(path) as stream:
        stream.write(to_json(tree) + b"\n")


def merge(fresh: list[Record], kept: list[Record]) -> list[Record]:
    """The fresh records, and the kept ones that they do not replace: of other folders and other runs."""
    titles, keys = {record.title for record in fresh}, {record.key for record in fresh}
    return fresh + [record for record in kept if record.title not in titles and record.key not in keys]
