import numpy as np
import pytest

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.samples import check, check_count


def test_errors_say_how_many_are_missing_or_bad():
    with pytest.raises(EvaluationError, match=r"^the metric: 4 samples; it needs at least 5: generate more images$"):
        check("the metric", np.zeros([4, 2]), 5)
    with pytest.raises(EvaluationError, match="needs at least 2"):
        check_count("the metric", 1, 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [[np.nan, 0], [np.inf, 0], [np.inf, -np.inf]])
def test_what_is_no_number_is_refused(bad):
    samples = np.zeros([6, 1, 2], dtype="float32")
    samples[[1, 4], 0] = bad
    with pytest.raises(EvaluationError, match="the metric: 2 of 6 samples hold NaN or infinity"):
        check("the metric", samples, 5)


def test_good_samples_pass():
    largest = np.finfo(np.float32).max
    check("the metric", np.full([5, 3], largest, dtype="float32"), 5)
    check("the metric", np.full([5, 3, 4, 4], 255, dtype="uint8"), 5)
    check("the metric", np.zeros([5], dtype="int64"), 5)
