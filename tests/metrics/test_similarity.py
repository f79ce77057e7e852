import numpy as np
import pytest

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics.similarity import l1, psnr, ssim


def flat(*greys, shape=(3, 16, 20)):
    """Images of one value each."""
    return np.stack([np.full(shape, grey, "float32") for grey in greys])


def noise(num=4, shape=(3, 16, 20), seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (num, *shape)).astype("float32")


def test_the_difference_of_flat_images_is_that_of_their_values():
    np.testing.assert_allclose(l1(flat(-1, 0, 0.5), flat(1, 0.25, 0.5)), [2, 0.25, 0])


def test_decibels_are_those_of_the_published_definition_in_8_bits():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 256, (2, 5, 3, 12, 14), np.uint8)
    squares = np.square(a.astype(float) - b).mean((1, 2, 3))
    np.testing.assert_allclose(psnr(from_uint8(a), from_uint8(b)), 10 * np.log10(255**2 / squares), rtol=1e-5)


def test_decibels_of_black_against_white_and_of_equal_images():
    np.testing.assert_allclose(psnr(flat(-1, 0.3), flat(1, 0.3)), [0, 100])


def test_one_value_off_by_one_in_a_large_image_is_not_equal():
    a = np.zeros((1, 3, 64, 64), np.uint8)
    b = a.copy()
    b[0, 1, 2, 3] = 1
    assert psnr(from_uint8(a), from_uint8(b))[0] == pytest.approx(10 * np.log10(255**2 * a.size), abs=0.01)


def test_similarity_of_flat_images_is_that_of_their_brightness():
    """Without variance eq. 13 is (2 x y + c1) / (x^2 + y^2 + c1), here of brightness from 0 to 2."""
    c1 = (0.01 * 2) ** 2
    expected = (2 * 0.4 * 1.6 + c1) / (0.4**2 + 1.6**2 + c1)
    np.testing.assert_allclose(ssim(flat(-0.6), flat(0.6)), [expected], rtol=1e-4)


def test_similarity_of_equal_and_of_inverted_images():
    x = noise()
    np.testing.assert_allclose(ssim(x, x), 1, atol=1e-5)
    assert (ssim(x, -x) < -0.5).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_similarity_is_the_published_formula_at_every_window(channels):
    """The sums of eqs. 14 to 16 for each window, written out, of the luma of pixels from 0 to 255."""
    a, b = noise(2, (channels, 16, 20), seed=1), noise(2, (channels, 16, 20), seed=2)
    steps = np.arange(-5, 6)
    weights = np.exp(-(steps**2) / (2 * 1.5**2))
    weights = np.outer(weights, weights) / np.outer(weights, weights).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    shares = [0.299, 0.587, 0.114] if channels == 3 else [1]
    expected = []
    for x, y in zip((a + 1.0) * 127.5, (b + 1.0) * 127.5, strict=True):
        values = []
        for row, column in np.ndindex(16 - 10, 20 - 10):
            u, v = (np.tensordot(shares, z[:, row : row + 11, column : column + 11], 1) for z in (x, y))
            mean_u, mean_v = (weights * u).sum(), (weights * v).sum()
            var_u, var_v = (weights * (u - mean_u) ** 2).sum(), (weights * (v - mean_v) ** 2).sum()
            covariance = (weights * (u - mean_u) * (v - mean_v)).sum()
            luminance = (2 * mean_u * mean_v + c1) / (mean_u**2 + mean_v**2 + c1)
            values.append(luminance * (2 * covariance + c2) / (var_u + var_v + c2))
        expected.append(np.mean(values))
    np.testing.assert_allclose(ssim(a, b), expected, atol=1e-5)


def test_images_smaller_than_the_window_have_no_similarity():
    with pytest.raises(EvaluationError, match="SSIM: images of 10 pixels are too small; it needs at least 11"):
        ssim(flat(0, shape=(1, 10, 30)), flat(0, shape=(1, 10, 30)))
