import numpy as np
import paddle
import pytest
from paddle import nn

from ppgan_lite.losses.regularizers import around, between, gradient_penalty, orthogonal, path_lengths, zero_centred

POINTS = np.random.default_rng(0).standard_normal([5, 2, 3, 1]).astype("float32")
WEIGHT = np.random.default_rng(1).standard_normal([6, 1]).astype("float32")


def flat(x):
    return x.reshape([len(x), -1])


def test_a_linear_critics_penalty_depends_on_the_weights_norm():
    """d(x) = w x: the penalty is (|w| - 1)^2 everywhere, and its gradient 2 (|w| - 1) w / |w|."""
    weight = paddle.to_tensor(WEIGHT, stop_gradient=False)
    penalty = gradient_penalty(lambda x: flat(x) @ weight, paddle.to_tensor(POINTS))
    assert penalty.shape == []
    length = np.linalg.norm(WEIGHT)
    assert float(penalty) == pytest.approx((length - 1) ** 2, rel=1e-5)
    penalty.backward()
    np.testing.assert_allclose(weight.grad.numpy(), 2 * (length - 1) * WEIGHT / length, rtol=1e-4)


@pytest.mark.parametrize("scale", [0.3, 2.0], ids=["mostly too flat", "too steep"])
def test_a_quadratic_critics_penalty_depends_on_the_point(scale):
    """d(x) = s |x|^2 / 2: the gradient is s x, so the penalty the mean of (s |x| - 1)^2."""
    s = paddle.to_tensor(scale, stop_gradient=False)
    penalty = gradient_penalty(lambda x: s * (flat(x) ** 2).sum(1, keepdim=True) / 2, paddle.to_tensor(POINTS))
    lengths = np.linalg.norm(POINTS.reshape(5, -1), axis=1)
    assert float(penalty) == pytest.approx(((scale * lengths - 1) ** 2).mean(), rel=1e-5)
    penalty.backward()
    assert float(s.grad) == pytest.approx((2 * (scale * lengths - 1) * lengths).mean(), rel=1e-4)


def test_a_list_of_tensors_is_one_point():
    """d(x, y) = s (|x|^2 + 2 |y|^2) / 2: the penalty is (s |(x, 2 y)| - 1)^2."""
    s = paddle.to_tensor(0.7, stop_gradient=False)
    x, y = POINTS, POINTS[:, :1] + 1

    def d(points):
        return s * ((flat(points[0]) ** 2).sum(1, keepdim=True) + 2 * (flat(points[1]) ** 2).sum(1, keepdim=True)) / 2

    penalty = gradient_penalty(d, [paddle.to_tensor(x), paddle.to_tensor(y)])
    lengths = np.sqrt((x.reshape(5, -1) ** 2).sum(1) + (2 * y.reshape(5, -1)) ** 2 @ np.ones(3))
    assert float(penalty) == pytest.approx(((0.7 * lengths - 1) ** 2).mean(), rel=1e-5)
    lines = between([paddle.to_tensor(x), paddle.to_tensor(y)], [paddle.to_tensor(0 * x), paddle.to_tensor(0 * y)])
    shares = [(line.numpy() / part).reshape(5, -1) for line, part in zip(lines, (x, y), strict=True)]
    np.testing.assert_allclose(shares[0][:, :1] * np.ones(3), shares[1], rtol=1e-4)


def test_path_lengths_of_a_linear_generator_are_the_lengths_of_its_columns():
    """g(w) = A w for both layers: J^T y = A^T y, with y ~ N(0, I) / the square root of the number of pixels."""
    matrix = paddle.to_tensor(np.random.default_rng(0).standard_normal([3, 12]).astype("float32"))
    styles = [paddle.zeros([5, 3]) for _ in range(2)]
    for w in styles:
        w.stop_gradient = False
    images = sum(w @ matrix for w in styles).reshape([5, 1, 3, 4])
    paddle.seed(0)
    lengths = path_lengths(images, styles)
    paddle.seed(0)
    y = paddle.randn([5, 1, 3, 4]).reshape([5, 12]) / 12**0.5
    expected = np.linalg.norm((y @ matrix.t()).numpy(), axis=1)  # a mean over layers of the square, which is the same
    np.testing.assert_allclose(lengths.numpy(), expected, rtol=1e-4)


def test_no_gradient_flows_back_from_the_points():
    source = paddle.to_tensor(POINTS, stop_gradient=False)
    weight = paddle.to_tensor(WEIGHT, stop_gradient=False)
    gradient_penalty(lambda x: (flat(x) ** 2) @ weight, source * 2).backward()
    assert source.grad is None
    assert float(weight.grad.abs().sum()) > 0


