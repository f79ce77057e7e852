import itertools

import numpy as np
import pytest

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.domains import Domains
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.data.loader import Draws, batches
from ppgan_lite.data.spec import Field
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


def test_an_epoch_has_every_index_at_most_once(dataset):
    first = labels(dataset, 4, seed=0)
    assert len({label for batch in first for label in batch}) == 20  # 23 of 5 each: three are left out
    assert labels(dataset, 5, seed=0)[4] == np.random.default_rng([0, 1]).permutation(23)[:5].tolist()


def test_seed_and_epoch_determine_the_order():
    def order(seed, epoch):
        return Draws(100, 0, seed).take(100 * epoch, 100).indices

    assert sorted(order(1, 2)) == list(range(100))
    np.testing.assert_array_equal(order(1, 2), order(1, 2))
    assert (order(1, 2) != order(1, 3)).any()
    assert (order(1, 2) != order(2, 2)).any()


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_the_draws_are_those_of_earlier_versions(seed):
    """Runs of earlier versions can be resumed."""
    for epoch in range(3):
        drawn = Draws(50, 0, seed).take(50 * epoch, 50)
        np.testing.assert_array_equal(drawn.indices, np.random.default_rng([seed, epoch]).permutation(50))
        mirrored = np.random.default_rng([seed, epoch, 1]).integers(0, 2, 50, dtype=bool)
        np.testing.assert_array_equal(drawn.mirrored, mirrored[drawn.indices])


def test_items_are_taken_across_epochs():
    whole, draws = Draws(7, 3, 5).take(0, 40), Draws(7, 3, 5)
    assert sorted(whole.indices[:35].tolist()) == sorted([*range(7)] * 5)
    for start, count in ((0, 3), (5, 4), (6, 20), (14, 7), (33, 1)):
        for part, values in zip(draws.take(start, count), whole, strict=True):
            np.testing.assert_array_equal(part, values[start : start + count])


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


# ---- windows and domains ----


class Marked(Dataset):
    """Images [1, 6, 8] of which each pixel shows the item, its row and its column; `margin` more in a stream.

    `both`: fields `a` and `b`, b = a / 2; else `image`.
    """

    def __init__(self, num, margin=0, flip=False, both=False):
        rows, columns = np.mgrid[: 6 + margin, : 8 + margin]
        self.whole = (10000 * np.arange(num)[:, None, None] + 100 * rows + columns)[:, None].astype("float32")
        self.margin, self.flip = margin, flip
        self.spec = {name: Field("image", (1, 6, 8)) for name in (("a", "b") if both else ("image",))}
        self.source = Source("marked", "made here", "0", num)

    def _items(self, images):
        return {name: images / 2 if name == "b" else images.copy() for name in self.spec}

    def batch(self, indices):
        start = self.margin // 2
        return self._items(self.whole[indices, :, start : start + 6, start : start + 8])

    def stream(self, batches):
        return (self._items(self.whole[indices]) for indices in batches)


def look(image):
    """What was drawn for an image of `Marked`: item, row and column of its window, whether it is mirrored."""
    is_mirrored = image[0, 0, 0] > image[0, 0, 1]
    item, place = divmod(int(image[..., ::-1][0, 0, 0] if is_mirrored else image[0, 0, 0]), 10000)
    window = np.mgrid[:6, :8]
    expected = 10000 * item + place + 100 * window[0] + window[1]
    np.testing.assert_array_equal(image[0], expected[:, ::-1] if is_mirrored else expected)
    return item, *divmod(place, 100), is_mirrored


def test_windows_are_random_but_alike_in_all_fields_of_an_item():
    data = list(itertools.islice(batches(Marked(40, margin=3, flip=True, both=True), 8, seed=1), 25))
    for batch in data:
        assert batch["a"].shape == [8, 1, 6, 8]
        np.testing.assert_array_equal(batch["a"].numpy(), 2 * batch["b"].numpy())
    looks = [look(image) for batch in data for image in batch["a"].numpy()]
    assert {row for _, row, _, _ in looks} == {column for _, _, column, _ in looks} == {0, 1, 2, 3}
    assert 0.4 < np.mean([is_mirrored for *_, is_mirrored in looks]) < 0.6  # 200: 0.5 +- 2.8 standard errors
    assert len({(row, column) for item, row, column, _ in looks if item == 7}) > 1  # another window in each epoch


