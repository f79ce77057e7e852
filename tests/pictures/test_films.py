"""Films are written and read back."""

import cv2
import numpy as np
import pytest
from PIL import Image

from ppgan_lite.errors import RunError
from ppgan_lite.pictures.films import USUAL_FPS, Film, enlarged, write_gif, write_mp4


def smooth(seed, height=20, width=30):
    """A smooth colour picture, which codecs keep well: uint8 [height, width, 3]."""
    coarse = np.random.default_rng(seed).integers(0, 256, [3, 4, 3]).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def test_an_mp4_is_read_as_it_was_written(tmp_path):
    frames = [smooth(number) for number in range(5)]
    with open(tmp_path / "x.mp4", "wb") as stream:
        write_mp4(stream, iter(frames), 12.5)
    film = Film(tmp_path / "x.mp4")
    assert (film.fps, film.num_frames) == (12.5, 5)
    for ours, theirs in zip(film.frames(), frames, strict=True):
        assert abs(ours.astype(int) - theirs).mean() < 8
    assert film.num_read == 5


def test_an_mp4_has_even_sides_and_colours(tmp_path):
    with open(tmp_path / "x.mp4", "wb") as stream:
        write_mp4(stream, [smooth(0, 21, 31)[:, :, :1]], 5)
    (frame,) = Film(tmp_path / "x.mp4").frames()
    assert frame.shape == (22, 32, 3)
    np.testing.assert_allclose(frame[-1].astype(int), frame[-2], atol=12)


def test_a_gif_has_the_frames_and_the_length_of_the_film(tmp_path):
    frames = [smooth(number) for number in range(30)]
    with open(tmp_path / "x.gif", "wb") as stream:
        write_gif(stream, iter(frames), 30)
    with Image.open(tmp_path / "x.gif") as film:
        assert (film.n_frames, film.info["loop"]) == (30, 0)
        durations = []
        for number in range(30):
            film.seek(number)
            durations.append(film.info["duration"])
            actual = cv2.blur(np.asarray(film.convert("RGB")).astype("float32"), (5, 5))
            assert abs(actual - cv2.blur(frames[number].astype("float32"), (5, 5))).mean() < 5
    assert set(durations) == {30, 40}
    assert sum(durations) == 1000


def test_small_frames_are_enlarged_by_a_whole_factor():
    frame = smooth(0)  # 20 x 30
    for height in (15, 20):
        np.testing.assert_array_equal(enlarged(frame, height), frame)
    np.testing.assert_array_equal(enlarged(frame, 41), np.kron(frame, np.ones([3, 3, 1], np.uint8)))


def test_greys_of_a_gif_are_exact(tmp_path):
    grey = smooth(0)[:, :, :1]
    with open(tmp_path / "x.gif", "wb") as stream:
        write_gif(stream, iter([grey]), 10)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.gif").convert("L")), grey[:, :, 0])


def test_a_film_without_a_speed_has_the_usual_one(tmp_path):
    Image.fromarray(smooth(0)).save(tmp_path / "x.png")
    assert Film(tmp_path / "x.png").fps == USUAL_FPS


@pytest.mark.parametrize("content", [b"", b"text", b"#EXTM3U\n"])
def test_what_is_no_film_is_one_line(content, tmp_path, capfd):
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(RunError, match="x.mp4: not a film, or one without frames that can be read$"):
        Film(tmp_path / "x.mp4")
    assert capfd.readouterr().err == ""
