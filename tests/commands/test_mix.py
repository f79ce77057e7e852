"""Each mixed picture is the generator's for the styles of its row and its column."""

import numpy as np
import pytest
from PIL import Image

from ppgan_lite.commands.mix import mixed, save_mix
from ppgan_lite.commands.sample import Request
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.errors import RunError
from ppgan_lite.runs.trained import open_trained


def mix(run, out, coarse=8, **keys):
    save_mix(run, out, None, Request(**{"num": 6} | keys), coarse, "cpu")
    return out


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def test_layers_up_to_the_size_have_the_style_of_the_row():
    rows, columns = np.arange(4.0).reshape(2, 2), -1 - np.arange(6.0).reshape(3, 2)
    w = mixed(rows, columns, np.array([True, True, False])).reshape(2, 3, 3, 2)
    for i in range(2):
        for j in range(3):
            np.testing.assert_array_equal(w[i, j], [rows[i], rows[i], columns[j]])


@pytest.mark.parametrize(("coarse", "layers"), [(4, 1), (8, 3)])
def test_pictures_are_made_from_both_styles(coarse, layers, style_run, tmp_path):
    result = arrays(mix(style_run, tmp_path / "x.npz", coarse))
    assert (result["images"].shape, result["images"].dtype) == ((2, 3, 32, 32, 3), "uint8")
    assert (result["rows"].shape, result["columns"].shape) == ((2, 32, 32, 3), (3, 32, 32, 3))
    _, method, _ = open_trained(style_run, step=None)
    sampler = method.samplers()["g"]
    w = np.stack([result["w_columns"][2]] * sampler.network.num_styles)
    w[:layers] = result["w_rows"][1]
    np.testing.assert_allclose(result["images"][1, 2].astype(int), to_uint8(sampler.from_styles(w[None]))[0], atol=1)
    sources = to_uint8(sampler.from_styles(result["w_columns"]))
    np.testing.assert_allclose(result["columns"].astype(int), sources, atol=1)


def test_a_picture_has_the_sources_at_its_left_and_top(style_run, tmp_path):
    result = arrays(mix(style_run, tmp_path / "x.npz"))
    with Image.open(mix(style_run, tmp_path / "deep" / "x.png")) as picture:
        assert picture.size == (4 * 34 + 2, 3 * 34 + 2)
        assert picture.text["Coarse styles"] == "of the row, up to 8 pixels"
        cells = np.asarray(picture)[2:, 2:].reshape(3, 34, 4, 34, 3).swapaxes(1, 2)[:, :, :32, :32]
    assert not cells[0, 0].any()
    np.testing.assert_array_equal(cells[0, 1:], result["columns"])
    np.testing.assert_array_equal(cells[1:, 0], result["rows"])
    np.testing.assert_array_equal(cells[1:, 1:], result["images"])


def test_truncation_and_seed_choose_the_styles(style_run, tmp_path):
    plain, other, none = (
        arrays(mix(style_run, tmp_path / "x.npz", **keys)) for keys in ({}, {"seed": 1}, {"truncation": 0.0})
    )
    assert (plain["images"] != other["images"]).any()
    assert not np.ptp(none["images"].reshape(6, -1), axis=0).any()
    assert none["Truncation"][0] == "0.0"


def test_errors_name_the_thing(small_run, style_run, tmp_path):
    message = "^--mix: this run's generator has no styles .method: gan.; only stylegan2's has$"
    with pytest.raises(RunError, match=message):
        mix(small_run, tmp_path / "x.png")
    for size in (5, 32):
        message = f"^--mix {size}: this run's generator can be cut after maps of 4, 8, 16 pixels only$"
        with pytest.raises(RunError, match=message):
            mix(style_run, tmp_path / "x.png", size)
    for out in ("folder/", "x.gif"):
        with pytest.raises(RunError, match=f"^--out {out}: --mix needs FILE.png, FILE.jpg or FILE.npz$"):
            mix(style_run, out)
    assert not list(tmp_path.iterdir())
