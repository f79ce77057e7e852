"""Noise in the shape of images, as `fake` of PyTorch's DCGAN example: to measure speed, not to learn from."""

import numpy as np

from ppgan_lite.data.image_array import ImageArray


def build(options) -> ImageArray:
    """Draw `options.num_images` images of independent uniform pixels from `options.seed`, all with label 0."""
    shape = (options.num_images, options.channels, options.size, options.size)
    images = np.random.default_rng(options.seed).integers(0, 256, shape, dtype=np.uint8)
    return ImageArray(images, np.zeros(len(images)), "fake", f"uniform noise, seed {options.seed}")
