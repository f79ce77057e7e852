"""Evaluations of the checkpoints of a run: by tools/evaluate.py, and during training by `train.evaluate_every`."""

from pathlib import Path

from ppgan_lite.build import build_dataset, set_device
from ppgan_lite.engine import checkpoint
from ppgan_lite.engine.run import Run, open_trained
from ppgan_lite.errors import DamagedCheckpointError, RunError, warn
from ppgan_lite.evaluation.confusion import draw_confusion
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.measure import NUM_IMAGES, GeneratorEvaluation, evaluate_classifier
from ppgan_lite.evaluation.result import Result
from ppgan_lite.files import locked
from ppgan_lite.image_grid import save_png
from ppgan_lite.methods.base import Generative


class RunEvaluation:
    """Measures checkpoints of one run, and keeps what it finds in the run's folder.

    Args:
        run: whose checkpoints are measured.
        config: of the run.
        num: images of each kind; None for 10,000 or, if they are fewer, all test images. A classifier is measured on
            all of them in any case.
        features: see `load_features`.
        seed: of all that is drawn.

    Raises:
        UserError: the data is not that of the run, or cannot be measured by these features, or is too little.
    """

    def __init__(self, run: Run, config, num: int | None = None, features: str = "auto", seed: int = 0):
        self.run = run
        self.train, self.test = build_dataset(config, "train"), build_dataset(config, "test")
        if self.train.source.sha256 != run.source.sha256:
            raise RunError(f"{run.folder}: was trained on {run.source}, but the data is now {self.train.source}")
        self._of_generators = None
        if "generator" in config.networks:
            network = load_features(features, run.source.name, run.image_shape)
            num = min(NUM_IMAGES, len(self.train), len(self.test)) if num is None else num
            self._of_generators = GeneratorEvaluation(self.train, self.test, network, num, seed)

    def __call__(self, method, step: int) -> Result:
        """Measure the method as it stands, and write `evaluations/step_NNNNNNNN.json`. Raises UserError."""
        if isinstance(method, Generative):
            result = self._of_generators(method, step)
        else:
            result = evaluate_classifier(method, self.train, self.test, step)
        self.run.add_result(result)
        if result.confusion is not None:
            picture = self.run.evaluation_file(step).with_suffix(".png")
            save_png(picture, draw_confusion(result, self.run.class_names), {"Step": str(step)})
        return result


def evaluate(folder: Path, step, num: int | None, features: str, seed: int, json: Path | None, device: str):
    """Measure checkpoints of a run, print what was found, and keep it in the run's folder.

    Args:
        folder: of the run.
        step: of the checkpoint; `best`, `all`, or None for the newest that is whole.
        num, features, seed: see `RunEvaluation`.
        json: where the last result is written as well.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint; the data, the features or `num` do not fit.
    """
    device = set_device(device)
    run, method, saved = open_trained(folder, None if step == "all" else step)
    evaluation = RunEvaluation(run, run.config(), num, features, seed)
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
    try:
        with locked(folder), run:
            run.log_results_anew()
    except RunError as error:  # a training run has the log's files open, and would go on writing to removed ones
        warn(f"not drawn in VisualDL: {error}")
    print("protocol: " + ", ".join(f"{key} {value}" for key, value in result.protocol.items()))
    print(f"written to {run.evaluation_file(result.step)}")
    if json is not None:
        result.write(json)
