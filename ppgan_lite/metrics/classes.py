"""Which classes are generated, by a classifier's word: their balance, whether the asked ones, and stacked MNIST."""

import numpy as np

from ppgan_lite.metrics.samples import check

STACKED_MODES = 1000  # three digits


def class_histogram(predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the classes: int64 [K].

    Args:
        predicted: labels [N], integers from 0 to K - 1; or probabilities [N, K], of which the largest decides.
        num_classes: K.
    """
    labels = predicted if predicted.ndim == 1 else predicted.argmax(1)
    return np.bincount(labels, minlength=num_classes)


def kl_to(histogram: np.ndarray, reference: np.ndarray) -> float:
    """KL(histogram || reference) in nats, of counts or shares [K], not all 0 (each is divided by its sum).

    A class that the histogram lacks adds 0, as in the limit. One that only the reference lacks would make it infinite:
    the reference is taken to hold half as many of it as of its rarest class.

    It is biased upwards: N samples of the reference itself give about (K - 1) / (2 N) where N >> K.
    """
    reference = np.where(reference > 0, reference, reference[reference > 0].min() / 2)
    hit = histogram > 0
    p, q = histogram[hit] / histogram.sum(), reference[hit] / reference.sum()
    return float((p * np.log(p / q)).sum())


def conditional_accuracy(predicted: np.ndarray, asked: np.ndarray) -> float:
    """Share of images of which the classifier predicts the class that was asked for; labels [N] both.

    Raises:
        EvaluationError: no samples.
    """
    check("conditional accuracy", predicted, 1)
    return float((predicted == asked).mean())


def stacked_modes(predicted: np.ndarray) -> tuple[int, float]:
    """How many of stacked MNIST's 1,000 modes are hit, and KL of their distribution from the uniform one in nats.

    The benchmark of Metz et al. 2017 (section 3.3.1). Both depend on N: N samples of the uniform distribution itself
    miss about 1000 exp(-N / 1000) modes and have a KL of about 500 / N.

    Args:
        predicted: digits [N, 3], integers from 0 to 9, one for each channel.

    Raises:
        EvaluationError: no samples.
    """
    check("stacked modes", predicted, 1)
    counts = class_histogram(predicted @ np.array([100, 10, 1]), STACKED_MODES)
    return int((counts > 0).sum()), kl_to(counts, np.ones(STACKED_MODES))


def stack(images: np.ndarray, labels: np.ndarray, num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Stacked MNIST: three random one-channel images as one of three channels.

    Args:
        images: [M, 1, H, W].
        labels: [M].
        num: images to make, N; each of their channels is drawn from all images, with replacement.
        seed: of the choice.

    Returns:
        images [N, 3, H, W] and labels [N, 3].
    """
    chosen = np.random.default_rng(seed).integers(len(images), size=[num, 3])
    return images[chosen, 0], labels[chosen]  # [N, 3, H, W], [N, 3]
