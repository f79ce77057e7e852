"""Generated classes, as a classifier predicts them: class balance, conditional accuracy, stacked MNIST."""

import numpy as np

from ppgan_lite.metrics.samples import check

STACKED_MODES = 1000  # three digits


def class_histogram(predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the classes: int64 [K].

    Args:
        predicted: labels [N], integers from 0 to K - 1; or probabilities [N, K], where the largest counts.
        num_classes: number of classes, K.
    """
    labels = predicted if predicted.ndim == 1 else predicted.argmax(1)
    return np.bincount(labels, minlength=num_classes)


def kl_to(histogram: np.ndarray, reference: np.ndarray) -> float:
    """KL(histogram || reference) in nats, of counts or shares [K], not all 0 (each is divided by its sum).

    A class missing from the histogram adds 0, as in the limit. A class missing only from the reference would make the
    divergence infinite: it counts half as often there as the rarest class.

    Biased upwards: N samples of the reference distribution itself give about (K - 1) / (2 N) for N >> K.
    """
    reference = np.where(reference > 0, reference, reference[reference > 0].min() / 2)
    hit = histogram > 0
    p, q = histogram[hit] / histogram.sum(), reference[hit] / reference.sum()
    return float((p * np.log(p / q)).sum())


def conditional_accuracy(predicted: np.ndarray, requested: np.ndarray) -> float:
    """Share of images classified as the requested class; both are labels [N].

    Raises:
        EvaluationError: no samples.
    """
    check("conditional accuracy", predicted, 1)
    return float((predicted == requested).mean())


def stacked_modes(predicted: np.ndarray) -> tuple[int, float]:
    """The number of stacked MNIST's 1,000 modes that occur, and KL(their distribution || uniform) in nats.

    The benchmark of Metz et al. 2017 (section 3.3.1). Both depend on N: N samples of the uniform distribution itself
    miss about 1000 exp(-N / 1000) modes and have a KL of about 500 / N.

    Args:
        predicted: digits [N, 3], one per channel, integers from 0 to 9.

    Raises:
        EvaluationError: no samples.
    """
    check("stacked modes", predicted, 1)
    counts = class_histogram(predicted @ np.array([100, 10, 1]), STACKED_MODES)
    return int((counts > 0).sum()), kl_to(counts, np.ones(STACKED_MODES))


def stack(images: np.ndarray, labels: np.ndarray, num: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Make stacked MNIST: three random one-channel images become one with three channels.

    Args:
        images: [M, 1, H, W].
        labels: [M].
        num: number of images to make, N; each channel is drawn from all images, with replacement.
        seed: random seed.

    Returns:
        images [N, 3, H, W] and labels [N, 3].
    """
    indices = np.random.default_rng(seed).integers(len(images), size=[num, 3])
    return images[indices, 0], labels[indices]  # [N, 3, H, W], [N, 3]
