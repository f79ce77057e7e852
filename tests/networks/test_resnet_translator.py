import numpy as np
import paddle
import pytest

from ppgan_lite.networks import options
from ppgan_lite.networks.resnet_translator import Translator


def resnet(shape=(3, 32, 32), **keys):
    return Translator(options.ResNetTranslator(name="resnet_translator", **keys), shape, shape)


@pytest.mark.parametrize(("blocks", "millions"), [(9, 11.38), (6, 7.84)])
def test_parameter_counts_equal_the_authors(blocks, millions):
    count = sum(int(np.prod(p.shape)) for p in resnet(blocks=blocks).parameters())
    assert round(count / 1e6, 2) == millions


@pytest.mark.parametrize("upsample", ["transposed", "nearest"])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 36, 20)])
def test_any_multiple_of_4_keeps_its_size(upsample, shape):
    network = resnet(shape, ngf=2, blocks=1, upsample=upsample)
    y = network(paddle.uniform([2, *shape], min=-1, max=1))
    assert y.shape == [2, *shape]
    assert float(y.abs().max()) <= 1
    assert network.multiple == 4


def test_a_constant_picture_stays_constant_as_its_border_is_reflected():
    network = resnet(ngf=2, blocks=1)
    first = network.layers[:2](paddle.full([1, 3, 32, 32], 0.3))
    assert float((first - first[:, :, :1, :1]).abs().max()) < 1e-6


def test_each_picture_is_translated_by_itself():
    network = resnet(ngf=4, blocks=2)
    x = paddle.uniform([3, 3, 32, 32], min=-1, max=1)
    np.testing.assert_allclose(network(x)[1:2], network(x[1:2]), atol=2e-5)
