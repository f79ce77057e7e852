"""The kernel distance between two sets of features: KID if a network computes the features."""

import numpy as np

from ppgan_lite.metrics.samples import check


def kernel_distance(
    x: np.ndarray, y: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Squared maximum mean discrepancy with the kernel (x . y / D + 1)^3 (Binkowski et al. 2018, section 4).

    The estimate is unbiased: its expectation is 0 for equal distributions, single values may be negative, and it does
    not depend on the numbers of samples as the Frechet distance does.

    Args:
        x, y: features [N, D] and [M, D].
        subsets: number of random pairs of subsets over which the estimate is averaged; at least 2.
        subset_size: number of samples in each, drawn without replacement.
        seed: random seed of the subsets.

    Returns:
        mean over the subsets, and its standard error. All subsets are drawn from the same samples, so the error covers
        the choice of subsets only, and not the variation between sets of samples, which is larger.

    Raises:
        EvaluationError: fewer samples than `subset_size`, or NaN or infinity among them.
    """
    for features in (x, y):
        check("kernel distance", features, max(2, subset_size))
    x, y, rng = x.astype(np.float64), y.astype(np.float64), np.random.default_rng(seed)
    estimates = [
        _squared_discrepancy(*(f[rng.choice(len(f), subset_size, replace=False)] for f in (x, y)))
        for _ in range(subsets)
    ]
    return float(np.mean(estimates)), float(np.std(estimates, ddof=1) / np.sqrt(subsets))


def _squared_discrepancy(x: np.ndarray, y: np.ndarray) -> float:
    """The unbiased estimate from two sets [n, D] (Gretton et al. 2012, eq. 3): no sample is paired with itself."""
    n = len(x)
    xx, yy, xy = _kernel(x, x), _kernel(y, y), _kernel(x, y)
    within = xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)
    return within / (n * (n - 1)) - 2 * xy.mean()


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    products = x @ y.T
    products /= x.shape[1]
    products += 1
    cubes = products * products  # ** 3 takes several times as long
    cubes *= products
    return cubes
