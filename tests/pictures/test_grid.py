import numpy as np
import paddle
import pytest
from PIL import Image

from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.pictures.grid import COMPARED_PIXELS, GAP, GROUP_GAP, comparisons, grid, num_compared, save_png, stacked


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


def test_comparisons_are_in_groups_which_are_farther_apart():
    inputs, outputs = (np.full((3, 1, 4, 100), value, "float32") for value in (1, 0))
    outputs[2] = -1 / 3
    sheet = comparisons([inputs, outputs])[:, :, 0]
    wide = 2 * 100 + GAP + GROUP_GAP
    assert sheet.shape == (4 + 2 * GROUP_GAP, 3 * wide + GROUP_GAP)
    for i, value in enumerate([128, 128, 85]):
        left = GROUP_GAP + i * wide
        row = sheet[GROUP_GAP]
        assert (row[left - GROUP_GAP : left] == 0).all()
        assert (row[left : left + 100] == 255).all()
        assert (row[left + 100 : left + 100 + GAP] == 0).all()
        assert (row[left + 100 + GAP : left + 200 + GAP] == value).all()


def test_a_row_of_comparisons_has_as_many_groups_as_are_easily_seen():
    for size, groups in ((32, 8), (64, 4), (128, 2), (256, 1), (512, 1)):
        arrays = [np.zeros((8, 1, size, size), "float32")] * 3
        assert comparisons(arrays).shape[1] == groups * (3 * size + 2 * GAP + GROUP_GAP) + GROUP_GAP


@pytest.mark.parametrize(
    ("size", "images", "grids", "expected"),
    [(32, 3, 2, 32), (64, 3, 2, 32), (128, 3, 1, 16), (128, 3, 2, 16), (256, 3, 1, 8), (256, 3, 2, 4), (128, 6, 1, 16)],
)
def test_fewer_large_pictures_are_compared(size, images, grids, expected):
    num = num_compared(size, size, images, grids)
    assert num == expected
    arrays = [np.zeros((num, 1, size, size), "float32")] * images
    height, width, _ = stacked([comparisons(arrays)] * grids).shape
    assert height * width < COMPARED_PIXELS * 1.05


def test_at_least_one_picture_is_compared():
    assert num_compared(2048, 2048, 41, 1) == 1


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_png_keeps_pixels_and_metadata(tmp_path, channels, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, channels), dtype="uint8")
    save_png(tmp_path / "x.png", pixels, {"Data": "rendered_digits, standing in for mnist"})
    with Image.open(tmp_path / "x.png") as image:
        assert image.mode == mode
        assert image.text == {"Data": "rendered_digits, standing in for mnist"}
        np.testing.assert_array_equal(np.asarray(image).reshape(4, 5, channels), pixels)
