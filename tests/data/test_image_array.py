import numpy as np

from ppgan_lite.data.image_array import Arrays, ImageArray, Source
from ppgan_lite.data.spec import with_attributes


def dataset():
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 4, 5), dtype="uint8")
    images[0, 0, 0, :2] = 0, 255
    return ImageArray(images, np.arange(6), "abcdef", "name", "made here")


def test_pixels_are_scaled_to_minus_one_and_one():
    item = dataset()[0]
    assert item["image"].dtype == np.float32
    assert item["image"].shape == (3, 4, 5)
    assert item["image"][0, 0, 0] == -1
    np.testing.assert_allclose(item["image"][0, 0, 1], 1, atol=1e-6)


def test_a_batch_is_its_items():
    data = dataset()
    batch = data.batch(np.array([4, 1]))
    for i, index in enumerate((4, 1)):
        np.testing.assert_array_equal(batch["image"][i], data[index]["image"])
        assert batch["label"][i] == data[index]["label"] == index


def test_the_source_names_data_and_stand_in():
    source = ImageArray(np.zeros((2, 1, 1, 1), "uint8"), [0, 1], "01", "rendered_digits", "here", "mnist").source
    assert str(source) == "rendered_digits, standing in for mnist (2 images from here)"
    assert source.to_dict()["sha256"] == "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"


def test_the_title_of_a_folder_has_its_name():
    assert Source("folder", "/somewhere/cats", "0", 9).title == "folder cats"
    assert Source("folder", "/cats and dogs/both", "0", 9).title == "folder both"
    assert Source("pairs", "/x and y/a and /x and y/b", "0", 9).title == "pairs a and b"


def test_other_fields_are_as_in_a_batch_and_labels_need_be_no_field():
    attributes = np.eye(3, dtype="float32")
    images = np.zeros((3, 1, 4, 5), "uint8")
    spec = with_attributes((1, 4, 5), ("x", "y", "z"))
    data = Arrays(spec, {"image": images, "attributes": attributes}, "name", "made here", labels=[2, 0, 1])
    batch = data.batch([2, 0])
    assert list(batch) == ["image", "attributes"]
    np.testing.assert_array_equal(batch["attributes"], attributes[[2, 0]])
    assert batch["image"].max() == -1
    assert data.labels.tolist() == [2, 0, 1]
    assert data.source.sha256 == ImageArray(images, [0, 1, 2], "abc", "name", "elsewhere").source.sha256
