import itertools

import numpy as np
import paddle
import pytest

from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.loader import EpochSampler, batches
from ppgan_lite.errors import DataError


class OneByOne(paddle.io.Dataset):
    """The same items without whole batches."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        return self.dataset[index]


@pytest.fixture(scope="module")
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (23, 1, 2, 2), dtype="uint8")
    return ImageArray(images, np.arange(23), ["one"], "name", "made here")


def labels(dataset, num, **keys):
    return [batch["label"].numpy().tolist() for batch in itertools.islice(batches(dataset, 5, **keys), num)]


def test_an_epoch_has_every_index_once_but_the_rest():
    order = np.concatenate(list(EpochSampler(23, 5, seed=0, epoch=0)))
    assert len(EpochSampler(23, 5, 0, 0)) == 4
    assert len(set(order)) == 20


def test_seed_and_epoch_fix_the_order():
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


def test_a_batch_larger_than_the_data_is_refused(dataset):
    with pytest.raises(DataError, match=r"data.batch_size: 24 is larger than the data set of 23 images"):
        next(batches(dataset, 24, seed=0))
