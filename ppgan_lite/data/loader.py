"""Batches in an order that is a function of (seed, epoch) alone, from any batch on: resuming needs no saved state."""

import numpy as np
import paddle

from ppgan_lite.errors import DataError


def batches_per_epoch(num_samples: int, batch_size: int) -> int:
    """Count the whole batches in one pass over the data.

    Raises:
        DataError: the batch is larger than the data set.
    """
    if batch_size > num_samples:
        raise DataError(f"data.batch_size: {batch_size} is larger than the data set of {num_samples} images")
    return num_samples // batch_size


class EpochSampler(paddle.io.BatchSampler):
    """Batches of indices of one epoch, in an order drawn from (seed, epoch); a last partial batch is dropped.

    Args:
        num_samples: length of the data set.
        batch_size: images.
        seed, epoch: fix the order.
        first_batch: where in the epoch to start.

    Raises:
        DataError: the batch is larger than the data set.
    """

    def __init__(self, num_samples: int, batch_size: int, seed: int, epoch: int, first_batch: int = 0):
        self.num_batches = batches_per_epoch(num_samples, batch_size)
        self.batch_size = batch_size
        self.first_batch = first_batch
        self.order = np.random.default_rng([seed, epoch]).permutation(num_samples)

    def __iter__(self):
        for batch in range(self.first_batch, self.num_batches):
            yield self.order[batch * self.batch_size : (batch + 1) * self.batch_size]

    def __len__(self):
        return self.num_batches - self.first_batch


def batches(dataset, batch_size: int, seed: int, first_batch: int = 0):
    """Yield batches for ever, epoch after epoch, from batch `first_batch` of the whole sequence on.

    A data set that can give many items at once (`dataset.batch(indices)`) is asked for whole batches; any other is
    read item by item through paddle.io.DataLoader. Both give the same batches.

    Yields:
        dict of tensors, each with the batch as its first dimension.
    """
    epoch, offset = divmod(first_batch, batches_per_epoch(len(dataset), batch_size))
    while True:
        sampler = EpochSampler(len(dataset), batch_size, seed, epoch, offset)
        if hasattr(dataset, "batch"):
            for indices in sampler:
                yield {key: paddle.to_tensor(array) for key, array in dataset.batch(indices).items()}
        else:
            yield from paddle.io.DataLoader(dataset, batch_sampler=sampler)
        epoch, offset = epoch + 1, 0
