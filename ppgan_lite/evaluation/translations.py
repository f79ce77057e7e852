"""Test pictures and what samplers make of them, as pixels."""

import numpy as np
import paddle

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.pixels import from_uint8, to_uint8
from ppgan_lite.errors import EvaluationError
from ppgan_lite.evaluation.generators import check_enough
from ppgan_lite.methods.samplers import Sampler, at_once
from ppgan_lite.metrics.samples import check

NUM_PICTURES = 2000  # default number of test pictures of a domain, unless there are fewer
MIN_PICTURES = 20  # with fewer the figures are mostly noise


def domain_of(dataset: Dataset, field: str) -> tuple[Dataset, str]:
    """The data set of a field's images without repetitions, and the field's name there."""
    return (dataset.domains[field], "image") if field in dataset.domains else (dataset, field)


def num_images(dataset: Dataset) -> int:
    """Number of images, of several domains in the smallest."""
    return min(map(len, dataset.domains.values())) if dataset.domains else len(dataset)


def check_pictures(train: Dataset, test: Dataset, num: int | None):
    """Refuse too few pictures to measure translations.

    Args:
        num: number of test pictures asked for, if any.

    Raises:
        EvaluationError: they are too few, or `num` is more than there are.
    """
    if num is not None and num > len(test):
        raise EvaluationError(f"{num} images: {test.source.title} has only {len(test)} test images")
    num_train, num_test = num_images(train), num_images(test)
    check_enough(min(num or num_test, num_train, num_test), num_train, num_test, least=MIN_PICTURES)


def choose(num_items: int, num: int, seed: int) -> np.ndarray:
    """Indices of `num` of a data set's items, all if they are fewer: drawn at random, as files are sorted by class."""
    return np.sort(np.random.default_rng([seed, 5]).permutation(num_items)[:num])


def translate(sampler: Sampler, pixels: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
    """Translations of pictures, rounded to 8 bits: uint8 [N, C, H, W] -> uint8 [N, C', H, W].

    The network is used as an exported one: without dropout, and batch norms with their running statistics.

    Args:
        attributes: the wanted ones, float32 [N, A]; None: the sampler takes none.

    Raises:
        EvaluationError: there is NaN or infinity among the translations.
    """
    step, outputs = at_once(*pixels.shape[2:]), []
    for start in range(0, len(pixels), step):
        given = [from_uint8(pixels[start : start + step])]
        if attributes is not None:
            given.append(attributes[start : start + step])
        ports = (port.name for port in sampler.takes)
        images = sampler({port: paddle.to_tensor(x) for port, x in zip(ports, given, strict=True)}).numpy()
        check("translated pictures", images, 0)  # before they are bytes, where NaN would be black
        outputs.append(to_uint8(images).transpose(0, 3, 1, 2))  # [N, H, W, C] -> [N, C, H, W]
    return np.concatenate(outputs)
