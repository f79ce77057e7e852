"""Nearest neighbours of generated samples: quality, diversity and memorised training samples.

Samples are features [N, D] or images [N, C, H, W] (compared as vectors); distances are Euclidean. A distance matrix
is computed in blocks of BLOCK_DISTANCES, so memory is bounded by a few blocks and copies of the samples.

Squared distances are |x|^2 + |y|^2 - 2 x.y, which takes one matrix product. The rounding errors are some
eps (|x|^2 + |y|^2), so samples are first centred to make the norms small.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppgan_lite.metrics.samples import check

BLOCK_DISTANCES = 4_000_000  # 32 MB of float64
REFERENCES = 4000  # references converted to another precision at once: a training set is large
GROUPS = 128  # see _kth_smallest
RESOLVED = 0.002  # least squared distance, over the squared norms, that float32 computes to 1e-3
NEAR = 0.25  # a near copy is nearer than this share of the typical distance to the nearest training image


@dataclass(frozen=True)
class Overlap:
    """The overlap of real and generated samples: how many lie in each other's neighbourhoods.

    Attributes:
        precision: share of generated samples inside some real sample's ball (Kynkaanniemi et al. 2019, eq. 2), 0 to 1.
        recall: share of real samples inside some generated sample's ball (the same), 0 to 1.
        density: mean number of real balls that a generated sample is in, over k (Naeem et al. 2020, section 3); its
            expectation is 1 for equal distributions, and it can be larger.
        coverage: share of real samples with a generated one inside their ball (the same), 0 to 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def prdc(real: np.ndarray, fake: np.ndarray, k: int = 5) -> Overlap:
    """Precision, recall, density and coverage of `fake` [M, D] with respect to `real` [N, D].

    A sample's ball reaches to its k-th nearest neighbour in its own set, itself not counted; samples on the surface,
    to within rounding, are inside. Kynkaanniemi et al. take k = 3, Naeem et al. k = 5. Precision and recall
    depend on N, M and D even for equal distributions: compare only figures computed from equally many samples.

    Computed in float32, or in float64 where float32 does not resolve the smallest ball (nearly equal samples).

    Raises:
        EvaluationError: k or fewer samples, or NaN or infinity among them.
    """
    for samples in (real, fake):
        check("precision and recall", samples, k + 1)
    real, fake = _flat(real), _flat(fake)
    centre = real.mean(0, dtype=np.float64)
    for dtype in (np.float32, np.float64):
        x, y = ((samples - centre).astype(dtype) for samples in (real, fake))
        x_radii, y_radii = _squared_radii(x, k), _squared_radii(y, k)
        largest = max(_squared_norms(x).max(), _squared_norms(y).max())
        if min(x_radii.min(), y_radii.min()) > RESOLVED * largest:
            break
    return _overlap(x, y, x_radii, y_radii, k)


def _overlap(x: np.ndarray, y: np.ndarray, x_radii: np.ndarray, y_radii: np.ndarray, k: int) -> Overlap:
    """The four measures, from the samples and the squared radii of their balls."""
    balls = np.zeros([len(y)], dtype=np.int64)  # balls of x that each sample of y is in
    recalled, covered = np.zeros([2, len(x)], dtype=bool)
    for rows, distances in _blocks(x, y):
        inside = distances <= x_radii[rows, None]
        balls += inside.sum(0)
        covered[rows] = inside.any(1)
        recalled[rows] = (distances <= y_radii).any(1)
    return Overlap(
        precision=float((balls > 0).mean()),
        recall=float(recalled.mean()),
        density=float(balls.mean() / k),
        coverage=float(covered.mean()),
    )


def _squared_radii(x: np.ndarray, k: int) -> np.ndarray:
    """[N]: squared distance of each sample to its k-th nearest neighbour.

    Widened by the largest rounding error, so that copies are inside each other's balls even if their radius is 0. The
    norm of a sample on the surface is at most the sum of the centre's norm and the radius.
    """
    # The sample itself is the nearest, or as near as its copies: the k-th of the others is the (k + 1)-th of all.
    radii = np.concatenate([_kth_smallest(distances, k) for _, distances in _blocks(x, x)])
    return radii + 8 * np.finfo(x.dtype).eps * (_squared_norms(x) + radii)


def _kth_smallest(rows: np.ndarray, k: int) -> np.ndarray:
    """[B]: the entry with index k of each row of [B, N] in sorted order.

    The k + 1 smallest entries lie in the k + 1 groups with the smallest minima: for an entry of any other group, these
    minima are k + 1 smaller ones. Minima are some ten times faster than np.partition, which then sorts only a few
    entries.
    """
    num, size = rows.shape
    whole = size // GROUPS * GROUPS
    if k < GROUPS <= whole:
        groups = rows[:, :whole].reshape(num, -1, GROUPS)  # [B, N // GROUPS, GROUPS]; a group is a column
        nearest = np.argpartition(groups.min(1), k, axis=1)[:, None, : k + 1]  # [B, 1, k + 1]
        members = np.take_along_axis(groups, nearest, axis=2).reshape(num, -1)
        rows = np.concatenate([members, rows[:, whole:]], axis=1)
    return np.partition(rows, k, axis=1)[:, k].copy()  # a view would keep the whole block in memory


