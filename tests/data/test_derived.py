import itertools

import cv2
import numpy as np
import pytest
from picture_folder import write_pictures

from ppgan_lite.data import derived, rendered_digits
from ppgan_lite.data.loader import batches
from ppgan_lite.data.options import DATASETS, Derived, RenderedDigits
from ppgan_lite.data.pictures import square
from ppgan_lite.errors import ConfigError, DataError

NUM = 60


def options(**keys):
    return Derived(name="derived", batch_size=4, **({"images": "rendered_digits", "num_images": NUM} | keys))


def digits(split):
    """The images a of `options()`, with their border: uint8 [N, 1, 32, 32]."""
    base = rendered_digits.build(RenderedDigits(name="rendered_digits", batch_size=4, num_images=NUM), split)
    return np.pad(base.images, ((0, 0), (0, 0), (2, 2), (2, 2))), base.labels


def everything(dataset, field):
    return dataset.pixels(field, np.arange(len(dataset)))


def as_set(images):
    return {image.tobytes() for image in images}


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("transform", derived.TRANSFORMS)
def test_the_test_split_has_pairs_bit_for_bit(transform, paired):
    images = "fake" if transform == "grey" else "rendered_digits"
    dataset = derived.build(options(images=images, transform=transform, paired=paired), "test")
    assert (len(dataset), dataset.domains) == (NUM // 6, {})
    a, b = everything(dataset, "a"), everything(dataset, "b")
    np.testing.assert_array_equal(b, derived.TRANSFORMS[transform](a))
    assert (a != b).any((1, 2, 3)).all()
    item = dataset[3]
    assert list(item) == list(dataset.spec) == ["a", "b"]
    np.testing.assert_allclose((item["b"] + 1) * 127.5, b[3], atol=1e-4)


def test_the_images_and_labels_are_the_base_data_sets():
    for split in ("train", "test"):
        dataset, (images, labels) = derived.build(options(), split), digits(split)
        np.testing.assert_array_equal(everything(dataset, "a"), images)
        np.testing.assert_array_equal(dataset.labels, labels)


def test_the_domains_of_training_are_disjoint_halves():
    dataset = derived.build(options(paired=False))
    a, b = (everything(dataset.domains[field], "image") for field in "ab")
    everything_a, _ = digits("train")
    assert len(a) == len(b) == len(dataset) == NUM // 2
    transformed = as_set(derived.outline(everything_a))
    assert len(transformed) == len(everything_a)  # no two digits have the same outline
    assert not as_set(b) & as_set(derived.outline(a))
    assert as_set(b) | as_set(derived.outline(a)) == transformed
    assert dataset.source.sha256 not in {domain.source.sha256 for domain in dataset.domains.values()}


def test_training_draws_each_domain_from_its_own_half():
    dataset = derived.build(options(paired=False))
    drawn = {"a": set(), "b": set()}
    for batch in itertools.islice(batches(dataset, 4, seed=0), 8):  # 32 of 30 images
        for field, images in drawn.items():
            images |= as_set(np.rint((batch[field].numpy() + 1) * 127.5).astype("uint8"))
    for field, images in drawn.items():
        assert images == as_set(everything(dataset.domains[field], "image"))


def test_halves_are_the_same_in_every_process_and_random():
    one, other = derived.halves(np.arange(101))
    assert sorted([*one, *other]) == list(range(101))
    assert (len(one), len(other)) == (51, 50)
    np.testing.assert_array_equal(one, derived.halves(np.arange(101))[0])
    assert 15 < (one < 51).sum() < 36
    with pytest.raises(DataError, match=r"data\.paired: false needs at least 2 training images"):
        derived.halves(np.arange(1))


def test_the_number_of_images_can_be_chosen():
    assert derived.choose(50, None, "train").tolist() == list(range(50))
    chosen = derived.choose(50, 12, "train")
    assert len(set(chosen)) == 12
    assert chosen.max() > 24 > chosen.min()  # not the first 12: files are sorted by class
    assert len(derived.choose(50, 12, "test")) == 2
    assert len(derived.choose(1, 12, "test")) == 1
    with pytest.raises(DataError, match=r"data\.num_images: 51 is more than the 50 training images that there are"):
        derived.choose(50, 51, "train")


def test_training_draws_pairs_and_mirrors_them_together():
    dataset = derived.build(options(flip=True))
    images = everything(dataset, "a")
    known = {image.tobytes(): image for image in (*images, *images[..., ::-1])}
    mirrored = 0
    for batch in itertools.islice(batches(dataset, 4, seed=0), 10):
        a, b = (np.rint((batch[field].numpy() + 1) * 127.5).astype("uint8") for field in "ab")
        assert as_set(a) <= known.keys()
        mirrored += len(as_set(a) - as_set(images))
        for one, other in zip(a, b, strict=True):
            outlines = [derived.outline(one[None])[0], derived.outline(one[None, ..., ::-1])[0, ..., ::-1]]
            assert any((outline == other).all() for outline in outlines)
    assert 5 < mirrored < 35


def test_images_of_28_pixels_get_a_border_and_others_are_resized():
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 28, 28), dtype="uint8")
    bordered = derived.fit(images, 32)
    assert bordered.shape == (3, 3, 32, 32)
    np.testing.assert_array_equal(bordered[:, :, 2:-2, 2:-2], images)
    assert bordered.sum() == images.sum()
    assert derived.fit(images, 28) is images
    for size in (16, 40):
        resized = derived.fit(images, size)
        assert resized.shape == (3, 3, size, size)
        np.testing.assert_array_equal(resized[1].transpose(1, 2, 0), square(images[1].transpose(1, 2, 0), size))
    assert derived.fit(images[:, :, :20], 32).shape == (3, 3, 32, 32)


