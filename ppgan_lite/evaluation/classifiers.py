"""The evaluation of classifiers: accuracy and confusion matrix."""

import time

import numpy as np
import paddle

from ppgan_lite.data.base import Dataset
from ppgan_lite.metrics.samples import share_error
from ppgan_lite.runs.results import Figure, Result

BATCH_IMAGES = 256  # images classified at once


def evaluate_classifier(method, train: Dataset, test: Dataset, step: int) -> Result:
    """Accuracy and confusion matrix of a classifier on all test images, and its accuracy on as many training images."""
    start = time.monotonic()
    indices = np.random.default_rng(4).permutation(len(train))[: len(test)]
    train_accuracy = (_classify(method, train, indices) == train.labels[indices]).mean()
    predicted = _classify(method, test, np.arange(len(test)))
    confusion = np.zeros((len(test.spec["label"].names),) * 2, int)
    np.add.at(confusion, (test.labels, predicted), 1)
    accuracy = (predicted == test.labels).mean()
    figures = {
        "accuracy": Figure(float(accuracy), error=share_error(accuracy, len(test))),
        "train_accuracy": Figure(float(train_accuracy)),
    }
    protocol = {
        "data": test.source.name,
        "data_sha256": test.source.sha256,
        "split": "test",
        "num_real": len(test),
        "preprocessing": "pixels in [-1, 1]",
        "batch_norm": "running statistics",
    }
    seconds = round(time.monotonic() - start, 2)
    return Result(step, protocol, figures, seconds, tuple(tuple(map(int, row)) for row in confusion))


def _classify(method, dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """The predicted classes of a data set's items: [N]."""
    chunks = (indices[start : start + BATCH_IMAGES] for start in range(0, len(indices), BATCH_IMAGES))
    images = (paddle.to_tensor(dataset.batch(chunk)["image"]) for chunk in chunks)
    return np.concatenate([method.classify(batch).numpy().argmax(1) for batch in images])
