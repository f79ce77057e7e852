"""Pictures, folders and films, translated by runs and by exports."""

import json
import os
import shutil
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import make_no_file, one_line_error, run_tool
from PIL import Image
from translator_runs import RED, make_translator, make_translator_with_export

import ppgan_lite
from ppgan_lite.commands import infer
from ppgan_lite.commands.sample import Request, sample
from ppgan_lite.commands.translate import open_export, open_run, translate
from ppgan_lite.data.pictures import decode
from ppgan_lite.errors import ExportError, RunError
from ppgan_lite.pictures.films import Film


@pytest.fixture(scope="module")
def cyclegan(tmp_path_factory):
    """A run on grey pictures and its export. Do not change them: copy them."""
    return make_translator_with_export("cyclegan", tmp_path_factory.mktemp("cyclegan"))


@pytest.fixture(scope="module")
def stargan(tmp_path_factory):
    """A run on colour pictures with attributes and its export. Do not change them: copy them."""
    return make_translator_with_export("stargan", tmp_path_factory.mktemp("stargan"))


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory):
    """A run whose network takes multiples of 32 pixels. Do not change it: copy it."""
    return make_translator("pix2pix", tmp_path_factory.mktemp("pix2pix"))


def smooth(seed, height, width):
    """A smooth colour picture, which codecs keep well: uint8 [height, width, 3]."""
    coarse = np.random.default_rng(seed).integers(0, 256, [3, 4, 3]).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def noise(seed, height, width, channels):
    return np.random.default_rng(seed).integers(0, 256, [height, width, channels]).astype(np.uint8)


def write_film(path, num=6, height=38, width=50, fps=12.5):
    film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"vp09"), fps, (width, height))
    for number in range(num):
        film.write(smooth(number, height, width)[:, :, ::-1])
    film.release()
    return path


