import numpy as np
import paddle
import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.dcgan28 import Discriminator, Generator


def generator(shape=(1, 28, 28), **keys):
    return Generator(options.DCGAN28Generator(name="dcgan28", **keys), z_dim=100, image_shape=shape)


def discriminator(shape=(1, 28, 28), **keys):
    return Discriminator(options.DCGAN28Discriminator(name="dcgan28", **keys), image_shape=shape)


def trainable(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if not p.stop_gradient)


def test_parameter_counts_are_the_tutorials_less_the_biases_before_norms():
    dense = 100 * 1024 + 2 * 1024 + 1024 * 6272 + 2 * 6272
    assert trainable(generator()) == dense + 128 * 64 * 25 + 2 * 64 + 64 * 25 + 1
    assert trainable(generator(upsample="transposed")) == dense + 128 * 64 * 16 + 2 * 64 + 64 * 16 + 1
    convolutions = 64 * 9 + 2 * 64 + 64 * 128 * 9 + 2 * 128
    assert trainable(discriminator()) == convolutions + 128 * 25 * 1024 + 2 * 1024 + 1024 + 1


@pytest.mark.parametrize("upsample", ["bilinear", "transposed"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range(upsample, channels):
    shape = (channels, 28, 28)
    images = generator(shape, ngf=2, upsample=upsample)(paddle.randn([5, 100]))
    assert images.shape == [5, *shape]
    assert float(images.abs().max()) <= 1
    assert discriminator(shape, ndf=2)(images).shape == [5, 1]


def test_all_hidden_layers_have_the_activation():
    kinds = {activation: generator(ngf=2, activation=activation) for activation in ("relu", "tanh")}
    counts = {name: [type(layer).__name__ for layer in g.sublayers()].count("Tanh") for name, g in kinds.items()}
    assert counts == {"relu": 1, "tanh": 4}  # the last layer's is always tanh


def test_relu_after_the_pool_equals_relu_before_it():
    """With the same weights, the tutorial's order has the same logits and the same gradients by the image."""
    import paddle.nn.functional as F

    d = discriminator(ndf=4)
    x = paddle.randn([6, 1, 28, 28])
    gradients = []
    for form in ("ours", "tutorial"):
        image = x.clone()
        image.stop_gradient = False
        if form == "ours":
            logits = d(image)
        else:
            h = F.max_pool2d(F.relu(d.norm1(d.conv1(image))), 2)
            h = F.max_pool2d(F.relu(d.norm2(d.conv2(h))), 2)
            logits = d.heads(F.relu(d.norm3(d.linear1(h.flatten(1)))))
        logits.sum().backward()
        gradients.append((logits.numpy(), image.grad.numpy()))
    np.testing.assert_allclose(*[g[0] for g in gradients], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(*[g[1] for g in gradients], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", [options.DCGAN28Generator, options.DCGAN28Discriminator])
def test_other_sizes_are_refused(network):
    with pytest.raises(ConfigError, match="takes images of 28x28 pixels, but the data has 32x64"):
        network(name="dcgan28").check_size(32, 64)
