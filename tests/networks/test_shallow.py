import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.shallow import Autoencoder


def autoencoder(channels=1, nf=4):
    return Autoencoder(options.ShallowAutoencoder(name="shallow", nf=nf), 16, (channels, 28, 28))


def test_the_parameters_are_counted_by_hand():
    n, z, features = 4, 16, 8 * 49
    encoder = 16 * 3 * n + n + 16 * n * 2 * n + 2 * n + features * z + 2 * z
    decoder = z * features + 2 * features + 16 * 2 * n * n + 2 * n + 16 * n * 3 + 3
    assert sum(int(np.prod(p.shape)) for p in autoencoder(3).parameters() if not p.stop_gradient) == encoder + decoder


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_rebuilt_within_minus_1_and_1_from_the_code_alone(channels):
    d = autoencoder(channels)
    images = paddle.uniform([5, channels, 28, 28], min=-1, max=1)
    rebuilt = d(images)
    assert rebuilt.shape == images.shape
    assert 0 < float(rebuilt.abs().max()) <= 1
    d.code[0].weight.set_value(paddle.zeros(d.code[0].weight.shape))
    rebuilt = d(images).numpy()
    np.testing.assert_array_equal(rebuilt[0], rebuilt[1])


def test_hidden_layers_are_leaky_and_first_weights_small():
    layers = autoencoder(nf=16).sublayers()
    assert [layer._negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)] == [0.2] * 5
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    assert [float(layer.weight.std()) for layer in linear] == pytest.approx([0.02, 0.02], rel=0.05)


def test_other_sizes_are_refused():
    with pytest.raises(ConfigError, match=r"^shallow takes .*but the data has 32x32"):
        options.ShallowAutoencoder(name="shallow").check_size(32, 32)
