"""Images held in memory as one uint8 array."""

import hashlib
import os
from dataclasses import asdict, dataclass

import numpy as np
import paddle

from ppgan_lite.data.pixels import from_uint8


@dataclass(frozen=True)
class Source:
    """Where the images that a run trains on really come from. It goes into run.json and every sample grid."""

    name: str  # of the data set really used
    origin: str  # the folder it was read from, or how it was made
    sha256: str  # of the pixels; of files that are not all in memory, of names and sizes
    num_images: int
    stands_in_for: str | None = None  # the data set asked for, where another one had to take its place

    def to_dict(self) -> dict:
        """The fields as a plain dict."""
        return asdict(self)

    @property
    def title(self) -> str:
        """The data's name (with the folder's, where it is no data set of its own), and what it stands in for."""
        name = f"folder {os.path.basename(self.origin)}" if self.name == "folder" else self.name
        return f"{name}, standing in for {self.stands_in_for}" if self.stands_in_for else name

    def __str__(self):
        return f"{self.title} ({self.num_images} images from {self.origin})"


class ImageArray(paddle.io.Dataset):
    """A data set in memory: item i is `image`, float32 [C, H, W] in [-1, 1], and `label`, int64.

    Args:
        images: uint8 [N, C, H, W].
        labels: integers [N].
        class_names: what each label means, in the labels' order.
        name, origin, stands_in_for: see `Source`.
        factors: how each image was drawn, name -> [N], where that is known.
        flip: whether training mirrors a random half of the images (data/loader.py does it).
    """

    def __init__(self, images, labels, class_names, name, origin, stands_in_for=None, factors=None, flip=False):
        super().__init__()
        self.images = np.ascontiguousarray(images)
        self.labels = np.asarray(labels, "int64")
        self.class_names = tuple(class_names)
        self.factors = factors or {}
        self.flip = flip
        self.image_shape = self.images.shape[1:]
        digest = hashlib.sha256(self.images).hexdigest()
        self.source = Source(name, origin, digest, len(self.images), stands_in_for)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.batch(index)

    def batch(self, indices) -> dict[str, np.ndarray]:
        """The items at `indices`, gathered and scaled at once: much faster than one by one."""
        return {"image": from_uint8(self.images[indices]), "label": self.labels[indices]}
