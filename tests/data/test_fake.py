import numpy as np

from ppgan_lite.data import fake, options


def build(**keys):
    return fake.build(options.Fake(name="fake", batch_size=8, **keys))


def test_shape_and_source():
    dataset = build(num_images=7, channels=1, size=32)
    assert (len(dataset), dataset.spec["image"].shape) == (7, (1, 32, 32))
    assert str(dataset.source) == "fake (7 images from uniform noise, seed 0)"


def test_the_seed_fixes_the_pixels_and_all_values_occur():
    pixels = build(num_images=8).images
    np.testing.assert_array_equal(pixels, build(num_images=8).images)
    assert (pixels != build(num_images=8, seed=1).images).any()
    assert len(np.unique(pixels)) == 256


def test_test_images_are_different():
    options_ = options.Fake(name="fake", batch_size=8, num_images=8)
    assert (fake.build(options_).images != fake.build(options_, "test").images).any()
