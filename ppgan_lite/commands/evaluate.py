"""Measure the checkpoints of a run, print what was found, and keep it in the run's folder."""

from pathlib import Path

from ppgan_lite.device import set_device
from ppgan_lite.errors import DamagedCheckpointError, EvaluationError, UserError, warn
from ppgan_lite.evaluation.evaluation import Evaluation
from ppgan_lite.files import locked
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import Result, difference
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import data_of, open_trained, used_config


def evaluate(folder: Path, step, num: int | None, features: str, seed: int, json: Path | None, device: str) -> Result:
    """Measure checkpoints of a run, print what was found, and keep it in the run's folder.

    Args:
        folder: of the run.
        step: of the checkpoint; `best`, `all`, or None for the newest that is whole.
        num, features, seed: see `Evaluation`.
        json: where the last result is written as well.
        device: see `set_device`.

    Returns:
        the result of the (last) checkpoint.

    Raises:
        UserError: no such run or checkpoint; the data, the features or `num` do not fit.
    """
    device = set_device(device)
    run, method, saved = open_trained(folder, None if step == "all" else step)
    evaluation = Evaluation(used_config(run), data_of(run, "train"), num, features, seed)
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
        print(f"written to {run.results.file(result.step)}")
    if json is not None:
        result.write(json)
    try:
        with locked(folder), run:
            run.log.redraw_results(run.config().train.log_to)
    except UserError as error:  # a training run has the log's files open, and would go on writing to removed ones
        warn(f"not drawn in the logs: {error}")
    return result


def _keep(run: Run, result: Result) -> bool:
    """Put a result into the run's folder, but not in the place of one of another protocol; returns whether it did."""
    path = run.results.file(result.step)
    try:
        differs = difference(Result.read(path), result) if path.exists() else None
    except EvaluationError:  # damaged: no loss
        differs = None
    if differs:
        warn(f"{path} stays as it is: {differs}; delete it to keep this result there, or give --json FILE")
        return False
    run.results.add(result)
    return True
