"""Noise in the shape of images, like `fake` in PyTorch's DCGAN example: to measure speed, not to learn from."""

import numpy as np

from ppgan_lite.data.image_array import ImageArray


def build(options, split: str = "train") -> ImageArray:
    """Draw `options.num_images` images of independent uniform pixels, all with label 0, from `options.seed`."""
    seed = options.seed if split == "train" else [options.seed, 1]
    shape = (options.num_images, options.channels, options.size, options.size)
    images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    return ImageArray(images, np.zeros(len(images)), ["noise"], "fake", f"uniform noise, seed {options.seed}")
