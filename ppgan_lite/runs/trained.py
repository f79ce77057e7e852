"""Open a run's trained method and its data."""

import dataclasses
from pathlib import Path

from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import Config
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.stand_in import stand_in_options
from ppgan_lite.errors import CheckpointError, EvaluationError, warn
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


def used_config(run: Run) -> Config:
    """The run's config with the data really used, which may be a stand-in for the requested data."""
    config = run.config()
    return dataclasses.replace(config, data=stand_in_options(config.data)) if run.source.stands_in_for else config


def data_of(run: Run, split: str) -> Dataset:
    """The `train` or `test` items of the data that the run used.

    Raises:
        DataError: the data is missing or damaged.
        EvaluationError: the training data has changed since the training.
    """
    dataset = build_dataset(used_config(run), split)
    if split == "train" and dataset.source.sha256 != run.source.sha256:
        raise EvaluationError(f"{run.folder}: was trained on {run.source}, but the data is now {dataset.source}")
    return dataset
