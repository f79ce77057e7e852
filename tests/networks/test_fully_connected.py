import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.networks import options
from ppgan_lite.networks.fully_connected import Discriminator, Generator

SHAPE = (1, 28, 28)


def generator(shape=SHAPE, z_dim=100, **keys):
    return Generator(options.FCGenerator(name="fully_connected", **keys), z_dim, shape)


def discriminator(shape=SHAPE, outputs=(1,), **keys):
    return Discriminator(options.FCDiscriminator(name="fully_connected", **keys), shape, outputs)


def count(network, trained=True):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if p.stop_gradient != trained)


def norms(network):
    return [layer for layer in network.sublayers() if isinstance(layer, nn.BatchNorm1D)]


def test_parameter_counts_equal_the_keras_articles_listing():
    g, d = generator(), discriminator()
    assert (count(g), count(g, trained=False)) == (1_489_936, 3_584)
    assert count(g) + count(g, trained=False) == 1_493_520
    assert (count(d), count(d, trained=False)) == (533_505, 0)


def test_parameter_count_equals_the_pytorch_blogs_generator():
    """Linear 100 -> 128 -> 256 -> 512 -> 1024 -> 784, norms after all but the first and the last."""
    g = generator(widths=(128, 256, 512, 1024), norm="pytorch")
    linear = 101 * 128 + 129 * 256 + 257 * 512 + 513 * 1024 + 1025 * 784
    assert count(g) == linear + 2 * (256 + 512 + 1024)
    assert count(g, trained=False) == 2 * (256 + 512 + 1024)


def test_norms_are_where_each_article_has_them():
    def kinds(**keys):
        return [type(layer).__name__ for layer in generator(widths=(8, 4, 2), **keys).layers]

    end = ["Linear", "Tanh"]
    assert kinds(norm="keras") == ["Linear", "LeakyReLU", "BatchNorm1D"] * 3 + end
    assert kinds(norm="pytorch") == ["Linear", "LeakyReLU", *["Linear", "BatchNorm1D", "LeakyReLU"] * 2, *end]
    assert kinds(norm="none") == ["Linear", "LeakyReLU"] * 3 + end


@pytest.mark.parametrize("norm", ["keras", "pytorch"])
@pytest.mark.parametrize("epsilon", [1e-3, 0.8])
def test_the_norms_have_the_epsilon_of_the_options(norm, epsilon):
    """A batch normed by hand: (x - mean) / sqrt(var + epsilon)."""
    norm_layer = norms(generator(widths=(8, 4), norm=norm, norm_epsilon=epsilon))[-1]
    x = np.random.default_rng(0).standard_normal([16, 4]).astype("float32")
    expected = (x - x.mean(0)) / np.sqrt(x.var(0) + epsilon)
    np.testing.assert_allclose(norm_layer(paddle.to_tensor(x)).numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("norm", "momentum"), [("keras", 0.8), ("pytorch", 0.9)])
def test_running_statistics_have_the_momentum_of_each_article(norm, momentum):
    """Keras: 0.8. In the blog it is PyTorch's default 0.1, which Paddle calls 0.9."""
    norm_layer = norms(generator(widths=(8, 4), norm=norm))[-1]
    x = 3 + paddle.randn([16, 4])
    norm_layer(x)
    np.testing.assert_allclose(norm_layer._mean.numpy(), (1 - momentum) * x.numpy().mean(0), rtol=1e-4)


@pytest.mark.parametrize("norm", ["keras", "pytorch", "none"])
@pytest.mark.parametrize("shape", [SHAPE, (3, 5, 4), (2, 1, 1)])
def test_shapes_and_range(norm, shape):
    g = generator(shape, z_dim=6, widths=(8, 4), norm=norm)
    g.layers[-2].weight.set_value(1000 * g.layers[-2].weight)  # so that the range is reached
    images = g(paddle.randn([5, 6]))
    assert images.shape == [5, *shape]
    assert 0.9 < float(images.abs().max()) <= 1
    assert discriminator(shape, widths=(8, 4))(images).shape == [5, 1]
    assert [y.shape for y in discriminator(shape, outputs=(1, 7), widths=(8,))(images)] == [[5, 1], [5, 7]]


def test_without_hidden_layers_they_are_linear():
    x = paddle.randn([5, 2, 1, 1])
    d = discriminator((2, 1, 1), widths=())
    np.testing.assert_allclose(d(x + 1).numpy() - d(x).numpy(), d.heads[0].weight.numpy().sum(), rtol=1e-4)
    assert generator((2, 1, 1), z_dim=3, widths=())(paddle.randn([5, 3])).shape == [5, 2, 1, 1]
