"""Grey images made black and white: data for models that give each pixel a probability of being white."""

import numpy as np

from ppgan_lite.data.source import BINARY

WHITE = 255
CHUNK = 4096  # images for which random numbers are drawn at once
SEEDS = {"train": 0, "test": 1}


def binarized(images: np.ndarray, origin: str, options, split: str) -> tuple[np.ndarray, str]:
    """The images, and where they come from, as `data.binarize` asks; uint8 [N, 1, H, W], now of the levels 0 and 255.

    `random`: white with the grey as probability, drawn once for each split from a fixed seed, like the data with which
    figures in nats are published (Larochelle and Murray 2011); `threshold`: white from the middle on; None: unchanged.
    """
    if options.binarize is None:
        return images, origin
    made = drawn(images, SEEDS[split]) if options.binarize == "random" else thresholded(images)
    return made, f"{BINARY} from {origin}"


def thresholded(images: np.ndarray) -> np.ndarray:
    """White from the middle on."""
    return (images > WHITE // 2).astype("uint8") * WHITE


def drawn(images: np.ndarray, seed: int) -> np.ndarray:
    """White with the grey as probability."""
    rng, made = np.random.default_rng(seed), np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        made[start : start + CHUNK] = (part > WHITE * rng.random(part.shape, "float32")) * WHITE
    return made
