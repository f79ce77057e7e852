"""Metrics of the pixels alone, for images [N, C, H, W] float32 in [-1, 1]."""

import numpy as np

from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.samples import check

RANGE = 2.0  # largest difference of two pixels
LUMA = np.array([0.299, 0.587, 0.114], "float32")  # weights: red, green and blue, ITU-R BT.601
WINDOW, SIGMA = 11, 1.5  # size and deviation of SSIM's Gaussian window, in pixels
WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # a weight per scale, finest first
FLAT = 1e-10  # an image with at most this variance is constant: one grey level in one of 700 x 700 pixels is more
TINY = 1e-9  # least divisor, for images without ink or with all of it in one row
CHUNK = 500 * 28 * 28  # values at once: 500 grey images of 28 x 28 pixels, or 31 colour images of 64 x 64


def ms_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multi-scale structural similarity of each pair of images (Wang et al. 2003, eq. 7): [N], 0 to 1; 1 if equal.

    Channels are compared separately, then averaged. Three departures from the paper:

    - The paper's five scales with a window of 11 pixels need images of 176 pixels. Here only the finest scales are
      used, as many as leave the smaller side at least a window: two for 28 pixels, three for 64. Their weights are
      divided by their sum. So values of different image sizes cannot be compared.
    - A negative mean structure counts as 0, unrelated: powers of negative numbers are not real.
    - A coarser scale is the mean of 2 x 2 pixels; a last odd row or column is left out.

    Raises:
        EvaluationError: images smaller than the window.
    """
    side = min(a.shape[2:])
    if side < WINDOW:
        raise EvaluationError(f"MS-SSIM: images of {side} pixels are too small; it needs at least {WINDOW}")
    weights = WEIGHTS[: int(np.log2(side / WINDOW)) + 1]
    return in_chunks(lambda a, b: _ms_ssim(a, b, weights / weights.sum()), a, b)


def _ms_ssim(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    result = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            a, b = _halve(a), _halve(b)
        luminance, structure = local_similarity(a, b)
        last = scale == len(weights) - 1
        similarity = (luminance * structure if last else structure).mean((2, 3))  # [N, C]
        result = result * np.maximum(similarity, 0) ** weight
    return result.mean(1)


def local_similarity(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Luminance l, and contrast times structure c s, per window position (Wang et al. 2003, eqs. 1 to 3).

    [N, C, H, W] twice -> [N, C, H - 10, W - 10] twice: only windows that lie inside the image.
    """
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    mean_a, mean_b = _blur(a), _blur(b)
    variances = _blur(a * a) + _blur(b * b) - mean_a**2 - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * covariance + c2) / (variances + c2)


def _blur(images: np.ndarray) -> np.ndarray:
    """Gaussian means over all windows inside the image: [N, C, H, W] -> [N, C, H - 10, W - 10]."""
    rows, columns = (_blur_matrix(size) for size in images.shape[2:])
    return rows.T @ (images @ columns)


