"""Points drawn from a mixture of Gaussians: data that a GAN learns in seconds, with a known density."""

import hashlib

import numpy as np

from ppgan_lite.data.base import Dataset, Source
from ppgan_lite.data.spec import points as points_spec

RADIUS = 0.6  # no centre is farther from 0


def build(options, split: str = "train") -> "Gaussians":
    """Draw `options.num_images` points from `options.seed`. The test points are different, and a sixth as many."""
    num, seed = options.num_images, [options.seed, split == "test"]
    return Gaussians(options, num if split == "train" else max(1, num // 6), seed)


class Gaussians(Dataset):
    """Item i is `image`, float32 [dims, 1, 1], a point, and `label`, int64, the Gaussian that it was drawn from.

    Args:
        options: `dims`, `modes` and `std` are used.
        num: number of points.
        seed: integers.

    Attributes:
        centres: the Gaussians' centres, [modes, dims].
        std: standard deviation of every Gaussian, in each dimension.
    """

    def __init__(self, options, num: int, seed: list[int]):
        super().__init__()
        rng = np.random.default_rng(seed)
        self.centres, self.std = _centres(options.dims, options.modes), options.std
        self.labels = rng.integers(0, options.modes, num)
        points = self.centres[self.labels] + self.std * rng.standard_normal([num, options.dims])
        self.images = points.astype("float32")[:, :, None, None]  # [N, dims, 1, 1]
        self.spec = points_spec(options.dims, [str(mode) for mode in range(options.modes)])
        modes = f"{options.modes} modes of standard deviation {options.std:g}"
        origin = f"{modes} in {options.dims} dimensions, drawing seed {options.seed}"
        self.source = Source("gaussians", origin, hashlib.sha256(self.images).hexdigest(), num, None)

    def batch(self, indices):
        return {"image": self.images[indices], "label": self.labels[indices]}


def _centres(dims: int, modes: int) -> np.ndarray:
    """[modes, dims]: evenly spaced on [-0.6, 0.6] (a single one at 0.6), or on a circle of radius 0.6."""
    if dims == 1:
        return np.linspace(RADIUS, -RADIUS, modes)[:, None]
    angles = 2 * np.pi * np.arange(modes) / modes
    return RADIUS * np.stack([np.cos(angles), np.sin(angles)], 1)
