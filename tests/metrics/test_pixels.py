import numpy as np
import pytest

from ppgan_lite.data.pixels import from_uint8
from ppgan_lite.data.rendered_digits import render
from ppgan_lite.errors import EvaluationError
from ppgan_lite.metrics import pixels
from ppgan_lite.metrics.pixels import diversity, high_frequency_energy, ms_ssim, slant, thickness, total_variation

WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def constant(value, *shape):
    return np.full(shape, value, dtype="float32")


def checkerboard(height, width):
    return np.where(np.indices([height, width]).sum(0) % 2, 1, -1).astype("float32")[None, None]


def wave(height, width, fy, fx, amplitude=1.0):
    """A cosine with these periods per image, [1, 1, H, W]."""
    y, x = np.indices([height, width])
    return (amplitude * np.cos(2 * np.pi * (fy * y / height + fx * x / width))).astype("float32")[None, None]


def test_ms_ssim_window_by_window():
    """Wang et al. 2003, eqs. 1 to 3 and 7, with three loops, at two scales; one odd side."""
    a = noise(28, 31)
    b = 0.6 * a + 0.4 * noise(28, 31, seed=1) + 0.2
    gauss = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(gauss, gauss) / gauss.sum() ** 2
    factors = []
    x, y = a.astype(float), b.astype(float)
    for _ in range(2):
        both, structures = [], []
        for i in range(x.shape[0] - 10):
            for j in range(x.shape[1] - 10):
                p, q = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
                mp, mq = (window * p).sum(), (window * q).sum()
                vp, vq = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum()
                structure = (2 * (window * (p - mp) * (q - mq)).sum() + 0.06**2) / (vp + vq + 0.06**2)
                structures.append(structure)
                both.append(structure * (2 * mp * mq + 0.02**2) / (mp**2 + mq**2 + 0.02**2))
        factors.append((np.mean(structures), np.mean(both)))
        height, width = (size // 2 for size in x.shape)
        x, y = (s[:, : 2 * width].reshape(height, 2, width, 2).mean((1, 3)) for s in (x, y))
    fine, coarse = np.array(WEIGHTS[:2]) / sum(WEIGHTS[:2])
    expected = factors[0][0] ** fine * factors[1][1] ** coarse
    assert 0.1 < expected < 0.9
    assert ms_ssim(a[None, None], b[None, None]) == pytest.approx([expected], rel=1e-5)


@pytest.mark.parametrize(
    ("side", "scales"), [(11, 1), (21, 1), (22, 2), (28, 2), (44, 3), (64, 3), (88, 4), (176, 5), (352, 5)]
)
def test_ms_ssim_of_constants_shows_the_scales(side, scales):
    """Constants differ only in the luminance of the coarsest scale."""
    luminance = (2 * 0.5 * 0.1 + 0.02**2) / (0.5**2 + 0.1**2 + 0.02**2)
    weight = WEIGHTS[scales - 1] / sum(WEIGHTS[:scales])
    value = ms_ssim(constant(0.5, 1, 1, side, side + 9), constant(0.1, 1, 1, side, side + 9))
    assert value == pytest.approx([luminance**weight], rel=1e-4)


def test_ms_ssim_of_a_fainter_checkerboard():
    """It differs in contrast at the finest scale, and is gone at the next."""
    contrast = (2 * 0.5 + 0.06**2) / (1 + 0.5**2 + 0.06**2)
    image = checkerboard(28, 28)
    expected = contrast ** (WEIGHTS[0] / sum(WEIGHTS[:2]))
    assert ms_ssim(image, image / 2) == pytest.approx([expected], rel=1e-4)


def test_ms_ssim_of_equal_and_of_opposite_images():
    images = noise(1100, 2, 28, 28)  # more than are computed at once
    np.testing.assert_allclose(ms_ssim(images, images), 1, rtol=1e-5)
    assert ms_ssim(images, images).shape == (1100,)
    np.testing.assert_array_equal(ms_ssim(images, -images), 0)


def test_ms_ssim_averages_channels_and_keeps_pairs():
    a, b = noise(4, 3, 28, 28), noise(4, 3, 28, 28, seed=1) / 2 + noise(4, 3, 28, 28) / 2
    singles = ms_ssim(a.reshape(12, 1, 28, 28), b.reshape(12, 1, 28, 28))
    assert np.ptp(singles) > 0.01
    np.testing.assert_allclose(ms_ssim(a, b), singles.reshape(4, 3).mean(1), rtol=1e-5)


def test_diversity_compares_different_images_only():
    a, b = noise(1, 1, 28, 28), noise(1, 1, 28, 28) * 0.3
    both = np.concatenate([a, b])
    assert diversity(both, pairs=50) == pytest.approx(ms_ssim(a, b)[0], rel=1e-6)
    assert ms_ssim(a, b)[0] < 0.95


def test_diversity_is_the_mean_over_pairs():
    images = noise(30, 1, 28, 28) * 0.3 + wave(28, 28, 1, 1) * np.linspace(-0.5, 0.5, 30)[:, None, None, None]
    images = images.astype("float32")
    i, j = np.nonzero(~np.eye(30, dtype=bool))
    every = ms_ssim(images[i], images[j])
    value = diversity(images, pairs=4000, seed=3)
    assert value == pytest.approx(every.mean(), abs=4 * every.std() / np.sqrt(4000))
    assert value == diversity(images, pairs=4000, seed=3) != diversity(images, pairs=4000, seed=4)


def test_a_collapsed_batch_is_less_diverse_than_noise():
    images = noise(600, 1, 28, 28)
    assert diversity(np.repeat(images[:1], 20, axis=0)) == pytest.approx(1, rel=1e-5)
    assert diversity(images) < 0.1


def test_total_variation():
    assert total_variation(checkerboard(6, 9)) == pytest.approx([2])
    assert total_variation(constant(0.3, 2, 3, 5, 5)) == pytest.approx([0, 0])
    ramp = np.broadcast_to(np.arange(8, dtype="float32") / 8, [1, 1, 4, 8])  # 28 horizontal pairs, 24 vertical ones
    assert total_variation(ramp) == pytest.approx([28 / 52 / 8])
    assert total_variation(ramp.swapaxes(2, 3)) == pytest.approx([28 / 52 / 8])
    mixed = np.concatenate([checkerboard(6, 8), constant(0, 1, 1, 6, 8)], axis=1)
    assert total_variation(mixed) == pytest.approx([1])


def test_total_variation_is_per_image():
    images = np.arange(1200)[:, None, None, None] * checkerboard(28, 28) / 1200  # more than are computed at once
    np.testing.assert_allclose(total_variation(images.astype("float32")), np.arange(1200) / 600, rtol=1e-6)


@pytest.mark.parametrize(("fy", "fx"), [(0, 1), (0, 7), (7, 0), (4, 5), (0, -7)])
def test_low_waves_have_no_high_frequencies(fy, fx):
    assert high_frequency_energy(wave(28, 28, fy, fx) + 0.4) == pytest.approx([0], abs=1e-9)


@pytest.mark.parametrize(("fy", "fx"), [(0, 8), (8, 0), (5, 5), (14, 0), (0, 14), (14, 14), (-6, 6)])
def test_high_waves_have_nothing_else(fy, fx):
    assert high_frequency_energy(wave(28, 28, fy, fx) - 0.4) == pytest.approx([1])


@pytest.mark.parametrize("width", [28, 27])
@pytest.mark.parametrize(("low", "high"), [((3, 0), (0, 9)), ((0, 3), (9, 0)), ((2, 3), (-7, 13)), ((0, 2), (14, 0))])
def test_power_is_shared_as_the_squares_of_the_amplitudes(width, low, high):
    power = 2.0 if high == (14, 0) else 1.0  # at Nyquist's frequency a cosine is 1 or -1
    images = wave(28, width, *low, amplitude=0.5) + wave(28, width, *high, amplitude=0.3)
    expected = 0.09 * power / (0.09 * power + 0.25)
    assert high_frequency_energy(images) == pytest.approx([expected], rel=1e-4)


def test_channels_are_summed_and_images_are_not():
    channels = np.concatenate([wave(28, 28, 0, 2, 0.6), wave(28, 28, 0, 10, 0.2)], axis=1)
    assert high_frequency_energy(channels) == pytest.approx([0.1], rel=1e-4)
    images = np.tile(channels.swapaxes(0, 1), (400, 1, 1, 1))  # more than are computed at once
    np.testing.assert_allclose(high_frequency_energy(images), np.tile([0, 1], 400), atol=1e-6)


def test_white_noise_and_constants():
    frequencies = np.fft.fftfreq(64)
    share = (np.hypot(frequencies[:, None], frequencies) > 0.25).sum() / (64**2 - 1)
    assert share == pytest.approx(1 - np.pi / 16, abs=0.005)
    assert high_frequency_energy(noise(300, 1, 64, 64)).mean() == pytest.approx(share, abs=0.002)
    for value in (0, 0.3, -1):
        assert high_frequency_energy(constant(value, 1, 3, 28, 28)) == [0]
    assert high_frequency_energy(checkerboard(28, 28) * 1e-6) == [
        0
    ]  # as saturated images are: constant but for rounding
    dot = constant(-1, 1, 1, 28, 28)
    dot[0, 0, 5, 5] += 1 / 127.5  # the least that 8 bits can show
    assert high_frequency_energy(dot) == pytest.approx([1 - np.pi / 16], abs=0.03)


def bar(width, lean=0.0):
    """A bar of 16 rows that moves to the right by `lean` pixels a row upwards, with soft edges: [1, 1, 28, 28]."""
    left = 10.3 + lean * (13.5 - np.arange(28))[:, None]
    columns = np.arange(28)
    ink = np.clip(np.minimum(columns + 1, left + width) - np.maximum(columns, left), 0, 1)  # per pixel
    ink[:6] = ink[22:] = 0
    return (2 * ink - 1).astype("float32")[None, None]


@pytest.mark.parametrize("lean", [-0.4, 0, 0.25])
@pytest.mark.parametrize("width", [1, 2.5, 5])
def test_slant_of_a_bar(lean, width):
    assert slant(bar(width, lean)) == pytest.approx([lean], abs=2e-3)
    faint = (bar(width, lean) - 1) / 2  # from -1 to 0
    assert slant(np.concatenate([faint, bar(width, lean)], axis=1)) == pytest.approx([lean], abs=2e-3)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_thickness_of_a_bar(width):
    """Area over half the perimeter; where two edges meet, the total variation has a diagonal."""
    ink = constant(-1, 1, 1, 28, 28)
    ink[0, 0, 6:22, 10 : 10 + width] = 1
    corner = 2 - np.sqrt(2)  # one of the four has both edges in one pixel
    assert thickness(ink) == pytest.approx([2 * 16 * width / (2 * (16 + width) - corner)])
    assert thickness((ink - 1) / 2) == pytest.approx(thickness(ink))  # faint is not thin
    long = constant(-1, 1, 1, 400, 28)
    long[:, :, :, 10 : 10 + width] = 1
    assert thickness(long) == pytest.approx([width], rel=0.02)


def test_slant_and_thickness_of_nothing():
    dot, row = constant(-1, 1, 1, 28, 28), constant(-1, 1, 1, 28, 28)
    dot[0, 0, 5, 5] = row[0, 0, 5, 3:9] = 1
    np.testing.assert_array_equal(slant(np.concatenate([constant(-1, 1, 1, 28, 28), dot, row])), 0)
    assert thickness(constant(-1, 2, 3, 28, 28)).tolist() == [0, 0]
    assert slant(constant(1, 1, 1, 28, 28)) == pytest.approx([0], abs=1e-9)


def test_slant_and_thickness_are_those_that_digits_were_drawn_with():
    images, labels, factors = render(1500, 1)
    images = from_uint8(images[:, None])  # more than are computed at once
    slants, strokes = slant(images), thickness(images)
    assert np.corrcoef(slants, factors["slant"])[0, 1] > 0.975
    assert np.polyfit(factors["slant"], slants, 1) == pytest.approx([1, 0], abs=0.03)
    drawn = factors["thickness"] * factors["scale"]
    assert np.corrcoef(strokes, factors["thickness"])[0, 1] > 0.77
    assert np.corrcoef(strokes, drawn)[0, 1] > 0.85
    for digit in range(10):
        assert np.corrcoef(slants[labels == digit], factors["slant"][labels == digit])[0, 1] > 0.95
    for font in range(4):
        own = factors["font"] == font
        assert np.corrcoef(strokes[own], drawn[own])[0, 1] > 0.88


def test_large_images_are_measured_one_by_one_and_small_ones_many_at_once():
    """So what is made in between stays small, whatever the images' size."""

    def counted(shape):
        return pixels.in_chunks(lambda part: np.full(len(part), len(part)), np.broadcast_to(np.float32(0), shape))

    assert set(counted([7, 3, 1024, 1024])) == {1}
    assert counted([100, 3, 64, 64]).tolist() == [31] * 93 + [7] * 7
    assert counted([1000, 1, 28, 28]).tolist() == [500] * 1000


@pytest.mark.parametrize("measure", [total_variation, high_frequency_energy, slant, thickness])
def test_what_is_measured_at_once_changes_nothing(measure, monkeypatch):
    images = noise(9, 3, 64, 64)
    expected = measure(images)
    monkeypatch.setattr(pixels, "CHUNK", 2 * 3 * 64 * 64)
    np.testing.assert_allclose(measure(images), expected, rtol=1e-12)


def test_colours_of_one_brightness_are_structure():
    """Red on green is seen, though it is as good as even in grey."""
    board = checkerboard(64, 64)
    images = np.concatenate([board, -board, np.zeros_like(board)], axis=1)
    assert total_variation(images) == pytest.approx([4 / 3])
    assert high_frequency_energy(images) == pytest.approx([1])
    assert ms_ssim(images, images.mean(1, keepdims=True).repeat(3, 1))[0] < 0.8  # their last channels are equal


def test_errors_name_the_thing():
    with pytest.raises(EvaluationError, match="MS-SSIM: images of 10 pixels are too small; it needs at least 11"):
        ms_ssim(noise(2, 1, 28, 10), noise(2, 1, 28, 10))
    with pytest.raises(EvaluationError, match="diversity: 1 samples; it needs at least 2"):
        diversity(noise(1, 1, 28, 28))
    with pytest.raises(EvaluationError, match="diversity: 1 of 2 samples hold NaN"):
        diversity(np.concatenate([noise(1, 1, 28, 28), constant(np.nan, 1, 1, 28, 28)]))
