"""The only place where [-1, 1] becomes uint8, and uint8 [-1, 1]."""

import numpy as np


def from_uint8(pixels: np.ndarray) -> np.ndarray:
    """Images in [-1, 1], float32, from pixels uint8 of the same shape."""
    images = pixels.astype("float32")
    images *= 2 / 255
    images -= 1
    return images


def to_uint8(images) -> np.ndarray:
    """Pixels of images in [-1, 1]: [N, C, H, W] float (tensor or array) -> [N, H, W, C] uint8, rounded and clipped."""
    pixels = (np.asarray(images, "float32") + 1) * 127.5
    return np.clip(np.rint(pixels), 0, 255).astype("uint8").transpose(0, 2, 3, 1)
