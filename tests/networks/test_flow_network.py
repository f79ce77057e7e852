import math

import numpy as np
import paddle
import pytest

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.flow import Dequantiser, Glow, Pictures, RealNVP
from ppgan_lite.networks.invertible import ActNorm, Mixing, squeezed, unsqueezed

GREY, COLOUR = (1, 4, 4), (3, 8, 4)
OPTIONS = {
    Glow: options.Glow(name="glow", steps=2, hidden=6, alpha=0.01),
    RealNVP: options.RealNVP(name="realnvp", hidden=6),
}
every_network = pytest.mark.parametrize(
    ("cls", "shape", "num_values"), [(Glow, GREY, 256), (Glow, COLOUR, 2), (RealNVP, GREY, 2), (RealNVP, COLOUR, 256)]
)


@pytest.fixture
def in_float64():
    paddle.set_default_dtype("float64")
    yield
    paddle.set_default_dtype("float32")


def network(cls, shape=GREY, num_values=256, variational=False):
    """A small network with random weights, in evaluation mode."""
    paddle.seed(0)
    return shaken(cls(OPTIONS[cls], shape, num_values, variational))


def shaken(layer):
    """A layer with random weights, in evaluation mode."""
    for parameter in layer.parameters():
        parameter.set_value(parameter + 0.1 * paddle.randn(parameter.shape))
    layer.eval()
    return layer


def pictures(shape, num_values=256, num=3):
    """Images, and where within the steps of their values they are."""
    values = paddle.randint(0, num_values, [num, *shape]).astype(paddle.get_default_dtype())
    return values * (2 / (num_values - 1)) - 1, paddle.rand([num, *shape])


def numeric_log_det(function, x):
    """log |det| of the Jacobian of a function of items at x [1, ...], by differences in all directions."""
    step = 1e-6
    changes = paddle.to_tensor((step * np.eye(x.size)).reshape([x.size, *x.shape[1:]]))
    columns = (function(x + changes) - function(x - changes)).flatten(1).numpy() / (2 * step)
    return np.linalg.slogdet(columns)[1]


def log_normal(z):
    return -(z**2).sum() / 2 - z.size / 2 * math.log(2 * math.pi)


@every_network
def test_the_inverse_is_exact(cls, shape, num_values, in_float64):
    f = network(cls, shape, num_values)
    images, u = pictures(shape, num_values)
    z, _ = f(images, u)
    assert z.shape == [3, math.prod(shape)]
    expected = images + (u - 0.5) * (2 / (num_values - 1))
    np.testing.assert_allclose(f.inverse(z).numpy(), expected.numpy(), atol=1e-9)


@every_network
def test_the_density_has_the_determinant_of_a_numeric_jacobian(cls, shape, num_values, in_float64):
    f = network(cls, shape, num_values)
    images, u = pictures(shape, num_values)
    z, bits = f(images, u)
    log_det = numeric_log_det(lambda u: f(images[1:2].expand(u.shape), u)[0], u[1:2])
    expected = float(log_normal(z[1])) + log_det
    assert float(f.log_density(images, u)[1]) == pytest.approx(expected, rel=1e-6)
    assert float(bits[1]) == pytest.approx(-expected / math.log(2) / math.prod(shape), rel=1e-6)


def test_the_dequantisers_density_has_the_determinant_of_a_numeric_jacobian(in_float64):
    q = shaken(Dequantiser(1))
    (images, _), noise = pictures(GREY), paddle.randn([3, *GREY])
    u, log_q = q(images, noise)
    assert 0 < float(u.min()) < float(u.max()) < 1
    log_det = numeric_log_det(lambda noise: q(images[1:2].expand(noise.shape), noise)[0], noise[1:2])
    assert float(log_q[1]) == pytest.approx(float(log_normal(noise[1])) - log_det, rel=1e-6)
    assert (q(-images, noise)[0] != u).all()