@pytest.fixture
def pictures(tmp_path):
    """A folder with pictures of odd kinds and sizes, and files that are none."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    Image.fromarray(smooth(0, 37, 90)).save(folder / "odd.png")
    Image.fromarray(smooth(1, 20, 33)[:, :, 0]).save(folder / "below" / "grey.png")
    Image.fromarray(np.dstack([smooth(2, 16, 70), noise(0, 16, 70, 1)])).save(folder / "alpha.png")
    Image.fromarray(smooth(3, 18, 19)[:, :, 0].astype(np.uint16) * 257).save(folder / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(smooth(4, 24, 48)).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(smooth(5, 21, 23)).save(folder / "turned.png")
    Image.fromarray(smooth(6, 1, 1)).save(folder / "dot.bmp")
    (folder / "bad.png").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("nothing")
    return folder


def from_run(run, direction=None, attributes=None):
    return partial(open_run, run, None, direction, attributes, "cpu")


def read(path, channels=3):
    return decode(path.read_bytes(), channels)


@pytest.mark.parametrize("method", ["cyclegan", "stargan"])
def test_a_run_and_its_export_compute_the_same(method, request):
    """In every engine, before rounding, for sizes that are no multiples."""
    run, exported = request.getfixturevalue(method)
    ways = [(None, RED)] if method == "stargan" else [("a_to_b", None), ("b_to_a", None)]
    signature = json.loads((exported / "signature.json").read_text())
    for direction, attributes in ways:
        ours = open_run(run, None, direction, attributes, "cpu")
        name = infer.find_translator(signature["networks"], direction)
        for engine in signature["networks"][name]["checked"]["engines"]:
            theirs = open_export(exported, engine, direction, attributes, "cpu")
            for height, width in ((37, 90), (3, 41), (32, 32)):
                pixels = noise(height, height, width, ours.channels)
                expected = ours.exact(pixels)
                assert expected.shape == (1, ours.channels, height, width)
                assert expected.std() > 0.05
                # 1e-5 of the range from -1 to 1
                np.testing.assert_allclose(theirs.exact(pixels), expected, atol=2e-5)


def test_directions_differ_and_the_first_is_the_default(cyclegan):
    pixels = noise(0, 32, 32, 1)
    for opened in (partial(open_run, cyclegan[0], None), partial(open_export, cyclegan[1], "paddle")):
        there, back, default = (opened(way, None, "cpu").exact(pixels) for way in ("a_to_b", "b_to_a", None))
        np.testing.assert_array_equal(there, default)
        assert abs(there - back).max() > 0.01


def test_attributes_reach_the_network(stargan):
    pixels = noise(0, 32, 32, 3)
    red, blue = (
        open_run(stargan[0], None, None, f"thickness=thin, colour={colour}", "cpu").exact(pixels)
        for colour in ("red", "blue")
    )
    assert abs(red - blue).max() > 1e-3


def test_a_picture_is_padded_with_its_reflection_and_cropped(cyclegan, pix2pix):
    """An odd picture is translated as the middle of the padded one."""
    for run, multiple in ((cyclegan[0], 4), (pix2pix, 32)):
        translator = open_run(run, None, None, None, "cpu")
        pixels = noise(1, 37, 90, 1)
        height, width = (-(-length // multiple) * multiple for length in (37, 90))
        top, left = (height - 37) // 2, (width - 90) // 2
        padded = np.pad(pixels, ((top, height - 37 - top), (left, width - 90 - left), (0, 0)), "reflect")
        whole = translator.exact(padded)
        np.testing.assert_array_equal(translator.exact(pixels), whole[:, :, top : top + 37, left : left + 90])


def test_a_file_keeps_its_size_and_says_where_it_comes_from(cyclegan, pictures, tmp_path, capsys):
    out = tmp_path / "new" / "x.png"
    translate(pictures / "odd.png", out, from_run(cyclegan[0]))
    assert capsys.readouterr().out == f"1 picture translated by step 2 to {out} (cpu)\n"
    with Image.open(out) as picture:
        assert (picture.size, picture.mode) == ((90, 37), "L")
        assert (picture.text["Step"], picture.text["Direction"]) == ("2", "a_to_b")
    expected = open_run(cyclegan[0], None, None, None, "cpu")(read(pictures / "odd.png", 1))
    np.testing.assert_array_equal(read(out, 1), expected)
    translate(pictures / "odd.png", tmp_path / "x.jpg", from_run(cyclegan[0]))
    assert Image.open(tmp_path / "x.jpg").format == "JPEG"


def test_beside_shows_the_picture_at_the_left(stargan, pictures, tmp_path):
    make = from_run(stargan[0], attributes=RED)
    translate(pictures / "odd.png", tmp_path / "x.png", make, beside=True)
    translate(pictures / "odd.png", tmp_path / "y.png", make)
    assert Image.open(tmp_path / "x.png").text["Attributes"] == RED
    both = read(tmp_path / "x.png")
    assert both.shape == (37, 180, 3)
    np.testing.assert_array_equal(both[:, :90], read(pictures / "odd.png"))
    np.testing.assert_array_equal(both[:, 90:], read(tmp_path / "y.png"))


def test_a_folder_gets_a_picture_for_each_that_can_be_read(stargan, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    translate(pictures, out, from_run(stargan[0], attributes=RED))
    printed = capsys.readouterr()
    written = {path.relative_to(out).as_posix(): read(path).shape for path in out.rglob("*.png")}
    assert written == {
        "odd.png": (37, 90, 3),
        "below/grey.png": (20, 33, 3),
        "alpha.png": (16, 70, 3),
        "deep.png": (18, 19, 3),
        "turned.jpg.png": (48, 24, 3),
        "turned.png.png": (21, 23, 3),
        "dot.png": (1, 1, 3),
    }
    assert printed.out == f"7 pictures translated by step 2 to {out} (cpu); 1 left out\n"
    warning = f"warning: {pictures / 'bad.png'}: not a PNG, JPEG, WebP, BMP, GIF, TIFF, PPM, JPEG 2000, AVIF, ICO or "
    assert printed.err == f"{warning}TGA file; it is left out\n"
    translator = open_run(stargan[0], None, None, RED, "cpu")
    for name, target in (("alpha.png", "alpha.png"), ("turned.jpg", "turned.jpg.png")):
        np.testing.assert_array_equal(read(out / target), translator(read(pictures / name)))


def test_rare_files_of_others_are_translated(stargan, real_data, tmp_path):
    folder = real_data / "odd-images" / "pngsuite"
    if not folder.is_dir():
        pytest.skip("needs odd-images/ in $PPGAN_DATA")
    (tmp_path / "some").mkdir()
    for path in sorted(folder.glob("*.png"))[::6]:
        shutil.copy(path, tmp_path / "some")
    translate(tmp_path / "some", tmp_path / "out", from_run(stargan[0], attributes=RED))
    for path in (tmp_path / "out").iterdir():
        assert read(path).shape == read(tmp_path / "some" / path.name).shape


def test_only_bad_files_are_an_error_and_leave_nothing(stargan, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"")
    make_no_file(tmp_path / "in" / "b.png", "folder")
    (tmp_path / "in" / "b.png" / "c.jpg").symlink_to("nowhere")
    with pytest.raises(RunError, match="in: none of its 2 pictures can be translated$"):
        translate(tmp_path / "in", tmp_path / "out", from_run(stargan[0], attributes=RED))
    assert "a.png: empty file; it is left out" in (err := capsys.readouterr().err)
    assert "c.jpg: cannot be read: No such file or directory; it is left out" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_a_film_keeps_its_frames_and_their_speed(kind, stargan, tmp_path, capsys):
    source, out = write_film(tmp_path / "in.mp4"), tmp_path / "new" / f"x.{kind}"
    translate(source, out, from_run(stargan[0], attributes=RED))
    assert capsys.readouterr().out == f"6 frames translated by step 2 to {out} (cpu)\n"
    translator = open_run(stargan[0], None, None, RED, "cpu")
    before, after = Film(source), Film(out)
    assert after.fps == pytest.approx(12.5)
    frames = list(after.frames())
    assert len(frames) == 6
    for frame, original in zip(frames, before.frames(), strict=True):
        assert frame.shape == (38, 50, 3)
        difference = cv2.blur(frame.astype("float32"), (5, 5)) - cv2.blur(
            translator(original).astype("float32"), (5, 5)
        )
        assert abs(difference).mean() < 8
    assert list(out.parent.iterdir()) == [out]


def test_a_grey_film_of_odd_size_from_a_gif(cyclegan, tmp_path):
    frames = [Image.fromarray(smooth(number, 21, 35)) for number in range(3)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:], duration=100, loop=0)
    translate(tmp_path / "in.gif", tmp_path / "x.mp4", from_run(cyclegan[0]), beside=True)
    film = Film(tmp_path / "x.mp4")
    assert film.fps == pytest.approx(10)
    assert [frame.shape for frame in film.frames()] == [(22, 70, 3)] * 3
    translate(tmp_path / "in.gif", tmp_path / "first.png", from_run(cyclegan[0]))
    assert Image.open(tmp_path / "first.png").size == (35, 21)
    translate(tmp_path / "in.gif", tmp_path / "x.gif", from_run(cyclegan[0]))
    with Image.open(tmp_path / "x.gif") as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (3, (35, 21), 100)


def test_a_film_that_ends_early_is_said(stargan, tmp_path, capsys):
    source = write_film(tmp_path / "in.mp4", num=40)
    content = bytearray(source.read_bytes())
    content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
    source.write_bytes(content)
    translate(source, tmp_path / "x.mp4", from_run(stargan[0], attributes=RED))
    assert "of about 40 frames could be read: it is damaged" in one_line(capsys.readouterr().err)


def one_line(err):
    assert err.count("\n") == 1, err
    return err


BAD = [
    ("none.png", "x.png", "--input none.png: does not exist"),
    ("pipe", "x.png", "--input pipe: is not a regular file"),
    ("odd.png", "x.bmp", "--out x.bmp: unknown file type .bmp; give FILE.png or FILE.jpg for a picture, FILE.mp4"),
    ("odd.png", "out/", "--out out/: --input is not a folder; give FILE.png or FILE.jpg"),
    ("odd.png", "x.mp4", "--out x.mp4: --input is a picture; give FILE.png or FILE.jpg"),
    ("film.mp4", "x.png", "--out x.png: --input is a film; give FILE.mp4 or FILE.gif"),
    ("film.mp4", "x/", "--out x/: --input is a film; give FILE.mp4 or FILE.gif"),
    ("folder", "x.png", "--out x.png: --input is a folder; give a folder, ending in /"),
    ("folder", "x.mp4", "--out x.mp4: --input is a folder; give a folder, ending in /"),
    ("folder", "folder", "--out folder: is --input, or one of them is in the other; give another name"),
    ("folder", "folder/new", "--out folder/new: is --input, or one of them is in the other"),
    ("odd.png", "odd.png", "--out odd.png: is --input, or one of them is in the other"),
    ("empty", "new", "--input empty: no pictures in this folder (files ending in .avif, "),
    ("odd.png", "there.png", "--out there.png: exists; add --overwrite to replace it, or give another name"),
    ("folder", "full", "--out full: the folder is not empty; add --overwrite to replace files, or give another"),
    ("odd.png", "empty.png", "--out empty.png: is a folder; give another name"),
    ("folder", "there/x", "there/x: cannot be written: Not a directory"),
    ("text.mp4", "x.mp4", "text.mp4: not a film, or one without frames that can be read"),
    ("empty.mp4", "x.gif", "empty.mp4: not a film, or one without frames that can be read"),
    ("fast.mp4", "x.gif", "--out x.gif: a GIF shows at most 50 frames per second, not 60; give .mp4"),
    ("text.png", "x.png", "--input text.png: not a PNG, JPEG, WebP, BMP"),
    ("odd.png", "/dev/null/x.png", "/dev/null/x.png: cannot be written"),
]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(("source", "out", "message"), BAD)
def test_bad_input_is_one_line_and_leaves_nothing(source, out, message, stargan, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "empty", "full", "empty.png"):
        Path(folder).mkdir()
    for name in ("odd.png", "folder/odd.png", "full/mine.png", "there.png"):
        Image.fromarray(smooth(0, 20, 30)).save(name)
    for name in ("text.png", "text.mp4", "there"):
        Path(name).write_text("text")
    Path("empty.mp4").write_bytes(b"")
    os.mkfifo("pipe")
    write_film(Path("film.mp4"), num=2)
    write_film(Path("fast.mp4"), num=2, fps=60)
    before = {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")}
    with pytest.raises(RunError) as error:
        translate(Path(source), out, from_run(stargan[0], attributes=RED))
    assert message in str(error.value)
    assert capfd.readouterr().err == ""
    assert {path: path.is_file() and path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_overwrite_replaces_files_and_leaves_others(stargan, pictures, tmp_path):
    make, out = from_run(stargan[0], attributes=RED), tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    (out / "odd.png").write_text("old")
    translate(pictures, out, make, overwrite=True)
    assert (out / "mine.txt").read_text() == "mine"
    assert read(out / "odd.png").shape == (37, 90, 3)
    translate(pictures / "odd.png", out / "alpha.png", make, overwrite=True)
    np.testing.assert_array_equal(read(out / "alpha.png"), read(out / "odd.png"))


def test_a_picture_too_large_for_the_memory_is_one_line(stargan, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(infer, "free_memory", lambda: 10**7)
    (tmp_path / "in").mkdir()
    Image.new("1", (20_000, 5_000)).save(tmp_path / "in" / "huge.png")
    Image.fromarray(smooth(0, 37, 90)).save(tmp_path / "in" / "small.png")
    for exported in (False, True):
        make = (
            partial(open_export, stargan[1], "paddle", None, RED, "cpu")
            if exported
            else from_run(stargan[0], None, RED)
        )
        message = (
            r"huge.png: a picture of 20000 x 5000 pixels takes \d+ GB, and 0 GB are free: not enough memory; give a "
        )
        with pytest.raises(RunError, match=message):
            translate(tmp_path / "in" / "huge.png", tmp_path / "x.png", make)
        translate(tmp_path / "in", tmp_path / f"out{exported}", make)
        assert [path.name for path in (tmp_path / f"out{exported}").iterdir()] == ["small.png"]
        assert "huge.png: a picture of 20000 x 5000 pixels takes" in one_line(capsys.readouterr().err)


def test_what_a_run_or_export_does_not_have_is_named(cyclegan, stargan, pix2pix, small_run, small_export, tmp_path):
    with pytest.raises(RunError, match="^--direction a_to_b: this run has only b_to_a$"):
        open_run(pix2pix, None, "a_to_b", None, "cpu")
    with pytest.raises(ExportError, match="--direction a_to_b: the model has only image_to_image"):
        open_export(stargan[1], "auto", "a_to_b", RED, "cpu")
    with pytest.raises(RunError, match=r"the method of this run \(gan\) translates no pictures"):
        open_run(small_run, None, None, None, "cpu")
    with pytest.raises(ExportError, match="the model has no network that translates pictures"):
        open_export(small_export, "auto", None, None, "cpu")
    with pytest.raises(ExportError, match="not an exported model"):
        open_export(tmp_path, "auto", None, None, "cpu")
    with pytest.raises(RunError, match="--attributes: the network takes no attributes, only a picture"):
        open_run(cyclegan[0], None, None, RED, "cpu")
    with pytest.raises(RunError, match=r"^--attributes: give one of each of: thickness=thin\|thick$"):
        open_run(stargan[0], None, None, "colour=red", "cpu")


def test_samples_are_refused_with_what_to_use(cyclegan, stargan, tmp_path):
    message = "this run translates pictures: use translate --run .*run --input FILE|FOLDER|VIDEO --out ...$"
    with pytest.raises(RunError, match=message):
        sample(cyclegan[0], tmp_path / "x.png", None, Request(), "cpu")
    with pytest.raises(RunError, match=message):
        ppgan_lite.load(cyclegan[0]).sample()
    with pytest.raises(ExportError, match=r"this export translates pictures: use translate\(pictures\)$"):
        ppgan_lite.load(cyclegan[1]).sample()


def test_the_api_translates_arrays(stargan):
    run, exported = map(ppgan_lite.load, stargan)
    same = np.stack([noise(number, 20, 31, 3) for number in range(2)])
    odd = [noise(0, 20, 31, 3), noise(1, 18, 17, 3)]
    for model in (run, exported):
        translated = model.translate(same, attributes=RED)
        assert (translated.shape, translated.dtype) == ((2, 20, 31, 3), np.uint8)
        as_list = model.translate(odd, attributes=RED.split(","))
        assert [picture.shape for picture in as_list] == [(20, 31, 3), (18, 17, 3)]
        np.testing.assert_array_equal(as_list[0], translated[0])
        with pytest.raises(RunError, match=r"picture 1 is uint8 \[4, 5\]; the network takes uint8 \[H, W, 3\]"):
            model.translate([odd[0], np.zeros([4, 5], np.uint8)], attributes=RED)
        with pytest.raises(RunError, match="picture 0 is str; the network takes uint8"):
            model.translate(["x.png"], attributes=RED)
    difference = run.translate(odd, attributes=RED)[1].astype(int) - exported.translate(odd, attributes=RED)[1]
    assert abs(difference).max() <= 1


@pytest.mark.sweep
def test_the_tool_translates_with_a_run_and_an_export(stargan, pictures, tmp_path):
    for model in (["--run", stargan[0]], ["--model", stargan[1], "--engine", "paddle"]):
        out = tmp_path / f"{model[0][2:]}.png"
        code, printed, err = run_tool(
            "translate", *model, "--input", pictures / "odd.png", "--attributes", RED, "--out", out, "--device", "cpu"
        )
        assert (code, err) == (0, "")
        assert printed.startswith(f"1 picture translated by step 2 to {out} (")
    assert abs(read(tmp_path / "run.png").astype(int) - read(tmp_path / "model.png")).max() <= 1


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --input, --out"),
        (["--input", "x", "--out", "y"], "one of the arguments --run --model is required"),
        (
            ["--run", "r", "--model", "m", "--input", "x", "--out", "y"],
            "argument --model: not allowed with argument --run",
        ),
        (
            ["--model", "m", "--step", "5", "--input", "x", "--out", "y"],
            "argument --step: not allowed with argument --model",
        ),
        (
            ["--run", "r", "--engine", "paddle", "--input", "x", "--out", "y"],
            "argument --engine: only allowed with argument",
        ),
        (["--run", "r", "--input", "x", "--out", "y"], "r: not the folder of a run"),
        (["--model", "m", "--input", ".", "--out", "../y"], "m: not an exported model"),
    ],
)
def test_bad_usage_of_the_tool_is_one_line_and_code_2(arguments, message, tmp_path):
    (tmp_path / "here").mkdir()
    Image.fromarray(smooth(0, 20, 30)).save(tmp_path / "here" / "x.png")
    code, _, err = run_tool("translate", *arguments, cwd=tmp_path / "here")
    assert code == 2
    assert message in one_line_error(err)