def nearest(x: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest neighbour in `reference` [M, ...] of each sample of `x` [N, ...].

    The search is in float32, and again in float64 where float32 does not resolve the distance found.

    Returns:
        distances [N] float64 to the neighbours found: at most 1e-3 (relative) above the minimum, and 0 wherever
        `reference` holds a copy; and indices [N] of these neighbours.

    Raises:
        EvaluationError: no samples, or NaN or infinity among them.
    """
    for samples in (x, reference):
        check("nearest neighbours", samples, 1)
    x, reference = _flat(x), _flat(reference)
    centre = reference.mean(0, dtype=np.float64)
    moved = x - centre
    indices = _nearest(moved, reference, centre, np.float32)
    distances = _distances(x, reference[indices])
    # The neighbour's norm is at most the norm of x plus the distance: these two bound the rounding error.
    if (unsure := distances**2 < RESOLVED * _squared_norms(moved)).any():
        indices[unsure] = _nearest(moved[unsure], reference, centre, np.float64)
        distances[unsure] = _distances(x[unsure], reference[indices[unsure]])
    return distances, indices


def _nearest(moved: np.ndarray, reference: np.ndarray, centre: np.ndarray, dtype: type) -> np.ndarray:
    """Indices [N] of the nearest in `reference` [M, D], computed in this precision; `moved` is x - centre."""
    least, indices = np.full([len(moved)], np.inf), np.zeros([len(moved)], dtype=np.int64)
    moved = moved.astype(dtype)
    for first in range(0, len(reference), REFERENCES):
        for rows, distances in _blocks(moved, (reference[first : first + REFERENCES] - centre).astype(dtype)):
            best = distances.argmin(1)
            best_distances = np.take_along_axis(distances, best[:, None], axis=1)[:, 0]
            nearer = best_distances < least[rows]
            least[rows] = np.where(nearer, best_distances, least[rows])
            indices[rows] = np.where(nearer, first + best, indices[rows])
    return indices


@dataclass(frozen=True)
class Memorisation:
    """How many generated samples repeat training samples.

    Attributes:
        nearer_train: share of generated samples that are nearer to their nearest training sample than to their nearest
            test sample (equal distances count half), among equally many of each. About 0.5 if the generator has
            learned the distribution, 1 if it has memorised the training set.
        exact_copies: number of generated samples equal to a training sample in every value.
        near_copies: number of generated samples within `near_distance` of a training sample; exact copies included.
        near_copies_test: the same number for test samples: what `near_copies` is, per sample, without memorising.
        near_distance: NEAR times the median distance of a test sample to its nearest training sample.
    """

    nearer_train: float
    exact_copies: int
    near_copies: int
    near_copies_test: int
    near_distance: float


def memorisation(fake: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int = 0) -> Memorisation:
    """Compare the distances of `fake` to `train` with those to `test`, which the generator has not seen.

    For a generator that has seen neither, training and test samples of one distribution are exchangeable, so either is
    nearer equally often (the idea of Meehan et al. 2020, with a simpler statistic). This needs equally many of both:
    the larger set is sampled by `seed` down to the size of the smaller. Copies are searched in all of `train`.

    Raises:
        EvaluationError: an empty set, or NaN or infinity among the samples.
    """
    rng = np.random.default_rng(seed)
    equal = min(len(train), len(test))
    to_train, to_test = (
        nearest(fake, samples[rng.choice(len(samples), equal, replace=False)])[0] for samples in (train, test)
    )
    to_all = to_train if len(train) == equal else nearest(fake, train)[0]
    test_to_all, _ = nearest(test, train)
    near_distance = NEAR * float(np.median(test_to_all))
    return Memorisation(
        nearer_train=float((to_train < to_test).mean() + (to_train == to_test).mean() / 2),
        exact_copies=int((to_all == 0).sum()),
        near_copies=int((to_all <= near_distance).sum()),
        near_copies_test=int((test_to_all <= near_distance).sum()),
        near_distance=near_distance,
    )


def _blocks(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of x, and their squared distances [B, M] to all of y, in the precision of both.

    Rounding may make them slightly negative. The next block overwrites the distances of the previous one.
    """
    y_norms, step = _squared_norms(y), max(1, BLOCK_DISTANCES // len(y))
    buffer = np.empty([min(step, len(x)), len(y)], x.dtype)
    for first in range(0, len(x), step):
        rows = slice(first, first + step)
        distances = np.matmul(-2 * x[rows], y.T, out=buffer[: len(x[rows])])
        distances += _squared_norms(x[rows])[:, None]
        distances += y_norms
        yield rows, distances


def _distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[N]: distance of each row of x to the same row of y, without the rounding errors of a matrix product."""
    result = np.empty([len(x)])
    for first in range(0, len(x), 1000):
        rows = slice(first, first + 1000)
        result[rows] = np.linalg.norm(x[rows].astype(np.float64) - y[rows], axis=1)
    return result


def _squared_norms(x: np.ndarray) -> np.ndarray:
    return np.einsum("nd,nd->n", x, x)


def _flat(samples: np.ndarray) -> np.ndarray:
    return samples.reshape(len(samples), -1)
