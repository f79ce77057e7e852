"""What every data set is: a paddle.io Dataset that yields dicts, gathers whole batches at once and describes itself.

A data set is built by `build(options, split)`, from the checked `data` section and the split, `train` or `test`.
"""

import numpy as np
import paddle

from ppgan_lite.data.source import Source
from ppgan_lite.data.spec import Spec


class Dataset(paddle.io.Dataset):
    """What the training loop, previews and evaluations need. A subclass sets the attributes and defines `batch`.

    Attributes:
        spec: the fields of each item, by name.
        source: where the items come from.
        labels: values of the field `label`, int64 [N].
        factors: how each item was made, name -> [N], where this is known.
        flip: whether training mirrors a random half of the items, all image fields of an item alike (data/loader.py).
        margin: by how many pixels the images of `stream` are larger than the spec's, in height and in width: training
            cuts a random window of the spec's size, from all image fields of an item alike.
        domains: where training must not know pairs: field -> the data set of its images, which has the field `image`,
            and the flip and the margin that hold for it. The length is the largest domain's; `batch` and `pixels` take
            indices modulo each domain's length, and are for looking only.
    """

    spec: Spec
    source: Source
    labels: np.ndarray
    factors: dict[str, np.ndarray] = {}  # noqa: RUF012 (never changed)
    flip = False
    margin = 0
    domains: dict[str, "Dataset"] = {}  # noqa: RUF012 (never changed)

    def batch(self, indices) -> dict[str, np.ndarray]:
        """The items at `indices`, one array per field: images float32 [N, C, H, W] in [-1, 1], labels int64 [N]."""
        raise NotImplementedError

    def pixels(self, field: str, indices) -> np.ndarray:
        """One image field of the items at `indices`, as pixels: uint8 [N, C, H, W]."""
        raise NotImplementedError

    def stream(self, batches):
        """Yield `batch(indices)` for each of `batches`, with `margin`. Closing it ends work done in advance."""
        return (self.batch(indices) for indices in batches)

    def __len__(self):
        return self.source.num_images

    def __getitem__(self, index):
        return {name: values[0] for name, values in self.batch([index]).items()}
