"""From the folders of runs to records and small pictures."""

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median

from ppgan_lite.data.loader import batches_per_epoch
from ppgan_lite.errors import EvaluationError, RunError, UserError, warn
from ppgan_lite.report.names import Configs
from ppgan_lite.report.pictures import small_comparisons, small_grid, small_matrix
from ppgan_lite.report.records import (
    CLASSIFIERS,
    GENERATORS,
    LOGGED,
    LOGGED_STEPS,
    RUNNING,
    TRANSLATORS,
    Data,
    Diagnosis,
    Evaluation,
    Record,
)
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.log import REAL
from ppgan_lite.runs.results import OF_METHODS, Result, directions_of, short_checksums
from ppgan_lite.runs.run import Run

KINDS = {"classifier": CLASSIFIERS, "generator": GENERATORS, "translator": TRANSLATORS}


def find_records(folders: list[Path], configs: Configs) -> tuple[list[Record], dict[str, bytes]]:
    """The evaluated runs in and below some folders, and their pictures by name.

    A run that cannot be read is left out with a warning. Among runs with the same data, name and seed, the one with
    the highest evaluated step counts.

    Raises:
        RunError: there is no such folder.
        EvaluationError: two runs have the same title.
    """
    found: list[tuple[Path, Record, dict[str, bytes]]] = []
    titles: dict[str, Path] = {}
    for folder, title in _run_folders(folders):
        try:
            found.append((folder, *_read(Run.open_existing(folder), title, configs)))
        except UserError as error:
            warn(f"{folder}: left out: {error}")
            continue
        if title in titles:
            raise EvaluationError(f"{titles[title]} and {folder} are both called {title}; rename one of the folders")
        titles[title] = folder
    longest: dict[tuple, Path] = {}
    records, pictures = [], {}
    for folder, record, own in sorted(found, key=lambda each: (each[1].key, -each[1].newest.step, each[1].title)):
        first = longest.setdefault(record.key, folder)
        if first is not folder:
            warn(f"{folder}: left out: {first} is {record.name} with seed {record.seed}, too, and no shorter")
            continue
        records.append(record)
        pictures |= own
    return records, pictures


def _run_folders(folders: list[Path]) -> Iterator[tuple[Path, str]]:
    """Each folder of a run, and its title: its path from the given folder's name on."""
    for root in folders:
        if not root.is_dir():
            raise RunError(f"{root}: no such folder")
        for path in sorted(root.rglob("run.json")):
            yield path.parent, (root.resolve().name / path.parent.relative_to(root)).as_posix()


def _read(run: Run, title: str, configs: Configs) -> tuple[Record, dict[str, bytes]]:
    """The record and the pictures of a run. Raises UserError: it cannot be read, or was never evaluated."""
    config, results, log = run.config(), run.results.comparable(), run.log.read()
    if not results:
        command = shlex.join(["python", "tools/evaluate.py", "--run", str(run.folder)])
        raise EvaluationError(f"it was never evaluated; {command}")
    newest, source = results[-1], run.source
    tree = config.to_dict()
    tree["data"]["name"] = source.name  # another one may have stood in
    kind = KINDS[config.method.KIND]
    diagnoses = [Diagnosis(x["step"], x["since"], x["diagnosis"], x["words"]) for x in log if "diagnosis" in x]
    pictures, picture_fields = _pictures(run, kind, newest, title)
    best = set(checkpoint.list_steps(run.best)) & {result.step for result in results[:-1]}
    record = Record(
        title=title,
        kind=kind,
        name=configs.name_of(tree),
        seed=config.train.seed,
        data=Data(source.name, _title(run, kind), source.sha256[:12], source.num_images),
        batch_size=config.data.batch_size,
        protocol={key: value for key, value in short_checksums(newest.protocol).items() if key not in OF_METHODS},
        likelihood=newest.protocol.get("likelihood", ""),
        real={name: _rounded(x.real) for name, x in newest.figures.items() if x.real is not None},
        baselines={
            name: {baseline: _rounded(value) for baseline, value in x.baselines.items()}
            for name, x in newest.figures.items()
            if x.baselines
        },
        evaluations=_evaluations(results, log, config, source.num_images),
        machines=tuple(dict.fromkeys(map(_machine, run.record["sessions"]))),
        watched=any(key.startswith("health/") for x in log for key in x),
        diagnoses=tuple(diagnoses),
        best_step=min(best, default=None),
        **picture_fields,
    )
    return record, pictures


