import weakref

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from blur import blurred
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ppgan_lite.networks import fast_conv

few = st.integers(1, 5)
sizes = st.integers(1, 19)
# (kernel, stride): as in the networks, and every supported number of taps per phase
kernels = st.sampled_from([(1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (2, 2), (4, 2), (6, 2), (3, 3), (10, 2)])


def tensor(seed, *shape):
    return paddle.to_tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"), stop_gradient=False)


def assert_same_function(fast, plain, x, weight):
    """Outputs, and the gradients of a random projection of them by the input and the weight, agree to 1e-5."""
    y = plain(x, weight)
    projection = tensor(9, *y.shape).detach()
    expected = [y, *paddle.grad([y], [x, weight], [projection])]
    y = fast(x, weight)
    assert y.shape == projection.shape
    for ours, theirs in zip([y, *paddle.grad([y], [x, weight], [projection])], expected, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


def assert_same_convolution(fast, plain, x_shape, weight_shape, stride, padding):
    assert_same_function(
        lambda x, w: fast(x, w, stride, padding),
        lambda x, w: plain(x, w, stride=stride, padding=padding),
        tensor(0, *x_shape),
        tensor(1, *weight_shape),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(few, few, few, kernels, st.integers(0, 3), sizes, sizes)
def test_conv2d_equals_paddles(num, channels, features, kernel, padding, height, width):
    size, stride = kernel
    assume(min(height, width) + 2 * padding >= size)
    assert_same_convolution(
        fast_conv.conv2d, F.conv2d, (num, channels, height, width), (features, channels, size, size), stride, padding
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(few, few, few, kernels, st.integers(0, 3), st.integers(1, 9), st.integers(1, 9))
def test_conv2d_transpose_equals_paddles(num, channels, features, kernel, padding, height, width):
    size, stride = kernel
    assume((min(height, width) - 1) * stride + size > 2 * padding)
    assert_same_convolution(
        fast_conv.conv2d_transpose,
        F.conv2d_transpose,
        (num, channels, height, width),
        (channels, features, size, size),
        stride,
        padding,
    )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(few, few, few, st.sampled_from([1, 3, 5, 7]), st.integers(2, 9))
def test_upsample_conv2d_equals_paddles(num, channels, features, kernel, size):
    assert_same_function(
        fast_conv.upsample_conv2d,
        lambda x, w: F.conv2d(
            F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True), w, padding=kernel // 2
        ),
        tensor(0, num, channels, size, size),
        tensor(1, features, channels, kernel, kernel),
    )


@settings(max_examples=40, deadline=None, derandomize=True)
@given(few, few, few, st.integers(1, 5), st.integers(1, 3), st.integers(0, 3), sizes, sizes)
def test_products_of_patches_equal_paddles(num, channels, features, size, stride, padding, height, width):
    assume(min(height, width) + 2 * padding >= size)
    assert_same_convolution(
        fast_conv.conv2d_of_patches,
        F.conv2d,
        (num, channels, height, width),
        (features, channels, size, size),
        stride,
        padding,
    )
    assume((min(height, width) - 1) * stride + size > 2 * padding)
    assert_same_convolution(
        fast_conv.conv2d_transpose_of_patches,
        F.conv2d_transpose,
        (num, channels, height, width),
        (channels, features, size, size),
        stride,
        padding,
    )


@settings(max_examples=30, deadline=None, derandomize=True)
@given(few, few, few, st.integers(1, 9), st.integers(1, 9))
def test_blurs_and_convolutions_at_once_equal_one_after_the_other(num, channels, features, height, width):
    x, weight = tensor(0, num, channels, 2 * height, 2 * width), tensor(1, features, channels, 3, 3)
    assert_same_function(fast_conv.halving_conv2d, lambda x, w: F.conv2d(blurred(x, 2), w, stride=2), x, weight)
    x, weight = tensor(0, num, channels, height, width), tensor(1, channels, features, 3, 3)
    assert_same_function(
        fast_conv.doubling_conv2d, lambda x, w: blurred(F.conv2d_transpose(x, w, stride=2), 1), x, weight
    )


def test_a_product_of_pixels_equals_paddles():
    assert_same_function(fast_conv.conv2d_of_pixels, F.conv2d, tensor(0, 2, 3, 4, 5), tensor(1, 6, 3, 1, 1))


@pytest.mark.parametrize(
    ("shape", "weight", "stride", "padding"),
    [((128, 64, 13, 13), (128, 64, 3, 3), 1, 0), ((16, 64, 32, 32), (128, 64, 4, 4), 2, 1)],
    ids=["dcgan28's D", "dcgan64's D"],
)
def test_many_channels_are_as_exact(shape, weight, stride, padding):
    assert_same_convolution(fast_conv.conv2d, F.conv2d, shape, weight, stride, padding)


@pytest.mark.parametrize("transposed", [False, True])
def test_frozen_weights_give_the_same(transposed):
    convolve = fast_conv.conv2d_transpose if transposed else fast_conv.conv2d
    x, weight = tensor(0, 2, 3, 13, 13), tensor(1, 3, 3, 4, 4)
    results = []
    for frozen in (False, True):
        weight.stop_gradient = frozen
        y = convolve(x, weight, 2, 1)
        results.append([y.numpy(), paddle.grad([y.square().sum()], [x])[0].numpy()])
    with paddle.no_grad():
        results.append([convolve(x, weight, 2, 1).numpy(), results[0][1]])
    for ours in results[1:]:
        for value, expected in zip(ours, results[0], strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "convolve",
    [
        lambda x, w: fast_conv.conv2d(x, w, 2, 1),
        lambda x, w: fast_conv.conv2d_transpose(x, w, 2, 1),
        lambda x, w: fast_conv.conv2d_of_patches(x, w, 2, 1),
        lambda x, w: fast_conv.conv2d_transpose_of_patches(x, w, 2, 1),
        fast_conv.upsample_conv2d,
    ],
    ids=["conv2d", "conv2d_transpose", "patches", "transposed patches", "upsample_conv2d"],
)
def test_double_gradients_match_finite_differences(convolve):
    """The derivative by the weight of the squared gradient by the input: what a gradient penalty needs."""
    size = 3 if convolve is fast_conv.upsample_conv2d else 4
    x, weight, direction = tensor(0, 2, 3, 6, 6), tensor(1, 3, 3, size, size), tensor(2, 3, 3, size, size).detach()

    def penalty(weight):
        y = convolve(x, weight)
        (gradient,) = paddle.grad([(y**3).sum()], [x], create_graph=True)
        return gradient.square().mean()

    (by_weight,) = paddle.grad([penalty(weight)], [weight])
    analytic = float((by_weight * direction).sum())
    h = 1e-3
    numeric = float(penalty(weight + h * direction) - penalty(weight - h * direction)) / (2 * h)
    assert analytic == pytest.approx(numeric, rel=5e-3)


@pytest.mark.parametrize("by", ["input", "weight", "both"])
def test_gradients_by_a_part_of_the_operands(by):
    """Paddle calls the backward passes of the others not at all, and double gradients are still by both."""
    x, weight = tensor(0, 2, 3, 6, 6), tensor(1, 4, 3, 4, 4)
    inputs = {"input": [x], "weight": [weight], "both": [x, weight]}[by]

    def second(convolve):
        gradients = paddle.grad([(convolve(x, weight) ** 3).sum()], inputs, create_graph=True)
        return [*gradients, *paddle.grad([sum((g**2).sum() for g in gradients)], [x, weight])]

    ours = second(lambda x, w: fast_conv.conv2d(x, w, 2, 1))
    theirs = second(lambda x, w: fast_conv.conv2d_of_patches(x, w, 2, 1))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-3, atol=1e-4 * float(b.abs().max()))


def test_an_unused_gradient_by_the_input_leaves_nothing_behind(monkeypatch):
    """The gradient by the weight is not needed, so nobody fetches what `_Output` left for it."""
    made = weakref.WeakSet()
    plain = fast_conv._Product.__init__

    def recorded(self, *arguments):
        plain(self, *arguments)
        made.add(self)

    monkeypatch.setattr(fast_conv._Product, "__init__", recorded)
    x, weight = tensor(0, 2, 3, 6, 6), tensor(1, 4, 3, 4, 4)
    (gradient,) = paddle.grad([(fast_conv.conv2d(x, weight, 2, 1) ** 3).sum()], [x], create_graph=True)
    assert made
    del gradient
    assert not made


@pytest.mark.parametrize(("m", "r"), [(m, r) for m in range(1, 6) for r in range(1, 6) if m + r <= 7])
def test_minimal_filter_computes_a_filter(m, r):
    a, g, b = fast_conv.minimal_filter(m, r)
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(m + r - 1), rng.standard_normal(r)
    np.testing.assert_allclose(a @ ((g @ w) * (b @ x)), np.correlate(x, w, "valid"), rtol=1e-12, atol=1e-12)


def test_the_axis_takes_fewer_products_than_taps_times_outputs():
    for size, kernel, stride, padding in [(13, 3, 1, 0), (32, 4, 2, 1), (8, 4, 2, 1), (64, 4, 2, 1)]:
        axis = fast_conv.axis(size, kernel, stride, padding)
        assert axis.products * stride < axis.outputs * kernel / 1.5


def test_supports_rejects_other_kernels():
    assert fast_conv.supports(4, 2)
    assert not fast_conv.supports(3, 2)  # not a multiple
    assert not fast_conv.supports(7, 1)  # too many taps
    assert all(fast_conv.supports(taps * stride, stride) for taps in range(1, 6) for stride in (1, 2))


def test_bilinear_matrix_keeps_the_corners():
    upsampled = fast_conv.bilinear_matrix(3) @ np.arange(9).reshape(3, 3) @ fast_conv.bilinear_matrix(3).T
    np.testing.assert_allclose(upsampled[[0, 0, -1, -1], [0, -1, 0, -1]], [0, 2, 6, 8])
