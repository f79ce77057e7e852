"""The kernel distance between two sets of features: KID, where a network gives the features."""

import numpy as np

from ppgan_lite.metrics.samples import check


def kernel_distance(
    x: np.ndarray, y: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Squared maximum mean discrepancy with the kernel (x . y / D + 1)^3 (Binkowski et al. 2018, section 4).

    The estimate is unbiased, so its expectation is 0 for equal distributions, and single values may be negative; it
    does not depend on the numbers of samples as the Frechet distance does.

    Args:
        x, y: features [N, D] and [M, D].
        subsets: random pairs of subsets, the estimates from which are averaged; at least 2.
        subset_size: samples of each, drawn without replacement.
        seed: of the subsets.

    Returns:
        mean over the subsets, and its standard error. The subsets are drawn from the same samples again and again: the
        error tells how well the mean is known for these samples, and is less than that of other samples.

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
    """The unbiased estimate from [n, D] twice (Gretton et al. 2012, eq. 3): pairs of a sample with itself left out."""
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
