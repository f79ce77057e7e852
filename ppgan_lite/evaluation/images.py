"""Images, real or generated, with everything that the metrics need."""

from functools import cached_property

import numpy as np

from ppgan_lite.data.base import Dataset
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.metrics import classes
from ppgan_lite.metrics.frechet import Moments


class Images:
    """Images with their features and predicted classes.

    Attributes:
        images: the pixels, uint8 [N, C, H, W].
        features: the network's features, [N, F].
        probabilities: the network's class probabilities, [N, K].
        moments: mean and covariance of the features.
        predicted: predicted classes, [N].
        histogram: how often each class is predicted, [K].
        labels, factors: labels and known factors from the data set, if the images are real.
    """

    def __init__(self, images: np.ndarray, network: FeatureNetwork, labels=None, factors=None):
        self.images, self.labels, self.factors = images, labels, factors
        self.features, self.probabilities = network(images)
        self.moments = Moments()
        self.moments.update(self.features)
        self.predicted = self.probabilities.argmax(1)
        self.histogram = classes.class_histogram(self.predicted, self.probabilities.shape[1])


class RealImages:
    """The real images that generators are compared with, read and computed once, at the first access.

    Args:
        train, test: data sets; `num` images of each are drawn at random, because MNIST's first 5,000 test images are
            harder than the others, and images in folders are sorted by class.
        network: computes the features.
        num: number of images from each data set.
        seed: random seed of the selection.

    Attributes:
        train_source, test_source: the sources of the data sets.
    """

    def __init__(self, train: Dataset, test: Dataset, network: FeatureNetwork, num: int, seed: int):
        self.network, self.num, self.seed = network, num, seed
        self._train_data, self._test_data = train, test
        self.train_source, self.test_source = train.source, test.source

    @cached_property
    def test(self) -> Images:
        """Test images."""
        order = np.random.default_rng([self.seed, 5]).permutation(len(self._test_data))
        return self._images(self._test_data, order[: self.num])

    @cached_property
    def train(self) -> Images:
        """Training images: their distance to the test images is the best that a generator can reach."""
        return self._images(self._train_data, self._train_order[: self.num])

    @cached_property
    def fresh(self) -> np.ndarray | None:
        """More training images, uint8 [N, C, H, W], as a baseline for copies of `train`; None if too few are left."""
        indices = self._train_order[self.num : 2 * self.num]
        return self._train_data.pixels("image", indices) if len(indices) == self.num else None

    @property
    def _train_order(self) -> np.ndarray:
        return np.random.default_rng([self.seed, 4]).permutation(len(self._train_data))

    def _images(self, dataset: Dataset, indices: np.ndarray) -> Images:
        factors = {name: values[indices] for name, values in dataset.factors.items()}
        return Images(dataset.pixels("image", indices), self.network, dataset.labels[indices], factors)
