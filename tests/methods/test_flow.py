import math

import numpy as np
import paddle
import pytest
from method_twin import NUM, SHAPE, assert_equals, build, make_batches, tree
from paddle import nn

from ppgan_lite.networks import options
from ppgan_lite.networks.flow import Flow

NETWORK = {"flow": {"name": "glow", "steps": 1, "hidden": 4}}
SLOW = {"name": "sgd", "lr": 0.01}
KINDS = ["uniform", "variational"]


def config(dequantisation="uniform", network=NETWORK):
    made = tree("flow", network, SLOW, names=("f",), dequantisation=dequantisation)
    del made["method"]["z_dim"]
    return made


def shaken(method):
    """A method with other weights than those at the start, with which couplings are constant."""
    paddle.seed(0)
    for parameter in method.networks["f"].parameters():
        parameter.set_value(parameter + 0.05 * paddle.randn(parameter.shape))
    return method


@pytest.mark.parametrize("dequantisation", KINDS)
def test_a_step_equals_the_algorithm_written_out(dequantisation):
    def draw(f, images):
        if dequantisation == "uniform":
            return paddle.rand(images.shape), 0
        return f.dequantiser(images, paddle.randn(images.shape))

    def algorithm(twin, batches, step):
        f, images = twin.networks["f"], batches[0]["image"]
        if step == 1:
            f.initialise(images)
        u, log_q = draw(f, images)
        _, bits = f(images, u)
        loss = (bits + log_q / math.log(2) / math.prod(SHAPE)).mean()
        twin.apply("f", loss)
        return {"loss/bits": loss}

    assert_equals(config(dequantisation), algorithm)


def test_actnorms_are_initialised_in_the_first_step_only():
    method, seen = build(config()), []
    method.networks["f"].initialise = seen.append
    (batch,) = make_batches()
    for step in (1, 2):
        method.train_step([batch], step)
    (images,) = seen
    assert images is batch["image"]


class Uniform(nn.Layer):
    """As a level of a flow: p(v) is uniform in [0, 1] for pictures v, as z is the normal quantile of v."""

    def __init__(self, alpha):
        super().__init__()
        self.alpha = alpha

    def forward(self, y):
        p = paddle.nn.functional.sigmoid(y)
        z = math.sqrt(2) * paddle.erfinv(2 * (p - self.alpha) / (1 - 2 * self.alpha) - 1)
        log_dv = (p * (1 - p) / (1 - 2 * self.alpha)).log()
        return None, z, (log_dv + z**2 / 2 + math.log(2 * math.pi) / 2).sum([1, 2, 3])


def make_uniform(method, num_values=256):
    """Make the flow of a method uniform; returns the number of values of a pixel."""
    keys = options.Glow(name="glow", levels=1)

    class OneLevel(Flow):
        make_layers = staticmethod(lambda options, channels, is_last: [])

    f = OneLevel(keys, SHAPE, num_values, method.options.dequantisation == "variational")
    f.levels[0] = Uniform(keys.alpha)
    method.networks["f"] = f


@pytest.mark.parametrize(("num_values", "bits"), [(256, 8), (2, 1)])
def test_a_uniform_model_has_8_bits_for_256_values(num_values, bits):
    method = build(config())
    make_uniform(method, num_values)
    values = np.random.default_rng(0).integers(0, num_values, [NUM, *SHAPE])
    images = paddle.to_tensor((values * (2 / (num_values - 1)) - 1).astype("float32"))
    log_probability = method.log_probability(method.networks, {"image": images}, 3)
    assert log_probability.shape == [NUM]
    expected = -bits * math.log(2) * math.prod(SHAPE)
    np.testing.assert_allclose(log_probability.numpy(), expected, rtol=1e-4)


def test_the_variational_bound_of_a_uniform_model_has_8_bits_in_the_mean_over_draws(monkeypatch):
    monkeypatch.setitem(globals(), "SHAPE", (1, 2, 2))
    method = build(config("variational"))
    make_uniform(method)
    shaken(method)
    images = paddle.to_tensor([[[[-1.0, 1.0], [-0.2, 0.6]]]]).expand([20_000, 1, 2, 2])
    weights = method.log_probability(method.networks, {"image": images}, 1) + 4 * math.log(256)
    assert float(weights.std()) > 0.01
    assert float(weights.exp().mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("dequantisation", KINDS)
def test_the_bound_grows_with_the_number_of_draws(dequantisation, monkeypatch):
    monkeypatch.setitem(globals(), "SHAPE", (1, 4, 4))
    method = shaken(build(config(dequantisation, {"flow": NETWORK["flow"] | {"alpha": 0.0001}})))
    batch = {"image": -paddle.ones([1000, *SHAPE])}  # of black pixels u makes the largest difference
    one, many = (method.log_probability(method.networks, batch, num) for num in (1, 8))
    assert float(many.mean()) > float(one.mean()) + 0.2
    assert float(many.std()) < float(one.std())
    assert method.likelihood == f"bound: {dequantisation} dequantisation"


@pytest.mark.parametrize("keys", [{"name": "glow", "steps": 2}, {"name": "realnvp"}])
def test_noise_becomes_pictures_and_at_a_temperature_of_0_all_are_alike(keys):
    method = shaken(build(config(network={"flow": {**keys, "hidden": 4}})))
    sampler = method.samplers()["g"]
    inputs = sampler.draw(3)
    assert list(inputs) == ["z", "truncation"]
    assert inputs["z"].shape == [3, math.prod(SHAPE)]
    images = sampler(inputs)
    assert images.shape == [3, *SHAPE]
    assert float(images.abs().max()) <= 1
    assert (images[0] != images[1]).any()
    assert sampler.takes_truncation
    alike = sampler.truncated(0)
    images = alike(alike.draw(3))
    np.testing.assert_allclose(images.numpy(), images[:1].numpy().repeat(3, 0), atol=1e-5)


def test_pictures_of_their_noise_are_the_same():
    method = shaken(build(config()))
    f, (batch,) = method.networks["f"], make_batches()
    z, _ = f(batch["image"], paddle.full_like(batch["image"], 0.5))
    images = method.samplers()["g"]({"z": z, "truncation": paddle.ones([NUM, 1])})
    np.testing.assert_allclose(images.numpy(), batch["image"].numpy(), atol=1e-4)


def test_the_weights_that_are_measured_are_those_that_are_deployed():
    method, other = shaken(build(config())), build(config())
    method.averages["f"] = other.networks["f"]
    assert method.deployed()["f"] is other.networks["f"]
    assert method.deployed()["g"].flow is other.networks["f"]
    assert method.interfaces().keys() == method.deployed().keys()
