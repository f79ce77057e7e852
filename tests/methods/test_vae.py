import dataclasses
import math

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import NUM, SGD, SHAPE, Z_DIM, assert_equals, build, make_batches, tree

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.losses.likelihood import log_of_level_normal

NETWORKS = {
    "generator": {"name": "fully_connected", "widths": [8]},
    "encoder": {"name": "fully_connected", "widths": [8]},
}
SLOW = SGD | {"lr": 1e-3}  # its losses are sums over pixels


def config(**keys):
    return tree("vae", NETWORKS, SLOW, ("g", "e"), **keys)


def bernoulli(images, decoded):
    white, p = (images + 1) / 2, (decoded + 1) / 2
    return F.binary_cross_entropy(p, white, reduction="sum") / NUM


def gaussian(images, decoded):
    return -paddle.distribution.Normal(decoded, paddle.full_like(decoded, 0.5)).log_prob(images).sum() / NUM


@pytest.mark.parametrize("likelihood", [bernoulli, gaussian])
def test_a_step_equals_the_algorithm_written_out(likelihood):
    def algorithm(twin, batches):
        g, e = twin.networks["g"], twin.networks["e"]
        real = batches[0]["image"]
        mean, log_variance = e(real)
        deviation = log_variance.exp().sqrt()
        rebuilt = g(mean + deviation * paddle.randn([NUM, Z_DIM]))
        posterior = paddle.distribution.Normal(mean, deviation)
        prior = paddle.distribution.Normal(paddle.zeros_like(mean), paddle.ones_like(mean))
        divergence = paddle.distribution.kl_divergence(posterior, prior).sum() / NUM
        loss_rebuild = likelihood(real, rebuilt)
        twin.apply("g e", loss_rebuild + divergence)
        return {"loss/rebuild": loss_rebuild, "loss/divergence": divergence}

    assert_equals(config(likelihood=likelihood.__name__, noise_std=0.5), algorithm)


def test_no_gradient_is_left_after_a_step():
    method = build(config())
    method.train_step(make_batches(), 1)
    assert all(p.grad is None for network in method.networks.values() for p in network.parameters())


