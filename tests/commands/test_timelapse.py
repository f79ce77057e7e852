"""Films are read back: each frame is a preview and its step."""

import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from ppgan_lite.commands import timelapse
from ppgan_lite.commands.timelapse import BAR, Frames, save_timelapse
from ppgan_lite.errors import RunError


@pytest.fixture
def run(small_run, tmp_path):
    """A run without previews."""
    copy = shutil.copytree(small_run, tmp_path / "run")
    for path in (copy / "samples").glob("step_*.png"):
        path.unlink()
    return copy


def smooth(seed, height=48, width=64):
    """A smooth colour picture, which codecs keep well: uint8 [height, width, 3]."""
    coarse = np.random.default_rng(seed).integers(0, 256, [3, 4, 3]).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def add_previews(run, steps, height=48, width=64):
    """Add previews at the steps; returns their pixels, uint8 [N, height, width, 3]."""
    pictures = [smooth(step, height, width) for step in steps]
    for step, picture in zip(steps, pictures, strict=True):
        Image.fromarray(picture).save(run / "samples" / f"step_{step:08d}.png")
    return np.stack(pictures)


def read(path):
    """Frames of a film, uint8 [N, H, W, 3], and the seconds for which each is shown."""
    if path.suffix == ".gif":
        with Image.open(path) as film:
            frames, seconds = [], []
            for i in range(film.n_frames):
                film.seek(i)
                frames.append(np.asarray(film.convert("RGB")))
                seconds.append(film.info["duration"] / 1000)
        return np.stack(frames), seconds
    film = cv2.VideoCapture(str(path))
    frames = []
    while (result := film.read())[0]:
        frames.append(result[1][:, :, ::-1])
    return np.stack(frames), [1 / film.get(cv2.CAP_PROP_FPS)] * len(frames)


def blurred(picture):
    """A picture without the dithering of a GIF."""
    return cv2.blur(picture.astype("float32"), (5, 5))


@pytest.mark.parametrize(("kind", "error"), [("gif", 5), ("mp4", 4)])
def test_a_film_shows_the_previews_in_order_and_holds_the_last(kind, error, run, tmp_path, capsys):
    previews = add_previews(run, [100, 200, 1000])
    out = tmp_path / "deep" / f"x.{kind}"
    save_timelapse(run, out, fps=5)
    frames, seconds = read(out)
    last = frames[2:]
    assert frames.shape[1:] == (BAR + 48, 64, 3)
    assert sum(seconds[:2]) == pytest.approx(0.4)
    assert sum(seconds[2:]) == pytest.approx(2)
    for frame, preview in [*zip(frames, previews, strict=False), (last[-1], previews[2])]:
        assert abs(blurred(frame[BAR:]) - blurred(preview)).mean() < error
    assert capsys.readouterr().out == f"3 previews of steps 100 to 1000 written to {out}\n"
    assert list(out.parent.iterdir()) == [out]


def test_a_gif_repeats_endlessly_and_has_one_palette(run, tmp_path):
    add_previews(run, [1, 2, 3])
    save_timelapse(run, tmp_path / "x.gif", fps=10)
    with Image.open(tmp_path / "x.gif") as film:
        assert film.info["loop"] == 0
    frames, _ = read(tmp_path / "x.gif")
    assert all(len(np.unique(frame.reshape(-1, 3), axis=0)) > 100 for frame in frames)
    assert len(np.unique(frames.reshape(-1, 3), axis=0)) <= 256


def test_each_frame_has_its_own_step_written_on_it(run):
    add_previews(run, [7, 12345678])
    same = run / "samples" / "step_00000007.png"
    shutil.copy(same, run / "samples" / "step_12345678.png")
    frames = Frames([(same, 7), (run / "samples" / "step_12345678.png", 12345678)])
    first, second = frames
    np.testing.assert_array_equal(first[BAR:], second[BAR:])
    assert (first[:BAR] != second[:BAR]).any()
    assert first[:BAR].max() > 200
    assert len(frames) == 2