def _evaluations(results: list[Result], log: list[dict], config, num_images: int) -> tuple[Evaluation, ...]:
    """What was measured at the step of each result."""
    per_epoch = batches_per_epoch(num_images, config.data.batch_size)
    speeds = [x["images_per_second"] for x in log if x.get("images_per_second")]
    evaluations = []
    for result in results:
        step, batches = result.step, config.method.batches_in(result.step)
        nearest = round(batches / per_epoch)
        ends_epoch = step == config.method.steps_in(nearest * per_epoch)
        figures = {name: figure.value for name, figure in result.figures.items()}
        if ends_epoch:
            first = config.method.steps_in((nearest - 1) * per_epoch) if nearest else 0
            steps = [x for x in log if first < x["step"] <= step and "accuracy/c" in x]
            figures |= {RUNNING: fmean(x["accuracy/c"] for x in steps)} if steps else {}
        last = [x for x in log if step - LOGGED_STEPS < x["step"] <= step]
        for name, keys in LOGGED.items():
            values = [fmean(x[key] for key in keys) for x in last if all(key in x for key in keys)]
            figures |= {name: fmean(values)} if values else {}
        evaluations.append(
            Evaluation(
                step,
                float(nearest) if ends_epoch else _rounded(batches / per_epoch),
                _rounded(batches * config.data.batch_size / median(speeds)) if speeds else None,
                {name: _rounded(value) for name, value in figures.items()},
            )
        )
    return tuple(evaluations)


def _title(run: Run, kind: str) -> str:
    """The title of a run's data; of a translator with its size, as their figures depend on it."""
    height, width = _size(run) or (0, 0)
    return f"{run.source.title}, {height}x{width}" if kind == TRANSLATORS else run.source.title


def _size(run: Run) -> tuple[int, int] | None:
    """Height and width of a run's images; None: its data are points, or not known."""
    return next((field.shape[1:] for field in run.spec.values() if field.kind == "image"), None)


def _pictures(run: Run, kind: str, newest: Result, title: str) -> tuple[dict[str, bytes], dict]:
    """The small pictures of a run by their names, and the fields of its record that name them."""
    pictures, fields, name = {}, {}, f"{title.replace('/', '-')}.png"
    if kind == CLASSIFIERS:
        if (path := run.results.picture(newest.step)).is_file():
            with _left_out_if_damaged():
                pictures[name] = small_matrix(path)
                fields |= {"picture": name, "picture_step": newest.step}
        return pictures, fields
    size = _size(run)
    if kind == TRANSLATORS:
        if previews := run.log.previews():
            path, step = previews[-1]
            with _left_out_if_damaged():
                pictures[name] = small_comparisons(path, size, *_comparisons(run, newest))
                fields |= {"picture": name, "picture_step": step}
        return pictures, fields
    if previews := run.log.previews():
        path, step = previews[-1]
        with _left_out_if_damaged():
            pictures[name] = small_grid(path, size)
            fields |= {"picture": name, "picture_step": step}
    if (path := run.folder / "samples" / REAL).is_file():
        name = f"real-{run.source.name}-{run.source.sha256[:12]}.png"
        with _left_out_if_damaged():
            pictures[name] = small_grid(path, size)
            fields["picture_of_real"] = name
    return pictures, fields


def _comparisons(run: Run, newest: Result) -> tuple[int, int]:
    """Number of images in a group of a translator's previews, and of grids of groups: see engine/previews.py."""
    names = next((len(field.names) for field in run.spec.values() if field.kind == "attributes"), None)
    return (1 + names, 1) if names else (3, len(directions_of(newest.figures)))


@contextlib.contextmanager
def _left_out_if_damaged():
    """Turn the error of a damaged picture into a warning."""
    try:
        yield
    except RunError as error:
        warn(f"the page does not show a picture: {error}")


def _machine(session: dict) -> str:
    """Device, processor, settings and versions of a session, in a line."""
    device = [session[key] for key in ("device", "processor") if key in session]
    settings = [f"{name}={value}" for name, value in session["runtime"].items() if value is not None]
    versions = [f"{name} {version}" for name, version in session["versions"].items()]
    return "; ".join(", ".join(part) for part in (device, settings, versions) if part)


def _rounded(value: float) -> float:
    """A figure with six digits: a record is read by people, and the page has four."""
    return float(f"{value:.6g}")
