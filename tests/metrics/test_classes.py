import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.classes import class_histogram, conditional_accuracy, kl_to, stack, stacked_modes


def test_histogram_of_labels_and_of_probabilities():
    labels = np.array([2, 0, 2, 2])
    np.testing.assert_array_equal(class_histogram(labels, 5), [1, 0, 3, 0, 0])
    probabilities = np.full([4, 5], 0.1)
    probabilities[np.arange(4), labels] = 0.6
    np.testing.assert_array_equal(class_histogram(probabilities, 5), [1, 0, 3, 0, 0])


def test_kl_by_hand():
    expected = 0.75 * np.log(0.75 / 0.5) + 0.25 * np.log(0.25 / 0.5)
    assert kl_to(np.array([3, 1]), np.array([7, 7])) == pytest.approx(expected, rel=1e-12)
    assert kl_to(np.array([0.75, 0.25]), np.array([0.5, 0.5])) == pytest.approx(expected, rel=1e-12)


def test_kl_with_empty_classes():
    assert kl_to(np.array([5, 0]), np.array([1, 1])) == pytest.approx(np.log(2))  # 0 log 0 is 0
    # The reference counts as [4, 2, 1]: half as many of the missing class as of its rarest.
    expected = 0.5 * np.log(0.5 / (4 / 7)) + 0.5 * np.log(0.5 / (1 / 7))
    assert kl_to(np.array([3, 0, 3]), np.array([4, 2, 0])) == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=12))
def test_kl_is_positive_but_for_equal_shares(pairs):
    p, q = np.array(pairs).T
    p[0] += 1
    assert kl_to(3 * q, q) == pytest.approx(0, abs=1e-12)
    value = kl_to(p, q)
    assert value >= -1e-12
    assert (value < 1e-9) == np.allclose(p / p.sum(), q / q.sum())


def test_conditional_accuracy():
    assert conditional_accuracy(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 4])) == 0.75
    with pytest.raises(EvaluationError, match="conditional accuracy: 0 samples; it needs at least 1"):
        conditional_accuracy(np.zeros([0]), np.zeros([0]))


def test_stacked_modes():
    every = np.stack(np.meshgrid(*[np.arange(10)] * 3), axis=-1).reshape(-1, 3)
    assert stacked_modes(np.tile(every, (2, 1))) == (1000, pytest.approx(0, abs=1e-12))
    assert stacked_modes(every[:250]) == (250, pytest.approx(np.log(4)))
    assert stacked_modes(np.array([[1, 2, 3], [3, 2, 1]])) == (2, pytest.approx(np.log(500)))
    with pytest.raises(EvaluationError, match="stacked modes: 0 samples; it needs at least 1"):
        stacked_modes(every[:0])


def test_what_a_perfect_generator_stack_labels_scores():
    """As the docstring says."""
    modes, kl = stacked_modes(np.random.default_rng(0).integers(10, size=(3000, 3)))
    assert 1000 - modes == pytest.approx(1000 * np.exp(-3), rel=0.3)
    assert kl == pytest.approx(500 / 3000, rel=0.15)


def test_a_stack_is_three_images_and_their_labels():
    labels = np.random.default_rng(0).integers(10, size=500)
    images = (labels[:, None, None, None] + np.zeros([1, 4, 5])).astype("float32")
    stacked, stack_labels = stack(images, labels, 2000, seed=1)
    assert stacked.shape == (2000, 3, 4, 5)
    assert stacked.dtype == np.float32
    np.testing.assert_array_equal(stacked, stack_labels[:, :, None, None] + np.zeros([4, 5]))
    assert np.corrcoef(stack_labels.T) == pytest.approx(np.eye(3), abs=0.1)
    np.testing.assert_array_equal(stack(images, labels, 2000, seed=1)[1], stack_labels)
    assert (stack(images, labels, 2000, seed=2)[1] != stack_labels).any()
