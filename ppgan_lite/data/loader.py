"""Batches in an order that depends on (seed, epoch) only, starting at any batch: resuming needs no saved state.

The same holds for which images are mirrored (`Dataset.flip`) and for the windows that are cut (`Dataset.margin`).
"""

import contextlib
import functools
import itertools
from typing import NamedTuple

import numpy as np

from ppgan_lite.errors import DataError

ORDER, MIRRORED, OFFSETS = range(3)  # what is drawn, each from a generator of its own


def batches_per_epoch(num_samples: int, batch_size: int) -> int:
    """The number of complete batches in one pass over the data.

    Raises:
        DataError: the batch is larger than the data set.
    """
    if batch_size > num_samples:
        fits = 1 << num_samples.bit_length() >> 1  # the largest power of two
        problem = f"data.batch_size: {batch_size} is larger than the data set of {num_samples} images"
        raise DataError(f"{problem}; add -o data.batch_size={fits}")
    return num_samples // batch_size


class Drawn(NamedTuple):
    """Some items, and what is drawn for each of them in this epoch."""

    indices: np.ndarray  # int64 [n]
    mirrored: np.ndarray  # bool [n]: the random half that `flip` mirrors
    offsets: np.ndarray  # int16 [n, 2]: row and column of the window that is cut where there is a `margin`


class Draws:
    """An endless sequence of items: all of them in a random order, then again in another, and so on.

    Args:
        num: number of items.
        margin: the largest offset.
        seed: determines everything that is drawn.
        domain: position among the data set's domains: each has a sequence of its own.
    """

    def __init__(self, num: int, margin: int, seed: int, domain: int = 0):
        self._num, self._margin, self._seed, self._domain = num, margin, seed, domain
        self._epoch = functools.lru_cache(maxsize=1)(self._draw)

    def take(self, start: int, count: int) -> Drawn:
        """The items at the places from `start` to `start + count` of the sequence."""
        end = start + count
        epochs = range(start // self._num, (end - 1) // self._num + 1)
        parts = [self._part(epoch, start - epoch * self._num, end - epoch * self._num) for epoch in epochs]
        return Drawn(*map(np.concatenate, zip(*parts, strict=True)))

    def _part(self, epoch: int, start: int, end: int) -> Drawn:
        """Those between two places of an epoch, which may lie outside it."""
        order, mirrored, offsets = self._epoch(epoch)
        indices = order[max(start, 0) : end]
        return Drawn(indices, mirrored[indices], offsets[indices])

    def _draw(self, epoch: int) -> Drawn:
        """All items of an epoch in their order; the rest in the order of the data set."""
        # Zeros at the end make no difference to a generator, so the first domain draws as a data set without domains.
        order, mirrored, offsets = (
            np.random.default_rng([self._seed, epoch, what, self._domain]) for what in (ORDER, MIRRORED, OFFSETS)
        )
        return Drawn(
            order.permutation(self._num),
            mirrored.integers(0, 2, self._num, dtype=bool),
            offsets.integers(0, self._margin + 1, (self._num, 2), dtype="int16"),
        )


def batches(dataset, batch_size: int, seed: int, first_batch: int = 0):
    """Yield batches for ever, epoch after epoch, starting at batch `first_batch` of the whole sequence.

    An epoch's incomplete last batch is dropped. If `dataset.flip` is true, a random half of the items is mirrored, and
    if it has a `margin`, a random window is cut: from all image fields of an item alike.

    If it has `domains`, each is drawn in an order of its own, with its own flips and windows, and with no item dropped:
    each batch continues where the last one ended, so a batch may be larger than a domain, but not than the largest.

    Yields:
        dict of tensors, each with the batch as its first dimension. Closing the generator ends work done in advance.

    Raises:
        DataError: the batch is larger than the data set.
    """
    import paddle  # late: a page of results needs only `batches_per_epoch`

    num, per_epoch = len(dataset), batches_per_epoch(len(dataset), batch_size)
    if dataset.domains:
        stream = _of_domains(dataset.domains, batch_size, seed, first_batch)
    else:
        places = (divmod(number, per_epoch) for number in itertools.count(first_batch))
        starts = (epoch * num + batch * batch_size for epoch, batch in places)
        stream = _arrays(dataset, Draws(num, dataset.margin, seed), starts, batch_size)
    with contextlib.closing(stream):
        for arrays in stream:
            yield {name: paddle.to_tensor(array) for name, array in arrays.items()}


def _of_domains(domains, batch_size: int, seed: int, first_batch: int):
    """Yield batches with a field for each domain."""
    with contextlib.ExitStack() as stack:
        streams = []
        for position, domain in enumerate(domains.values()):
            draws = Draws(len(domain), domain.margin, seed, position)
            starts = itertools.count(first_batch * batch_size, batch_size)
            streams.append(stack.enter_context(contextlib.closing(_arrays(domain, draws, starts, batch_size))))
        for parts in zip(*streams, strict=True):
            yield {name: arrays["image"] for name, arrays in zip(domains, parts, strict=True)}


def _arrays(dataset, draws: Draws, starts, batch_size: int):
    """Yield the batches that start at these places of the sequence, mirrored and cut, as arrays."""
    plan, early = itertools.tee(draws.take(start, batch_size) for start in starts)
    images = {name: field.shape[1:] for name, field in dataset.spec.items() if field.kind == "image"}
    with contextlib.closing(dataset.stream(drawn.indices for drawn in early)) as stream:
        for arrays, drawn in zip(stream, plan, strict=False):
            for name, size in images.items():
                if dataset.margin:
                    arrays[name] = _windows(arrays[name], drawn.offsets, *size)
                if dataset.flip:
                    arrays[name][drawn.mirrored] = arrays[name][drawn.mirrored, ..., ::-1]
            yield arrays


def _windows(images: np.ndarray, offsets: np.ndarray, height: int, width: int) -> np.ndarray:
    """The window at its offset of each image: [n, C, H, W] -> [n, C, height, width]."""
    cut = [image[:, y : y + height, x : x + width] for image, (y, x) in zip(images, offsets, strict=True)]
    return np.stack(cut)
