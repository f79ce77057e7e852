import numpy as np
import pytest

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.score import classifier_score


def test_one_split_is_the_formula():
    p = np.random.default_rng(0).dirichlet(np.ones(7), 90)
    expected = np.exp((p * np.log(p / p.mean(0))).sum(1).mean())
    assert classifier_score(p, splits=1) == (pytest.approx(expected, rel=1e-12), 0)
    assert classifier_score(p.astype("float32"), splits=1)[0] == pytest.approx(expected, rel=1e-5)


def test_splits_are_consecutive_and_averaged():
    p = np.random.default_rng(1).dirichlet(np.ones(7), 92)
    parts = [classifier_score(part, splits=1)[0] for part in (p[:31], p[31:62], p[62:])]
    mean, deviation = classifier_score(p, splits=3)
    assert mean == pytest.approx(np.mean(parts), rel=1e-12)
    assert deviation == pytest.approx(np.std(parts), rel=1e-12)


def test_least_and_most():
    """Zero probabilities count as in the limit."""
    sure = np.tile(np.eye(10), (20, 1))
    assert classifier_score(sure) == (pytest.approx(10), pytest.approx(0, abs=1e-9))
    assert classifier_score(sure[:, :4][sure[:, :4].any(1)])[0] == pytest.approx(4)
    assert classifier_score(np.repeat(np.eye(10)[:1], 50, axis=0)) == (1, 0)
    assert classifier_score(np.full([50, 10], 0.1)) == (pytest.approx(1), pytest.approx(0, abs=1e-9))


def test_errors_name_the_thing():
    with pytest.raises(EvaluationError, match="classifier score: 9 samples; it needs at least 10"):
        classifier_score(np.full([9, 2], 0.5))
    with pytest.raises(EvaluationError, match="classifier score: 20 of 20 samples hold NaN"):
        classifier_score(np.full([20, 2], np.nan))
