"""Digits drawn with OpenCV's Hershey fonts: 28x28 images that need no files and no network.

Each image is a digit in one of four fonts, with a random slant, stroke thickness, scale and shift. As these factors are
known, a generator's images can be measured against them.
"""

import cv2
import numpy as np

from ppgan_lite.data.binarize import binarized
from ppgan_lite.data.image_array import ImageArray
from ppgan_lite.errors import DataError

SIZE = 28
SUPERSAMPLING = 3  # drawn 3 times as large, then averaged down
DIGIT_HEIGHT = 20  # pixels at scale 1, as in MNIST
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)
STROKES = tuple(range(4, 12))  # thickness in supersampled pixels

CANVAS = SIZE * SUPERSAMPLING
CENTRE = (CANVAS - 1) / 2


def build(options, split: str = "train", stands_in_for: str | None = None) -> ImageArray:
    """Draw `options.num_images` digits from `options.seed`: the same pixels for the same seed and OpenCV version.

    The test images are different, and a sixth as many, as in MNIST.

    Raises:
        DataError: this version of OpenCV does not have these fonts.
    """
    num, seed = options.num_images, options.seed
    images, labels, factors = render(num, seed) if split == "train" else render(max(1, num // 6), [seed, 1])
    origin = f"OpenCV {cv2.__version__}'s Hershey fonts, drawing seed {seed}"
    images, origin = binarized(images[:, None], origin, options, split)  # [N, H, W] -> [N, 1, H, W]
    described = "0123456789", "rendered_digits", origin, stands_in_for, factors
    return ImageArray(images, labels, *described, levels=options.levels)


def render(num: int, seed: int | list[int], strokes=None) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw `num` digits.

    Args:
        num: number of digits.
        seed: determines everything but given strokes.
        strokes: indices into STROKES, [num]; None: random ones.

    Returns:
        images: uint8 [num, 28, 28], white strokes on black.
        labels: int64 [num], 0 to 9, uniform.
        factors: name -> [num]: `font` (index into FONTS), `thickness` (stroke, pixels, before scaling), `slant`
            (pixels to the right per pixel of height), `scale` (1 for a height of 20 pixels), `shift_x` and `shift_y`
            (pixels, right and down).
    """
    if int(cv2.__version__.split(".")[0]) >= 5:
        raise DataError(
            f"rendered_digits: OpenCV {cv2.__version__} has no Hershey fonts (its own ignore the stroke thickness); "
            'install version 4: pip install "opencv-python-headless<5"'
        )
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, num)
    fonts = rng.integers(0, len(FONTS), num)
    drawn = rng.integers(0, len(STROKES), num)  # also where they are given: what follows is then the same
    strokes = drawn if strokes is None else strokes
    slants = rng.uniform(-0.25, 0.5, num)
    scales = rng.uniform(0.8, 1.1, num)
    shifts = rng.uniform(-1.5, 1.5, (num, 2))

    glyphs = _draw_glyphs()
    images = np.empty((num, SIZE, SIZE), np.uint8)
    for i in range(num):
        glyph = glyphs[fonts[i], strokes[i], labels[i]]
        canvas = cv2.warpAffine(glyph, _affine(slants[i], scales[i], shifts[i]), (CANVAS, CANVAS))
        images[i] = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    factors = {
        "font": fonts,
        "thickness": np.array(STROKES)[strokes] / SUPERSAMPLING,
        "slant": slants,
        "scale": scales,
        "shift_x": shifts[:, 0],
        "shift_y": shifts[:, 1],
    }
    return images, labels, factors


def _draw_glyphs() -> np.ndarray:
    """Every digit in every font and stroke, centred and upright: uint8 [fonts, strokes, 10, CANVAS, CANVAS]."""
    glyphs = np.zeros((len(FONTS), len(STROKES), 10, CANVAS, CANVAS), np.uint8)
    for f, font in enumerate(FONTS):
        for s, stroke in enumerate(STROKES):
            for digit in range(10):
                unit_height = cv2.getTextSize(str(digit), font, 1, 1)[0][1]
                scale = (DIGIT_HEIGHT * SUPERSAMPLING - stroke) / unit_height
                canvas = np.zeros((CANVAS, CANVAS), np.uint8)
                start = (CANVAS // 5, CANVAS * 4 // 5)  # left end of the baseline
                cv2.putText(canvas, str(digit), start, font, scale, 255, stroke, cv2.LINE_AA)
                # Centre the box of the drawn pixels: getTextSize includes the space to the next letter.
                left, top, width, height = cv2.boundingRect(canvas)
                shift = round(CENTRE - top - (height - 1) / 2), round(CENTRE - left - (width - 1) / 2)
                glyphs[f, s, digit] = np.roll(canvas, shift, (0, 1))
    return glyphs


def _affine(slant: float, scale: float, shift: np.ndarray) -> np.ndarray:
    """The 2x3 matrix that slants and scales a canvas about its centre and then shifts it."""
    linear = scale * np.array([[1, -slant], [0, 1]])
    centre = np.array([CENTRE, CENTRE])
    offset = centre - linear @ centre + SUPERSAMPLING * shift
    return np.column_stack([linear, offset])
