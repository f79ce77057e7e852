"""Images held in memory as uint8 arrays."""

import hashlib

import numpy as np

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.spec import LEVELS, Spec
from ppgan_lite.data.spec import images as images_spec


class Arrays(Dataset):
    """A data set in memory: one array per field.

    Args:
        spec: the fields.
        arrays: field -> its values of all items: uint8 [N, C, H, W] of images, of other fields as in a batch.
        name, origin, stands_in_for, part: see `Source`; its sha256 covers the images.
        labels: a class for each item, integers [N], whether it is a field or not.
        factors: how each item was made, name -> [N], where this is known.
        flip: whether training mirrors a random half of the items (see data/loader.py).
    """

    def __init__(
        self, spec: Spec, arrays, name, origin, stands_in_for=None, labels=None, factors=None, flip=False, part=None
    ):
        super().__init__()
        self.spec, self.flip, self.factors = spec, flip, factors or {}
        self.arrays = {field: np.ascontiguousarray(arrays[field]) for field in spec}
        if labels is not None:
            self.labels = np.asarray(labels, "int64")
        digest = hashlib.sha256()
        for field in self._images():
            digest.update(self.arrays[field])
        num = len(next(iter(self.arrays.values())))
        self.source = Source(name, origin, digest.hexdigest(), num, stands_in_for, part)

    def batch(self, indices):
        items = {field: values[indices] for field, values in self.arrays.items()}
        return items | {field: from_uint8(items[field]) for field in self._images()}

    def pixels(self, field, indices):
        return self.arrays[field][indices]

    def _images(self) -> list[str]:
        return [name for name, field in self.spec.items() if field.kind == "image"]


class ImageArray(Arrays):
    """A data set in memory: item i is `image`, float32 [C, H, W] in [-1, 1], and `label`, int64.

    Args:
        images: uint8 [N, C, H, W].
        labels: integers [N].
        class_names: the name of each label, in the labels' order.
        name, origin, stands_in_for, factors, flip, part: see `Arrays`.
        levels: number of values of a pixel.
    """

    def __init__(
        self,
        images,
        labels,
        class_names,
        name,
        origin,
        stands_in_for=None,
        factors=None,
        flip=False,
        part=None,
        levels=LEVELS,
    ):
        labels = np.asarray(labels, "int64")
        spec = images_spec(images.shape[1:], class_names, levels)
        arrays = {"image": images, "label": labels}
        super().__init__(spec, arrays, name, origin, stands_in_for, labels, factors, flip, part)

    @property
    def images(self) -> np.ndarray:
        """All images, uint8 [N, C, H, W]."""
        return self.arrays["image"]
