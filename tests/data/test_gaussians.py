import numpy as np
import pytest

from ppgan_lite.data import gaussians, options
from ppgan_lite.data.spec import points


def build(split="train", **keys):
    return gaussians.build(options.Gaussians(name="gaussians", batch_size=8, **keys), split)


@pytest.mark.parametrize("dims", [1, 2])
def test_shape_and_source(dims):
    dataset = build(num_images=7, dims=dims, modes=3)
    assert len(dataset) == 7
    assert dataset.spec == points(dims, ["0", "1", "2"])
    item = dataset[4]
    assert (item["image"].shape, item["image"].dtype) == ((dims, 1, 1), "float32")
    assert item["label"].dtype == "int64"
    origin = f"3 modes of standard deviation 0.1 in {dims} dimensions, drawing seed 0"
    assert str(dataset.source) == f"gaussians (7 images from {origin})"


@pytest.mark.parametrize(
    ("dims", "modes", "centres"),
    [
        (1, 1, [[0.6]]),
        (1, 3, [[0.6], [0], [-0.6]]),
        (2, 1, [[0.6, 0]]),
        (2, 4, [[0.6, 0], [0, 0.6], [-0.6, 0], [0, -0.6]]),
    ],
)
def test_centres_lie_evenly_on_the_line_or_the_circle(dims, modes, centres):
    np.testing.assert_allclose(build(dims=dims, modes=modes).centres, centres, atol=1e-12)


@pytest.mark.parametrize("dims", [1, 2])
def test_points_have_the_right_moments_around_their_labels_centre(dims):
    """All checks are within five standard errors."""
    dataset, num, std = build(num_images=8000, dims=dims, modes=4, std=0.05), 2000, 0.05
    counts = np.bincount(dataset.labels, minlength=4)
    assert (abs(counts - num) < 5 * (8000 * 0.25 * 0.75) ** 0.5).all()
    offsets = dataset.images[:, :, 0, 0] - dataset.centres[dataset.labels]
    for mode in range(4):
        own = offsets[dataset.labels == mode]
        assert (abs(own.mean(0)) < 5 * std / counts[mode] ** 0.5).all()
        assert (abs(own.std(0) / std - 1) < 5 / (2 * counts[mode]) ** 0.5).all()


def test_the_seed_fixes_the_points():
    dataset, same, other = build(num_images=8), build(num_images=8), build(num_images=8, seed=1)
    np.testing.assert_array_equal(dataset.images, same.images)
    assert dataset.source.sha256 == same.source.sha256
    assert (dataset.images != other.images).all()
    assert dataset.source.sha256 != other.source.sha256


def test_test_points_are_different_and_a_sixth_as_many():
    assert len(build("test", num_images=60)) == 10
    assert len(build("test", num_images=3)) == 1
    assert not np.isin(build("test", num_images=60).images, build(num_images=60).images).any()


def test_a_batch_is_its_items():
    dataset = build(num_images=9, dims=2, modes=3)
    batch = dataset.batch(np.array([4, 0]))
    for key, values in batch.items():
        np.testing.assert_array_equal(values, [dataset[4][key], dataset[0][key]])