def test_the_dequantiser_is_nearly_uniform_at_first():
    u, log_q = Dequantiser(1)(paddle.zeros([50, *GREY]), paddle.randn([50, *GREY]))
    parts, _ = np.histogram(u.numpy(), 10, (0, 1))
    assert parts.min() > 0.5 * parts.mean()
    assert abs(float(log_q.mean()) / math.prod(GREY)) < 0.02


def test_actnorm_gives_the_first_batch_a_mean_of_0_and_a_deviation_of_1():
    layer, x = ActNorm(3), 5 * paddle.randn([4, 3, 6, 5]) + 2
    x[:, 2] = 7  # a constant channel
    layer.initialise(x)
    y, _ = layer(x)
    np.testing.assert_allclose(y.mean([0, 2, 3]).numpy(), 0, atol=1e-5)
    np.testing.assert_allclose(y.std([0, 2, 3], unbiased=False).numpy(), [1, 1, 0], atol=1e-5)


@pytest.mark.parametrize("cls", [Glow, RealNVP])
def test_all_actnorms_are_initialised_one_after_the_other(cls):
    paddle.seed(0)
    f, (images, _) = cls(OPTIONS[cls], COLOUR, 256, False), pictures(COLOUR, num=64)
    seen = []
    norms = [layer for layer in f.sublayers() if isinstance(layer, ActNorm)]
    for norm in norms:
        norm.register_forward_post_hook(lambda _, inputs, outputs: seen.append(outputs[0]))
    f.initialise(images)
    assert len(seen) == len(norms)
    for y in seen:
        np.testing.assert_allclose(y.mean([0, 2, 3]).numpy(), 0, atol=1e-4)
        np.testing.assert_allclose(y.std([0, 2, 3]).numpy(), 1, atol=1e-2)


def test_a_mixing_begins_as_a_rotation():
    weight = Mixing(8).weight.numpy()[:, :, 0, 0]
    np.testing.assert_allclose(weight @ weight.T, np.eye(8), atol=1e-5)


def test_squares_become_channels_and_come_back():
    x = paddle.rand([2, 3, 6, 8])
    assert (squeezed(x)[:, 3:6] == x[:, :, ::2, 1::2]).all()
    assert (unsqueezed(squeezed(x)) == x).all()


@pytest.mark.parametrize("shape", [GREY, COLOUR])
def test_the_first_couplings_of_realnvp_have_masks_like_a_checkerboard(shape):
    first, *others = network(RealNVP, shape).levels[0].layers
    rows, columns = paddle.arange(shape[1]).unsqueeze(1), paddle.arange(shape[2])
    is_even = ((rows + columns) % 2 == 0).astype("float32").expand([1, *shape])
    ordered, _ = first(squeezed(is_even))
    half = 2 * shape[0]
    assert (ordered[:, :half] == 1).all()
    assert (ordered[:, half:] == 0).all()
    halves = [layer.flipped for layer in others if hasattr(layer, "flipped")]
    assert halves == [False, True, False, False, True, False]


@pytest.mark.parametrize("cls", [Glow, RealNVP])
def test_traced_networks_compute_the_same(cls):
    f = network(cls)
    g = Pictures(f)
    g.eval()
    for layer, inputs in ((f, pictures(GREY)), (g, (paddle.randn([3, 16]), paddle.rand([3, 1])))):
        expected = layer(*inputs)
        spec = [paddle.static.InputSpec([None, *x.shape[1:]], "float32") for x in inputs]
        traced = paddle.jit.to_static(layer, input_spec=spec, full_graph=True)
        for ours, theirs in zip(paddle.utils.flatten(traced(*inputs)), paddle.utils.flatten(expected), strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-4)


def test_sizes_that_do_not_halve_evenly_are_refused():
    options.Glow(name="glow", levels=2).check_size(28, 4)
    message = (
        "glow with 3 levels takes images with height and width multiples of 8, but the data has 28x28; lower levels"
    )
    with pytest.raises(ConfigError, match=f"^{message}$"):
        options.Glow(name="glow", levels=3).check_size(28, 28)
