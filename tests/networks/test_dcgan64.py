import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.dcgan64 import DOUBLINGS, Discriminator, Generator
from ppgan_lite.networks.layers import Conv2DMeanPool


def generator(shape=(3, 64, 64), **keys):
    return Generator(options.DCGAN64Generator(name="dcgan64", **keys), z_dim=100, image_shape=shape)


def discriminator(shape=(3, 64, 64), **keys):
    return Discriminator(options.DCGAN64Discriminator(name="dcgan64", **keys), image_shape=shape)


def trainable(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if not p.stop_gradient)


def test_parameter_counts_equal_pytorchs_example():
    assert trainable(generator()) == 3_576_704
    assert trainable(discriminator()) == 2_765_568


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range(size, channels):
    shape = (channels, size, size)
    images = generator(shape, ngf=2)(paddle.randn([3, 100]))
    assert images.shape == [3, *shape]
    assert float(images.abs().max()) <= 1
    assert discriminator(shape, ndf=2)(images).shape == [3, 1]


def test_widths_halve_and_double_by_stages():
    def widths(network, kind):
        return [layer._out_channels for layer in network.sublayers() if isinstance(layer, kind)]

    assert widths(generator((3, 32, 32), ngf=2), nn.Conv2DTranspose) == [8, 4, 2, 3]
    assert widths(generator((1, 128, 128), ngf=2), nn.Conv2DTranspose) == [32, 16, 8, 4, 2, 1]
    assert widths(discriminator((3, 64, 64), ndf=2), nn.Conv2D) == [2, 4, 8, 16, 1]
    assert widths(generator((3, 64, 64), ngf=128), nn.Conv2DTranspose)[0] == 1024  # as figure 1 of the DCGAN paper


def test_batch_norms_are_where_the_paper_has_them():
    """In G after all layers but the last, in D after all but the first and the last."""
    stage = ["Conv2DTranspose", "BatchNorm2D", "ReLU"]
    assert [type(layer).__name__ for layer in generator(ngf=2).layers] == stage * 4 + ["Conv2DTranspose", "Tanh"]
    stage = ["Conv2D", "BatchNorm2D", "LeakyReLU"]
    d = discriminator(ndf=2)
    assert [type(layer).__name__ for layer in d.layers] == ["Conv2D", "LeakyReLU", *stage * 3]
    assert type(d.heads[0][0]).__name__ == "Conv2D"


@pytest.mark.parametrize("build", [generator, discriminator])
def test_initialisation_is_the_examples(build):
    """N(0, 0.02) for the weights, N(1, 0.02) for the norms' scales, 0 for their shifts: within sampling error."""
    paddle.seed(0)
    for layer in build().sublayers():
        if isinstance(layer, nn.Conv2D | nn.Conv2DTranspose | nn.BatchNorm2D):
            values = layer.weight.numpy()
            expected = 1 if isinstance(layer, nn.BatchNorm2D) else 0
            assert abs(values.mean() - expected) < 5 * 0.02 / values.size**0.5
            assert abs(values.std() / 0.02 - 1) < 5 / (2 * values.size) ** 0.5
        if isinstance(layer, nn.BatchNorm2D):
            assert (layer.bias.numpy() == 0).all()


@pytest.mark.parametrize("network", [options.DCGAN64Generator, options.DCGAN64Discriminator])
@pytest.mark.parametrize("size", [(28, 28), (64, 32), (256, 256)])
def test_other_sizes_are_refused(network, size):
    with pytest.raises(ConfigError, match=rf"takes images of 32x32, .*but the data has {size[0]}x{size[1]}"):
        network(name="dcgan64").check_size(*size)


def test_enlarged_maps_have_3x3_convolutions_and_one_more_at_full_size():
    g = generator(ngf=4, upsample="nearest")
    assert g(paddle.randn([2, 100])).shape == [2, 3, 64, 64]
    assert [layer.weight.shape[2:] for layer in g.sublayers() if isinstance(layer, nn.Conv2D)] == [[3, 3]] * 5
    assert sum(isinstance(layer, nn.Conv2DTranspose) for layer in g.sublayers()) == 1  # from one pixel to 4x4


def test_enlarged_maps_leave_no_checkerboard():
    """From flat feature maps: a transposed convolution of random weights alternates from pixel to pixel."""

    paddle.seed(0)
    flat = paddle.ones([1, 8, 8, 8])
    for upsample, is_flat in (("transposed", False), ("nearest", True)):
        layer = DOUBLINGS[upsample](8, 3)
        inner = layer(flat)[:, :, 4:-4, 4:-4].numpy()
        assert (inner.std((2, 3)) < 1e-5).all() == is_flat, upsample


def test_without_norms_the_variance_of_the_features_is_kept():
    paddle.seed(0)
    d = discriminator(norm="none")
    assert not any(isinstance(layer, nn.BatchNorm2D) for layer in d.sublayers())
    x = paddle.randn([16, 3, 64, 64])
    assert all(layer.bias is not None for layer in d.layers if isinstance(layer, nn.Conv2D))
    for layer in d.layers:
        x = layer(x)
        if isinstance(layer, nn.Conv2D):
            assert 0.4 < float(x.std()) < 2


def test_means_do_not_hide_lines_of_one_pixel():
    """The mean of 2x2 pixels of a convolution is 0 for every such line, so D would not see G's: a layer comes first."""
    paddle.seed(0)
    d = discriminator(ndf=8, norm="none", downsample="mean")
    lines = paddle.to_tensor([1.0, -1.0]).tile([32]).expand([1, 3, 64, 64])
    assert [type(layer).__name__ for layer in d.layers[:3]] == ["Conv2D", "LeakyReLU", "Conv2DMeanPool"]
    hidden = Conv2DMeanPool(3, 4)(lines)[:, :, 1:-1, 1:-1].abs().max()
    seen = d.layers[:3](lines)[:, :, 1:-1, 1:-1].abs().max()
    assert float(hidden) < 1e-5 < 0.01 < float(seen)


def test_spectral_norms_bound_every_layer():
    paddle.seed(0)
    d = discriminator(ndf=4, norm="spectral")
    for _ in range(50):
        d(paddle.randn([2, 3, 64, 64]))
    weights = [layer.weight for layer in d.sublayers() if isinstance(layer, nn.Conv2D)]
    assert len(weights) == 5
    for weight in weights:
        assert np.linalg.norm(weight.numpy().reshape(weight.shape[0], -1), 2) == pytest.approx(1, abs=0.05)


def test_classes_change_what_both_networks_compute():
    paddle.seed(0)
    g = Generator(options.DCGAN64Generator(name="dcgan64", ngf=4), 100, (3, 32, 32), num_classes=3)
    d = Discriminator(options.DCGAN64Discriminator(name="dcgan64", ndf=4, norm="none"), (3, 32, 32), (1,), 3)
    z, labels = paddle.randn([2, 100]), paddle.to_tensor([0, 2])
    images = g(z, labels)
    assert (np.abs((images - g(z, 2 - labels)).numpy()).max((1, 2, 3)) > 1e-4).all()
    features = d.layers(images)
    score = d.heads(features) + (d.of_classes.weight[labels] * features.sum([2, 3])).sum(1, keepdim=True)
    np.testing.assert_allclose(d(images, labels).numpy(), score.numpy(), rtol=1e-5)
    assert (np.abs((d(images, labels) - d(images, 2 - labels)).numpy()) > 1e-6).all()
