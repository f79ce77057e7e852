"""Batches in an order that depends on (seed, epoch) only, starting at any batch: resuming needs no saved state.

The same holds for which images are mirrored, in data sets that are (`Dataset.flip`).
"""

import contextlib
import itertools

import numpy as np

from ppgan_lite.errors import DataError


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


class EpochSampler:
    """Batches of indices for one epoch, in an order drawn from (seed, epoch); an incomplete last batch is dropped.

    Args:
        num_samples: length of the data set.
        batch_size: images per batch.
        seed, epoch: determine the order.
        first_batch: batch of the epoch to start with.

    Attributes:
        order: all indices, shuffled.
        mirrored: bool [num_samples], the random half of the images that `flip` mirrors in this epoch.

    Raises:
        DataError: the batch is larger than the data set.
    """

    def __init__(self, num_samples: int, batch_size: int, seed: int, epoch: int, first_batch: int = 0):
        self.num_batches = batches_per_epoch(num_samples, batch_size)
        self.batch_size = batch_size
        self.first_batch = first_batch
        self.order = np.random.default_rng([seed, epoch]).permutation(num_samples)
        self.mirrored = np.random.default_rng([seed, epoch, 1]).integers(0, 2, num_samples, dtype=bool)

    def __iter__(self):
        for batch in range(self.first_batch, self.num_batches):
            yield self.order[batch * self.batch_size : (batch + 1) * self.batch_size]

    def __len__(self):
        return self.num_batches - self.first_batch


def batches(dataset, batch_size: int, seed: int, first_batch: int = 0):
    """Yield batches for ever, epoch after epoch, starting at batch `first_batch` of the whole sequence.

    If `dataset.flip` is true, a random half of the items is mirrored, all image fields of an item alike.

    Yields:
        dict of tensors, each with the batch as its first dimension. Closing the generator ends work done in advance.
    """
    import paddle  # late: a page of results needs only `batches_per_epoch`

    epochs = _epochs(len(dataset), batch_size, seed, first_batch)
    plan, early = itertools.tee((indices, sampler.mirrored[indices]) for sampler in epochs for indices in sampler)
    images = [name for name, field in dataset.spec.items() if field.kind == "image"] if dataset.flip else []
    with contextlib.closing(dataset.stream(indices for indices, _ in early)) as stream:
        for arrays, (_, mirrored) in zip(stream, plan, strict=False):
            for name in images:
                arrays[name][mirrored] = arrays[name][mirrored, ..., ::-1]
            yield {name: paddle.to_tensor(array) for name, array in arrays.items()}


def _epochs(num_samples: int, batch_size: int, seed: int, first_batch: int):
    """Yield the samplers of all epochs, starting at batch `first_batch` of the whole sequence."""
    first_epoch, offset = divmod(first_batch, batches_per_epoch(num_samples, batch_size))
    for epoch in itertools.count(first_epoch):
        yield EpochSampler(num_samples, batch_size, seed, epoch, offset if epoch == first_epoch else 0)
