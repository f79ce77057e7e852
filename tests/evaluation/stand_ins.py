"""Stand-ins for translators and for a network of features."""

from types import SimpleNamespace

import numpy as np
import paddle

from ppgan_lite.data.image_array import Arrays
from ppgan_lite.data.spec import Field, pair
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.methods.interface import Port

MEANS = FeatureNetwork("means", "0" * 64, "none", lambda images: (images.mean([2, 3]), images.mean([2, 3])))


class Stand:
    """Stands in for a sampler: `function` of its inputs, which may be the translation itself, [N, C, H, W]."""

    def __init__(self, takes, gives, function):
        self.takes = tuple(Port(name, (), "") for name in takes)
        self.gives, self.function = (Port(gives, (), ""),), function

    def __call__(self, inputs):
        assert list(inputs) == [port.name for port in self.takes]
        return self.function(*inputs.values())


def method_of(**samplers):
    """Stands in for a method with these samplers."""
    return SimpleNamespace(samplers=lambda: samplers, averages={})


def always(pixels):
    """A translation to given pixels, uint8 [N, C, H, W], in their order, whatever the input is."""
    left = [paddle.to_tensor(pixels.astype("float32") / 127.5 - 1)]

    def function(images):
        now, left[0] = left[0][: len(images)], left[0][len(images) :]
        return now

    return function


def pairs_of(a, b):
    """Pairs of pictures uint8 [N, C, H, W]."""
    return Arrays(pair(a.shape[1:]), {"a": a, "b": b}, "pairs", "made here")


def domain_of(images):
    """One domain of pictures uint8 [N, C, H, W]."""
    return Arrays({"image": Field("image", images.shape[1:])}, {"image": images}, "unpaired", "made here")


def noise(num, shape=(3, 16, 16), seed=0, low=0, high=256):
    """Pixels uint8 [num, C, H, W]."""
    return np.random.default_rng(seed).integers(low, high, (num, *shape), np.uint8)
