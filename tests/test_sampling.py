import shutil

import numpy as np
import pytest
from PIL import Image

from ppgan_lite.errors import CheckpointError, RunError
from ppgan_lite.sampling import sample, slerp


def draw(run, out, **keys):
    keys = {"step": None, "num": 10, "seed": 0, "interpolate": None, "device": "cpu"} | keys
    sample(run, out, **keys)
    return out


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def test_npz_holds_images_noise_and_where_they_come_from(small_run, tmp_path):
    result = arrays(draw(small_run, tmp_path / "deep" / "x.npz"))
    assert result["images"].shape == (10, 28, 28, 1)
    assert result["images"].dtype == np.uint8
    assert result["z"].shape == (10, 8)
    assert (result["Step"][0], result["Seed"][0], result["Data"][0]) == ("12", "0", "rendered_digits")


def test_png_is_the_grid_of_the_same_images(small_run, tmp_path):
    images = arrays(draw(small_run, tmp_path / "x.npz"))["images"]
    with Image.open(draw(small_run, tmp_path / "x.png")) as grid:
        assert grid.text["Batch norm"] == "running statistics"
        np.testing.assert_array_equal(np.asarray(grid)[2:30, 32:60], images[1, :, :, 0])


def test_a_folder_gets_single_pictures(small_run, tmp_path):
    images = arrays(draw(small_run, tmp_path / "x.npz"))["images"]
    folder = draw(small_run, tmp_path / "folder")
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:05d}.png" for i in range(10)]
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "00003.png")), images[3, :, :, 0])


def test_seed_and_step_choose_the_images(small_run, tmp_path):
    results = [
        arrays(draw(small_run, tmp_path / f"{i}.npz", **keys))["images"]
        for i, keys in enumerate([{}, {"step": 12}, {"seed": 1}, {"step": 4}])
    ]
    np.testing.assert_array_equal(results[0], results[1])
    assert (results[0] != results[2]).any()
    assert (results[0] != results[3]).any()


def test_many_images_are_the_same_as_few(small_run, tmp_path):
    """Running statistics make an image independent of its batch."""
    many, few = (arrays(draw(small_run, tmp_path / f"{num}.npz", num=num)) for num in (300, 20))
    np.testing.assert_array_equal(many["z"][:20], few["z"])
    assert np.abs(many["images"][:20].astype(int) - few["images"]).max() <= 1


def test_interpolation_makes_strips(small_run, tmp_path):
    result = arrays(draw(small_run, tmp_path / "x.npz", num=17, interpolate=8))
    assert result["z"].shape == (16, 8)
    with Image.open(draw(small_run, tmp_path / "x.png", num=17, interpolate=8)) as strips:
        assert strips.size == (8 * 30 + 2, 2 * 30 + 2)


def test_slerp_keeps_ends_and_length():
    rng = np.random.default_rng(0)
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in rng.standard_normal((2, 3, 5)))
    path = slerp(a, b, 4).reshape(3, 4, 5)
    np.testing.assert_allclose(path[:, 0], a, atol=1e-12)
    np.testing.assert_allclose(path[:, -1], b, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(path, axis=2), 1, atol=1e-12)
    steps = np.arccos((path[:, :-1] * path[:, 1:]).sum(2))
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(3), atol=1e-6)


def test_errors_name_the_thing(small_run, tmp_path):
    with pytest.raises(RunError, match=r"--out x.jpg: unknown kind .jpg"):
        draw(small_run, type(tmp_path)("x.jpg"))
    with pytest.raises(CheckpointError, match="no checkpoint of step 5; there are: 4, 8, 12"):
        draw(small_run, tmp_path / "x.png", step=5)
    with pytest.raises(RunError, match="not the folder of a run"):
        draw(tmp_path, tmp_path / "x.png")
    copy = shutil.copytree(small_run, tmp_path / "copy")
    (copy / "checkpoints" / "step_00000012" / "manifest.json").unlink()
    with pytest.raises(CheckpointError, match="manifest.json: missing"):
        draw(copy, tmp_path / "x.png", step=12)
    assert not (tmp_path / "x.png").exists()


def test_a_damaged_newest_checkpoint_is_reported(small_run, tmp_path, capsys):
    copy = shutil.copytree(small_run, tmp_path / "copy")
    (copy / "checkpoints" / "step_00000012" / "manifest.json").unlink()
    draw(copy, tmp_path / "x.png")
    output = capsys.readouterr()
    assert "warning: " in output.err
    assert "10 images of step 8 written to" in output.out
