import itertools

import numpy as np
import pytest

from ppgan_lite.data import coloured_digits
from ppgan_lite.data.loader import batches
from ppgan_lite.data.options import ColouredDigits

NAMES = ColouredDigits.ATTRIBUTES


def build(split="train", **keys):
    return coloured_digits.build(ColouredDigits(**({"name": "coloured_digits", "batch_size": 4} | keys)), split)


@pytest.fixture(scope="module")
def dataset():
    return build(num_images=1200)


def everything(dataset):
    return dataset.batch(np.arange(len(dataset)))


def test_the_fields_and_the_factors(dataset):
    items = everything(dataset)
    assert items["image"].shape == (1200, 3, 32, 32)
    assert items["image"].dtype == items["attributes"].dtype == np.float32
    assert (items["image"].min(), items["image"].max()) == (-1, 1)
    assert dataset.spec["attributes"].names == NAMES
    assert set(dataset.labels) == set(range(10))
    assert {"font", "slant", "colour", "thickness"} < dataset.factors.keys()
    assert all(len(values) == 1200 for values in dataset.factors.values())


def test_every_digit_has_one_colour_and_one_thickness(dataset):
    attributes = everything(dataset)["attributes"]
    assert set(np.unique(attributes)) == {0, 1}
    assert (attributes[:, :3].sum(1) == 1).all()
    assert (attributes[:, 3:].sum(1) == 1).all()
    assert np.abs(attributes[:, :3].mean(0) - 1 / 3).max() < 0.05
    assert np.abs(attributes[:, 3:].mean(0) - 1 / 2).max() < 0.05
    correlations = np.corrcoef(attributes[:, [0, 1, 3]].T) - np.eye(3)
    assert abs(correlations[2, :2]).max() < 0.1  # the thickness does not depend on the colour


def test_the_pixels_have_the_colour(dataset):
    pixels, attributes = dataset.pixels("image", np.arange(1200)), everything(dataset)["attributes"]
    light = pixels.max((2, 3))
    np.testing.assert_array_equal(light > 0, attributes[:, :3] == 1)
    np.testing.assert_array_equal(dataset.factors["colour"], attributes[:, :3].argmax(1))
    border = pixels.copy()
    border[:, :, 2:-2, 2:-2] = 0
    assert border.max() == 0


def test_thin_and_thick_strokes_can_be_told_apart(dataset):
    mass = dataset.pixels("image", np.arange(1200)).sum((1, 2, 3)) / dataset.factors["scale"] ** 2
    thick = everything(dataset)["attributes"][:, 4] == 1
    for digit, font in itertools.product(range(10), range(4)):
        alike = (dataset.labels == digit) & (dataset.factors["font"] == font)
        assert mass[alike & thick].min() > 1.3 * mass[alike & ~thick].max()


def test_the_seed_fixes_everything_and_the_test_split_differs():
    train, again, other, test = (
        build(num_images=60),
        build(num_images=60),
        build(num_images=60, seed=1),
        build("test", num_images=60),
    )
    assert train.source == again.source
    np.testing.assert_array_equal(everything(train)["attributes"], everything(again)["attributes"])
    assert (everything(train)["attributes"] != everything(other)["attributes"]).any()
    assert len(test) == 10
    images = train.pixels("image", np.arange(60))
    assert not any((image == images).all((1, 2, 3)).any() for image in test.pixels("image", np.arange(10)))


def test_a_batch_of_training_keeps_images_with_their_attributes(dataset):
    for batch in itertools.islice(batches(dataset, 16, seed=0), 5):
        light = batch["image"].numpy().max((2, 3)) > -1
        np.testing.assert_array_equal(light, batch["attributes"].numpy()[:, :3] == 1)
