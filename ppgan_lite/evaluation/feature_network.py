"""A network that computes the features by which images are compared."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import paddle
import paddle.nn.functional as F
from tqdm import trange

from ppgan_lite.data.pixels import from_uint8

INCEPTION = "inception"
BATCH_IMAGES = 256  # images passed through the network at once


@dataclass(frozen=True)
class FeatureNetwork:
    """A network that computes the features by which images are compared.

    Attributes:
        name: the evaluator's name, or `inception`.
        sha256: checksum of the file with its weights.
        preprocessing: what `forward` does with the pixels, in words.
        forward: images [N, C, H, W] in [-1, 1] -> features [N, F] and logits [N, K].
    """

    name: str
    sha256: str
    preprocessing: str
    forward: Callable

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features float32 [N, F] and class probabilities float32 [N, K] of images uint8 [N, C, H, W]."""
        features, probabilities = [], []
        with paddle.no_grad():
            for start in trange(0, len(images), BATCH_IMAGES, desc=f"{self.name} features", disable=None, leave=False):
                batch, logits = self.forward(paddle.to_tensor(from_uint8(images[start : start + BATCH_IMAGES])))
                features.append(batch.numpy())
                probabilities.append(F.softmax(logits).numpy())
        return np.concatenate(features), np.concatenate(probabilities)
