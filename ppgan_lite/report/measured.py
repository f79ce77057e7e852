"""What runs found: evaluated runs, the groups that differ in their seed only, and the sections that can be compared."""

import shlex
from itertools import groupby
from pathlib import Path
from statistics import fmean, median

from ppgan_lite.data.loader import batches_per_epoch
from ppgan_lite.errors import EvaluationError, RunError, UserError, warn
from ppgan_lite.report.names import Configs, Name
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import METRICS, check_same_protocol
from ppgan_lite.runs.run import Run

RUNNING = "running_train_accuracy"
LOGGED = {  # figure -> the logged scalars that it is the mean of
    "d_loss": ("loss/d_real", "loss/d_fake"),
    "d_accuracy": ("accuracy/d_real", "accuracy/d_fake"),
    "g_loss": ("loss/g",),
}
LOGGED_STEPS = 1000  # before the end, over which LOGGED are taken
FIGURES = {
    **METRICS,
    RUNNING: "mean accuracy, before each update, of the logged steps of an epoch",
    "d_loss": f"D's, the mean of that on real and that on generated images, over the last {LOGGED_STEPS:,} steps",
    "d_accuracy": "D's, likewise",
    "g_loss": "G's, likewise",
}
CLASSIFIERS, GENERATORS = "Classifiers", "Generators"


class Measured:
    """An evaluated run.

    Attributes:
        title: its path as the page has it.
        newest: its newest result; `step` is the step of that.
        figures: step -> metric -> Figure, of all results with the protocol of the newest.
        place: what it has in common with the runs that it can share a table with.

    Raises:
        UserError: it cannot be read, or was never evaluated.
    """

    def __init__(self, folder: Path, title: str, configs: Configs):
        self.folder, self.title, self.run = folder, title, Run.open_existing(folder)
        config, results, self.source = self.run.config(), self.run.results.read(), self.run.source
        if not results:
            command = shlex.join(["python", "tools/evaluate.py", "--run", str(folder)])
            raise EvaluationError(f"it was never evaluated; {command}")
        tree = config.to_dict()
        tree["data"]["name"] = self.source.name  # another one may have stood in
        self.name, self.seed = configs.name_of(tree), config.train.seed
        self.newest, self.step = results[-1], results[-1].step
        self.figures = {result.step: result.figures for result in results if result.protocol == self.newest.protocol}
        self.records = self.run.log.read()
        self.kind = GENERATORS if config.method.KIND == "generator" else CLASSIFIERS
        self.place = (self.kind, self.source.title, self.source.sha256)
        self._method, self._batch_size = config.method, config.data.batch_size
        self._batches_per_epoch = batches_per_epoch(self.source.num_images, config.data.batch_size)

    def step_of(self, epoch: int) -> int:
        """The step that ends an epoch."""
        return self._method.steps_in(epoch * self._batches_per_epoch)

    def epoch_of(self, step: int) -> float:
        """The epochs done after a step."""
        return self._method.batches_in(step) / self._batches_per_epoch

    def value(self, metric: str, step: int | None) -> float | None:
        """One of METRICS at a step; None where it was not measured."""
        figure = self.figures.get(step, {}).get(metric)
        return None if figure is None else figure.value

    def running_accuracy(self, epoch: int) -> float | None:
        """RUNNING in an epoch; None where that was not finished, or nothing was logged."""
        first, last = self.step_of(epoch - 1), self.step_of(epoch)
        steps = [record for record in self.records if first < record["step"] <= last <= self.step]
        values = [record["accuracy/c"] for record in steps if "accuracy/c" in record]
        return fmean(values) if values else None

    def logged(self, figure: str, step: int) -> float | None:
        """One of LOGGED, over the last LOGGED_STEPS steps up to a step; None where it was not logged."""
        keys = LOGGED[figure]
        last = [record for record in self.records if step - LOGGED_STEPS < record["step"] <= step]
        values = [fmean(record[key] for key in keys) for record in last if all(key in record for key in keys)]
        return fmean(values) if values else None

    def seconds(self, step: int) -> float | None:
        """How long the steps to `step` take at the median speed; None where no speed was logged."""
        speeds = [record["images_per_second"] for record in self.records if "images_per_second" in record]
        return self._method.batches_in(step) * self._batch_size / median(speeds) if speeds else None

    def diagnoses(self) -> list[dict]:
        """What health said."""
        return [record for record in self.records if "diagnosis" in record]

    def health(self) -> str:
        """What health said, in short."""
        told = [f"{x['diagnosis']} at {x['step']:,} (since {x['since']:,})" for x in self.diagnoses()]
        watched = any("health/diversity" in record for record in self.records)
        return ", ".join(told) or ("no alarm" if watched else "not watched")

    def best_step(self) -> int | None:
        """That of the checkpoint in best/, where it was evaluated and is not the newest evaluated one."""
        steps = checkpoint.list_steps(self.run.best)
        return next((step for step in steps if step in self.figures and step != self.step), None)


