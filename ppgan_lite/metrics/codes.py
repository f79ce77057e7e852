"""What the codes of an InfoGAN have learned (Chen et al. 2016, section 7.2): classes, and factors of the images."""

import numpy as np

from ppgan_lite.metrics.samples import check

FLAT = 1e-6  # a standard deviation up to this is rounding: codes are in [-1, 1], slants and thicknesses about as large


def code_accuracy(train_categories, train_labels, test_categories, test_labels) -> float:
    """Accuracy on test images when each category predicts its most frequent class; the paper has 0.95 on MNIST.

    The class of a category is the most frequent one among the training images in it, so it is not chosen on the images
    that are measured. A category without training images predicts no class.

    Args:
        train_categories, test_categories: categorical codes that Q recognises in the images, integers from 0, [N].
        train_labels, test_labels: labels of the images, integers from 0, [N].

    Raises:
        EvaluationError: no samples.
    """
    check("code accuracy", train_categories, 1)
    check("code accuracy", test_categories, 1)
    num_categories = 1 + max(train_categories.max(), test_categories.max())
    counts = np.zeros((num_categories, 1 + train_labels.max()), int)
    np.add.at(counts, (train_categories, train_labels), 1)
    classes = np.where(counts.any(1), counts.argmax(1), -1)  # [categories]
    return float((classes[test_categories] == test_labels).mean())


def correlation(codes: np.ndarray, factor: np.ndarray) -> float:
    """The largest absolute correlation (Pearson's) of any code with a factor: 0 to 1; 0 if either is constant.

    Biased upwards: for N images and a factor unrelated to all codes it is about 1 / sqrt(N).

    Args:
        codes: continuous codes, [N, codes].
        factor: a property of the same images, [N].

    Raises:
        EvaluationError: fewer than 2 samples, NaN or infinity among them.
    """
    check("codes", codes, 2)
    check("factor", factor, 2)
    codes, factor = (values.astype(np.float64) - values.mean(0, dtype=np.float64) for values in (codes, factor))
    deviations, deviation = codes.std(0), factor.std()
    varies = (deviations > FLAT) & (deviation > FLAT)
    covariances = abs(factor @ codes) / len(codes)  # [codes]
    return float(np.where(varies, covariances / np.where(varies, deviations * deviation, 1), 0).max())
