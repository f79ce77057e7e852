import numpy as np
import paddle
import pytest

from ppgan_lite.losses.regularizers import gradient_penalty
from ppgan_lite.networks import options
from ppgan_lite.networks.stargan import Discriminator, Generator


def generator(shape=(3, 32, 32), attributes=5, **keys):
    return Generator(options.StarGANGenerator(name="stargan", **keys), shape, attributes)


def discriminator(shape=(3, 32, 32), attributes=5, **keys):
    return Discriminator(options.StarGANDiscriminator(name="stargan", **keys), shape, attributes)


def count(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters())


def test_parameter_counts_equal_the_authors():
    assert round(count(generator((3, 128, 128))) / 1e6, 2) == 8.43
    assert round(count(discriminator((3, 128, 128))) / 1e6, 1) == 44.8


def test_shapes():
    g, d = generator(ngf=2, blocks=1), discriminator(ndf=2, layers=4)
    images = g(paddle.zeros([2, 3, 20, 36]), paddle.ones([2, 5]))
    assert images.shape == [2, 3, 20, 36]
    scores, logits = d(paddle.zeros([2, 3, 32, 32]))
    assert (scores.shape, logits.shape) == ([2, 1, 2, 2], [2, 5])
    assert d.score_shape == (1, 2, 2)


def test_the_norms_do_not_remove_the_attributes():
    g = generator(ngf=4, blocks=1)
    x, attributes = paddle.uniform([1, 3, 32, 32], min=-1, max=1), paddle.eye(5)
    outputs = [g(x, attributes[i : i + 1]) for i in range(5)]
    assert all(float((outputs[0] - other).abs().mean()) > 1e-4 for other in outputs[1:])


def test_the_discriminator_has_double_gradients():
    """The penalty's gradient equals finite differences; small ones: the penalty jumps where a leaky ReLU bends."""
    d = discriminator(ndf=2, layers=3).to(dtype="float64")
    x = paddle.uniform([2, 3, 32, 32], "float64", min=-1, max=1)
    weight, step, values = d.layers[2].weight, 1e-8, []

    def penalty():
        return gradient_penalty(lambda points: d(points)[0], x)

    penalty().backward()
    direction, start = paddle.randn(weight.shape, "float64"), weight.clone()
    slope = float((weight.grad * direction).sum())
    for sign in (1, -1):
        weight.set_value(start + sign * step * direction)
        values.append(float(penalty()))
    assert abs(slope) > 1e-4
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(slope, rel=1e-3)


def test_the_first_weights_are_pytorchs_default():
    kernel = discriminator(ndf=32, layers=4).layers[2].weight
    limit = 1 / (32 * 16) ** 0.5
    assert float(kernel.abs().max()) == pytest.approx(limit, rel=1e-3)
    assert float(kernel.std()) == pytest.approx(limit / 3**0.5, rel=0.02)
