"""Checks of a set of samples before it is measured, and standard errors."""

import numpy as np

from ppgan_lite.errors import EvaluationError


def check(metric: str, samples: np.ndarray, least: int):
    """Refuse samples for which a metric would be meaningless.

    Args:
        metric: name of the metric, for the error message.
        samples: [N, ...].
        least: number of samples that the metric needs.

    Raises:
        EvaluationError: fewer than `least` samples, or NaN or infinity among them.
    """
    check_count(metric, len(samples), least)
    # A sample with NaN or infinity has no finite sum: so no mask as large as the samples is needed.
    with np.errstate(invalid="ignore"):
        sums = np.sum(samples, axis=tuple(range(1, samples.ndim)), dtype=np.float64)
    if bad := np.count_nonzero(~np.isfinite(sums)):
        raise EvaluationError(
            f"{metric}: {bad} of {len(samples)} samples hold NaN or infinity; evaluate a checkpoint from before the "
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
    """Standard error of a share, estimated from `num` samples."""
    return float(np.sqrt(share * (1 - share) / num))


def mean_and_error(values: np.ndarray) -> tuple[float, float]:
    """Mean of values [N], N at least 2, and its standard error."""
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
