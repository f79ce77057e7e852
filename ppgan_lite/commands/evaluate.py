"""Measure checkpoints of a run, print the results and keep them in the run's folder."""

from pathlib import Path

from ppgan_lite.commands.infer import try_writing
from ppgan_lite.commands.sample import check_truncation
from ppgan_lite.device import set_device
from ppgan_lite.errors import DamagedCheckpointError, EvaluationError, RunError, UserError, warn
from ppgan_lite.evaluation.evaluation import Evaluation
from ppgan_lite.evaluation.likelihood import check_draws
from ppgan_lite.files import disk_errors, locked
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.results import Result, Results, difference
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import data_of, open_trained, used_config


def evaluate(
    folder: Path,
    step: int | str | None,
    num: int | None,
    features: str,
    seed: int,
    json: Path | None,
    device: str,
    data_root: str | None = None,
    truncation: float | None = None,
    num_draws: int | None = None,
) -> Result:
    """Measure checkpoints of a run, print the results and keep them in the run's folder.

    Args:
        folder: the run's folder.
        step: the checkpoint's step, `best`, `all`, or None for the newest undamaged one.
        num, features, seed: see `Evaluation`.
        json: file to which the last result is also written.
        device: see `set_device`.
        data_root: where the run's data is now; None: where it was.
        truncation: see `Sampler.truncated`; None: pictures as the generator was trained to make them. Results with
            truncation are kept apart.
        num_draws: see `GeneratorEvaluation`.

    Returns:
        the result of the (last) checkpoint.

    Raises:
        UserError: no such run or checkpoint; the data, the features, `num`, `truncation` or `num_draws` are not
            possible; `json` is unwritable.
    """
    if json is not None:
        _check_json(json)
    device = set_device(device)
    run, method, saved = open_trained(folder, None if step == "all" else step)
    _warn_of_no_effect(run.config().method, num, features, seed)
    if truncation is not None:
        check_truncation(method, truncation)
    if num_draws is not None:
        check_draws(method)
    train = data_of(run, "train", data_root)
    evaluation = Evaluation(used_config(run, data_root), train, num, features, seed, truncation, num_draws)
    results = run.results if truncation is None else run.results.with_truncation(truncation)
    steps = sorted({*checkpoint.list_steps(run.checkpoints), *checkpoint.list_steps(run.best)})
    for each in steps if step == "all" else [saved.step]:
        if each != saved.step:
            try:
                _, method, saved = open_trained(folder, each)
            except DamagedCheckpointError as error:
                warn(error)
                continue
        result = evaluation(method, each)
        title = f"step {each} ({device}, {result.seconds:.0f} s)"
        print(f"{title}: {result.headline()}\n{result.table()}", flush=True)
        is_kept = _keep(results, result)
    if is_kept:
        print(f"written to {results.file(result.step)}")
    print(f"protocol (only figures with the same protocol can be compared): {result.describe_protocol()}")
    if json is not None:
        result.write(json)
    _redraw(run)
    return result


def _warn_of_no_effect(method_options, num: int | None, features: str, seed: int):
    """Warn of options that change nothing for a method of this kind."""
    if method_options.KIND == "classifier" and (num, features, seed) != (None, "auto", 0):
        warn("--num, --features and --seed have no effect: a classifier is measured on all test images")
    if "attributes" in method_options.takes and features != "auto":
        warn("--features has no effect: a classifier of this data's attributes judges the translations")


def _redraw(run: Run):
    """Draw the results in the run's log, unless a training has the log's files open: it would write to removed ones."""
    try:
        with locked(run.folder), run:
            run.log.redraw_results(run.config().train.log_to)
    except UserError as error:
        warn(f"the results are not drawn in the log: {error}")


def _check_json(path: Path):
    """Raise RunError if no file can be written there: an evaluation takes minutes."""
    if path.is_dir():
        raise RunError(f"--json {path}: is a folder; give a file")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try_writing(path.parent)


def _keep(results: Results, result: Result) -> bool:
    """Write a result to the run's folder unless one of another protocol is there; returns whether it was written."""
    path = results.file(result.step)
    try:
        differs = difference(Result.read(path), result) if path.exists() else None
    except EvaluationError:  # damaged: replace it
        differs = None
    if differs:
        warn(f"{path} is not replaced: {differs}; delete it first, or give --json FILE")
        return False
    results.add(result)
    return True