def test_an_outline_is_black_on_white_where_the_brightness_changes():
    images = np.full((2, 3, 16, 16), 40, np.uint8)
    images[1, 2, 4:12, 4:12] = 200  # one channel is enough
    flat, box = derived.outline(images)
    assert flat.min() == 255
    assert set(np.unique(box)) == {0, 255}
    np.testing.assert_array_equal(box[0], box[1])
    np.testing.assert_array_equal(box[0], box[2])
    line = box[0] == 0
    assert 20 < line.sum() < 40
    assert line[3:5].any()
    assert line[11:13].any()
    assert not line[6:10, 6:10].any()
    assert not line[:3].any()


def test_grey_is_the_luma_in_all_channels():
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 8, 8), dtype="uint8")
    images[0, :, 0, 0], images[0, :, 0, 1] = 255, (255, 0, 0)
    found = derived.grey(images)
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    np.testing.assert_array_equal(found[:, 0], found[:, 2])
    assert found[0, 0, 0, :2].tolist() == [255, 76]
    for image, grey in zip(images, found, strict=True):
        expected = cv2.cvtColor(np.ascontiguousarray(image.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
        assert np.abs(expected.astype(int) - grey[0]).max() <= 1


def test_small_has_the_means_of_blocks():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 12), dtype="uint8")
    found = derived.small(images)
    assert found.shape == images.shape
    for row, column in ((0, 0), (4, 8)):
        block = np.s_[1, 2, row : row + 4, column : column + 4]
        assert (found[block] == np.rint(images[block].mean())).all()
    np.testing.assert_array_equal(derived.small(found), found)


def test_a_folder_gives_pictures_of_the_size(tmp_path):
    write_pictures(tmp_path / "train", 6)
    write_pictures(tmp_path / "test", 3)
    chosen = options(images="folder", root=str(tmp_path), size=16, num_images=None, paired=False)
    train, test = derived.build(chosen), derived.build(chosen, "test")
    assert (len(train), len(test)) == (3, 3)
    assert train.spec["a"].shape == test.spec["b"].shape == (3, 16, 16)
    assert train.source.title == "derived outline of folder"
    assert str(tmp_path) in train.source.origin


def test_a_missing_data_set_is_named_as_it_names_itself(monkeypatch, tmp_path):
    monkeypatch.delenv("PPGAN_DATA", raising=False)
    for keys in ({"images": "folder", "root": str(tmp_path / "no")}, {"images": "cifar10_jpeg", "root": str(tmp_path)}):
        with pytest.raises(DataError, match=r"data\.root"):
            derived.build(options(**keys))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"transform": "grey"}, r"data\.transform: grey changes nothing, as rendered_digits has no colours"),
        ({"transform": "small", "size": 30}, r"data\.size: 30 must be a multiple of 4 for the transform small"),
    ],
)
def test_options_without_sense_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        options(**keys).check()


def test_the_channels_are_those_of_every_data_set_that_it_takes():
    for name in ("mnist", "fashion_mnist", "kmnist", "cifar10", "cifar10_jpeg", "rendered_digits", "fake", "folder"):
        base = DATASETS[name](name=name, batch_size=4)
        assert options(images=name).spec()["a"].shape[0] == base.spec()["image"].shape[0]


def test_fashion_mnist_has_thin_outlines(real_data):
    dataset = derived.build(options(images="fashion_mnist", root=str(real_data)), "test")
    a, b = everything(dataset, "a"), everything(dataset, "b")
    drawn = (b == 0).mean((1, 2, 3))
    assert a.shape == b.shape == (NUM // 6, 1, 32, 32)
    assert (drawn > 0.02).all()
    assert (drawn < 0.4).all()
