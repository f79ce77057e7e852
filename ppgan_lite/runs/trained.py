"""Open a run's trained method and its data."""

import dataclasses
from pathlib import Path

from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import Config
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.stand_in import stand_in_options
from ppgan_lite.errors import CheckpointError, DataError, EvaluationError, RunError, warn
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.run import Run

BEST = "best"  # instead of a step: the best checkpoint


def open_trained(folder: Path, step: int | str | None):
    """Open a run and restore its method from a checkpoint; returns the run, the method and the checkpoint.

    Args:
        folder: the run's folder.
        step: the checkpoint's step; None: the newest undamaged one (warns of damaged ones); `best`: the best one.

    Raises:
        UserError: no such run or checkpoint, or the checkpoint does not fit the networks in the run's config.
    """
    run = Run.open_existing(folder)
    _check_fields(run)
    method = build_method(run.config(), run.spec)
    if step is None:
        saved = checkpoint.load_newest(run.checkpoints, on_damage=warn)
    elif step == BEST:
        if not checkpoint.list_steps(run.best):
            raise CheckpointError(f"{folder}: no best checkpoint; only GANs trained with train.evaluate_every have one")
        saved = checkpoint.load_newest(run.best, on_damage=warn)
    else:
        is_best = step in checkpoint.list_steps(run.best) and step not in checkpoint.list_steps(run.checkpoints)
        saved = checkpoint.load_step(run.best if is_best else run.checkpoints, step)
    saved.restore(method)
    return run, method, saved


def used_config(run: Run, root: str | None = None) -> Config:
    """The run's config with the data really used, which may be a stand-in for the requested data.

    Args:
        root: where the data is now; None: where it was.

    Raises:
        RunError: there is a `root`, but such data is not read from files; or only run.json has a stand-in.
    """
    config = run.config()
    if run.source.stands_in_for and getattr(config.data, "offline", None) is None:
        raise _does_not_fit(run)
    data = stand_in_options(config.data) if run.source.stands_in_for else config.data
    if root is not None and not hasattr(data, "root"):
        raise RunError(f"--data-root {root}: the data of this run, {run.source.title}, is not read from files")
    return dataclasses.replace(config, data=data if root is None else data.moved(root))


def data_of(run: Run, split: str, root: str | None = None) -> Dataset:
    """The `train` or `test` items of the data that the run used.

    Args:
        root: see `used_config`.

    Raises:
        DataError: the data is missing or damaged.
        EvaluationError: the training data has changed since the training.
        RunError: see `used_config`.
    """
    config = used_config(run, root)
    is_in_files = hasattr(config.data, "root")
    try:
        dataset = build_dataset(config, split)
    except DataError as error:
        advice = "; if the data was moved, give --data-root PATH" if is_in_files else ""
        raise DataError(f"{error}{advice}") from error
    if split == "train" and dataset.source.sha256 != run.source.sha256:
        change = f"was trained on {run.source}, but the data is now {dataset.source}"
        advice = "; give the data of the training with --data-root PATH" if is_in_files else ""
        raise EvaluationError(f"{run.folder}: {change}{advice}")
    return dataset


def _check_fields(run: Run):
    """Refuse a record with other fields than the config's data has, before networks are built for them."""
    fields, expected = (
        {name: (field.kind, field.shape) for name, field in spec.items()}
        for spec in (run.spec, used_config(run).data.spec())
    )
    if fields != expected:
        raise _does_not_fit(run)


def _does_not_fit(run: Run) -> RunError:
    message = f"does not fit {run.folder / 'config.yml'}: its data is another; restore both from a copy, or train again"
    return RunError(f"{run.folder / 'run.json'}: {message}")
