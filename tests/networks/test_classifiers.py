import numpy as np
import paddle
import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options


def build(name, image_shape=(1, 28, 28), num_classes=10, **keys):
    network = options.CLASSIFIERS[name](name=name, **keys)
    return network.builder()(network, image_shape, num_classes)


def count(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if not p.stop_gradient)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("softmax", 784 * 10 + 10),
        ("fnn", 784 * 500 + 500 + 500 * 10 + 10),
        # Two convolutions (without bias, which batch norm would cancel), two batch norms, one linear layer.
        ("cnn", 25 * 16 + 32 + 16 * 25 * 32 + 64 + 1568 * 10 + 10),
    ],
)
def test_the_blogs_networks_have_their_size(name, parameters):
    assert count(build(name)) == parameters


@pytest.mark.parametrize("name", options.CLASSIFIERS)
@pytest.mark.parametrize("image_shape", [(1, 28, 28), (3, 32, 32)])
def test_features_lead_to_logits(name, image_shape):
    network = build(name, image_shape, 7)
    network.eval()
    images = paddle.rand([3, *image_shape]) * 2 - 1
    features = network.features(images)
    assert features.shape == [3, network.num_features]
    np.testing.assert_allclose(network(images).numpy(), network.classify(features).numpy(), rtol=1e-5, atol=1e-6)
    assert network(images).shape == [3, 7]


@pytest.mark.parametrize(("name", "least"), [("cnn", 4), ("evaluator", 8)])
def test_images_too_small_for_the_max_pools_are_refused(name, least):
    options.CLASSIFIERS[name](name=name).check_size(least, least)
    build(name, (1, least, least))
    for height, width in ((least - 1, 28), (28, least - 1), (2, 2)):
        expected = f"^{name} takes images of at least {least}x{least} pixels, but the data has "
        with pytest.raises(ConfigError, match=f"{expected}{height}x{width}$"):
            options.CLASSIFIERS[name](name=name).check_size(height, width)


def test_the_evaluator_is_small_enough_to_ship():
    network = build("evaluator")
    assert network.num_features == 128
    assert 4 * count(network) < 10**6


def test_dropout_is_between_features_and_classes_and_only_in_training():
    network = build("evaluator", dropout=0.9)
    images = paddle.rand([64, 1, 28, 28]) * 2 - 1
    assert (network(images) - network(images)).abs().max() > 0
    network.eval()
    assert (network(images) - network(images)).abs().max() == 0


def test_a_residual_block_passes_its_input_on():
    """With a residual branch of 0 the block returns ReLU of its input."""
    network = build("resnet", ncf=4)
    block = network.layers[3]
    norm = block.residual[-1]
    norm.weight.set_value(paddle.zeros_like(norm.weight))
    x = paddle.randn([2, 4, 8, 8])
    np.testing.assert_array_equal(block(x).numpy(), np.maximum(x.numpy(), 0))
