"""DiffAugment against plain numpy, its gradients, and ADA's control of its strength."""

import numpy as np
import paddle
import pytest
from conftest import ROOT, spec_of

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import load_config
from ppgan_lite.errors import ConfigError
from ppgan_lite.methods.augment import TRANSFORMATIONS, Augment, Strength, colour, cutout, translation

every_transformation = pytest.mark.parametrize("name", TRANSFORMATIONS)


def pictures(num=6, channels=3, size=16, seed=0):
    return paddle.to_tensor(np.random.default_rng(seed).uniform(-1, 1, (num, channels, size, size)).astype("float32"))


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_is_brightness_then_saturation_then_contrast(channels, monkeypatch):
    draws = [np.float32(draw) for draw in ([0.1, 0.9, 0.5], [0.8, 0.3, 0.2], [0.4, 1.0, 0.7])]
    drawn = iter(draws)
    monkeypatch.setattr(paddle, "rand", lambda shape: paddle.to_tensor(next(drawn)))
    x = pictures(3, channels)
    changed = colour(x, paddle.to_tensor([1.0, 1.0, 0.0])).numpy()
    expected = x.numpy().copy()
    for i in (0, 1):
        brightness, saturation, contrast = (draw[i] for draw in draws)
        y = expected[i] + brightness - 0.5
        y = y.mean(0) + 2 * saturation * (y - y.mean(0))
        expected[i] = y.mean() + (contrast + 0.5) * (y - y.mean())
    np.testing.assert_allclose(changed, expected, atol=1e-6)


def test_translation_shifts_by_up_to_an_eighth_and_fills_with_grey():
    x = pictures(200, 1)
    y = translation(x, paddle.ones([200])).numpy()
    x = np.pad(x.numpy(), [(0, 0), (0, 0), (2, 2), (2, 2)])
    shifts = set()
    for i in range(200):
        windows = {(a, b): x[i, :, a : a + 16, b : b + 16] for a in range(5) for b in range(5)}
        (shift,) = (place for place, window in windows.items() if np.array_equal(window, y[i]))
        shifts.add(shift)
    assert shifts == {(a, b) for a in range(5) for b in range(5)}


@pytest.mark.parametrize("size", [16, 15])
def test_cutout_covers_a_square_of_half_the_size_at_most(size):
    y = cutout(paddle.ones([400, 2, size, size]), paddle.ones([400])).numpy()
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    rows, columns = (y[:, 0] == 0).any(2), (y[:, 0] == 0).any(1)
    np.testing.assert_array_equal(y[:, 0] == 0, rows[:, :, None] & columns[:, None, :])  # one rectangle
    assert set(rows.sum(1)) == set(columns.sum(1)) == set(range(4, 9)), "half of it may lie outside"
    assert rows.any(0).all()


@every_transformation
def test_at_strength_0_every_picture_stays_as_it_is_and_at_1_none(name):
    x = pictures(100)
    np.testing.assert_allclose(Augment((name,), 0.0)(x).numpy(), x.numpy(), atol=1e-6)
    moved = np.abs(Augment((name,))(x).numpy() - x.numpy()).max((1, 2, 3)) > 1e-4
    assert moved.sum() > 90  # a shift may be 0
    moved = np.abs(Augment((name,), paddle.full([], 0.5))(x).numpy() - x.numpy()).max((1, 2, 3)) > 1e-4
    assert 30 < moved.sum() < 70
    assert Augment(())(x) is x


@every_transformation
def test_the_gradients_are_those_of_the_function(name):
    """Of |grad_x sum((T x)^3)|^2, which needs the second derivative, and the first by the way."""

    def penalty(x):
        paddle.seed(5)
        (gradient,) = paddle.grad((TRANSFORMATIONS[name](x, paddle.ones([2])) ** 3).sum(), x, create_graph=True)
        return (gradient**2).sum()

    x = pictures(2, size=8)
    x.stop_gradient = False
    direction = pictures(2, size=8, seed=1)
    (gradient,) = paddle.grad(penalty(x), x)
    values = []
    for sign in (1, -1):
        moved = (x + sign * 1e-2 * direction).detach()
        moved.stop_gradient = False
        values.append(float(penalty(moved)))
    np.testing.assert_allclose((values[0] - values[1]) / 2e-2, float((gradient * direction).sum()), rtol=1e-2)


def test_the_strength_follows_the_confidence():
    strength = Strength(target=0.6, num_images=100)
    sure, unsure = paddle.ones([10, 1]), paddle.to_tensor([[1.0], [-1.0]] * 5)
    for _ in range(30):
        strength.adapt(sure)
    p, r = strength.state.values()
    assert float(p) == 1.0, "10 of 100 images per call, 30 times; not above 1"
    np.testing.assert_allclose(float(r), 1 - 0.4 * 0.75**30, rtol=1e-5)
    strength.adapt(unsure)
    assert float(p) == 1.0, "r is still above 0.6"
    for _ in range(4):
        strength.adapt(unsure)
    np.testing.assert_allclose(float(p), 1 - 0.1 * 4, atol=1e-6)


@pytest.fixture
def method():
    overrides = ["generator.ngf=4", "discriminator.ndf=4", "method.augment=[translation, cutout]"]
    config = load_config(ROOT / "configs" / "dcgan_cifar10_cpu.yml", [*overrides, "method.augment_target=0.6"])
    return build_method(config, spec_of((3, 32, 32), 10))


def test_d_sees_augmented_pictures_only(method, monkeypatch):
    d = method.networks["d"]
    method.state["augment/strength"].set_value(paddle.ones([]))
    seen = []
    d.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    monkeypatch.setitem(TRANSFORMATIONS, "cutout", cutout)
    monkeypatch.setattr(method, "augment", lambda images: images * 0 + 7)
    scalars = method.train_step([{"image": pictures(8, size=32)}], 1)
    assert len(seen) == 3
    assert all((images == 7).all() for images in seen)
    assert {"augment/strength", "augment/confidence"} <= scalars.keys()


def test_the_strength_is_part_of_the_state(method):
    assert method.state.keys() == {"augment/strength", "augment/confidence"}
    method.adapt(paddle.ones([50_000, 1]))
    np.testing.assert_allclose(float(method.state["augment/strength"]), 0.1)


@pytest.mark.parametrize(
    ("config", "overrides", "message"),
    [
        ("gan_mnist", ["method.augment_target=0.6"], "method.augment_target: needs method.augment"),
        (
            "began_mnist",
            ["method.augment=[cutout]", "method.augment_target=0.6"],
            "method.augment_target: D of began rebuilds pictures",
        ),
        ("gan_mnist", ["method.augment=[colours]"], "did you mean colour"),
        ("gan_mixture2d", ["method.augment=[cutout]"], "method.augment: for pictures, but gaussians has points"),
    ],
)
def test_what_cannot_be_augmented_is_refused(config, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_config(ROOT / "configs" / f"{config}.yml", overrides)