class Group:
    """The runs of one name on one data set, by their seeds.

    Attributes:
        steps: those that all runs were evaluated at, in order. Figures of the seeds are of one of them: those of runs
            of different lengths would differ by more than the seed.
    """

    def __init__(self, runs: list[Measured]):
        self.runs, self.name = runs, runs[0].name
        self.steps = sorted(set.intersection(*(set(run.figures) for run in runs)))

    def step(self, epoch: int | None = None) -> int | None:
        """The step that ends an epoch; without one the newest of `steps`, None if there are none."""
        if epoch is not None:
            return self.runs[0].step_of(epoch)  # of all: they have their data and their config in common
        return self.steps[-1] if self.steps else None

    def values(self, metric: str, epoch: int | None = None) -> list[float]:
        """The figures, at `step`, of those runs that have one."""
        step = self.step(epoch)
        found = [_figure(run, metric, epoch, step) for run in self.runs]
        return [value for value in found if value is not None]

    def rows(self) -> dict[str, "Group"]:
        """What tables show, by its title: the group; or each run as a group, where they have no step in common."""
        if self.steps:
            return {str(self.name): self}
        return {f"{self.name}, seed {run.seed}": Group([run]) for run in self.runs}


def _figure(run: Measured, metric: str, epoch: int | None, step: int | None) -> float | None:
    """One of FIGURES of a run."""
    if metric == RUNNING:
        return run.running_accuracy(epoch)
    if metric in LOGGED:
        return run.logged(metric, step)
    return run.value(metric, step)


class Section:
    """All runs of one place, by their names and seeds. Raises EvaluationError where two were not measured alike."""

    def __init__(self, runs: list[Measured]):
        self.runs, self.kind, self.source = runs, runs[0].kind, runs[0].source
        self.groups = [Group(list(same)) for _, same in groupby(runs, key=lambda run: run.name)]
        for run in runs[1:]:
            check_comparable(runs[0], run)

    def real(self, metric: str) -> list[float]:
        """What the runs have for real images."""
        figures = [run.newest.figures[metric] for run in self.runs if metric in run.newest.figures]
        return [figure.real for figure in figures if figure.real is not None]


def groups_of(sections: list[Section]) -> dict[Name, list[Group]]:
    """All groups by their names: one name stands in several sections where its data was not always the same."""
    groups = {}
    for section in sections:
        for group in section.groups:
            groups.setdefault(group.name, []).append(group)
    return groups


def check_comparable(run: Measured, other: Measured):
    """Refuse to compare runs that were not measured alike. Raises EvaluationError."""
    check_same_protocol(run.newest, other.newest, (str(run.folder), str(other.folder)))


def find_runs(folders: list[Path], configs: Configs) -> list[Measured]:
    """The evaluated runs in and below some folders, without those that cannot be read; UserError if none is left."""
    runs = []
    for root in folders:
        if not root.is_dir():
            raise RunError(f"{root}: no such folder")
        for path in sorted(root.rglob("run.json")):
            folder = path.parent
            try:
                runs.append(Measured(folder, (root.resolve().name / folder.relative_to(root)).as_posix(), configs))
            except UserError as error:
                warn(f"{folder}: left out: {error}")
    if not runs:
        raise EvaluationError(f"{', '.join(map(str, folders))}: no evaluated run in it or below")
    return runs


def sections_of(runs: list[Measured]) -> list[Section]:
    """Runs by place, name and seed; of those that have all these in common, the one with the highest evaluated step."""
    kept = {}
    for run in sorted(runs, key=lambda run: (run.place, run.name, run.seed, -run.step, run.title)):
        first = kept.setdefault((run.place, run.name, run.seed), run)
        if first is not run:
            warn(f"{run.folder}: left out: {first.folder} is {run.name} with seed {run.seed}, too, and no shorter")
    return [Section(list(same)) for _, same in groupby(kept.values(), key=lambda run: run.place)]