def test_a_flat_critic_gives_no_nan():
    """|0| has no slope; a critic of zeros has the penalty 1 and a finite gradient."""
    critic = nn.Linear(6, 1)
    critic.weight.set_value(paddle.zeros([6, 1]))
    penalty = gradient_penalty(lambda x: critic(flat(x)), paddle.to_tensor(POINTS))
    assert float(penalty) == pytest.approx(1, abs=1e-5)
    penalty.backward()
    assert np.isfinite(critic.weight.grad.numpy()).all()


def test_points_between_are_on_their_lines_each_at_its_own_place():
    paddle.seed(0)
    real, fake = paddle.randn([2000, 2, 3, 1]), paddle.randn([2000, 2, 3, 1])
    shares = ((between(real, fake) - fake) / (real - fake)).numpy().reshape(2000, 6)
    np.testing.assert_allclose(shares, np.median(shares, 1, keepdims=True).repeat(6, 1), atol=5e-3)  # one per image
    share = np.median(shares, 1)
    assert share.min() >= 0
    assert share.max() <= 1
    counts, _ = np.histogram(share, bins=4, range=(0, 1))
    assert (abs(counts - 500) < 5 * (2000 * 0.25 * 0.75) ** 0.5).all()  # uniform, within five deviations


def test_points_around_are_shifted_up_by_a_fraction_of_the_batchs_deviation():
    """The shift is a U b, uniform U for each pixel and b for each image: mean a / 4, mean square a^2 / 9."""
    paddle.seed(0)
    real = 3 + 2 * paddle.randn([500, 1, 4, 4])
    shifts = (around(real, 0.5) - real).numpy().reshape(500, 16) / real.numpy().std()
    assert shifts.min() >= -1e-6
    assert shifts.max() <= 0.5 + 1e-6
    assert shifts.mean() == pytest.approx(0.5 / 4, rel=0.1)
    assert (shifts**2).mean() == pytest.approx(0.25 / 9, rel=0.15)
    image_shifts = shifts.mean(1)  # about a b / 2, as b is common to the pixels of an image
    assert image_shifts.std() == pytest.approx(0.5 / 2 * 12**-0.5, rel=0.15)
    within = shifts / image_shifts[:, None]
    assert within.std() == pytest.approx(2 * 12**-0.5, rel=0.15)  # and each pixel has its own U


def test_the_zero_centred_penalty_of_a_quadratic_critic():
    """d(x) = s |x|^2 / 2: the gradient is s x, so the penalty s^2 |x|^2, and its derivative 2 s |x|^2."""
    s, x = paddle.to_tensor(0.7, stop_gradient=False), paddle.to_tensor(POINTS, stop_gradient=False)
    penalty = zero_centred(s * (flat(x) ** 2).sum(1, keepdim=True) / 2, x)
    squares = (POINTS**2).sum((1, 2, 3)).mean()
    assert penalty.shape == []
    assert float(penalty) == pytest.approx(0.49 * squares, rel=1e-5)
    penalty.backward()
    assert float(s.grad) == pytest.approx(1.4 * squares, rel=1e-5)


@pytest.mark.parametrize("spectral", [False, True])
def test_the_orthogonal_penalty_is_of_the_products_of_different_filters(spectral):
    """Its gradient is 4 (W W^T * (1 - I)) W, for weights before their division by a spectral norm."""
    paddle.seed(0)
    network = nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 5), nn.Conv2D(2, 4, 3), nn.BatchNorm2D(4))
    linear, conv = network[1], network[2]
    weights = [3 * paddle.randn(layer.weight.shape) for layer in (linear, conv)]
    for layer, weight in zip((linear, conv), weights, strict=True):
        layer.weight.set_value(weight)
        if spectral:
            nn.utils.spectral_norm(layer)
    expected, gradients = 0.0, []
    for filters in (weights[0].numpy().T, weights[1].numpy().reshape(4, -1)):
        others = filters @ filters.T * (1 - np.eye(len(filters)))
        expected += (others**2).sum()
        gradients.append(4 * others @ filters)
    penalty = orthogonal(network)
    assert float(penalty) == pytest.approx(expected, rel=1e-5)
    penalty.backward()
    ours = [layer.weight_orig.grad if spectral else layer.weight.grad for layer in (linear, conv)]
    np.testing.assert_allclose(ours[0].numpy(), gradients[0].T, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(ours[1].numpy().reshape(4, -1), gradients[1], rtol=1e-3, atol=1e-3)
    assert network[0].weight.grad is None


def test_orthogonal_filters_of_any_length_have_no_penalty():
    layer = nn.Linear(4, 3, bias_attr=False)
    layer.weight.set_value(paddle.to_tensor(np.diag([1.0, 5.0, 0.1, 2.0]).astype("float32")[:, :3]))
    assert float(orthogonal(nn.Sequential(layer))) == 0
