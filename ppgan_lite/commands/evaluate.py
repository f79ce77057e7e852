"""Measure the checkpoints of a run, print what was found, and keep it in the run's folder."""

import dataclasses
from pathlib import Path

from ppgan_lite.config.build import build_dataset
from ppgan_lite.data.stand_in import stand_in_options
from ppgan_lite.device import set_device
from ppgan_lite.errors import DamagedCheckpointError, EvaluationError, UserError, warn
from ppgan_lite.evaluation.evaluation import Evaluation
from ppgan_lite.files import locked
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import Result, difference
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained


def evaluate(folder: Path, step, num: int | None, features: str, seed: int, json: Path | None, device: str):
    """Measure checkpoints of a run, print what was found, and keep it in the run's folder.

    Args:
        folder: of the run.
        step: of the checkpoint; `best`, `all`, or None for the newest that is whole.
        num, features, seed: see `Evaluation`.
        json: where the last result is written as well.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint; the data, the features or `num` do not fit.
    """
    device = set_device(device)
    run, method, saved = open_trained(folder, None if step == "all" else step)
    config, train = _data_of(run)
    evaluation = Evaluation(config, train, num, features, seed)
    steps = sorted({*checkpoint.list_steps(run.checkpoints), *checkpoint.list_steps(run.best)})
    for each in steps if step == "all" else [saved.step]:
        if each != saved.step:
            try:
                _, method, saved = open_trained(folder, each)
            except DamagedCheckpointError as error:
                warn(error)
                continue
        result = evaluation(method, each)
        print(f"step {each} ({device}, {result.seconds:.0f} s)", result.table(), sep="\n", flush=True)
        kept = _keep(run, result)
    print("protocol: " + ", ".join(f"{key} {value}" for key, value in result.protocol.items()))
    if kept:
        print(f"written to {run.evaluation_file(result.step)}")
    if json is not None:
        result.write(json)
    try:
        with locked(folder), run:
            run.log_results_anew()
    except UserError as error:  # a training run has the log's files open, and would go on writing to removed ones
        warn(f"not drawn in VisualDL: {error}")


def _data_of(run: Run):
    """The run's config with the data that was really used, and its training images.

    Raises:
        UserError: the data is not there any more, or has been changed.
    """
    config = run.config()
    if run.source.stands_in_for:
        config = dataclasses.replace(config, data=stand_in_options(config.data))
    train = build_dataset(config, "train")
    if train.source.sha256 != run.source.sha256:
        raise EvaluationError(f"{run.folder}: was trained on {run.source}, but the data is now {train.source}")
    return config, train


def _keep(run: Run, result: Result) -> bool:
    """Put a result into the run's folder, but not in the place of one of another protocol; returns whether it did."""
    path = run.evaluation_file(result.step)
    try:
        differs = difference(Result.read(path), result) if path.exists() else None
    except EvaluationError:  # damaged: no loss
        differs = None
    if differs:
        warn(f"{path} stays as it is: {differs}; delete it to keep this result there, or give --json FILE")
        return False
    run.add_result(result)
    return True