def test_the_offsets_are_drawn_from_seed_and_epoch():
    drawn = Draws(30, 4, 9).take(60, 30)
    offsets = np.random.default_rng([9, 2, 2]).integers(0, 5, (30, 2), dtype="int16")
    np.testing.assert_array_equal(drawn.offsets, offsets[drawn.indices])


@pytest.mark.parametrize("start", [0, 3, 5, 8])
def test_windows_start_anywhere(start):
    dataset = Marked(23, margin=2, flip=True)
    whole = [batch["image"].numpy() for batch in itertools.islice(batches(dataset, 5, seed=2), 12)]
    later = [batch["image"].numpy() for batch in itertools.islice(batches(dataset, 5, 2, start), 12 - start)]
    np.testing.assert_array_equal(later, whole[start:])


@pytest.fixture(scope="module")
def domains():
    """Domains of 13 and 5 images, with margins and flips of their own."""
    return Domains({"a": Marked(13, margin=2, flip=True), "b": Marked(5, margin=3, flip=True)}, "two", "made here")


def drawn_from(domains, num, first_batch=0, batch_size=4, seed=3):
    """Domain -> what was drawn for each item of `num` batches."""
    data = list(itertools.islice(batches(domains, batch_size, seed, first_batch), num))
    return {field: [look(image) for batch in data for image in batch[field].numpy()] for field in domains.spec}


def test_each_domain_is_drawn_without_gaps_in_an_order_of_its_own(domains):
    assert (len(domains), domains.source.num_images) == (13, 13)
    items = {field: [item for item, *_ in looks] for field, looks in drawn_from(domains, 13).items()}
    for start in range(0, 52, 13):
        assert sorted(items["a"][start : start + 13]) == list(range(13))
    for start in range(0, 50, 5):
        assert sorted(items["b"][start : start + 5]) == list(range(5))
    orders = [tuple(items["b"][start : start + 5]) for start in range(0, 50, 5)]
    assert len(set(orders)) > 5


def test_domains_of_equal_length_have_different_orders_flips_and_windows():
    equal = Domains({"a": Marked(40, 5, True), "b": Marked(40, 5, True)}, "two", "made here")
    a, b = (sorted(looks) for looks in drawn_from(equal, 10).values())
    assert [item for item, *_ in a] == [item for item, *_ in b] == list(range(40))
    for part in (1, 2):
        assert np.mean([x[part] == y[part] for x, y in zip(a, b, strict=True)]) < 0.5  # 1/6 expected
    assert 0.2 < np.mean([x[3] == y[3] for x, y in zip(a, b, strict=True)]) < 0.8
    orders = drawn_from(equal, 10)
    assert [item for item, *_ in orders["a"]] != [item for item, *_ in orders["b"]]


@pytest.mark.parametrize("start", [1, 2, 3, 7, 13, 14])
@pytest.mark.parametrize("batch_size", [1, 4, 7])  # 7: more than the smaller domain
def test_domains_start_anywhere(domains, start, batch_size):
    whole = drawn_from(domains, 16, 0, batch_size)
    later = drawn_from(domains, 16 - start, start, batch_size)
    assert later == {field: looks[start * batch_size :] for field, looks in whole.items()}


def test_a_batch_larger_than_the_largest_domain_is_refused(domains):
    assert {len(looks) for looks in drawn_from(domains, 1, 0, 13).values()} == {13}
    with pytest.raises(DataError, match="14 is larger than the data set of 13 images; add -o data.batch_size=8"):
        next(batches(domains, 14, seed=0))


def test_closing_ends_the_streams_of_all_domains(dataset):
    flipped = ImageArray(dataset.images, dataset.labels, ["one"], "name", "made here", flip=True)
    parts = {"a": Ahead(flipped), "b": Ahead(flipped)}
    data = batches(Domains(parts, "two", "made here"), 5, seed=1)
    next(data)
    assert not any(part.closed for part in parts.values())
    data.close()
    assert all(part.closed for part in parts.values())
