import numpy as np
import paddle
import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.began import Autoencoder, Generator


def generator(shape=(1, 28, 28), nf=4, **keys):
    return Generator(options.BEGANGenerator(name="began", nf=nf, **keys), 16, shape)


def autoencoder(shape=(1, 28, 28), nf=4, **keys):
    return Autoencoder(options.BEGANAutoencoder(name="began", nf=nf, **keys), 16, shape)


def count(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters())


@pytest.mark.parametrize(("size", "smallest"), [(28, 7), (32, 8)])
def test_parameter_counts_follow_figure_1(size, smallest):
    def conv(inputs, outputs):
        return 9 * inputs * outputs + outputs

    n, z = 4, 16
    decoder = (z + 1) * n * smallest**2 + 6 * conv(n, n) + conv(n, 3)
    stages = 2 * conv(n, n) + conv(n, 2 * n) + 2 * conv(2 * n, 2 * n) + conv(2 * n, 3 * n) + 2 * conv(3 * n, 3 * n)
    code = (3 * n * smallest**2 + 1) * z
    assert count(generator((3, size, size))) == decoder
    assert count(autoencoder((3, size, size))) == conv(3, n) + stages + code + decoder


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_shapes_and_range(shape):
    images = generator(shape)(1000 * paddle.randn([5, 16]))
    assert images.shape == [5, *shape]
    assert 0.5 < float(images.abs().max()) <= 1
    d = autoencoder(shape)
    rebuilt = d(images)
    assert rebuilt.shape == [5, *shape]
    assert float(rebuilt.abs().max()) <= 1


@pytest.mark.parametrize("make", [generator, autoencoder])
def test_a_linear_end_is_clipped_in_evaluation_mode_only(make):
    network = make(end="linear")
    inputs = 1000 * paddle.randn([5, 16] if make is generator else [5, 1, 28, 28])
    trained = network(inputs)
    assert float(trained.abs().max()) > 1
    network.eval()
    np.testing.assert_allclose(network(inputs).numpy(), trained.clip(-1, 1).numpy(), rtol=1e-3, atol=1e-5)


def test_the_autoencoders_output_depends_on_the_code_only():
    d = autoencoder()
    d.code.weight.set_value(paddle.zeros(d.code.weight.shape))
    rebuilt = d(paddle.randn([2, 1, 28, 28])).numpy()
    np.testing.assert_array_equal(rebuilt[0], rebuilt[1])


@pytest.mark.parametrize("network", [options.BEGANGenerator, options.BEGANAutoencoder])
@pytest.mark.parametrize("size", [(64, 64), (28, 32)])
def test_other_sizes_are_refused(network, size):
    with pytest.raises(ConfigError, match=rf"^began takes .*but the data has {size[0]}x{size[1]}"):
        network(name="began").check_size(*size)
