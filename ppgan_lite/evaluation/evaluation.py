"""Evaluation of the methods of one experiment: for checkpoints, and during training (`train.evaluate_every`)."""

import dataclasses
import math

from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import Config
from ppgan_lite.data.base import Dataset
from ppgan_lite.data.layout import lay_out
from ppgan_lite.data.listing import list_files
from ppgan_lite.data.options import Cropped, Folder
from ppgan_lite.errors import EvaluationError, UserError
from ppgan_lite.evaluation.attributes import AttributeEvaluation
from ppgan_lite.evaluation.classifiers import evaluate_classifier
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import MIN_IMAGES, NUM_IMAGES, GeneratorEvaluation, check_enough
from ppgan_lite.evaluation.translations import MIN_PICTURES, num_images
from ppgan_lite.evaluation.translators import TranslatorEvaluation
from ppgan_lite.methods.translations import ATTRIBUTES
from ppgan_lite.runs.results import Result

AMPLE_IMAGES = 130  # test pictures to aim at with data.test_share, which draws lots: then MIN_IMAGES are nearly certain


def obstacle(config: Config) -> str | None:
    """Why a run on own pictures cannot be evaluated, in words. None: it can be, as far as its files show unread."""
    data, kind = config.data, config.method.KIND
    try:
        if kind == "generator" and isinstance(data, Folder):
            layout = lay_out(list_files(data.root).names, data.test_share, one_class=True)
            num_train, num_test = int(layout.training.sum()), int(layout.testing.sum())
            advice = _in_folders() if layout.has_folders else _in_one_folder(num_train + num_test, data.test_share)
            check_enough(min(NUM_IMAGES, num_train, num_test), num_train, num_test, advice)
        if kind == "translator" and isinstance(data, Cropped):
            unread = dataclasses.replace(config, data=dataclasses.replace(data, cache="none"))
            num_test = num_images(build_dataset(unread, "test"))
            advice = (
                f"; put more into the folders for testing, or without these raise data.test_share={data.test_share:g}"
            )
            check_enough(num_test, MIN_PICTURES, num_test, advice, MIN_PICTURES)
    except UserError as error:
        return str(error)


def _in_folders() -> str:
    return f"; put at least {MIN_IMAGES} pictures into each of the folders for training and for testing"


def _in_one_folder(num: int, share: float) -> str:
    """What to do if too few of `num` pictures are held out for testing."""
    ample = math.ceil(100 * AMPLE_IMAGES / num) / 100
    if ample <= 0.5:
        option = f"-o data.test_share={ample:g} (now {share:g})"
        return f"; train with {option} to hold out about {AMPLE_IMAGES} of {num} pictures"
    return f"; add pictures: about {2 * AMPLE_IMAGES} are needed, and -o data.test_share=0.5 (now {share:g})"


class Evaluation:
    """Measures methods against the test images of one experiment's data.

    Args:
        config: the experiment's config.
        train: its training images.
        num: number of generated and of real images; None: 10,000, or all test images if they are fewer. For translators
            the number of test pictures; None: 2,000, or all. Classifiers are always measured on all test images.
        features: see `load_features`.
        seed: seed of the noise and of the selection of real images.
        truncation, num_draws: for a generator, see `GeneratorEvaluation`.

    Raises:
        UserError: there are no test images of this data, the features are for other data, or `num` is not possible.
    """

    def __init__(
        self,
        config,
        train,
        num: int | None = None,
        features: str = "auto",
        seed: int = 0,
        truncation: float | None = None,
        num_draws: int | None = None,
    ):
        if reason := obstacle(config):
            raise EvaluationError(reason)
        test = build_dataset(config, "test")
        if test.source.title != train.source.title:
            raise EvaluationError(f"the training images are {train.source}, but the test images are {test.source}")
        kind, name = config.method.KIND, train.source.name
        if kind == "generator":
            network = load_features(features, name, train.spec["image"])
            num = min(NUM_IMAGES, len(train), len(test)) if num is None else num
            self._measure = GeneratorEvaluation(train, test, network, num, seed, truncation, num_draws)
        elif kind == "classifier":
            self._measure = lambda method, step: evaluate_classifier(method, train, test, step)
        elif ATTRIBUTES in test.spec:
            self._measure = AttributeEvaluation(_like_test(config, train), test, num, seed)
        else:
            colour = dataclasses.replace(test.spec["a"], shape=(3, *test.spec["a"].shape[1:]))
            network = load_features(features, name, colour)
            self._measure = TranslatorEvaluation(_like_test(config, train), test, network, num, seed)

    def __call__(self, method, step: int) -> Result:
        """Measure the method as it is at a step. Raises UserError."""
        return self._measure(method, step)


def _like_test(config, train: Dataset) -> Dataset:
    """The training data in the form of the test data, whatever the training makes of it: pairs, and whole pictures."""
    forms, keys = {"paired": True, "load_size": None}, {field.name for field in dataclasses.fields(config.data)}
    changes = {key: form for key, form in forms.items() if key in keys and getattr(config.data, key) != form}
    if not changes:
        return train
    return build_dataset(dataclasses.replace(config, data=dataclasses.replace(config.data, **changes)), "train")
