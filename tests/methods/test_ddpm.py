import math

import numpy as np
import paddle
import pytest
from method_twin import SHAPE, assert_equals, build, make_batches, tree

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import images as images_of
from ppgan_lite.errors import ConfigError
from ppgan_lite.methods.ddpm import DDIM, Schedule, _random_levels

NETWORK = {"denoiser": {"name": "ddpm", "widths": [4, 8]}}
FEW = {"levels": 20, "sampling_steps": 4}
IMAGES = paddle.to_tensor(from_uint8(np.random.default_rng(0).integers(0, 256, [6, 1, 4, 4])))


def config(**keys):
    made = tree("ddpm", NETWORK, names=("u",), **{**FEW, **keys})
    del made["method"]["z_dim"]
    return made


def left(name, levels):
    """a_t by its definition, for t = 1 to T."""
    if name == "linear":
        return np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)) if levels == 1000 else None
    cosine = [math.cos((t / levels + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(levels + 1)]
    betas = [min(1 - cosine[t] / cosine[t - 1], 0.999) for t in range(1, levels + 1)]
    return np.cumprod(1 - np.array(betas))


class Knows:
    """A denoiser that sees all noise, as it knows the pictures. It has the levels that it was asked for."""

    def __init__(self, schedule, pictures):
        self.schedule, self.pictures, self.levels = schedule, pictures, []

    def __call__(self, noisy, levels):
        self.levels.append(levels)
        signal, noise = (
            values[levels].reshape([-1, 1, 1, 1]) for values in (self.schedule.signal, self.schedule.noise)
        )
        return (noisy - signal * self.pictures) / noise


def test_a_step_equals_the_algorithm_written_out():
    def algorithm(twin, batches):
        images = batches[0]["image"]
        t = paddle.randint(1, 21, [len(images)])
        epsilon = paddle.randn(images.shape)
        a = paddle.to_tensor(left("cosine", 20).astype("float32"))[t - 1].reshape([-1, 1, 1, 1])
        loss = (epsilon - twin.networks["u"](a.sqrt() * images + (1 - a).sqrt() * epsilon, t)).square().mean()
        twin.apply("u", loss)
        return {"loss/noise": loss}

    assert_equals(config(), algorithm)


@pytest.mark.parametrize(("name", "levels"), [("cosine", 1000), ("cosine", 4), ("linear", 1000), ("linear", 10)])
def test_a_schedule_falls_from_pictures_to_noise(name, levels):
    schedule = Schedule(name, levels)
    signal, noise = schedule.signal.numpy().astype("float64"), schedule.noise.numpy().astype("float64")
    assert len(signal) == len(noise) == levels + 1
    assert (signal[0], noise[0]) == (1, 0)
    assert (np.diff(signal) < 0).all()
    assert (np.diff(noise) >= 0).all()
    assert 0 < signal[-1] < 0.05
    np.testing.assert_allclose(signal**2 + noise**2, 1, atol=1e-6)
    expected = left(name, levels)
    if expected is not None:
        np.testing.assert_allclose(signal[1:] ** 2, expected, rtol=1e-5)
        before, after = expected[:-1], expected[1:]
        beta = 1 - after / before
        variance = (1 - before) / (1 - after) * beta  # of q(x_{t-1} | x_t, x_0) (eq. 7)
        of_x_0 = np.sqrt(before) * beta / (1 - after)  # its mean's change with x_0
        np.testing.assert_allclose(schedule.weights.numpy()[2:], of_x_0**2 / (2 * variance), rtol=1e-4)
        assert float(schedule.deviation) == pytest.approx(math.sqrt(variance[0]), rel=1e-5)


def test_pictures_are_seen_through_their_noise_and_clipped():
    schedule, levels = Schedule("cosine", 50), paddle.to_tensor([1, 7, 20, 30, 40, 49])
    noise = paddle.randn(IMAGES.shape)
    noisy = schedule.noised(IMAGES, levels, noise)
    np.testing.assert_allclose(schedule.denoised(noisy, levels, noise).numpy(), IMAGES.numpy(), atol=1e-4)
    assert float(schedule.denoised(noisy, levels, -noise).abs().max()) == 1


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_a_denoiser_that_knows_the_pictures_leads_there(steps):
    schedule = Schedule("cosine", 20)
    knows = Knows(schedule, IMAGES)
    sampler = DDIM(knows, schedule, [1, 4, 4], steps)
    z = paddle.randn([6, 16])
    np.testing.assert_allclose(sampler(z).numpy(), IMAGES.numpy(), atol=1e-4)
    levels = paddle.stack(knows.levels)[:, 0].numpy()
    assert levels[0] == 20
    assert len(levels) == steps == sampler.num_frames
    assert (np.diff(levels) < 0).all()
    # each step is x_t of the same noise
    epsilon = (z.reshape(IMAGES.shape) - schedule.signal[20] * IMAGES) / schedule.noise[20]
    frames, following = list(sampler.frames(z)), [*levels[1:], 0]
    assert len(frames) == steps
    for frame, level in zip(frames, following, strict=True):
        expected = schedule.noised(IMAGES, int(level), epsilon).clip(-1, 1)
        np.testing.assert_allclose(frame.numpy(), expected.numpy(), atol=1e-4)


def test_pictures_depend_on_nothing_but_z_and_the_deployed_weights():
    method = build(config())
    for parameter in method.networks["u"].parameters():
        parameter.set_value(parameter + 0.1 * paddle.randn(parameter.shape))
    sampler = method.samplers()["u"]
    inputs = sampler.draw(3)
    assert inputs["z"].shape == [3, math.prod(SHAPE)]
    first, second = sampler(inputs).numpy(), sampler(inputs).numpy()
    assert first.shape == (3, *SHAPE)
    assert abs(first).max() <= 1
    np.testing.assert_array_equal(first, second)
    *_, last = sampler.frames(inputs)
    np.testing.assert_array_equal(first, last)
    method.averages["u"] = build(config()).networks["u"]  # sees no noise
    assert abs(method.samplers()["u"](inputs).numpy() - first).max() > 0.01


def decoder(images, mean, schedule):
    """The sum of log p(x_0 | x_1) over pixels, [N], by the normal distribution function in float64."""
    half, deviation = 1 / 255, float(schedule.noise[1]) * math.sqrt(_posterior(schedule))

    def below(x):
        return (1 + math.erf((x - mean) / deviation / 2**0.5)) / 2

    def log(x):
        return math.log((1 if x > 0.999 else below(x + half)) - (0 if x < -0.999 else below(x - half)))

    return np.vectorize(log)(images.numpy().astype("float64")).sum((1, 2, 3))


def _posterior(schedule):
    """The variance of q(x_1 | x_2, x_0), divided by 1 - a_1."""
    a_1, a_2 = (float(value) ** 2 for value in schedule.signal[1:3])
    return (1 - a_2 / a_1) / (1 - a_2)


def prior(images, schedule):
    """KL(q(x_T | x_0) || N(0, I)), [N]."""
    a, x = float(schedule.signal[-1]) ** 2, images.numpy().astype("float64")
    return ((a * x**2 - a - math.log(1 - a)) / 2).sum((1, 2, 3))


@pytest.mark.parametrize("num_draws", [1, 5])
@pytest.mark.parametrize("level", [0, 100, 255])
def test_a_denoiser_that_knows_the_pictures_pays_for_the_ends_of_the_bound_only(num_draws, level):
    method = build(config(levels=1000, sampling_steps=4))
    images = paddle.to_tensor(from_uint8(np.full([6, 1, 4, 4], level)))
    got = method.log_probability({"u": Knows(method.schedule, images)}, {"image": images}, num_draws)
    expected = decoder(images, float(images[0, 0, 0, 0]), method.schedule) - prior(images, method.schedule)
    np.testing.assert_allclose(got.numpy(), expected, rtol=2e-3)
    assert -16 < expected[0] < 0


@pytest.mark.parametrize(("schedule", "num_draws"), [("cosine", 1), ("cosine", 4), ("cosine", 50), ("linear", 3)])
def test_the_bound_is_right_in_the_mean_for_any_number_of_draws(schedule, num_draws):
    """For a denoiser to which all pictures are grey, the divergences of all levels add up to a difference of two."""
    method = build(config(schedule=schedule))
    num = 2000
    images = paddle.full([num, 1, 1, 2], 1 / 255)
    got = method.log_probability({"u": Knows(method.schedule, paddle.zeros([1]))}, {"image": images}, num_draws)
    signal, noise = (
        values.numpy().astype("float64") ** 2 for values in (method.schedule.signal, method.schedule.noise)
    )
    expected = decoder(images, 0, method.schedule) - prior(images, method.schedule)
    expected -= (signal[1] / noise[1] - signal[-1] / noise[-1]) / 2 * 2 / 255**2
    assert got.shape == [num]
    np.testing.assert_allclose(float(got.mean()), expected.mean(), rtol=1e-3)


@pytest.mark.parametrize(("num_draws", "last"), [(1, 2), (1, 50), (3, 50), (7, 4)])
def test_levels_stand_for_all_levels_after_the_first(num_draws, last):
    num, counts = 20_000, np.zeros(last + 1)
    for draw in range(num_draws):
        levels, weights = _random_levels(draw, num_draws, num, last)
        np.add.at(counts, levels.numpy(), weights.numpy().astype("float64") / num)
    np.testing.assert_allclose(counts, [0, 0, *np.ones(last - 1)], atol=0.02)


def test_the_level_of_one_picture_is_random_too():
    paddle.seed(0)
    first = paddle.concat([_random_levels(0, 1, 4, 30)[0][:1] for _ in range(1000)]).numpy()
    share = (first < 8).mean()
    assert share == pytest.approx(math.log(8 / 2) / math.log(31 / 2), abs=0.06)


def test_the_bound_has_gradients():
    method = build(config())
    method.log_probability(method.networks, make_batches()[0], 2).mean().backward()
    assert float(method.networks["u"].last.conv.weight.grad.abs().max()) > 0


@pytest.mark.parametrize(("levels", "likelihood"), [(256, "bound: random levels"), (2, None)])
def test_only_images_of_256_levels_have_a_likelihood(levels, likelihood):
    method = build_method(check_config(config()), images_of(SHAPE, levels=levels))
    assert method.likelihood == likelihood


def test_more_steps_than_levels_are_refused():
    with pytest.raises(ConfigError, match=r"method.sampling_steps: at most method.levels, which is 20; got 21"):
        build(config(sampling_steps=21))