def test_the_divergence_is_the_closed_form():
    """KL(N(m, v) || N(0, 1)) = (m^2 + v - log v - 1) / 2 for each number of the code."""
    method = build(config())
    mean, log_variance = method.networks["e"].heads
    for head, value in ((mean, 0.7), (log_variance, -0.4)):
        head.weight.set_value(paddle.zeros(head.weight.shape))
        head.bias.set_value(paddle.full(head.bias.shape, value))
    expected = Z_DIM * (0.7**2 + math.exp(-0.4) + 0.4 - 1) / 2
    assert float(method.train_step(make_batches(), 1)["loss/divergence"]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("std", [0.1, 2.0])
def test_the_gaussian_likelihood_by_hand(std):
    """In nats, with the constant: a sum over pixels."""
    rng = np.random.default_rng(0)
    images, decoded = (rng.uniform(-1, 1, [3, 2, 2, 1]) for _ in range(2))
    density = np.exp(-(((images - decoded) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))
    method = build(config(likelihood="gaussian", noise_std=std))
    ours = method._log_likelihood(paddle.to_tensor(images), paddle.to_tensor(decoded))
    np.testing.assert_allclose(ours.numpy(), np.log(density).sum((1, 2, 3)), rtol=1e-6)


def test_the_bernoulli_likelihood_by_hand():
    """A decoded 0.5 is a probability of 3/4 for white; grey counts as half of each."""
    images = paddle.to_tensor([1.0, -1.0, 0.0]).reshape([1, 1, 3, 1])
    method = build(config(likelihood="bernoulli"))
    ours = method._log_likelihood(images, paddle.full_like(images, 0.5))
    expected = np.log(3 / 4) + np.log(1 / 4) + (np.log(3 / 4) + np.log(1 / 4)) / 2
    assert ours.item() == pytest.approx(expected, rel=1e-6)


def test_a_wrong_decoder_gets_a_gradient_however_confident_it_is():
    """The gradient by the logit is the probability minus the target: -1 for a white pixel decoded as black."""
    logits = paddle.to_tensor([-5.0, -10.0, -12.0], stop_gradient=False)
    images = paddle.ones([1, 1, 3, 1])
    method = build(config(likelihood="bernoulli"))
    (-method._log_likelihood(images, paddle.tanh(logits / 2).reshape([1, 1, 3, 1]))).backward()
    assert (logits.grad.numpy() < [-0.95, -0.95, -0.8]).all()


def test_a_wrong_and_confident_decoder_has_a_finite_loss():
    images = -paddle.ones([2, *SHAPE])
    decoded = paddle.ones([2, *SHAPE])
    decoded.stop_gradient = False
    loss = -build(config(likelihood="bernoulli"))._log_likelihood(images, decoded).mean()
    assert float(loss) == pytest.approx(-28 * 28 * math.log(1e-6), rel=0.05)
    loss.backward()
    assert np.isfinite(decoded.grad.numpy()).all()


def log_probability(likelihood, levels, num_draws, seed=0, noise_std=0.5):
    """The bounds of a batch of pictures by a small VAE with random weights, [N]."""
    paddle.seed(1)
    method = build(config(likelihood=likelihood, noise_std=noise_std))
    method.spec["image"] = dataclasses.replace(method.spec["image"], levels=levels)
    pixels = np.random.default_rng(2).integers(0, levels, [NUM, *SHAPE]) * (255 // (levels - 1))
    assert method.likelihood == "bound: importance weights"
    paddle.seed(seed)
    return method.log_probability(method.networks, {"image": paddle.to_tensor(from_uint8(pixels))}, num_draws).numpy()


@pytest.mark.parametrize(
    ("likelihood", "levels", "noise_std"), [("bernoulli", 2, 0.5), ("gaussian", 256, 0.5), ("gaussian", 256, None)]
)
def test_the_bound_grows_with_the_number_of_codes(likelihood, levels, noise_std):
    one, few, many = (log_probability(likelihood, levels, num, noise_std=noise_std).mean() for num in (1, 5, 50))
    assert one < few < many


def test_the_bound_is_the_likelihood_if_the_code_means_nothing():
    """A decoder without weights: p(x | z) = p(x), here 1/2 for each pixel, and q is p: z has nothing to be."""
    method = build(config())
    method.spec["image"] = dataclasses.replace(method.spec["image"], levels=2)
    for network in method.networks.values():
        for parameter in network.parameters():
            parameter.set_value(paddle.zeros_like(parameter))
    images = paddle.to_tensor(np.random.default_rng(0).choice([-1.0, 1.0], [NUM, *SHAPE]).astype("float32"))
    for num_draws in (1, 7):
        got = method.log_probability(method.networks, {"image": images}, num_draws)
        np.testing.assert_allclose(got.numpy(), -784 * math.log(2), rtol=1e-6)


def test_learned_deviations_are_those_of_the_levels_written_out():
    def algorithm(twin, batches):
        g, e = twin.networks["g"].generator, twin.networks["e"]
        real = batches[0]["image"]
        mean, log_variance = e(real)
        rebuilt = g(mean + log_variance.exp().sqrt() * paddle.randn([NUM, Z_DIM]))
        log_deviation = math.log(0.002) * (1 - rebuilt[:, 1:]) / 2
        loss_rebuild = -log_of_level_normal(real, rebuilt[:, :1], log_deviation).sum() / NUM
        divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum() / 2 / NUM
        twin.apply("g e", loss_rebuild + divergence)
        return {"loss/rebuild": loss_rebuild, "loss/divergence": divergence}

    assert_equals(config(likelihood="gaussian", noise_std=None), algorithm)


def test_of_learned_deviations_pictures_are_the_means():
    method = build(config(likelihood="gaussian", noise_std=None))
    sampler = method.samplers()["g"]
    inputs = sampler.draw(3)
    method.networks["g"].eval()
    mean, log_deviation = method.networks["g"].distribution(inputs["z"])
    np.testing.assert_allclose(sampler(inputs).numpy(), mean.numpy(), atol=1e-6)
    assert mean.shape == log_deviation.shape == [3, *SHAPE]
    assert math.log(0.002) <= float(log_deviation.min()) < float(log_deviation.max()) <= 0


def test_bernoulli_has_no_deviations_to_learn():
    method = build(config(likelihood="bernoulli", noise_std=None))
    assert method.networks["g"](paddle.zeros([2, Z_DIM])).shape == [2, *SHAPE]
    assert not hasattr(method.networks["g"], "distribution")


def test_grey_pictures_have_no_likelihood_under_bernoulli():
    assert build(config(likelihood="bernoulli")).likelihood is None
