import warnings

import numpy as np
import pytest

from ppgan_lite.pictures.confusion import draw_confusion
from ppgan_lite.runs.results import Figure, Result


def draw(counts, names, accuracy=0.5, step=1):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # where names leave no room for the matrix, Matplotlib only warns
        return draw_confusion(
            Result(step, {}, {"accuracy": Figure(accuracy)}, 0.0, tuple(map(tuple, counts))), tuple(names)
        )


def dark(picture):
    """Pixels that have the colour of a class that is always taken for itself."""
    return (picture == (8, 48, 107)).all(2).sum()


def test_it_is_a_picture_of_the_counts():
    picture = draw(np.eye(3, dtype=int) * 7, "abc")
    assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 3)
    assert min(picture.shape[:2]) > 300
    assert 10_000 < dark(picture) < 0.3 * picture.size / 3
    for counts in ([[7, 0, 0], [0, 7, 0], [0, 1, 6]], [[0, 7, 0], [7, 0, 0], [0, 0, 7]]):
        assert not np.array_equal(draw(counts, "abc"), picture)
    assert not np.array_equal(draw(np.eye(3, dtype=int) * 7, "abc", accuracy=0.6), picture)
    assert not np.array_equal(draw(np.eye(3, dtype=int) * 7, "abc", step=2), picture)
    np.testing.assert_array_equal(draw(np.eye(3, dtype=int) * 7, "abc"), picture)


def test_shares_are_of_the_row():
    """Twice as many of a class look the same; and a class that is taken for all does not share with the others."""
    one, twice = draw([[5, 0], [0, 5]], "ab"), draw([[10, 0], [0, 5]], "ab")
    np.testing.assert_array_equal(one, twice)
    all_right, confused = draw(np.eye(3, dtype=int), "abc"), draw([[5, 5, 5], [0, 5, 0], [0, 0, 5]], "abc")
    assert dark(confused) == pytest.approx(dark(all_right) * 2 / 3, rel=0.1)


def test_a_class_without_images_is_an_empty_row():
    picture = draw([[5, 0], [0, 0]], "ab")
    assert dark(picture) == pytest.approx(dark(draw([[5, 0], [0, 5]], "ab")) / 2, rel=0.1)


@pytest.mark.parametrize("num", [1, 2, 10])
def test_long_names_leave_room_for_the_matrix(num):
    counts = np.eye(num, dtype=int)
    short, long = (
        draw(counts, "0123456789"[:num]),
        draw(counts, [f"a rather long name of class {i}" for i in range(num)]),
    )
    assert dark(long) > 0.7 * dark(short)


def test_dollars_in_class_names_are_no_formulas():
    assert draw(np.eye(2, dtype=int), ["a$b$", r"$\frac"]).ndim == 3


def test_class_names_that_are_not_utf_8_are_drawn_escaped():
    escaped = draw(np.eye(2, dtype=int), [r"caf\udce9", r"a\x1b"])
    np.testing.assert_array_equal(draw(np.eye(2, dtype=int), ["caf\udce9", "a\x1b"]), escaped)


def test_a_thousand_classes_are_drawn_without_their_names():
    picture = draw(np.eye(1000, dtype=int), [f"class {number}" for number in range(1000)])
    assert max(picture.shape) < 8000
    assert (picture[:, :, 0] < 200).any()  # the diagonal, blue on white


def test_letters_that_no_font_has_are_no_warnings():
    assert draw([[5, 0], [0, 5]], ["\u73ab\u7470", "\U0001fae0"]).ndim == 3
