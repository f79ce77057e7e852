"""Pictures that the generator made are found again."""

import re

import numpy as np
import paddle
import pytest
from PIL import Image

from ppgan_lite.commands.project import STEPS, distance, pyramid, save_projection
from ppgan_lite.commands.sample import Request, sample
from ppgan_lite.data.pixels import from_uint8, to_uint8
from ppgan_lite.errors import RunError
from ppgan_lite.runs.trained import open_trained


@pytest.fixture(scope="module")
def picture(style_run, tmp_path_factory):
    """A file with a picture of the generator."""
    folder = tmp_path_factory.mktemp("generated")
    sample(style_run, f"{folder}/made/", None, Request(num=1, seed=5), "cpu")
    return folder / "made" / "00000.png"


def project(run, picture, out, seed=0):
    save_projection(run, picture, out, None, seed, "cpu")
    return out


def arrays(path):
    with np.load(path) as file:
        return dict(file)


@pytest.fixture(scope="module")
def found(style_run, picture, tmp_path_factory):
    """The projection of `picture`, as arrays."""
    return arrays(project(style_run, picture, tmp_path_factory.mktemp("found") / "x.npz"))


def test_a_generated_picture_is_found_again(style_run, picture, found):
    distances = found["distances"]
    assert distances.shape == (STEPS + 1,)
    assert distances.min() < distances[0] / 100
    pixels = np.asarray(Image.open(picture))
    np.testing.assert_array_equal(found["images"][0], pixels)
    assert abs(found["images"][1].astype(int) - pixels).mean() < 3
    _, method, _ = open_trained(style_run, step=None)
    image = method.samplers()["g"].from_styles(found["w"])
    np.testing.assert_array_equal(to_uint8(image)[0], found["images"][1])
    target = pyramid(paddle.to_tensor(from_uint8(pixels).transpose(2, 0, 1)[None]))
    actual = distance(paddle.to_tensor(image), target).item()
    assert actual == pytest.approx(float(found["Distance"][0]), abs=1e-5) == pytest.approx(distances.min(), abs=1e-5)


def test_the_seed_decides_all(style_run, picture, found, tmp_path):
    same = arrays(project(style_run, picture, tmp_path / "x.npz"))
    np.testing.assert_array_equal(same["w"], found["w"])
    other = arrays(project(style_run, picture, tmp_path / "x.npz", seed=1))
    assert (other["w"] != found["w"]).any()


def test_a_picture_of_any_size_is_cropped_and_shown_with_what_was_found(style_run, tmp_path, capsys):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, [50, 90], np.uint8)).save(tmp_path / "photo.jpg")
    with Image.open(project(style_run, tmp_path / "photo.jpg", tmp_path / "deep" / "x.png")) as result:
        assert result.size == (2 * 34 + 2, 34 + 2)
        assert result.text["Picture"] == "photo.jpg"
    distances, written = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"distance \S+ after 300 steps, \S+ at the start; root mean square difference of pixels \S+ of 255", distances
    )
    assert written == f"photo.jpg and the nearest image of step 3 written to {tmp_path}/deep/x.png (cpu)"


def test_the_distance_is_a_mean_over_sizes():
    one, zero = paddle.ones([1, 3, 32, 32]), paddle.zeros([1, 3, 32, 32])
    assert [level.shape[2] for level in pyramid(one)] == [32, 16, 8]
    assert [level.shape[2] for level in pyramid(paddle.zeros([1, 1, 28, 28]))] == [28, 14]
    assert distance(paddle.concat([one, zero]), pyramid(zero)).tolist() == [1, 0]
    stripes = one * paddle.to_tensor([1.0, -1.0] * 16)
    assert distance(stripes, pyramid(zero)).item() == pytest.approx(1 / 3)


def test_errors_name_the_thing(small_run, style_run, picture, tmp_path):
    out = tmp_path / "new" / "x.png"
    with pytest.raises(
        RunError, match="^--project: this run's generator has no styles .method: gan.; only stylegan2's"
    ):
        project(small_run, picture, out)
    with pytest.raises(RunError, match="^--project /none.png: cannot be read: No such file or directory$"):
        project(style_run, type(tmp_path)("/none.png"), out)
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(RunError, match="text.png: not a PNG, JPEG, "):
        project(style_run, tmp_path / "text.png", out)
    with pytest.raises(RunError, match="^--out folder/: --project needs FILE.png, FILE.jpg or FILE.npz$"):
        project(style_run, picture, "folder/")
    assert not out.parent.exists()