def _blur_matrix(size: int) -> np.ndarray:
    """[size, size - 10]: the weights of one window per column."""
    offsets = np.arange(size)[:, None] - np.arange(size - WINDOW + 1) - WINDOW // 2
    matrix = np.exp(-(offsets**2) / (2 * SIGMA**2)) * (abs(offsets) <= WINDOW // 2)
    return (matrix / matrix.sum(0)).astype(np.float32)


def _halve(images: np.ndarray) -> np.ndarray:
    height, width = (size // 2 * 2 for size in images.shape[2:])
    images = images[:, :, :height, :width]
    rows = images[:, :, ::2] + images[:, :, 1::2]
    return (rows[..., ::2] + rows[..., 1::2]) / 4


def diversity(images: np.ndarray, pairs: int = 2000, seed: int = 0) -> float:
    """Mean MS-SSIM of random pairs of different images: lower is more diverse.

    Odena et al. 2017, section 4.2: images of one class, compared with the same number of real images. The aim is the
    value of real images: noise scores lower.

    Raises:
        EvaluationError: fewer than 2 images, NaN or infinity among them, or images smaller than the window.
    """
    check("diversity", images, 2)
    rng = np.random.default_rng(seed)
    first = rng.integers(len(images), size=pairs)
    second = (first + rng.integers(1, len(images), size=pairs)) % len(images)
    return float(ms_ssim(images[first], images[second]).mean())


def total_variation(images: np.ndarray) -> np.ndarray:
    """Mean absolute difference of neighbouring pixels (Rudin et al. 1992, anisotropic, per pair): [N], 0 to 2.

    All pairs of horizontal and vertical neighbours count equally, in all channels. Images have at least 2 pixels.
    """
    return in_chunks(_total_variation, images)


def _total_variation(images: np.ndarray) -> np.ndarray:
    differences = [abs(np.diff(images, axis=axis)).reshape(len(images), -1) for axis in (2, 3)]
    return sum(d.sum(1, dtype=np.float64) for d in differences) / sum(d.shape[1] for d in differences)


def high_frequency_energy(images: np.ndarray) -> np.ndarray:
    """Share of the spectrum's power above half the Nyquist frequency: [N], 0 to 1.

    Power is |DFT|^2 over height and width, summed over the channels, without the constant. A frequency is
    sqrt(fy^2 + fx^2) in periods per pixel; half the Nyquist frequency is 1/4. White noise has about
    1 - pi / 16 = 0.80, and a constant image 0. The DFT treats images as periodic, so a difference between opposite
    borders counts as an edge.
    """
    return in_chunks(_high_frequency_energy, images)


def _high_frequency_energy(images: np.ndarray) -> np.ndarray:
    height, width = images.shape[2:]
    power = (abs(np.fft.rfft2(images)) ** 2).sum(1, dtype=np.float64)  # [N, H, W // 2 + 1]
    power[:, 0, 0] = 0
    power[:, :, 1 : (width + 1) // 2] *= 2  # rfft2 returns only one of each conjugate pair of frequencies
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    total = power.sum((1, 2))
    flat = total <= FLAT * (height * width) ** 2  # by Parseval; less power is rounding error
    return np.where(flat, 0, power[:, frequency > 0.25].sum(1) / np.where(flat, 1, total))


def slant(images: np.ndarray) -> np.ndarray:
    """How far strokes lean to the right, in pixels per pixel of height: [N]; 0 for an empty image.

    The covariance of the two coordinates over the variance of the height, each pixel weighted by its brightness: the
    least-squares line through the ink. A shear adds its own slant. Images are white on black; channels are averaged.
    On 6,000 rendered digits the correlation with the slant they were drawn with is 0.98 (slope 1.00), and 0.97 to 1.00
    among the images of one digit.
    """
    return in_chunks(_slant, images)


def _slant(images: np.ndarray) -> np.ndarray:
    ink = _ink(images)
    height, width = ink.shape[1:]
    mass = np.maximum(ink.sum((1, 2)), TINY)[:, None]
    rows, columns = ink.sum(2) / mass, ink.sum(1) / mass  # shares of the ink, [N, H], [N, W]
    up = rows @ np.arange(height)[:, None] - np.arange(height)  # [N, H], from the centre
    right = np.arange(width) - columns @ np.arange(width)[:, None]  # [N, W]
    covariance = (ink @ right[:, :, None] * up[:, :, None]).sum((1, 2)) / mass[:, 0]
    variance = (rows * up**2).sum(1)
    return covariance / np.maximum(variance, TINY)


def thickness(images: np.ndarray) -> np.ndarray:
    """The thickness of the strokes in pixels, area over half the perimeter: [N]; 0 for an empty image.

    This is the width of a stroke that is much longer than wide. The area is the sum of the brightness, from 0 to 1, and
    the perimeter the isotropic total variation, which is the mean length of the contours at all levels (the coarea
    formula; the image is surrounded by black): so faint strokes are not thinner. Images are white on black; channels
    are averaged. On 6,000 rendered digits the correlation is 0.81 with the stroke width they were drawn with, 0.87 with
    that width times the digit's scale, and 0.91 to 0.95 within a font: some fonts draw double strokes.
    """
    return in_chunks(_thickness, images)


def _thickness(images: np.ndarray) -> np.ndarray:
    ink = _ink(images)
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]  # [N, H + 1, W + 1]
    perimeter = np.hypot(down, right).sum((1, 2))
    return 2 * ink.sum((1, 2)) / np.maximum(perimeter, TINY)


def _ink(images: np.ndarray) -> np.ndarray:
    """Brightness from 0 to 1: [N, C, H, W] -> float64 [N, H, W]."""
    return (images.mean(1, dtype=np.float64) + 1) / 2


def in_chunks(function, *images: np.ndarray) -> np.ndarray:
    """Apply `function` to a few images at a time: its intermediate arrays are much larger than the images."""
    count = max(1, CHUNK // images[0][0].size)
    starts = range(0, len(images[0]), count)
    return np.concatenate([function(*(i[start : start + count] for i in images)) for start in starts])
