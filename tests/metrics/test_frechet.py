import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.frechet import Moments, frechet_distance


def moments(features, *cuts):
    result = Moments()
    for chunk in np.split(features, cuts):
        result.update(chunk)
    return result


def gaussian(mean, factor):
    """Moments of data with this mean and the covariance factor @ factor.T, to within rounding."""
    mean, factor = np.asarray(mean, float), np.asarray(factor, float)
    noise = np.random.default_rng(len(mean)).standard_normal((3 * len(mean) + 5, factor.shape[1]))
    noise -= noise.mean(0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise.T).reshape(2 * [factor.shape[1]]))).T
    return moments(mean + white @ factor.T)


def test_moments_are_those_of_numpy():
    x = np.random.default_rng(0).standard_normal((50, 4)) * [1, 2, 3, 4] + 7
    result = moments(x)
    assert result.count == 50
    np.testing.assert_allclose(result.mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(result.covariance, np.cov(x.T), rtol=1e-12)


@given(st.lists(st.integers(0, 40), max_size=6))
def test_chunks_of_any_sizes_give_the_same_moments(cuts):
    x = np.random.default_rng(1).standard_normal((40, 3)).astype("float32") + 5
    result, whole = moments(x, *sorted(cuts)), moments(x)
    assert result.count == 40
    np.testing.assert_allclose(result.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(result.covariance, whole.covariance, rtol=1e-11, atol=1e-13)


def test_a_large_mean_does_not_drown_the_covariance():
    x = np.random.default_rng(2).standard_normal((1000, 3))
    np.testing.assert_allclose(moments(x + 1e6, 100, 101, 600).covariance, np.cov(x.T), rtol=1e-7, atol=1e-8)


def test_diagonal_covariances():
    a, b = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 0.01])  # standard deviations
    distance = frechet_distance(gaussian([1, 2, 3], np.diag(a)), gaussian([0, 4, 3], np.diag(b)))
    assert distance == pytest.approx(5 + ((a - b) ** 2).sum(), rel=1e-9)


def test_covariances_that_do_not_commute():
    a, b = np.array([[2.0, 0.3], [0.3, 0.5]]), np.array([[1.0, -0.9], [-0.9, 3.0]])
    assert not np.allclose(a @ b, b @ a)
    # (sqrt l1 + sqrt l2)^2 = l1 + l2 + 2 sqrt(l1 l2) for the eigenvalues of a b
    root = np.sqrt(np.trace(a @ b) + 2 * np.sqrt(np.linalg.det(a) * np.linalg.det(b)))
    distance = frechet_distance(*(gaussian([0, 0], np.linalg.cholesky(s)) for s in (a, b)))
    assert distance == pytest.approx(np.trace(a) + np.trace(b) - 2 * root, rel=1e-9)


@pytest.mark.parametrize("angle", [0, 0.3, np.pi / 2])
def test_singular_covariances(angle):
    """For covariances of rank one, u u^T and v v^T, the trace of the root is |u . v|."""
    u, v = np.zeros([2, 40])
    u[3], v[3], v[8] = 2, 3 * np.cos(angle), 3 * np.sin(angle)
    u, v = np.stack([u, v]) @ np.linalg.qr(np.random.default_rng(6).standard_normal((40, 40)))[0]
    distance = frechet_distance(gaussian(u, u[:, None]), gaussian(u, v[:, None]))
    assert distance == pytest.approx(4 + 9 - 2 * 6 * np.cos(angle), rel=1e-9)


def test_fewer_samples_than_dimensions():
    """Two samples have the covariance u u^T with u = (x1 - x2) / sqrt 2."""
    x, y = np.random.default_rng(3).standard_normal((2, 2, 100))
    u, v = (x[0] - x[1]) / np.sqrt(2), (y[0] - y[1]) / np.sqrt(2)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + u @ u + v @ v - 2 * abs(u @ v)
    assert frechet_distance(moments(x), moments(y)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", [(100, 5), (2, 5), (20, 30)])
def test_no_distance_to_itself(shape):
    for x in np.random.default_rng(4).standard_normal((20, *shape)):
        assert 0 <= frechet_distance(moments(x), moments(x[::-1])) < 1e-11 * shape[1]


def test_a_collapsed_generator_has_a_distance():
    x = np.random.default_rng(5).standard_normal((100, 5))
    point = np.full([100, 5], 0.1, dtype="float32")
    expected = ((x.mean(0) - point[0]) ** 2).sum() + np.trace(np.cov(x.T))
    assert frechet_distance(moments(x), moments(point, 30)) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(moments(point), moments(point)) == 0


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6), num=st.integers(2, 12), dim=st.integers(1, 8))
def test_invariances(seed, num, dim):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, num, dim))
    distance = frechet_distance(moments(x), moments(y))
    assert distance >= 0
    assert frechet_distance(moments(y), moments(x)) == pytest.approx(distance, rel=1e-7, abs=1e-12)
    assert frechet_distance(moments(rng.permutation(x)), moments(y)) == pytest.approx(distance, rel=1e-7, abs=1e-12)
    rotation, _ = np.linalg.qr(rng.standard_normal((dim, dim)))
    turned = frechet_distance(*(moments(3 * features @ rotation + 1) for features in (x, y)))
    assert turned == pytest.approx(9 * distance, rel=1e-7, abs=1e-11)


def test_errors_name_the_thing():
    x = np.zeros([3, 2])
    for a, b in ((x, x[:1]), (x[:0], x)):
        with pytest.raises(EvaluationError, match=r"Frechet distance: [01] samples; it needs at least 2"):
            frechet_distance(moments(a), moments(b))
    with pytest.raises(EvaluationError, match="Frechet distance: 3 of 3 samples hold NaN"):
        moments(x + np.nan)
