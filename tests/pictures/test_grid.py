import numpy as np
import paddle
import pytest
from PIL import Image

from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.pictures.grid import GAP, grid, save_png


def test_range_maps_to_all_of_uint8_without_wrapping():
    x = np.array([-1.5, -1, -0.5, 0, 0.5, 1, 1.5], "float32").reshape(7, 1, 1, 1)
    assert to_uint8(paddle.to_tensor(x)).ravel().tolist() == [0, 0, 64, 128, 191, 255, 255]


def test_every_pixel_value_comes_back():
    pixels = np.arange(256, dtype="float32").reshape(1, 1, 16, 16)
    np.testing.assert_array_equal(to_uint8(pixels / 127.5 - 1).ravel(), np.arange(256))


def test_grid_is_row_by_row_with_gaps():
    images = np.linspace(-1, 1, 5).reshape(5, 1, 1, 1) * np.ones((5, 3, 4, 6))
    sheet = grid(images, columns=3)
    assert sheet.shape == (2 * (4 + GAP) + GAP, 3 * (6 + GAP) + GAP, 3)
    for i, value in enumerate([0, 64, 128, 191, 255]):
        top, left = GAP + i // 3 * (4 + GAP), GAP + i % 3 * (6 + GAP)
        assert (sheet[top : top + 4, left : left + 6] == value).all()
    assert (sheet[:GAP] == 0).all()


@pytest.mark.parametrize(("num", "columns"), [(64, 8), (5, 3), (1, 1), (2, 2)])
def test_grid_is_square_where_nothing_is_asked(num, columns):
    assert grid(np.zeros((num, 1, 4, 4))).shape[1] == columns * (4 + GAP) + GAP


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_png_keeps_pixels_and_metadata(tmp_path, channels, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, channels), dtype="uint8")
    save_png(tmp_path / "x.png", pixels, {"Data": "rendered_digits, standing in for mnist"})
    with Image.open(tmp_path / "x.png") as image:
        assert image.mode == mode
        assert image.text == {"Data": "rendered_digits, standing in for mnist"}
        np.testing.assert_array_equal(np.asarray(image).reshape(4, 5, channels), pixels)