def test_sides_are_made_even(run, tmp_path):
    previews = add_previews(run, [1, 2], height=51, width=63)
    save_timelapse(run, tmp_path / "x.mp4", fps=5)
    frames, _ = read(tmp_path / "x.mp4")
    assert frames.shape[1:] == (BAR + 52, 64, 3)
    assert abs(frames[0, BAR:-1, :-1].astype(int) - previews[0]).mean() < 5


def test_greys_are_exact(small_run, tmp_path):
    save_timelapse(small_run, tmp_path / "x.gif", fps=5)
    frames, _ = read(tmp_path / "x.gif")
    with Image.open(small_run / "samples" / "step_00000010.png") as picture:
        expected = np.asarray(picture)[:, :, None]
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[1, BAR:], expected.repeat(3, 2))


def test_many_previews_are_subsampled_evenly(run, tmp_path, capsys):
    add_previews(run, range(1, 251), height=4, width=48)
    save_timelapse(run, tmp_path / "x.gif", fps=50)
    frames, seconds = read(tmp_path / "x.gif")
    assert capsys.readouterr().out.startswith("200 previews of steps 1 to 250 written")
    assert len(frames) == 200
    assert seconds == [0.02] * 199 + [2]
    subsample = timelapse._evenly(list(range(1, 251)), 200)
    assert (subsample[0], subsample[-1], set(np.diff(subsample))) == (1, 250, {1, 2})
    assert timelapse._evenly([5, 6], 200) == [5, 6]


def test_a_single_preview_is_held(run, tmp_path):
    add_previews(run, [3])
    for kind, count in [("gif", 1), ("mp4", 10)]:
        save_timelapse(run, tmp_path / f"x.{kind}", fps=5)
        assert len(read(tmp_path / f"x.{kind}")[0]) == count


def test_errors_name_the_thing(run, tmp_path):
    out = tmp_path / "out" / "x.gif"
    with pytest.raises(RunError, match=r"^--out x.png: a timelapse needs FILE.gif or FILE.mp4$"):
        save_timelapse(run, type(tmp_path)("x.png"), fps=5)
    with pytest.raises(RunError, match="^--fps 51: a GIF can show at most 50 frames per second; give FILE.mp4$"):
        save_timelapse(run, out, fps=51)
    with pytest.raises(RunError, match="run: no previews to make a film of; a GAN writes one every"):
        save_timelapse(run, out, fps=5)
    with pytest.raises(RunError, match="not the folder of a run"):
        save_timelapse(tmp_path, out, fps=5)
    add_previews(run, [1, 2])
    with pytest.raises(RunError, match="/dev/null/x.gif: cannot be written"):
        save_timelapse(run, type(tmp_path)("/dev/null/x.gif"), fps=5)
    assert not out.parent.exists()


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_a_bad_preview_is_named_and_an_old_film_stays(kind, run, tmp_path):
    out = tmp_path / f"x.{kind}"
    out.write_text("old")
    add_previews(run, [1, 2])
    add_previews(run, [3], height=40)
    with pytest.raises(RunError, match="step_00000003.png: its size differs from step_00000001.png; move it away"):
        save_timelapse(run, out, fps=5)
    damaged = run / "samples" / "step_00000002.png"
    whole = damaged.read_bytes()
    zeros = bytes(len(whole) - 600)  # as a power cut leaves it
    for content in (b"", whole[:600], whole[:600] + zeros, b"text"):
        damaged.write_bytes(content)
        with pytest.raises(RunError, match="step_00000002.png: not a picture, or damaged; move it away"):
            save_timelapse(run, out, fps=5)
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", out.name]


def test_an_opencv_without_the_codec_is_an_error(run, tmp_path, monkeypatch):
    add_previews(run, [1])
    monkeypatch.setattr(cv2.VideoWriter, "isOpened", lambda self: False, raising=False)
    with pytest.raises(RunError, match="this OpenCV cannot write MP4 files with VP9; give FILE.gif"):
        save_timelapse(run, tmp_path / "x.mp4", fps=5)
