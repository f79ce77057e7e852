"""Evaluation of the methods of one experiment: for checkpoints, and during training (`train.evaluate_every`)."""

from ppgan_lite.config.build import build_dataset
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.classifiers import evaluate_classifier
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import NUM_IMAGES, GeneratorEvaluation
from ppgan_lite.runs.results import Result


class Evaluation:
    """Measures methods against the test images of one experiment's data.

    Args:
        config: the experiment's config.
        train: its training images.
        num: number of generated and of real images; None: 10,000, or all test images if they are fewer. Classifiers
            are always measured on all test images.
        features: see `load_features`.
        seed: seed of the noise and of the selection of real images.

    Raises:
        UserError: there are no test images of this data, the features are for other data, or `num` is not possible.
    """

    def __init__(self, config, train, num: int | None = None, features: str = "auto", seed: int = 0):
        self._train, self._test = train, build_dataset(config, "test")
        if self._test.source.title != train.source.title:
            raise EvaluationError(
                f"the training images are {train.source}, but the test images are {self._test.source}"
            )
        self._generator_evaluation = None
        if config.method.KIND == "generator":
            network = load_features(features, train.source.name, train.spec["image"])
            num = min(NUM_IMAGES, len(train), len(self._test)) if num is None else num
            self._generator_evaluation = GeneratorEvaluation(train, self._test, network, num, seed)

    def __call__(self, method, step: int) -> Result:
        """Measure the method as it is at a step. Raises UserError."""
        if self._generator_evaluation is not None:
            return self._generator_evaluation(method, step)
        return evaluate_classifier(method, self._train, self._test, step)
