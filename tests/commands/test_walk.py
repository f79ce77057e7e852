"""Films of walks are read back: their frames are the generator's pictures along a closed path."""

import numpy as np
import pytest
from conftest import SMALL, make_run
from PIL import Image
from translator_runs import make_translator

from ppgan_lite.commands.sample import Request
from ppgan_lite.commands.walk import STEPS, save_walk
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.samplers import arrays_of, slerp, straight
from ppgan_lite.pictures.films import Film, enlarged
from ppgan_lite.pictures.grid import grid
from ppgan_lite.runs.trained import open_trained


def walk(run, out, stations=2, fps=30, **keys):
    save_walk(run, out, None, Request(**{"num": 4} | keys), stations, fps, "cpu")
    return out


def frames_of(path):
    """The frames of a GIF, uint8 [N, H, W, 3]."""
    with Image.open(path) as film:
        frames = []
        for number in range(film.n_frames):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
    return np.stack(frames)


def drawn(run, num=4):
    """The run's sampler, and the stations of a walk with seed 0: inputs of the first, noise of the second."""
    _, method, _ = open_trained(run, step=None)
    sampler = method.samplers()["g"]
    seed_paddle(0, 0, 2)
    return sampler, arrays_of(sampler.draw(num)), sampler.draw(num)["z"].numpy()


def between(path, start, end):
    """The points after each fifth of the way to the next station, [5, N, D]."""
    return path(start, end, 6).reshape(len(start), 6, -1).swapaxes(0, 1)[:-1]


def assert_shows(frames, images):
    """Each sixth frame of grey pictures shows the images of `between`."""
    for frame, pictures in zip(frames[:: STEPS // 5], images, strict=True):
        expected = enlarged(grid(pictures, None), 256)
        np.testing.assert_allclose(frame.astype(int), expected.repeat(3, 2), atol=2)


def test_a_film_goes_along_arcs_from_noise_to_noise_and_back(small_run, tmp_path, capsys):
    frames = frames_of(walk(small_run, tmp_path / "deep" / "x.gif"))
    assert frames.shape == (2 * STEPS, 5 * 62, 5 * 62, 3)  # 2 x 2 of 28 and gaps of 2, times 5
    sampler, start, end = drawn(small_run)
    ways = [*between(slerp, start["z"], end), *between(slerp, end, start["z"])]
    assert_shows(frames, [sampler.in_batches({"z": z}) for z in ways])
    assert capsys.readouterr().out == f"60 frames of a walk, step 12, written to {tmp_path}/deep/x.gif (cpu)\n"


def test_it_never_jumps_and_the_last_frame_leads_to_the_first(small_run, tmp_path):
    frames = frames_of(walk(small_run, tmp_path / "x.gif", stations=3)).astype(int)
    changes = abs(frames - np.roll(frames, -1, 0)).mean((1, 2, 3))
    assert len(frames) == 3 * STEPS
    assert 0 < changes[-1] < 2 * changes.mean()
    assert changes.max() < 4 * changes.mean()


def test_uniform_noise_goes_straight(small_run, tmp_path, monkeypatch):
    uniform = Port("z", (8,), "noise", range=(-1, 1), distribution="uniform")
    monkeypatch.setattr(Generative, "noise_port", lambda method: uniform)
    frames = frames_of(walk(small_run, tmp_path / "x.gif"))
    sampler, start, end = drawn(small_run)
    ways = [*between(straight, start["z"], end), *between(straight, end, start["z"])]
    assert_shows(frames, [sampler.in_batches({"z": z}) for z in ways])


def test_labels_stay(conditional_run, tmp_path):
    run = conditional_run("cgan")
    frames = frames_of(walk(run, tmp_path / "x.gif", labels="3,1"))
    sampler, start, _ = drawn(run)
    images = sampler.in_batches(start | {"labels": np.array([3, 1, 3, 1])})
    np.testing.assert_allclose(frames[0].astype(int), enlarged(grid(images, 2), 256).repeat(3, 2), atol=2)
    assert len(frames) == 2 * STEPS


def test_stylegan2_goes_straight_from_style_to_style(style_run, tmp_path):
    film = Film(walk(style_run, tmp_path / "x.mp4", truncation=0.5, fps=24))
    frames = list(film.frames())
    assert (film.fps, len(frames), frames[0].shape) == (24, 2 * STEPS, (4 * 70, 4 * 70, 3))
    sampler, start, end = drawn(style_run)
    sampler = sampler.truncated(0.5)
    ends = [sampler.styles({"z": z, "truncation": np.full(4, 0.5, "float32")}) for z in (start["z"], end)]
    for frame, w in zip(frames[: STEPS : STEPS // 5], between(straight, *ends), strict=True):
        expected = enlarged(grid(sampler.from_styles(w)), 256)
        assert abs(frame.astype(int) - expected).mean() < 12  # the codec's loss


def test_the_seed_chooses_the_film(small_run, tmp_path):
    films = [walk(small_run, tmp_path / f"{i}.gif", seed=seed).read_bytes() for i, seed in enumerate((1, 1, 2))]
    assert films[0] == films[1] != films[2]


@pytest.fixture(scope="module")
def points_run(tmp_path_factory):
    """A run on points."""
    tree = {
        **SMALL,
        "method": {"name": "gan", "z_dim": 1, "d_optimizers": "joint"},
        "generator": {"name": "fully_connected", "widths": [4], "norm": "none"},
        "discriminator": {"name": "fully_connected", "widths": [4]},
        "optim": {name: SMALL["optim"]["g"] for name in ("g", "d")},
        "data": {"name": "gaussians", "batch_size": 8, "num_images": 44},
    }
    return make_run(tree, tmp_path_factory.mktemp("points"))


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    return make_translator("pix2pix", tmp_path_factory.mktemp("pix2pix"))


def test_errors_name_the_thing(small_run, points_run, translator, tmp_path):
    out = tmp_path / "new" / "x.gif"
    with pytest.raises(RunError, match="^--out x.png: a walk needs FILE.gif or FILE.mp4$"):
        walk(small_run, "x.png")
    with pytest.raises(RunError, match="^--fps 51: a GIF can show at most 50 frames per second; give FILE.mp4$"):
        walk(small_run, out, fps=51)
    with pytest.raises(RunError, match="run: trained on points; --walk needs a run on pictures$"):
        walk(points_run, out)
    with pytest.raises(RunError, match="this run translates pictures: use translate --run"):
        walk(translator, out)
    with pytest.raises(RunError, match=r"^--labels: this run's generator takes no labels \(method: gan\)$"):
        walk(small_run, out, labels="3")
    assert not out.parent.exists()


def test_an_old_film_stays_if_the_new_one_fails(small_run, tmp_path, monkeypatch):
    (tmp_path / "x.gif").write_text("old")
    monkeypatch.setattr("ppgan_lite.methods.samplers.Sampler.in_batches", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        walk(small_run, tmp_path / "x.gif")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
