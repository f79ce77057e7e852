import copy

import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite import runtime
from ppgan_lite.networks.equalised import (
    MinibatchDeviation,
    PixelNorm,
    Reshape,
    add_noise,
    equalised,
    normalised,
)
from ppgan_lite.networks.layers import FEWEST_IMAGES, Conv2D, Conv2DMeanPool, Linear, NearestUpsampleConv2D

LAYERS = {
    "conv": (lambda: Conv2D(4, 6, 3, padding=1, bias=True), [5, 4, 8, 8], 4 * 9),
    "conv without bias": (lambda: Conv2D(4, 6, 3, padding=1), [5, 4, 8, 8], 4 * 9),
    "upsampling": (lambda: NearestUpsampleConv2D(4, 6, bias=True), [5, 4, 8, 8], 4 * 9),
    "pooling": (lambda: Conv2DMeanPool(4, 6, bias=True), [5, 4, 8, 8], 4 * 9),
    "linear": (lambda: Linear(7, 6), [5, 7], 7),
}


@pytest.mark.parametrize("name", LAYERS)
def test_weights_are_scaled_in_each_pass(name):
    make, shape, inputs = LAYERS[name]
    paddle.seed(0)
    plain, layer = make(), equalised(make(), gain=1.5, bias_gain=0.5, rate=0.1)
    assert {key for key, _ in layer.named_parameters()} == {f"{key}_orig" for key, _ in plain.named_parameters()}
    assert abs(float(layer.weight_orig.std()) * 0.1 - 1) < 0.25, "N(0, 1) / rate"
    if layer.bias is not None:
        assert not layer.bias_orig.numpy().any()
        layer.bias_orig.set_value(paddle.randn([6]))
        plain.bias.set_value(layer.bias_orig * 0.5 * 0.1)
    plain.weight.set_value(layer.weight_orig * (1.5 * 0.1 / inputs**0.5))
    x = paddle.randn(shape)
    np.testing.assert_allclose(layer(x).numpy(), plain(x).numpy(), rtol=1e-5, atol=1e-5)


def test_adams_steps_are_alike_in_all_layers():
    """Whatever the number of inputs: the first step changes each weight that is used by lr * gain / sqrt(inputs)."""
    for inputs in (10, 1000):
        layer = equalised(Linear(inputs, 3), gain=2.0)
        before = (layer.weight_orig * 2 * inputs**-0.5).numpy()
        optimizer = paddle.optimizer.Adam(0.01, parameters=layer.parameters())
        layer(paddle.ones([4, inputs])).sum().backward()
        optimizer.step()
        change = before - (layer.weight_orig * 2 * inputs**-0.5).numpy()
        np.testing.assert_allclose(change, 0.01 * 2 * inputs**-0.5, rtol=1e-2)


def test_a_copy_scales_its_own_weights():
    layer = equalised(Linear(3, 2))
    twin, x = copy.deepcopy(layer), paddle.randn([4, 3])
    expected = layer(x).numpy()
    layer.weight_orig.set_value(2 * layer.weight_orig)
    np.testing.assert_array_equal(twin(x).numpy(), expected)
    np.testing.assert_allclose(layer(x).numpy(), 2 * expected, rtol=1e-5)


def test_normalised_vectors_have_the_mean_square_1():
    z = normalised(7 * paddle.randn([5, 9]))
    np.testing.assert_allclose((z * z).mean(1).numpy(), 1, rtol=1e-5)


@pytest.mark.parametrize("is_view", [False, True])
def test_pixel_norms_two_forms_are_the_definition(is_view, monkeypatch):
    layer, x = PixelNorm(), paddle.randn([3, 5, 4, 2])
    if is_view:
        x = paddle.assign(x.transpose([1, 0, 2, 3])).transpose([1, 0, 2, 3])
    x.stop_gradient = False
    weights = paddle.randn(x.shape)

    def values():
        y = layer(x)
        return y.numpy(), paddle.grad((y * weights).sum(), x)[0].numpy()

    fast, gradient = values()
    pixels = x.numpy()
    np.testing.assert_allclose(fast, pixels / np.sqrt((pixels**2).mean(1, keepdims=True) + 1e-8), rtol=1e-4, atol=1e-5)
    monkeypatch.setenv(runtime.LAYERS, "plain")
    plain, expected = values()
    np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def deviations(x, groups):
    """The map of each picture, one group after another: `groups` has a picture's group."""
    result = np.zeros(len(x))
    for group in set(groups):
        members = x[groups == group]
        result[groups == group] = np.sqrt(members.var(0) + 1e-8).mean()
    return result


@pytest.mark.parametrize(("num", "groups"), [(8, [0, 1] * 4), (4, [0] * 4), (6, [0, 1] * 3), (5, range(5)), (1, [0])])
def test_the_deviation_is_of_groups_of_four_or_fewer(num, groups):
    x = np.random.default_rng(0).standard_normal([num, 3, 4, 4]).astype("float32")
    y = MinibatchDeviation()(paddle.to_tensor(x)).numpy()
    np.testing.assert_array_equal(y[:, :3], x)
    expected = deviations(x, np.array(groups)).reshape([-1, 1, 1]) * np.ones([4, 4])
    np.testing.assert_allclose(y[:, 3], expected, rtol=1e-4)


def test_in_evaluation_mode_all_pictures_are_one_group():
    layer, x = MinibatchDeviation(), np.random.default_rng(0).standard_normal([5, 3, 4, 4]).astype("float32")
    layer.eval()
    np.testing.assert_allclose(layer(paddle.to_tensor(x))[:, 3].numpy(), np.sqrt(x.var(0)).mean(), rtol=1e-4)


def test_noise_is_one_map_for_all_features_times_a_strength(monkeypatch):
    layer, x, noise = nn.Layer(), paddle.randn([FEWEST_IMAGES, 5, 4, 2]), paddle.randn([FEWEST_IMAGES, 1, 4, 2])
    strength = paddle.to_tensor([0.7], stop_gradient=False)
    weights = paddle.randn(x.shape)

    def values():
        y = add_noise(layer, x, noise, strength)
        return y.numpy(), paddle.grad((y * weights).sum(), strength)[0].numpy()

    fast, gradient = values()
    np.testing.assert_allclose(fast, x.numpy() + 0.7 * noise.numpy(), rtol=1e-5, atol=1e-6)
    monkeypatch.setenv(runtime.LAYERS, "plain")
    np.testing.assert_allclose(gradient, values()[1], rtol=1e-4)


def test_reshape():
    assert Reshape(2, 3, 1)(paddle.zeros([4, 6])).shape == [4, 2, 3, 1]
