"""The Frechet distance between Gaussians fitted to two sets of features: FID if a network computes the features."""

import numpy as np

from ppgan_lite.metrics.samples import check, check_count


class Moments:
    """Mean and covariance of features that arrive in chunks, in float64; the features themselves are not kept.

    Chunks are merged by the exact formula (Chan, Golub and LeVeque 1979), which does not subtract large
    squares from each other as sums of squares would.

    Attributes:
        count: number of samples so far, N.
        mean: [D].
        scatter: [D, D], sum of (x - mean)(x - mean)^T.
    """

    def __init__(self):
        self.count = 0
        self.mean = np.zeros(())
        self.scatter = np.zeros(())

    def update(self, features: np.ndarray):
        """Add features [N, D], N >= 0.

        Raises:
            EvaluationError: some hold NaN or infinity.
        """
        check("Frechet distance", features, 0)
        if not len(features):
            return
        features = features.astype(np.float64)
        mean = features.mean(0)
        centred = features - mean
        difference, total = mean - self.mean, self.count + len(features)
        self.scatter = (
            self.scatter + centred.T @ centred + np.outer(difference, difference) * (self.count * len(features) / total)
        )
        self.mean = self.mean + difference * (len(features) / total)
        self.count = total

    @property
    def covariance(self) -> np.ndarray:
        """[D, D], unbiased (divided by N - 1); N >= 2."""
        return self.scatter / (self.count - 1)


def frechet_distance(a: Moments, b: Moments) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson and Landau 1982; Heusel et al. 2017, eq. 6).

    In squared units of the features; 0 only for equal means and covariances. Estimated from samples it is biased
    upwards, more so the fewer there are: compare only distances computed from equally many samples. With fewer samples
    than dimensions it is still defined (the covariances are singular) and mostly bias.

    The trace of the root is computed without the root. With S1 = A A^T and S2 = B B^T, the matrix
    A^T S2 A = (A^T B)(A^T B)^T has the eigenvalues of S1 S2; it is symmetric and positive semi-definite; and the roots
    of its eigenvalues are the singular values of A^T B. So nothing turns complex, and no root of a rounding error is
    taken where a covariance is singular.

    Raises:
        EvaluationError: `a` or `b` holds fewer than 2 samples.
    """
    for moments in (a, b):
        check_count("Frechet distance", moments.count, 2)
    difference = a.mean - b.mean
    spread = np.trace(a.covariance) + np.trace(b.covariance)
    root = np.linalg.svd(_factor(a.covariance).T @ _factor(b.covariance), compute_uv=False).sum()
    return max(0.0, float(difference @ difference + spread - 2 * root))


def _factor(covariance: np.ndarray) -> np.ndarray:
    """A [D, R] with A A^T = covariance, of rank R. Eigenvalues that are 0 up to rounding are dropped."""
    values, vectors = np.linalg.eigh(covariance)
    positive = values > len(values) * np.finfo(np.float64).eps * abs(values).max()
    return vectors[:, positive] * np.sqrt(values[positive])
