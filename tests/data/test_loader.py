import itertools

import numpy as np
import pytest

from ppgan_lite.data.base import Dataset
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.loader import EpochSampler, batches
from ppgan_lite.errors import DataError


class OneByOne(Dataset):
    """The same items, each read separately."""

    def __init__(self, dataset):
        self.dataset, self.spec, self.source = dataset, dataset.spec, dataset.source

    def batch(self, indices):
        items = [self.dataset[index] for index in indices]
        return {name: np.stack([item[name] for item in items]) for name in self.spec}


@pytest.fixture(scope="module")
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (23, 1, 2, 2), dtype="uint8")
    return ImageArray(images, np.arange(23), ["one"], "name", "made here")


def labels(dataset, num, **keys):
    return [batch["label"].numpy().tolist() for batch in itertools.islice(batches(dataset, 5, **keys), num)]


def test_an_epoch_has_every_index_at_most_once():
    order = np.concatenate(list(EpochSampler(23, 5, seed=0, epoch=0)))
    assert len(EpochSampler(23, 5, 0, 0)) == 4
    assert len(set(order)) == 20


def test_seed_and_epoch_determine_the_order():
    def order(*key):
        return np.concatenate(list(EpochSampler(100, 10, *key)))

    np.testing.assert_array_equal(order(1, 2), order(1, 2))
    assert (order(1, 2) != order(1, 3)).any()
    assert (order(1, 2) != order(2, 2)).any()


@pytest.mark.parametrize("start", [0, 1, 3, 4, 5, 9])
def test_starting_later_gives_the_same_sequence(dataset, start):
    assert labels(dataset, 12 - start, seed=7, first_batch=start) == labels(dataset, 12, seed=7)[start:]


def test_whole_batches_equal_items_one_by_one(dataset):
    fast, slow = (list(itertools.islice(batches(d, 5, seed=1, first_batch=2), 5)) for d in (dataset, OneByOne(dataset)))
    for a, b in zip(fast, slow, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            assert a[key].dtype == b[key].dtype
            np.testing.assert_array_equal(a[key].numpy(), b[key].numpy())


class Ahead(OneByOne):
    """The same items from a stream that takes batches before they are used."""

    flip = True

    def batch(self, indices):
        return self.dataset.batch(indices)

    def stream(self, batches):
        self.closed = False
        waiting = [next(batches) for _ in range(4)]
        try:
            while True:
                waiting.append(next(batches))
                yield self.batch(waiting.pop(0))
        finally:
            self.closed = True


@pytest.fixture(scope="module")
def flipped(dataset):
    """The same images with `flip`."""
    return ImageArray(dataset.images, dataset.labels, ["one"], "name", "made here", flip=True)


@pytest.mark.parametrize("start", [0, 2, 7])
def test_a_stream_that_works_in_advance_gives_the_same_batches(flipped, start):
    stream = Ahead(flipped)
    data = batches(stream, 5, seed=1, first_batch=start)
    for a, b in zip(itertools.islice(data, 9), batches(flipped, 5, seed=1, first_batch=start), strict=False):
        assert a["label"].numpy().tolist() == b["label"].numpy().tolist()
        np.testing.assert_array_equal(a["image"].numpy(), b["image"].numpy())
    assert not stream.closed
    data.close()
    assert stream.closed


def mirrored(flipped, **keys):
    """(label, epoch) -> whether the image was mirrored, over 40 epochs of 4 batches."""
    flags = {}
    for number, batch in enumerate(itertools.islice(batches(flipped, 5, **keys), 160)):
        for image, label in zip(batch["image"].numpy(), batch["label"].numpy().tolist(), strict=True):
            own = flipped[label]["image"]
            is_mirrored = (image == own[..., ::-1]).all()
            assert is_mirrored != (image == own).all()
            flags[label, number // 4] = is_mirrored
    return flags


def test_a_random_half_is_mirrored_in_each_epoch(flipped):
    flags = mirrored(flipped, seed=0)
    assert flags == mirrored(flipped, seed=0)
    assert flags != mirrored(flipped, seed=1)
    assert 0.4 < np.mean(list(flags.values())) < 0.6  # 800 flags: 0.5 +- 5.6 standard errors
    by_label = [np.mean([value for (label, _), value in flags.items() if label == each]) for each in range(23)]
    assert 0.1 < min(by_label) < max(by_label) < 0.9


def test_without_flip_nothing_is_mirrored_and_flip_does_not_change_the_data(dataset, flipped):
    for batch in itertools.islice(batches(dataset, 5, seed=0), 8):
        np.testing.assert_array_equal(batch["image"].numpy(), dataset.batch(batch["label"].numpy())["image"])
    before = flipped.images.copy()
    mirrored(flipped, seed=2)
    np.testing.assert_array_equal(flipped.images, before)


def test_a_batch_larger_than_the_data_is_refused(dataset):
    with pytest.raises(DataError, match="24 is larger than the data set of 23 images; add -o data.batch_size=16"):
        next(batches(dataset, 24, seed=0))
