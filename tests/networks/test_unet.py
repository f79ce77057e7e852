import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.networks import options
from ppgan_lite.networks.unet import Translator


def unet(size=32, channels=(3, 3), **keys):
    shapes = [(each, size, size) for each in channels]
    return Translator(options.UNet(name="unet", **keys), *shapes)


@pytest.mark.parametrize(("size", "millions"), [(256, 54.41), (128, 41.83), (64, 29.24)])
def test_parameter_counts_equal_the_authors(size, millions):
    count = sum(int(np.prod(p.shape)) for p in unet(size).parameters())
    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512])
def test_it_goes_down_to_one_pixel_and_back(size):
    network = unet(size, channels=(3, 1), ngf=1)
    assert network.multiple == size
    x, sides = paddle.uniform([1, 3, size, size], min=-1, max=1), []
    for down in network.downs:
        x = down(x)
        sides.append(x.shape[2])
    assert sides == [size // 2**i for i in range(1, len(sides) + 1)]
    assert sides[-1] == 1
    y = network(paddle.uniform([2, 3, size, size], min=-1, max=1))
    assert y.shape == [2, 1, size, size]
    assert float(y.abs().max()) <= 1


def test_larger_images_may_have_any_multiple_as_their_sides():
    assert unet(ngf=1)(paddle.zeros([1, 3, 64, 96])).shape == [1, 3, 64, 96]


@pytest.mark.parametrize(("size", "dropouts"), [(256, 3), (128, 2), (64, 1), (32, 0)])
def test_dropout_is_in_the_inner_stages_and_ends_with_training(size, dropouts):
    network = unet(size, ngf=1)
    assert sum(isinstance(layer, nn.Dropout) for layer in network.sublayers()) == dropouts
    x = paddle.uniform([1, 3, size, size], min=-1, max=1)
    assert (network(x) != network(x)).any() == bool(dropouts)
    network.eval()
    np.testing.assert_array_equal(network(x), network(x))


def test_every_stage_up_is_joined_with_its_mirror_image():
    """Without what comes from the stages down, the output must differ: each one's features are used."""
    network = unet(ngf=4)
    network.eval()
    x = paddle.uniform([1, 3, 32, 32], min=-1, max=1)
    before = network(x)
    for down in network.downs[:-1]:
        hook = down.register_forward_post_hook(lambda layer, inputs, output: output * 0)
        assert (network(x) != before).any()
        hook.remove()
    assert [up[1].weight.shape[0] for up in network.ups] == [32, 64, 32, 16, 8]


def test_instance_norm_is_the_papers_batch_norm_at_batch_size_1():
    affine, batch = unet(ngf=4), unet(ngf=4, norm="batch")
    trained = {name: p for name, p in batch.named_parameters() if not p.stop_gradient}
    for (_, mine), theirs in zip(affine.named_parameters(), trained.values(), strict=True):
        theirs.set_value(mine.numpy())
    x = paddle.uniform([1, 3, 32, 32], min=-1, max=1)
    np.testing.assert_allclose(affine(x), batch(x), atol=1e-5)


def test_the_first_weights_are_the_papers():
    network = unet(64, ngf=16)
    kernels = [p for p in network.parameters() if p.ndim == 4]
    gains = [layer.scale for layer in network.sublayers() if isinstance(layer, nn.InstanceNorm2D)]
    for kernel in kernels:
        assert float(kernel.std()) == pytest.approx(0.02, rel=0.1)
        assert abs(float(kernel.mean())) < 0.003
    assert float(paddle.concat(gains).mean()) == pytest.approx(1, abs=0.01)
    assert float(paddle.concat(gains).std()) == pytest.approx(0.02, rel=0.2)
