"""Films of the making are read back: their frames are the pictures after each step, the last the finished ones."""

import numpy as np
import pytest
from conftest import SMALL, make_run
from PIL import Image

from ppgan_lite.commands.making import MOST_FRAMES, save_making
from ppgan_lite.commands.sample import Request, generate
from ppgan_lite.errors import RunError
from ppgan_lite.pictures.films import enlarged
from ppgan_lite.pictures.grid import grid
from ppgan_lite.runs.run import Run


@pytest.fixture(scope="module")
def pixelcnn_run(tmp_path_factory):
    """A run of a small PixelCNN; a film of its 784 pixels."""
    tree = {
        "method": {"name": "pixelcnn"},
        "density": {"name": "pixelcnn", "features": 4, "blocks": 1, "head": 4},
        "optim": {"p": {"name": "adam", "lr": 0.001}},
        "data": SMALL["data"],
        "train": SMALL["train"] | {"steps": 1},
    }
    return make_run(tree, tmp_path_factory.mktemp("pixelcnn"))


def test_a_film_of_a_pixelcnn_shows_pixel_after_pixel(pixelcnn_run, tmp_path, capsys):
    out = tmp_path / "deep" / "making.gif"
    save_making(pixelcnn_run, out, None, Request(num=4, seed=3), 25, "cpu")
    assert "4 pictures being made in 784 steps" in capsys.readouterr().out
    images = generate(Run.open_existing(pixelcnn_run), None, Request(num=4, seed=3)).images
    with Image.open(out) as film:
        assert film.n_frames == MOST_FRAMES  # the repeated last one is shown longer
        film.seek(100)
        half = np.asarray(film.convert("L")).astype(int)
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("L")).astype(int)
        assert film.info["duration"] > 1900  # milliseconds
    known = np.array([round(i * 783 / 199) for i in range(200)])[100] + 1  # pixels
    images_at_half = images.reshape(4, 784).copy()
    images_at_half[:, known:] = 0
    np.testing.assert_allclose(half, enlarged(grid(images_at_half.reshape(images.shape), None), 256)[:, :, 0], atol=2)
    np.testing.assert_allclose(last, enlarged(grid(images, None), 256)[:, :, 0], atol=2)


def test_a_generator_that_takes_one_pass_is_refused(small_run, tmp_path):
    with pytest.raises(RunError, match=r"--making: this run's generator makes pictures in one pass \(method: gan\)"):
        save_making(small_run, tmp_path / "x.gif", None, Request(num=1), 25, "cpu")
    assert not list(tmp_path.iterdir())
