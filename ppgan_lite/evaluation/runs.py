"""Evaluations of a method by its config: of the checkpoints of a run, and during training by `train.evaluate_every`."""

import dataclasses
from pathlib import Path

from ppgan_lite.build import build_dataset, set_device
from ppgan_lite.data.stand_in import stand_in_options
from ppgan_lite.engine import checkpoint
from ppgan_lite.engine.run import Run, open_trained
from ppgan_lite.errors import DamagedCheckpointError, EvaluationError, UserError, warn
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.measure import NUM_IMAGES, GeneratorEvaluation, evaluate_classifier
from ppgan_lite.evaluation.result import Result, difference
from ppgan_lite.files import locked
from ppgan_lite.methods.base import Generative


class Evaluation:
    """Measures methods against the test images of one experiment's data.

    Args:
        config: of the experiment.
        train: its training images.
        num: images of each kind; None for 10,000 or, if they are fewer, all test images. Classifiers are measured on
            all of them in any case.
        features: see `load_features`.
        seed: of all that is drawn.

    Raises:
        UserError: there are no such test images, the features are not for this data, or `num` does not fit.
    """

    def __init__(self, config, train, num: int | None = None, features: str = "auto", seed: int = 0):
        self._train, self._test = train, build_dataset(config, "test")
        if self._test.source.title != train.source.title:
            raise EvaluationError(
                f"the training images are {train.source}, but the test images are {self._test.source}"
            )
        self._of_generators = None
        if "generator" in config.networks:
            network = load_features(features, train.source.name, train.image_shape)
            num = min(NUM_IMAGES, len(train), len(self._test)) if num is None else num
            self._of_generators = GeneratorEvaluation(train, self._test, network, num, seed)

    def __call__(self, method, step: int) -> Result:
        """Measure the method as it stands at a step. Raises UserError."""
        if isinstance(method, Generative):
            return self._of_generators(method, step)
        return evaluate_classifier(method, self._train, self._test, step)


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
