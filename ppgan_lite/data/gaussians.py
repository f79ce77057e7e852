"""Points drawn from a mixture of Gaussians: data that a GAN learns in seconds, and of which all is known."""

import hashlib

import numpy as np

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.spec import points as points_spec

RADIUS = 0.6  # all modes lie within it


def build(options, split: str = "train") -> "Gaussians":
    """Draw `options.num_images` points from `options.seed`. The test points are others, and a sixth as many."""
    num, seed = options.num_images, [options.seed, split == "test"]
    return Gaussians(options, num if split == "train" else max(1, num // 6), seed)


class Gaussians(Dataset):
    """Item i is `image`, float32 [dims, 1, 1], a point, and `label`, int64, the Gaussian that it comes from.

    Args:
        options: `dims`, `modes` and `std`.
        num: points.
        seed: of the points, whole numbers.

    Attributes:
        centres: of the Gaussians, [modes, dims].
        std: of each, in each dimension.
    """

    def __init__(self, options, num: int, seed: list[int]):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.centres, self.std = _centres(options.dims, options.modes), options.std
        self.labels = rng.integers(0, options.modes, num)
        points = self.centres[self.labels] + self.std * rng.standard_normal([num, options.dims])
        self.images = points.astype("float32")[:, :, None, None]  # [N, dims, 1, 1]
        self.spec = points_spec(options.dims, [str(mode) for mode in range(options.modes)])
        origin = (
            f"{options.modes} of deviation {options.std:g} in {options.dims} dimensions, drawing seed {options.seed}"
        )
        self.source = Source("gaussians", origin, hashlib.sha256(self.images).hexdigest(), num, None)

    def batch(self, indices):
        return {"image": self.images[indices], "label": self.labels[indices]}


def _centres(dims: int, modes: int) -> np.ndarray:
    """[modes, dims]: evenly over [-0.6, 0.6] (a single one at 0.6), or on a circle of that radius."""
    if dims == 1:
        return np.linspace(RADIUS, -RADIUS, modes)[:, None]
    angles = 2 * np.pi * np.arange(modes) / modes
    return RADIUS * np.stack([np.cos(angles), np.sin(angles)], 1)
