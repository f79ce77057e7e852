import numpy as np
import pytest

from ppgan_lite.data import options, rendered_digits
from ppgan_lite.data.binarize import drawn, thresholded
from ppgan_lite.data.spec import from_record, to_record


def digits(split="train", **keys):
    return rendered_digits.build(
        options.RenderedDigits(name="rendered_digits", batch_size=8, num_images=600, **keys), split
    )


def test_a_grey_is_the_probability_of_white():
    images = np.repeat(np.array([0, 64, 191, 255], "uint8"), 5000).reshape(-1, 1, 1, 1)
    white = drawn(images, 0).reshape(4, -1)
    assert set(np.unique(white)) == {0, 255}
    shares = (white == 255).mean(1)
    assert shares[[0, 3]].tolist() == [0, 1]
    np.testing.assert_allclose(shares[1:3], [64 / 255, 191 / 255], atol=0.03)


def test_a_draw_is_the_same_each_time_and_another_for_each_seed():
    images = np.full([5000, 1, 2, 2], 128, "uint8")  # more than one chunk
    first, again, other = (drawn(images, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() == pytest.approx(0.5, abs=0.05)
    assert (first[:4096] != first[np.arange(4096) % 904 + 4096]).any()  # chunks differ


def test_a_threshold_is_the_middle():
    images = np.array([0, 127, 128, 255], "uint8").reshape(4, 1, 1, 1)
    assert thresholded(images).ravel().tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("how", ["random", "threshold"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_data_set_is_black_and_white_and_says_so(how, split):
    dataset = digits(split, binarize=how)
    assert dataset.spec["image"].levels == 2
    assert set(np.unique(dataset.batch(np.arange(50))["image"])) == {-1, 1}
    grey = digits(split)
    assert grey.spec["image"].levels == 256
    assert dataset.source.sha256 != grey.source.sha256
    assert (dataset.source.title, grey.source.title) == ("rendered_digits black and white", "rendered_digits")
    assert from_record(to_record(dataset.spec))["image"].levels == 2


def test_a_record_of_an_earlier_version_has_all_levels():
    record = to_record(digits().spec)
    del record["image"]["levels"]
    assert from_record(record)["image"].levels == 256
