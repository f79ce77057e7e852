import numpy as np
import paddle
import pytest

from ppgan_lite.networks import options
from ppgan_lite.networks.layers import pyramid
from ppgan_lite.networks.msggan import Discriminator, Generator

SHAPE = (3, 32, 32)


def generator(shape=SHAPE, z_dim=6, **keys):
    return Generator(options.MSGGANGenerator(name="msggan", **{"ngf": 4} | keys), z_dim, shape)


def discriminator(shape=SHAPE, **keys):
    return Discriminator(options.MSGGANDiscriminator(name="msggan", **{"ndf": 4} | keys), shape)


def count(network):
    return sum(p.size for p in network.parameters())


def test_parameters():
    """Half of D's features at each size but the largest are a 1x1 convolution of the picture."""
    convolution = lambda inputs, outputs, taps=9: taps * inputs * outputs + outputs  # noqa: E731
    g = 65 * 64 * 16 + convolution(64, 64) + 3 * 2 * convolution(64, 64) + convolution(64, 32) + convolution(32, 32)
    assert count(generator((3, 64, 64), 64, ngf=64)) == g + 4 * convolution(64, 3, 1) + convolution(32, 3, 1)
    d = convolution(3, 32, 1) * 5 + convolution(32, 32) + convolution(32, 32)
    d += 3 * (convolution(64, 64) + convolution(64, 32)) + convolution(65, 64) + (16 * 64 + 1) * 64 + 65
    assert count(discriminator((3, 64, 64), ndf=64)) == d


def test_pictures_of_all_sizes_come_from_one_pass():
    g, z = generator(), paddle.randn([2, 6])
    pictures, x = g.scales(z), g.first(z)
    assert [picture.shape[2] for picture in pictures] == [4, 8, 16, 32]
    for i, picture in enumerate(pictures):
        x = x if i == 0 else g.stages[i - 1](x)
        np.testing.assert_allclose(picture.numpy(), g.to_images[i](x).numpy(), atol=1e-5)
    np.testing.assert_allclose(g(z).numpy(), pictures[-1].numpy(), atol=1e-6)
    g.eval()
    np.testing.assert_allclose(g(z).numpy(), pictures[-1].numpy().clip(-1, 1), atol=1e-3)


def test_a_pyramid_is_of_means():
    x = paddle.randn([2, *SHAPE])
    for size, picture in zip((8, 4, 2, 1), pyramid(x, 4), strict=True):
        expected = x.numpy().reshape(2, 3, 32 // size, size, 32 // size, size).mean((3, 5))
        np.testing.assert_allclose(picture.numpy(), expected, atol=1e-6)


def test_the_discriminator_joins_a_picture_at_every_size():
    d, sizes = discriminator(), [paddle.randn([4, 3, size, size]) for size in (4, 8, 16, 32)]
    x = d.from_images[3](sizes[3])
    for i in (2, 1, 0):
        x = paddle.concat([d.stages[i](x), d.from_images[i](sizes[i])], 1)
    np.testing.assert_allclose(d(sizes).numpy(), d.last(x).numpy(), rtol=1e-5, atol=1e-5)
    images = paddle.randn([4, *SHAPE])
    np.testing.assert_allclose(d(images).numpy(), d(pyramid(images, 4)).numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", range(4))
def test_every_scale_has_a_gradient_of_its_own(scale):
    d, sizes = discriminator(), [paddle.randn([4, 3, size, size]) for size in (4, 8, 16, 32)]
    for picture in sizes:
        picture.stop_gradient = False
    (gradient,) = paddle.grad(d(sizes).sum(), sizes[scale])
    assert float(gradient.abs().max()) > 1e-4


def test_the_discriminator_has_double_gradients():
    """The penalty of the paper's experiments: another derivative than for a linear D, where it is 0."""
    d, x = discriminator(), paddle.randn([4, *SHAPE])
    x.stop_gradient = False
    (gradient,) = paddle.grad(d(x).sum(), x, create_graph=True)
    gradient.square().sum([1, 2, 3]).mean().backward()
    assert float(d.from_images[3][0].weight_orig.grad.abs().max()) > 0
