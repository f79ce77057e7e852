"""Images held in memory as one uint8 array."""

import hashlib

import numpy as np

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import images as images_spec


class ImageArray(Dataset):
    """A data set in memory: item i is `image`, float32 [C, H, W] in [-1, 1], and `label`, int64.

    Args:
        images: uint8 [N, C, H, W].
        labels: integers [N].
        class_names: the name of each label, in the labels' order.
        name, origin, stands_in_for: see `Source`.
        factors: how each image was made, name -> [N], where this is known.
        flip: whether training mirrors a random half of the images (see data/loader.py).
    """

    def __init__(self, images, labels, class_names, name, origin, stands_in_for=None, factors=None, flip=False):
        super().__init__()
        self.images = np.ascontiguousarray(images)
        self.labels = np.asarray(labels, "int64")
        self.spec = images_spec(self.images.shape[1:], class_names)
        self.factors = factors or {}
        self.flip = flip
        digest = hashlib.sha256(self.images).hexdigest()
        self.source = Source(name, origin, digest, len(self.images), stands_in_for)

    def batch(self, indices):
        return {"image": from_uint8(self.images[indices]), "label": self.labels[indices]}

    def pixels(self, field, indices):
        return self.images[indices]
