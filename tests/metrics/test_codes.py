import numpy as np
import pytest

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.codes import code_accuracy, correlation


def test_a_category_stands_for_its_most_frequent_class():
    train_categories = np.array([0, 0, 0, 1, 1, 3])
    train_labels = np.array([4, 4, 2, 2, 2, 4])  # so 0 and 3 stand for 4, 1 for 2, 2 for none
    test_categories = np.array([0, 0, 1, 3, 3, 2])
    assert code_accuracy(train_categories, train_labels, test_categories, np.array([4, 2, 2, 4, 1, 0])) == 3 / 6
    assert code_accuracy(train_categories, train_labels, np.array([7, 0]), np.array([0, 4])) == 1 / 2


def test_the_classes_are_not_chosen_on_the_images_they_are_judged_by():
    categories, labels = np.arange(500) // 50, np.random.default_rng(0).integers(10, size=1000)
    assert code_accuracy(categories, labels[:500], categories, labels[:500]) > 0.16
    assert code_accuracy(categories, labels[:500], categories, labels[500:]) == pytest.approx(0.1, abs=0.04)


def test_correlation_is_the_largest_of_any_code():
    rng = np.random.default_rng(0)
    codes = rng.standard_normal([200, 3]).astype("float32")
    factor = 3 - 0.5 * codes[:, 1] + 0.2 * codes[:, 2] + 0.3 * rng.standard_normal(200)
    each = [np.corrcoef(codes[:, i], factor)[0, 1] for i in range(3)]
    assert each[1] < -0.7
    assert correlation(codes, factor) == pytest.approx(-each[1])
    assert correlation(codes[:, ::-1] * 1e3 + 5, -factor) == pytest.approx(-each[1])
    assert correlation(codes[:, :1], factor) == pytest.approx(abs(each[0]))
    assert correlation(codes, codes[:, 2]) == pytest.approx(1)


def test_what_does_not_vary_correlates_with_nothing():
    codes = np.linspace(-1, 1, 300)[:, None]
    constant = np.full(300, 0.3, "float32")
    constant[::7] = np.nextafter(constant[0], 1)  # but for rounding
    assert correlation(codes, constant) == correlation(constant[:, None], codes[:, 0]) == 0
    assert correlation(constant[:, None], constant) == 0
    both = np.concatenate([constant[:, None], codes], axis=1)
    assert correlation(both, codes[:, 0]) == pytest.approx(1)


def test_errors_name_the_thing():
    none, some = np.zeros([0], int), np.zeros([3], int)
    with pytest.raises(EvaluationError, match="code accuracy: 0 samples; it needs at least 1"):
        code_accuracy(none, none, some, some)
    with pytest.raises(EvaluationError, match="code accuracy: 0 samples; it needs at least 1"):
        code_accuracy(some, some, none, none)
    with pytest.raises(EvaluationError, match="codes: 1 of 3 samples hold NaN"):
        correlation(np.array([[0.0], [np.nan], [1.0]]), some)
    with pytest.raises(EvaluationError, match="codes: 1 samples; it needs at least 2"):
        correlation(np.zeros([1, 2]), some[:1])
