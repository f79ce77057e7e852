import math

import numpy as np
import paddle
import pytest

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.losses.likelihood import (
    LEVELS,
    Categories,
    Logistics,
    bits_per_dim,
    log_mean_exp,
    log_of_level,
    log_of_level_normal,
)

EVERY_LEVEL = from_uint8(np.arange(LEVELS))
ONE = paddle.ones([1, 1])


def test_a_uniform_model_has_8_bits():
    images = paddle.to_tensor(from_uint8(np.random.default_rng(0).integers(0, 256, [5, 1, 3, 4])))
    log_probability = Categories().log_probability(paddle.zeros([5, 256, 3, 4]), images)
    assert log_probability.shape == [5, 3, 4]
    np.testing.assert_allclose(bits_per_dim(log_probability.sum([1, 2]), [1, 3, 4]).numpy(), 8, rtol=1e-6)


def test_categories_have_the_probability_of_their_level():
    paddle.seed(0)
    parameters = paddle.randn([256, 256, 1, 1])
    images = paddle.to_tensor(EVERY_LEVEL).reshape([256, 1, 1, 1])
    got = Categories().log_probability(parameters, images).numpy().ravel()
    logits = parameters.numpy().squeeze().astype("float64")
    expected = np.diag(logits) - np.log(np.exp(logits).sum(1))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 0.0, 4.0])
@pytest.mark.parametrize("mean", [-1.5, -1.0, 0.3, 0.999])
@pytest.mark.parametrize(("log_of", "error"), [(log_of_level, 1e-5), (log_of_level_normal, 2e-4)])
def test_the_probabilities_of_all_levels_sum_to_1(log_of, error, mean, log_scale):
    logs = log_of(paddle.to_tensor(EVERY_LEVEL), paddle.to_tensor(mean), paddle.to_tensor(log_scale))
    assert float(logs.exp().sum()) == pytest.approx(1, abs=error)


@pytest.mark.parametrize("log_deviation", [-6.0, -3.0, 0.0])
def test_no_level_has_more_than_its_probability_under_a_normal(log_deviation):
    """Against float64, in the tails too, where it may have less but stays finite."""
    mean, deviation = 0.2, math.exp(log_deviation)
    got = log_of_level_normal(
        paddle.to_tensor(EVERY_LEVEL), paddle.to_tensor(mean), paddle.to_tensor(log_deviation)
    ).numpy()
    assert np.isfinite(got).all()
    limits = (np.arange(257) - 0.5) * (2 / 255) - 1
    limits[[0, -1]] = -np.inf, np.inf
    below, above = ([math.erfc(sign * (x - mean) / deviation / 2**0.5) / 2 for x in limits] for sign in (-1, 1))
    expected = np.where(mean < EVERY_LEVEL, -np.diff(above), np.diff(below))
    likely = expected > 1e-30
    assert (got[likely] <= np.log(expected[likely]) + 2e-3).all()
    exact = expected > 1e-3
    np.testing.assert_allclose(got[exact], np.log(expected[exact]), atol=2e-3)


def test_a_level_far_from_a_narrow_logistic_has_a_finite_gradient():
    mean = paddle.to_tensor(-0.9, stop_gradient=False)
    log = log_of_level(paddle.to_tensor(0.9), mean, paddle.to_tensor(-7.0))
    (gradient,) = paddle.grad(log, mean)
    assert float(log) < -1000
    assert float(gradient) == pytest.approx(math.exp(7), rel=0.01)  # the tail of a logistic falls by 1 / scale


def test_a_mixture_in_colour_sums_to_1_over_its_last_channel_and_depends_on_the_earlier_ones():
    """Every fifth level stands for five: the logistics are wide, and end before black and white."""
    paddle.seed(1)
    mixture = Logistics(3)
    parameters = paddle.concat(
        [0.2 * paddle.randn([1, 12, 1, 1]), paddle.full([1, 9, 1, 1], -2.7), paddle.randn([1, 9, 1, 1])], 1
    )
    levels = EVERY_LEVEL[::5]
    images = (
        np.stack(np.meshgrid(levels, levels, levels, indexing="ij")).reshape(3, -1, 1).transpose(1, 0, 2)[..., None]
    )
    log = mixture.log_probability(parameters, paddle.to_tensor(images)).numpy().reshape([len(levels)] * 3)
    p = np.exp(log) * 125
    assert p.sum() == pytest.approx(1, abs=0.02)
    of_blue = p / p.sum(2, keepdims=True)
    assert abs(of_blue[20] - of_blue[30]).max() > 0.01
    assert abs(of_blue[:, 20] - of_blue[:, 30]).max() > 0.01


@pytest.mark.parametrize(("distribution", "channels"), [(Categories(), 1), (Logistics(2), 3)])
def test_draws_follow_the_distribution(distribution, channels):
    paddle.seed(2)
    parameters = 0.7 * paddle.randn([1, distribution.num_parameters])
    num = 4000
    drawn = distribution.draw(parameters.expand([num, -1]), paddle.rand([num, distribution.num_uniforms]), ONE)
    assert drawn.shape == [num, channels]
    levels = (drawn.numpy() + 1) * 127.5
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    grid = paddle.to_tensor(drawn).reshape([num, channels, 1, 1])
    log = distribution.log_probability(parameters.reshape([1, -1, 1, 1]).expand([num, -1, 1, 1]), grid).numpy()
    # the mean of 1 / p(x) over draws is the number of pictures that are possible; of -log p(x) it is the entropy
    assert np.isfinite(log).all()
    if channels == 1:
        p = paddle.nn.functional.softmax(parameters)[0].numpy()
        entropy, deviation = -(p * np.log(p)).sum(), np.sqrt((p * np.log(p) ** 2).sum() / num)
        assert -log.mean() == pytest.approx(entropy, abs=float(4 * deviation))


def test_a_low_temperature_draws_the_likeliest():
    parameters, u = paddle.randn([1, 256]).expand([50, -1]), paddle.rand([50, 1])
    drawn = Categories().draw(parameters, u, 1e-4 * ONE).numpy()
    assert (drawn == EVERY_LEVEL[int(parameters[0].argmax())]).all()


def test_uniform_numbers_at_both_ends_have_a_pixel():
    for distribution in (Categories(), Logistics(2)):
        u = paddle.concat([paddle.zeros([1, distribution.num_uniforms]), paddle.ones([1, distribution.num_uniforms])])
        drawn = distribution.draw(paddle.randn([2, distribution.num_parameters]), u, ONE).numpy()
        assert np.isfinite(drawn).all()
        assert abs(drawn).max() <= 1


def test_a_mean_of_weights_is_above_the_mean_of_their_logs_and_exact_for_large_ones():
    logs = np.random.default_rng(0).normal(-3000, 2, [50, 3]).astype("float32")
    got = log_mean_exp(paddle.to_tensor(logs)).numpy()
    shift = logs.max(0)
    np.testing.assert_allclose(got, shift + np.log(np.exp((logs - shift).astype("float64")).mean(0)), rtol=1e-6)
    assert (got > logs.mean(0)).all()
