import numpy as np
import pytest

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.kernel import kernel_distance


def kernel(a, b):
    return (a @ b / len(a) + 1) ** 3


def by_pairs(x, y):
    """Gretton et al. 2012, eq. 3, as printed."""
    n = len(x)
    within = sum(kernel(x[i], x[j]) + kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j)
    return within / (n * (n - 1)) - 2 * sum(kernel(a, b) for a in x for b in y) / n**2


def test_the_estimate_is_that_of_the_paper():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 12, 5)) + np.array([0, 0.5])[:, None, None]
    mean, error = kernel_distance(x, y, subsets=3, subset_size=12)  # each subset is all of them
    assert mean == pytest.approx(by_pairs(x, y), rel=1e-12)
    assert error == pytest.approx(0, abs=1e-12)
    assert kernel_distance(x.astype("float32"), y, 3, 12)[0] == pytest.approx(mean, rel=1e-5)


def test_subsets_average_to_the_whole():
    """The estimate of a random subset has the estimate of the whole as its expectation; other seeds, other subsets."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 60, 4)) + np.array([0, 0.5])[:, None, None]
    results = [kernel_distance(x, y, subsets=2000, subset_size=20, seed=seed) for seed in (0, 0, 1)]
    assert results[0] == results[1] != results[2]
    for mean, error in results:
        assert abs(mean - by_pairs(x, y)) < 4 * error
        assert error < 0.05 * mean


def test_the_standard_error_is_that_of_the_mean():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 500, 4))
    means, errors = np.transpose([kernel_distance(x, y, 3, 20, seed) for seed in range(600)])
    assert means.var() == pytest.approx((errors**2).mean(), rel=0.2)


def test_equal_distributions_have_no_distance_and_others_do():
    rng = np.random.default_rng(3)
    x, y, z = rng.standard_normal((3, 5000, 8)) * np.array([1, 1, 1.2])[:, None, None]
    same, error = kernel_distance(x, y, subsets=200, subset_size=100)
    assert abs(same) < 4 * error
    other, error = kernel_distance(x, z, subsets=200, subset_size=100)
    assert other > 10 * error


def test_errors_name_the_thing():
    x, y = np.zeros([1000, 2]), np.zeros([999, 2])
    with pytest.raises(EvaluationError, match="kernel distance: 999 samples; it needs at least 1000"):
        kernel_distance(x, y)
    with pytest.raises(EvaluationError, match="kernel distance: 999 of 999 samples hold NaN"):
        kernel_distance(x, y * np.nan, subset_size=10)
