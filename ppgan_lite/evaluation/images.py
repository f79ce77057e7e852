"""Images, real or generated, and what the metrics need of them."""

from functools import cached_property

import numpy as np

from ppgan_lite.data.base import Dataset
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.metrics import classes
from ppgan_lite.metrics.frechet import Moments


class Images:
    """Images uint8 [N, C, H, W], their features and the classes that the feature network takes them for.

    Attributes:
        images: the pixels.
        features, probabilities: of the network, [N, F] and [N, K].
        moments: of the features.
        predicted: classes [N].
        histogram: how often each class is predicted, [K].
        labels, factors: of real images, as the data set has them.
    """

    def __init__(self, images: np.ndarray, network: FeatureNetwork, labels=None, factors=None):
        self.images, self.labels, self.factors = images, labels, factors
        self.features, self.probabilities = network(images)
        self.moments = Moments()
        self.moments.update(self.features)
        self.predicted = self.probabilities.argmax(1)
        self.histogram = classes.class_histogram(self.predicted, self.probabilities.shape[1])


class RealImages:
    """The real images that generators are compared with; what is asked for is read and computed once.

    Args:
        train, test: data sets; `num` images of each are used, drawn by `seed`: the first would not do, as MNIST's
            first 5,000 test images are harder than the others, and images in folders are sorted by class.
        network: by whose features images are compared.
        num: images of each kind.
        seed: of the choice.

    Attributes:
        train_source, test_source: of the data sets.
    """

    def __init__(self, train: Dataset, test: Dataset, network: FeatureNetwork, num: int, seed: int):
        self.network, self.num, self.seed = network, num, seed
        self._train_data, self._test_data = train, test
        self.train_source, self.test_source = train.source, test.source

    @cached_property
    def test(self) -> Images:
        """Test images."""
        chosen = np.random.default_rng([self.seed, 5]).permutation(len(self._test_data))
        return self._images(self._test_data, chosen[: self.num])

    @cached_property
    def train(self) -> Images:
        """Training images: the floor of every distance."""
        return self._images(self._train_data, self._train_order[: self.num])

    @cached_property
    def fresh(self) -> np.ndarray | None:
        """Other training images, uint8 [N, C, H, W]: a baseline for the distance to `train`. None: too few are left."""
        chosen = self._train_order[self.num : 2 * self.num]
        return self._train_data.pixels("image", chosen) if len(chosen) == self.num else None

    @property
    def _train_order(self) -> np.ndarray:
        return np.random.default_rng([self.seed, 4]).permutation(len(self._train_data))

    def _images(self, dataset: Dataset, indices: np.ndarray) -> Images:
        factors = {name: values[indices] for name, values in dataset.factors.items()}
        return Images(dataset.pixels("image", indices), self.network, dataset.labels[indices], factors)
