"""Conversion between images in [-1, 1] and uint8 pixels. It happens nowhere else."""

import numpy as np


def from_uint8(pixels: np.ndarray) -> np.ndarray:
    """uint8 pixels -> float32 images in [-1, 1], of the same shape."""
    images = pixels.astype("float32")
    images *= 2 / 255
    images -= 1
    return images


def to_uint8(images) -> np.ndarray:
    """Images in [-1, 1], float [N, C, H, W] (tensor or array) -> pixels, uint8 [N, H, W, C], rounded and clipped."""
    pixels = (np.asarray(images, "float32") + 1) * 127.5
    return np.clip(np.rint(pixels), 0, 255).astype("uint8").transpose(0, 2, 3, 1)
