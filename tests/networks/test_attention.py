import numpy as np
import paddle
import pytest

from ppgan_lite.networks.attention import SelfAttention

CHANNELS = 16


def layer(gamma, dtype="float64", channels=CHANNELS):
    paddle.seed(0)
    attention = SelfAttention(channels)
    attention.gamma.set_value(paddle.to_tensor([gamma]))
    return attention.to(dtype=dtype)


def maps(*shape, dtype="float64", scale=1.0):
    return paddle.to_tensor((scale * np.random.default_rng(1).standard_normal(shape)).astype(dtype))


def written_out(attention, x):
    """The equations 1 to 3 with the released code's pooling, pixel by pixel."""

    def matrix(convolution):
        return convolution.weight.numpy()[:, :, 0, 0]

    num, channels, height, width = x.shape
    result = np.empty_like(x)
    for n in range(num):
        pixels = x[n].reshape(channels, -1)
        keys, values = (
            np.stack(
                [
                    (matrix(convolution) @ pixels).reshape(-1, height, width)[:, i : i + 2, j : j + 2].max((1, 2))
                    for i in range(0, height, 2)
                    for j in range(0, width, 2)
                ],
                1,
            )
            for convolution in (attention.phi, attention.g)
        )
        for i, query in enumerate((matrix(attention.theta) @ pixels).T):
            weights = np.exp(query @ keys)
            o = matrix(attention.out) @ (values @ (weights / weights.sum()))
            y, x_ = divmod(i, width)
            result[n, :, y, x_] = x[n, :, y, x_] + attention.gamma.item() * o
    return result


def test_it_is_the_equations_written_out():
    attention, x = layer(0.7), maps(3, CHANNELS, 6, 4)
    np.testing.assert_allclose(attention(x).numpy(), written_out(attention, x.numpy()), rtol=1e-10)
    assert abs(attention(x) - x).max() > 0.1


@pytest.mark.parametrize("training", [True, False])
def test_float32_agrees(training):
    attention = layer(0.7, "float32")
    attention.train() if training else attention.eval()
    x = maps(20, CHANNELS, 6, 4, dtype="float32")
    np.testing.assert_allclose(attention(x).numpy(), written_out(attention, x.numpy()), rtol=1e-4, atol=1e-5)


def test_at_first_it_changes_nothing_but_learns():
    attention = SelfAttention(CHANNELS)
    x = maps(2, CHANNELS, 4, 4, dtype="float32")
    y = attention(x)
    np.testing.assert_array_equal(y.numpy(), x.numpy())
    (y**2).mean().backward()
    assert attention.gamma.grad.item() != 0


def test_it_has_the_released_codes_feature_maps_and_no_biases():
    shapes = {name: p.shape for name, p in SelfAttention(64).named_parameters()}
    assert shapes == {
        "theta.weight": [8, 64, 1, 1],
        "phi.weight": [8, 64, 1, 1],
        "g.weight": [32, 64, 1, 1],
        "out.weight": [64, 32, 1, 1],
        "gamma": [1],
    }


def test_few_channels_are_enough():
    assert SelfAttention(4)(maps(2, 4, 4, 4, dtype="float32")).shape == [2, 4, 4, 4]


def test_large_products_do_not_overflow():
    attention, x = layer(1.0, "float32"), maps(2, CHANNELS, 4, 4, dtype="float32", scale=1e4)
    assert np.isfinite(attention(x).numpy()).all()


def test_the_double_gradient_matches_finite_differences():
    """The gradient of a penalty on the slope in x, as of R1; each parameter along one direction."""
    attention, x = layer(0.7), maps(2, CHANNELS, 4, 6)
    x.stop_gradient = False

    def penalty():
        (slope,) = paddle.grad((attention(x) ** 3).sum(), x, create_graph=True)
        return (slope**2).sum()

    penalty().backward()
    rng, h = np.random.default_rng(2), 1e-6
    for name, p in attention.named_parameters():
        gradient, value, direction = p.grad.numpy(), p.numpy(), rng.standard_normal(p.shape)
        sides = []
        for sign in (1, -1):
            p.set_value(value + sign * h * direction)
            sides.append(float(penalty()))
        p.set_value(value)
        expected = (sides[0] - sides[1]) / (2 * h)
        assert abs(expected) > 1, name
        assert (gradient * direction).sum() == pytest.approx(expected, rel=1e-5), name
