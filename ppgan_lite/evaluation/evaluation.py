"""Evaluations of a method by its config: of the checkpoints of a run, and during training by `train.evaluate_every`."""

from ppgan_lite.config.build import build_dataset
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.classifiers import evaluate_classifier
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import NUM_IMAGES, GeneratorEvaluation
from ppgan_lite.runs.results import Result


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
        if config.method.KIND == "generator":
            network = load_features(features, train.source.name, train.spec["image"])
            num = min(NUM_IMAGES, len(train), len(self._test)) if num is None else num
            self._of_generators = GeneratorEvaluation(train, self._test, network, num, seed)

    def __call__(self, method, step: int) -> Result:
        """Measure the method as it stands at a step. Raises UserError."""
        if self._of_generators is not None:
            return self._of_generators(method, step)
        return evaluate_classifier(method, self._train, self._test, step)
