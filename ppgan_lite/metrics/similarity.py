"""How near pictures are to their true counterparts, for pairs of images [N, C, H, W] float32 in [-1, 1]."""

import numpy as np

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.pixels import LUMA, RANGE, WINDOW, in_chunks, local_similarity

MOST_DECIBELS = 100.0  # dB, for equal images; one value of 8 bits that is off by 1 gives 96 dB at 64 x 64 pixels


def l1(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean absolute difference of each pair of images: [N], 0 to 2."""
    return in_chunks(lambda a, b: abs(a - b).mean((1, 2, 3), dtype=np.float64), a, b)


def psnr(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of each pair of images, in decibels: [N], 0 to 100.

    10 log10(RANGE^2 / mean squared difference), the same as with pixels and a range of 255. It is infinite for equal
    images; these count as 100 dB, so that a mean can be taken.
    """
    squares = in_chunks(lambda a, b: np.square(a - b).mean((1, 2, 3), dtype=np.float64), a, b)
    least = RANGE**2 / 10 ** (MOST_DECIBELS / 10)
    return 10 * np.log10(RANGE**2 / np.maximum(squares, least))


def ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity of each pair of images (Wang et al. 2004, eq. 13): [N], -1 to 1; 1 if equal.

    As in the paper, of the brightness alone (for colours the luma of ITU-R BT.601), with a Gaussian window of 11 x 11
    pixels and a deviation of 1.5, K1 = 0.01, K2 = 0.03, and biased variances; the mean over all windows that lie inside
    the image. scikit-image computes the same with gaussian_weights=True, sigma=1.5, use_sample_covariance=False.

    Raises:
        EvaluationError: images smaller than the window.
    """
    side = min(a.shape[2:])
    if side < WINDOW:
        raise EvaluationError(f"SSIM: images of {side} pixels are too small; it needs at least {WINDOW}")
    return in_chunks(_ssim, a, b)


def _ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    luminance, structure = local_similarity(_brightness(a), _brightness(b))
    return (luminance * structure).mean((1, 2, 3), dtype=np.float64)


def _brightness(images: np.ndarray) -> np.ndarray:
    """[N, 1 or 3, H, W] in [-1, 1] -> [N, 1, H, W] from 0 to 2: the formula's luminance starts at 0, as light does."""
    if images.shape[1] == 3:
        images = np.einsum("c,nchw->nhw", LUMA, images)[:, None]
    return images + 1
