"""What every data set is: a paddle.io Dataset that yields dicts, gathers whole batches at once and describes itself.

A data set is built by `build(options, split)`, from the checked `data` section and the split, `train` or `test`.
"""

import os
from dataclasses import asdict, dataclass

import numpy as np
import paddle

from ppgan_lite.data.spec import Spec


@dataclass(frozen=True)
class Source:
    """Where the images that a run trains on really come from. Recorded in run.json and in every sample grid."""

    name: str  # the data set really used
    origin: str  # the folder it was read from, or how it was made
    sha256: str  # checksum of the pixels; for files that are not all in memory, of their names and sizes
    num_images: int
    stands_in_for: str | None = None  # the data set asked for, if it could not be had and this one replaces it

    def to_dict(self) -> dict:
        """The fields as a plain dict."""
        return asdict(self)

    @property
    def title(self) -> str:
        """The data set's name (for `folder`, with the folder's own name), and what it stands in for."""
        name = f"folder {os.path.basename(self.origin)}" if self.name == "folder" else self.name
        return f"{name}, standing in for {self.stands_in_for}" if self.stands_in_for else name

    def __str__(self):
        return f"{self.title} ({self.num_images} images from {self.origin})"


class Dataset(paddle.io.Dataset):
    """What the training loop, previews and evaluations need. A subclass sets the attributes and defines `batch`.

    Attributes:
        spec: the fields of each item, by name.
        source: where the items come from.
        labels: values of the field `label`, int64 [N].
        factors: how each item was made, name -> [N], where this is known.
        flip: whether training mirrors a random half of the items, all image fields of an item alike (data/loader.py).
    """

    spec: Spec
    source: Source
    labels: np.ndarray
    factors: dict[str, np.ndarray] = {}  # noqa: RUF012 (never changed)
    flip = False

    def batch(self, indices) -> dict[str, np.ndarray]:
        """The items at `indices`, one array per field: images float32 [N, C, H, W] in [-1, 1], labels int64 [N]."""
        raise NotImplementedError

    def pixels(self, field: str, indices) -> np.ndarray:
        """One image field of the items at `indices`, as pixels: uint8 [N, C, H, W]."""
        raise NotImplementedError

    def stream(self, batches):
        """Yield `batch(indices)` for each of `batches`. Closing the generator ends work done in advance."""
        return (self.batch(indices) for indices in batches)

    def __len__(self):
        return self.source.num_images

    def __getitem__(self, index):
        return {name: values[0] for name, values in self.batch([index]).items()}
