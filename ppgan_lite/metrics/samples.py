"""What is asked of every set of samples before it is measured."""

import numpy as np

from ppgan_lite.errors import EvaluationError


def check(metric: str, samples: np.ndarray, least: int):
    """Refuse samples [N, ...] that would make a metric meaningless.

    Args:
        metric: its name, for the error.
        samples: of any shape; one sample per row.
        least: how many the metric needs.

    Raises:
        EvaluationError: fewer than `least` samples, or some of them hold NaN or infinity.
    """
    check_count(metric, len(samples), least)
    # The sum of a row is finite only if all of the row is; so no mask is made that is as large as the samples.
    with np.errstate(invalid="ignore"):
        sums = np.sum(samples, axis=tuple(range(1, samples.ndim)), dtype=np.float64)
    if bad := np.count_nonzero(~np.isfinite(sums)):
        raise EvaluationError(
            f"{metric}: {bad} of {len(samples)} samples hold NaN or infinity: evaluate a checkpoint before the "
            "training diverged"
        )


def check_count(metric: str, count: int, least: int):
    """Refuse fewer than `least` samples.

    Raises:
        EvaluationError: there are fewer.
    """
    if count < least:
        raise EvaluationError(f"{metric}: {count} samples; it needs at least {least}: generate more images")


def share_error(share: float, num: int) -> float:
    """The standard error of a share of `num` samples."""
    return float(np.sqrt(share * (1 - share) / num))
