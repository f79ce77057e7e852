"""Drawn digits in three colours and two thicknesses, which are their attributes: they need no files and no network."""

import cv2
import numpy as np

from ppgan_lite.data.image_array import Arrays
from ppgan_lite.data.rendered_digits import SIZE, STROKES, render

COLOURS = np.eye(3, dtype="uint8") * 255  # red, green, blue: RGB
THIN, THICK = 0, len(STROKES) - 1  # indices into STROKES


def build(options, split: str = "train") -> Arrays:
    """Draw `options.num_images` digits from `options.seed`: the same pixels for the same seed and OpenCV version.

    Item i is `image`, float32 [3, 32, 32] in [-1, 1], and `attributes`, float32 [5]: one colour and one thickness are 1
    (`ColouredDigits.ATTRIBUTES`). The digit is in `labels`; `factors` are as from `rendered_digits.render`, and
    `colour`, an index into COLOURS. The test images are different, and a sixth as many.

    Raises:
        DataError: this version of OpenCV does not have the fonts.
    """
    is_test = split != "train"
    num = max(1, options.num_images // 6) if is_test else options.num_images
    rng = np.random.default_rng([options.seed, is_test, 1])
    colours, thick = rng.integers(0, len(COLOURS), num), rng.integers(0, 2, num)
    digits, labels, factors = render(num, [options.seed, is_test], np.where(thick, THICK, THIN))
    attributes = np.concatenate([np.eye(len(COLOURS))[colours], np.eye(2)[thick]], 1).astype("float32")
    arrays = {"image": _paint(digits, colours, options.SHAPE[1]), "attributes": attributes}
    origin = f"OpenCV {cv2.__version__}'s Hershey fonts, drawing seed {options.seed}"
    factors |= {"colour": colours}
    return Arrays(options.spec(), arrays, "coloured_digits", origin, labels=labels, factors=factors)


def _paint(digits: np.ndarray, colours: np.ndarray, size: int) -> np.ndarray:
    """White digits, uint8 [N, 28, 28], in colours, indices into COLOURS, on black: uint8 [N, 3, size, size]."""
    border = (size - SIZE) // 2
    images = np.zeros((len(digits), 3, size, size), np.uint8)
    # a colour has full channels and empty ones
    images[:, :, border:-border, border:-border] = digits[:, None] & COLOURS[colours][:, :, None, None]
    return images
