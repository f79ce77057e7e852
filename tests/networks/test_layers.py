import numpy as np
import paddle
import paddle.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from ppgan_lite.networks.layers import BilinearUpsample2x, NarrowingConv2D

sizes = st.integers(2, 9)


def assert_same_function(fast, plain, x, parameters):
    """Outputs, and gradients of a random projection of them by the input and the parameters, agree."""
    results = []
    for function in (fast, plain):
        tensor = paddle.to_tensor(x, stop_gradient=False)
        y = function(tensor)
        weights = np.random.default_rng(1).standard_normal(y.shape).astype("float32")
        (y * paddle.to_tensor(weights)).sum().backward()
        results.append([y.numpy(), tensor.grad.numpy(), *(p.grad.numpy() for p in parameters)])
        for p in parameters:
            p.clear_gradient(False)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4), sizes, sizes, st.sampled_from([1, 3, 5]), st.booleans())
def test_narrowing_conv_equals_conv2d(batch, wide, narrow, height, width, kernel, bias):
    paddle.seed(0)
    layer = NarrowingConv2D(wide, narrow, kernel, bias)
    x = np.random.default_rng(0).standard_normal([batch, wide, height, width]).astype("float32")
    plain = lambda t: F.conv2d(t, layer.weight, layer.bias, padding=kernel // 2)  # noqa: E731
    assert_same_function(layer, plain, x, layer.parameters())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), sizes)
def test_bilinear_upsampling_equals_interpolate(batch, channels, size):
    x = np.random.default_rng(0).standard_normal([batch, channels, size, size]).astype("float32")
    plain = lambda t: F.interpolate(t, scale_factor=2, mode="bilinear", align_corners=True)  # noqa: E731
    assert_same_function(BilinearUpsample2x(size), plain, x, [])


def test_upsampling_keeps_the_corners():
    x = paddle.arange(9, dtype="float32").reshape([1, 1, 3, 3])
    y = BilinearUpsample2x(3)(x).numpy()[0, 0]
    np.testing.assert_allclose(y[[0, 0, -1, -1], [0, -1, 0, -1]], [0, 2, 6, 8], atol=1e-6)


def test_upsampling_matrix_is_no_weight():
    assert BilinearUpsample2x(7).state_dict() == {}
