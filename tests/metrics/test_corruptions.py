"""The golden test of the metrics: real digits, made worse step by step in six ways, must look worse step by step.

500 of MNIST's test images are the real ones, 500 others the generated ones; features are the shipped evaluator's. Each
corruption has four grades. Where a metric is not monotone by nature, a comment next to the corruption lists what was
measured on these images; clean ones have a precision of 0.942, a recall of 0.936, a density of 1.086, a coverage of
0.990, a class KL of 0.008, an MS-SSIM of 0.078, a total variation of 0.132 and a high-frequency energy of 0.106.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from given_images import Given

from ppgan_lite.data import mnist, options
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.spec import Field
from ppgan_lite.evaluation.features import load_features
from ppgan_lite.evaluation.generators import GeneratorEvaluation

pytestmark = pytest.mark.sweep

NUM = 500
CENTRE = 13.5


def each(corrupt):
    """A corruption of images [N, 1, 28, 28] from one of a picture [28, 28]."""
    return lambda images, labels, grade: np.stack([corrupt(image[0], grade) for image in images])[:NUM, None]


def noise(images, labels, deviation):
    """Gaussian noise; deviation in units of [-1, 1]."""
    drawn = np.random.default_rng(0).standard_normal(images.shape)
    return np.clip(np.rint(images + drawn * deviation * 127.5), 0, 255).astype("uint8")


def blur(picture, sigma):
    """Gaussian blur; sigma in pixels."""
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def swirl(picture, radians):
    """Turn the middle by so much, and what lies farther out by less."""
    y, x = np.mgrid[:28, :28].astype("float32") - CENTRE
    radius = np.hypot(x, y)
    angle = np.arctan2(y, x) + radians * np.exp(-radius / 3)
    x, y = radius * np.cos(angle) + CENTRE, radius * np.sin(angle) + CENTRE
    return cv2.remap(picture, x.astype("float32"), y.astype("float32"), cv2.INTER_LINEAR)


def salt_and_pepper(images, labels, share):
    """This share of the pixels becomes white or black."""
    drawn = np.random.default_rng(0).random(images.shape)
    return np.where(drawn < share / 2, 0, np.where(drawn < share, 255, images)).astype("uint8")


def occlusion(images, labels, side):
    """A black square of so many pixels, anywhere in the picture."""
    images, rng = images.copy(), np.random.default_rng(0)
    for image in images:
        top, left = rng.integers(0, 28 - side + 1, 2)
        image[:, top : top + side, left : left + side] = 0
    return images


def dropped_classes(images, labels, num):
    """None of the last so many classes."""
    return images[labels < 10 - num]


@dataclass(frozen=True)
class Corruption:
    """What it does, four grades of it, and the metrics that must rise, fall and stay as they are."""

    corrupt: Callable
    grades: tuple[float, ...]
    rise: str
    fall: str
    stay: str = ""


CORRUPTIONS = {
    # Weak noise does not lower precision and density: 0.948 and 1.129 at 0.1, 0.946 and 0.973 at 0.2. Here as with blur
    # and salt and pepper, the classes' KL sees nothing before digits are taken for others: 0.012 at 0.3.
    "noise": Corruption(
        noise,
        (0.3, 0.45, 0.6, 0.8),
        rise="frechet_distance kernel_distance total_variation high_frequency_energy",
        fall="precision recall density coverage classifier_score ms_ssim",
    ),
    # Nor does a weak blur: 0.944 and 1.138 at 0.5. From 1.2 on recall is 0.
    "blur": Corruption(
        each(blur),
        (0.6, 0.75, 0.9, 1.1),
        rise="frechet_distance kernel_distance ms_ssim",
        fall="precision recall density coverage classifier_score total_variation high_frequency_energy",
    ),
    # Up to 1.5 precision is 0.954 to 0.956. Interpolation smooths before the bent strokes get steep: from 0.75 to 4 the
    # high-frequency energy is 0.067, 0.076, 0.086, 0.107, 0.129, and the total variation 0.125, 0.129, 0.132, 0.138,
    # 0.145. MS-SSIM, which compares generated images with each other, hardly reacts: 0.087 to 0.089.
    "swirl": Corruption(
        each(swirl),
        (2.5, 3.5, 5, 7),
        rise="frechet_distance kernel_distance class_kl",
        fall="precision recall density coverage classifier_score",
    ),
    # A few such pixels raise recall: 0.944 at 0.01; see below.
    "salt and pepper": Corruption(
        salt_and_pepper,
        (0.03, 0.08, 0.15, 0.3),
        rise="frechet_distance kernel_distance total_variation high_frequency_energy",
        fall="precision recall density coverage classifier_score ms_ssim",
    ),
    # Recall is no measure of small squares: 0.966 at 8, 0.930 at 12; only then it falls, to 0.344 at 16. Outliers
    # among generated images lie far from each other, so their own balls, which recall counts by, are wide. (Coverage
    # counts by the real images' balls.) MS-SSIM does not react to them either: 0.079 at 8, 0.078 at 12, 0.128 at 16.
    "occlusion": Corruption(
        occlusion,
        (8, 12, 16, 20),
        rise="frechet_distance kernel_distance class_kl high_frequency_energy",
        fall="precision density coverage classifier_score total_variation",
    ),
    # What is left is as real as before: the single images' metrics must not react.
    "dropped classes": Corruption(
        dropped_classes,
        (2, 4, 6, 8),
        rise="frechet_distance kernel_distance class_kl ms_ssim",
        fall="recall coverage classifier_score",
        stay="precision density",
    ),
}


@pytest.fixture(scope="module")
def series(real_data):
    """Corruption -> metric -> its values, of the clean digits and of the four grades."""
    train, test = (mnist.build(options.MNIST(name="mnist", batch_size=8), split) for split in ("train", "test"))
    order = np.random.default_rng(3).permutation(len(test))
    real, others = order[:NUM], order[NUM:]
    reference = ImageArray(test.images[real], test.labels[real], test.spec["label"].names, "mnist", "500 test images")
    evaluation = GeneratorEvaluation(
        train, reference, load_features("auto", "mnist", Field("image", (1, 28, 28))), NUM, seed=0
    )
    images, labels = test.images[others], test.labels[others]

    @functools.cache
    def measure(name, grade):
        pixels = images if name is None else CORRUPTIONS[name].corrupt(images, labels, grade)
        return {metric: figure.value for metric, figure in evaluation(Given(pixels[:NUM]), step=1).figures.items()}

    def of(name):
        figures = [measure(None, 0), *(measure(name, grade) for grade in CORRUPTIONS[name].grades)]
        return {metric: [each[metric] for each in figures] for metric in figures[0]}

    return of


def cases(direction):
    return [(name, metric) for name in CORRUPTIONS for metric in getattr(CORRUPTIONS[name], direction).split()]


@pytest.mark.parametrize(("name", "metric"), cases("rise"))
def test_it_rises_with_every_grade(name, metric, series):
    values = series(name)[metric]
    assert (np.diff(values) > 0).all(), values


@pytest.mark.parametrize(("name", "metric"), cases("fall"))
def test_it_falls_with_every_grade(name, metric, series):
    values = series(name)[metric]
    assert (np.diff(values) < 0).all(), values


@pytest.mark.parametrize(("name", "metric"), cases("stay"))
def test_it_stays(name, metric, series):
    values = series(name)[metric]
    assert np.allclose(values, values[0], rtol=0.1), values


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_not_taken_for_memory(name, series):
    """At most 2 % are near copies: of digits 0 and 1 alone, since many a 1 looks like another.

    Occlusion lowers the share that is nearer to training images, to 0.06: nearly black pictures are all nearest to the
    same few of the real images, which happen to be test images.
    """
    assert max(series(name)["nearer_to_train"]) < 0.55
    assert max(series(name)["copies_of_train"]) <= 0.03


def test_every_metric_is_asked_for_by_some_corruption(series):
    asked = {metric for direction in ("rise", "fall") for _, metric in cases(direction)}
    assert series("noise").keys() - asked == {"nearer_to_train", "copies_of_train"}
