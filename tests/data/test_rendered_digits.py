import cv2
import numpy as np
import pytest

from ppgan_lite.data import options, rendered_digits
from ppgan_lite.errors import DataError


def test_the_seed_fixes_the_pixels():
    images, labels, _ = rendered_digits.render(20, 1)
    again, _, _ = rendered_digits.render(20, 1)
    other, _, _ = rendered_digits.render(20, 2)
    assert images.dtype == np.uint8
    assert images.shape == (20, 28, 28)
    assert set(labels) <= set(range(10))
    np.testing.assert_array_equal(images, again)
    assert (images != other).any()


def test_given_strokes_change_nothing_else():
    images, labels, factors = rendered_digits.render(40, 1)
    thin, same, given = rendered_digits.render(40, 1, strokes=np.zeros(40, int))
    np.testing.assert_array_equal(labels, same)
    assert (given.pop("thickness") == rendered_digits.STROKES[0] / rendered_digits.SUPERSAMPLING).all()
    for name, values in given.items():
        np.testing.assert_array_equal(values, factors[name])
    drawn = np.rint(factors["thickness"] * rendered_digits.SUPERSAMPLING).astype(int) - rendered_digits.STROKES[0]
    np.testing.assert_array_equal(thin[drawn == 0], images[drawn == 0])
    assert (thin[drawn > 0] != images[drawn > 0]).any((1, 2)).all()
    np.testing.assert_array_equal(rendered_digits.render(40, 1, strokes=drawn)[0], images)


def test_factors_record_how_each_image_was_drawn():
    """Measurements on the pixels correlate with the recorded factors."""
    images, labels, factors = rendered_digits.render(6000, 0)
    mass = images.astype("float64") / 255
    y, x = np.mgrid[:28, :28] - 13.5
    total = mass.sum((1, 2))
    mean_x, mean_y = (mass * x).sum((1, 2)) / total, (mass * y).sum((1, 2)) / total
    cov_xy = (mass * (x - mean_x[:, None, None]) * (y - mean_y[:, None, None])).sum((1, 2)) / total
    var_y = (mass * (y - mean_y[:, None, None]) ** 2).sum((1, 2)) / total
    measured = {
        "shift_x": mean_x,
        "shift_y": mean_y,
        "slant": -cov_xy / var_y,
        "scale": np.sqrt(var_y),
        "thickness": total / factors["scale"] ** 2,
    }
    for name, values in measured.items():
        alike = (labels == 0) & (factors["font"] == 0)  # one shape, as different shapes would add variance
        correlation = np.corrcoef(values[alike], factors[name][alike])[0, 1]
        assert correlation > 0.8, (name, correlation)


def test_digits_stay_inside_and_differ():
    images, labels, _ = rendered_digits.render(3000, 0)
    assert images[:, [0, -1]].max() == 0
    assert (images[:, :, [0, -1]] > 128).any((1, 2)).mean() < 0.01
    means = np.stack([images[labels == digit].mean(0) for digit in range(10)])
    distances = np.abs(means[:, None] - means[None]).mean((2, 3)) + 1e9 * np.eye(10)
    assert distances.min() > 5


def test_the_data_set_describes_itself():
    dataset = rendered_digits.build(options.RenderedDigits(name="rendered_digits", batch_size=8, num_images=10, seed=4))
    assert (len(dataset), dataset.spec["image"].shape) == (10, (1, 28, 28))
    assert "drawing seed 4" in dataset.source.origin
    assert set(dataset.factors) == {"font", "thickness", "slant", "scale", "shift_x", "shift_y"}


def test_an_opencv_without_hershey_fonts_is_refused(monkeypatch):
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(DataError, match="has no Hershey fonts"):
        rendered_digits.render(1, 0)


def test_test_images_are_different_and_a_sixth_as_many():
    chosen = options.RenderedDigits(name="rendered_digits", batch_size=8, num_images=60, seed=4)
    train, test = rendered_digits.build(chosen), rendered_digits.build(chosen, "test")
    assert len(test) == 10
    assert train.spec["label"].names == test.spec["label"].names == tuple("0123456789")
    assert not any((image == train.images).all((1, 2, 3)).any() for image in test.images)
