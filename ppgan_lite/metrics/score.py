"""The classifier score: the Inception Score if Inception is the classifier."""

import numpy as np

from ppgan_lite.metrics.samples import check


def classifier_score(probabilities: np.ndarray, splits: int = 10) -> tuple[float, float]:
    """exp(mean over x of KL(p(y|x) || p(y))) (Salimans et al. 2016, section 4): confident and diverse.

    From 1 (the same prediction for all images) to K (certain predictions, all classes equally often). It ignores both
    real images and the diversity within a class.

    Args:
        probabilities: [N, K], p(y|x) of generated images in random order; rows sum to 1.
        splits: number of consecutive parts, equal in size to within one; p(y) is the mean of p(y|x) over a part.

    Returns:
        mean and standard deviation over the parts. Small parts bias the score downwards: N / K should be well above
        `splits`.

    Raises:
        EvaluationError: fewer samples than `splits`, or NaN or infinity among them.
    """
    check("classifier score", probabilities, splits)
    scores = [np.exp(_divergence(part)) for part in np.array_split(probabilities.astype(np.float64), splits)]
    return float(np.mean(scores)), float(np.std(scores))


def _divergence(conditional: np.ndarray) -> float:
    """Mean over x of KL(p(y|x) || p(y)) in nats; 0 log 0 is 0."""
    tiny = np.finfo(np.float64).tiny
    marginal = conditional.mean(0)
    ratio = np.log(np.maximum(conditional, tiny)) - np.log(np.maximum(marginal, tiny))
    return (conditional * ratio).sum(1).mean()
