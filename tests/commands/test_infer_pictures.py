"""infer.py on pictures, and on networks that take pictures of any size."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import one_line_error
from PIL import Image
from translator_runs import RED, make_translator_with_export

from ppgan_lite import runtime
from ppgan_lite.commands import infer
from ppgan_lite.commands.export import BATCHES, SEEDS, Case, cases_of
from ppgan_lite.commands.translate import open_run
from ppgan_lite.data.pictures import decode
from ppgan_lite.data.spec import Field
from ppgan_lite.files import seal, unseal
from ppgan_lite.methods.interface import Interface, Port, picture_port


@pytest.fixture(scope="module")
def pix2pix(tmp_path_factory):
    """A run on grey pictures, with multiples of 32 pixels, and its export. Do not change them: copy them."""
    return make_translator_with_export("pix2pix", tmp_path_factory.mktemp("pix2pix"))


@pytest.fixture(scope="module")
def stargan(tmp_path_factory):
    """A run on colour pictures with attributes and its export. Do not change them: copy them."""
    return make_translator_with_export("stargan", tmp_path_factory.mktemp("stargan"))


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures, and files that are none; all of it noise, so that every pixel counts."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    for name, shape in (
        ("grey.png", (20, 33)),
        ("alpha.png", (37, 90, 4)),
        ("x.png", (16, 70, 3)),
        ("x.bmp", (9, 8, 3)),
    ):
        Image.fromarray(rng.integers(0, 256, shape, dtype="uint8")).save(folder / name)
    Image.fromarray(rng.integers(0, 65536, (18, 19), dtype="uint16")).save(folder / "deep.png")
    Image.fromarray(rng.integers(0, 256, (24, 48, 3), dtype="uint8")).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype="uint8")).save(folder / "below" / "y.png")
    (folder / "bad.png").write_bytes(b"nothing")
    (folder / ".x.png").write_bytes(b"hidden")
    return folder


def run(model, *arguments):
    return infer.main(["--model", str(model), *map(str, arguments)])


def read(path, channels=3):
    return decode(path.read_bytes(), channels)


def test_a_folder_is_translated_as_by_the_run(stargan, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(stargan[1], "--pictures", pictures, "--attributes", RED, "--out", out) == 0
    printed = capsys.readouterr()
    translator = open_run(stargan[0], None, None, RED, "cpu")
    expected = {
        "grey.png": "grey.png", "alpha.png": "alpha.png", "deep.png": "deep.png", "turned.jpg": "turned.png",
        "x.png": "x.png.png", "x.bmp": "x.bmp.png",
    }  # fmt: skip
    assert sorted(path.name for path in out.iterdir()) == sorted(expected.values())
    for name, target in expected.items():
        theirs = translator(read(pictures / name)).astype(int)
        assert abs(read(out / target) - theirs).max() <= 1, name
    assert Image.open(out / "grey.png").text["Attributes"] == RED
    assert printed.out.startswith(f"6 pictures translated by step 2 to {out} (paddle")
    assert printed.out.endswith(" a second); 1 left out\n")
    assert printed.err.startswith(f"warning: {pictures / 'bad.png'}: not a PNG, JPEG, ")


def test_it_translates_alone(pix2pix, pictures, tmp_path):
    """With the copy of infer.py in the exported folder, and without this package."""
    model = shutil.copytree(pix2pix[1], tmp_path / "model")
    environment = runtime.user_environment()
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, model / "infer.py", "--pictures", pictures / "alpha.png", "--out", tmp_path / "x.png"]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"1 pictures translated by step 2 to {tmp_path / 'x.png'} (paddle")
    theirs = open_run(pix2pix[0], None, None, None, "cpu")(read(pictures / "alpha.png", 1))
    assert abs(read(tmp_path / "x.png", 1).astype(int) - theirs).max() <= 1


def test_npz_holds_the_picture_and_the_exact_translation(pix2pix, pictures, tmp_path):
    exact = open_run(pix2pix[0], None, None, None, "cpu").exact(read(pictures / "alpha.png", 1))
    for engine in json.loads((pix2pix[1] / "signature.json").read_text())["networks"]["g"]["checked"]["engines"]:
        out = tmp_path / f"{engine}.npz"
        assert run(pix2pix[1], "--pictures", pictures / "alpha.png", "--engine", engine, "--out", out) == 0
        with np.load(out) as file:
            np.testing.assert_array_equal(file["pixels"][0], read(pictures / "alpha.png", 1))
            np.testing.assert_allclose(file["translation"], exact, atol=2e-5)  # 1e-5 of the range from -1 to 1


def test_progress_and_bad_folders_are_said(stargan, pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(infer, "SAY_EVERY", 0)
    assert run(stargan[1], "--pictures", pictures, "--attributes", RED, "--out", tmp_path / "out") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "6/7"
    for name in ("alpha.png", "deep.png", "grey.png", "turned.jpg", "x.bmp", "x.png"):
        (pictures / name).write_bytes(b"")
    assert run(stargan[1], "--pictures", pictures, "--attributes", RED, "--out", tmp_path / "new") == 2
    assert "none of its 7 pictures can be translated" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--pictures", "none.png", "--out", "x.png"],
            "--pictures none.png: cannot be read: No such file or directory",
        ),
        (
            ["--pictures", "empty", "--out", "out"],
            "--pictures empty: no pictures in this folder (files ending in .png,",
        ),
        (["--pictures", "pictures", "--out", "x.png"], "--out x.png: --pictures is a folder; give a folder, too"),
        (["--pictures", "pictures", "--out", "x.npz"], "--out x.npz: --pictures is a folder; give a folder, too"),
        (["--pictures", "pictures/bad.png", "--out", "x.png"], "pictures/bad.png: not a PNG, JPEG, WEBP, BMP"),
        (["--pictures", "pictures/bad.png", "--out", "out"], "pictures/bad.png: not a PNG, JPEG, WEBP, BMP"),
        (["--pictures", "pipe", "--out", "x.png"], "pipe: cannot be read: is not a regular file"),
        (["--pictures", "cut.png", "--out", "x.png"], "cut.png: cannot be read: "),
        (["--pictures", "float.tif", "--out", "x.png"], "float.tif: cannot be read: 32-bit pixels of unknown range"),
        (["--pictures", "pictures/x.png", "--out", "x.gif"], "--out x.gif: unknown file type .gif"),
        (
            ["--pictures", "pictures/x.png", "--network", "d", "--out", "x.png"],
            "--network d: does not translate pictures",
        ),
        (["--pictures", "pictures/x.png", "--network", "e", "--out", "x.png"], "--network e: unknown network"),
        (["--out", "x.png"], "cannot be drawn at random; give --pictures FILE|FOLDER"),
        (
            ["--pictures", "pictures/x.png", "--attributes", "colour=red", "--out", "x.png"],
            "the network takes no attributes",
        ),
        (
            ["--inputs", "wrong.npz", "--out", "x.npz"],
            "has shape [2, 1, 32, 40]; the network takes [N, 1, H, W] with H and W ",
        ),
        (
            ["--network", "d", "--inputs", "two.npz", "--out", "x.npz"],
            "inputs have different sizes: 32 x 32, 32 x 33; give",
        ),
    ],
)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_bad_input_is_one_line_and_code_2(arguments, message, pix2pix, pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    os.mkfifo("pipe")
    (tmp_path / "cut.png").write_bytes((pictures / "alpha.png").read_bytes()[:5000])
    Image.fromarray(np.zeros([8, 8], "float32")).save("float.tif")
    np.savez("wrong.npz", a=np.zeros([2, 1, 32, 40], "float32"), b=np.zeros([2, 1, 32, 40], "float32"))
    np.savez("two.npz", a=np.zeros([2, 1, 32, 33], "float32"), b=np.zeros([2, 1, 32, 32], "float32"))
    before = sorted(tmp_path.rglob("*"))
    assert run(pix2pix[1], *arguments) == 2
    assert message in one_line_error(capsys.readouterr().err)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--pictures", "x", "--num", "5"],
            "--pictures cannot be combined with --num, --seed, --labels, --truncation or --inputs",
        ),
        (["--pictures", "x", "--inputs", "x.npz"], "--pictures cannot be combined with --num"),
        (["--attributes", "colour=red"], "--attributes needs --pictures"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        run(tmp_path, *arguments, "--out", "x.png")
    assert end.value.code == 2
    assert message in one_line_error(capsys.readouterr().err)


def test_inputs_of_any_size_may_be_floats_or_pixels(pix2pix, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, [2, 64, 32, 1], dtype="uint8")
    outputs = []
    for array in (pixels, (pixels / 127.5 - 1).astype("float32").transpose(0, 3, 1, 2)):
        np.savez(tmp_path / "in.npz", a=array, b=array)
        assert run(pix2pix[1], "--inputs", tmp_path / "in.npz", "--out", tmp_path / "x.npz") == 0
        with np.load(tmp_path / "x.npz") as file:
            outputs.append(file[file.files[-1]])
    assert outputs[0].shape == (2, 1, 64, 32)
    np.testing.assert_allclose(*outputs, atol=1e-5)


def test_the_signature_says_which_sizes_are_taken_and_checked(pix2pix, stargan):
    networks = json.loads((pix2pix[1] / "signature.json").read_text())["networks"]
    (taken,) = networks["g"]["inputs"]
    assert (taken["name"], taken["shape"], taken["multiple"]) == ("b", [None, 1, None, None], 32)
    assert networks["g"]["checked"]["sizes"] == [[32, 32], [32, 64]]
    assert networks["g"]["checked"]["batches"] == [1, 2]
    assert networks["g"]["bytes_per_pixel"] > 50
    assert [port["name"] for port in networks["d"]["inputs"]] == ["b", "a"]
    assert networks["d"]["checked"]["sizes"] == [[32, 32], [32, 33]]
    networks = json.loads((stargan[1] / "signature.json").read_text())["networks"]
    assert networks["g"]["checked"]["sizes"] == [[32, 32], [32, 36]]
    assert networks["d"]["checked"]["sizes"] == []
    assert networks["d"]["inputs"][0]["shape"] == [None, 3, 32, 32]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (0, "multiple"),
        (-4, "multiple"),
        ("4", "multiple"),
        (2**20, "multiple"),
        (4.0, "multiple"),
        (None, "multiple"),
        ([None, 1, None, 32], "shape"),
        ([None, None, None, None], "shape"),
        ([None, 1, 32, 32], "shape"),
        ("uniform", "distribution"),
        ("NHWC", "layout"),
        ("attributes", "name"),
    ],
)
def test_a_forged_signature_is_one_line_and_code_2(value, key, pix2pix, pictures, tmp_path, capsys):
    model = shutil.copytree(pix2pix[1], tmp_path / "model")
    signature = unseal((model / "signature.json").read_bytes())
    signature["networks"]["g"]["inputs"][0][key] = value
    (model / "signature.json").write_bytes(seal(signature))
    assert run(model, "--pictures", pictures / "x.png", "--out", tmp_path / "x.png") == 2
    assert "signature.json: damaged (not as ppgan export writes it)" in one_line_error(capsys.readouterr().err)


NAMES = ["colour=red", "colour=green", "Smiling", "size=a, b", "size=c", "no"]


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ("colour=red,Smiling=yes,size=a, b,no=no", [1, 0, 1, 1, 0, 0]),
        (["no=yes", "size=c", "colour=green", "Smiling=no"], [0, 1, 0, 0, 1, 1]),
        ("Smiling=no\uff0csize=a,b\uff0ccolour=green,no=no", [0, 1, 0, 1, 0, 0]),  # with Chinese commas
    ],
)
def test_attributes_become_zeros_and_ones(attributes, wanted):
    values = infer.wanted_attributes(attributes, [{"name": "image"}, {"name": "attributes", "names": NAMES}])
    assert values.dtype == "float32"
    assert values.tolist() == wanted


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (None, r"^--attributes: give one of each of: colour=red\|green, Smiling=yes\|no, size=a, b\|c, no=yes\|no$"),
        ("colour=red,", "unknown attribute ''; there are: colour="),
        ("colour=red,no=no", r"give one of each of: Smiling=yes\|no, size=a, b\|c$"),
        ("colour=rde", "unknown attribute 'colour=rde'; did you mean colour=red[?] there are: colour=red"),
        ("Smiling", r"unknown attribute 'Smiling'; did you mean Smiling=\w+[?] there are"),
        ("colour=red,colour=green,Smiling=yes,size=c,no=no", "^--attributes: colour is given twice; give one value$"),
    ],
)
def test_bad_attributes_are_named(attributes, message):
    with pytest.raises(infer.InferError, match=message):
        infer.wanted_attributes(attributes, [{"name": "attributes", "names": NAMES}])


@pytest.mark.parametrize(
    ("names", "translations"),
    [
        (["a.jpg", "b.jpg", "b.png", "c"], ["a.png", "b.jpg.png", "b.png.png", "c.png"]),
        (["x.jpg", "x.png", "x.jpg.png"], ["x.jpg.png", "x.png.png", "x.jpg.png.png"]),
        (["X.jpg", "x.png"], ["X.jpg.png", "x.png.png"]),
        (["d/a.jpg", "e/a.jpg", "v1.0/a.b.jpg"], ["d/a.png", "e/a.png", "v1.0/a.b.png"]),
    ],
)
def test_no_translation_takes_the_name_of_another(names, translations):
    assert infer.names_of_translations(names) == translations


@pytest.mark.parametrize(
    ("length", "multiple", "padding"),
    [(32, 32, (0, 0)), (33, 32, (15, 16)), (37, 4, (1, 2)), (1, 4, (7, 8)), (15, 1, (0, 1)), (300, 256, (106, 106))],
)
def test_padding_is_even(length, multiple, padding):
    assert infer._padding(length, multiple) == padding


def test_a_network_of_one_size_takes_no_other():
    port = {"shape": [None, 1, 28, 28], "range": [-1, 1], "layout": "NCHW", "dtype": "float32"}  # of an older export
    assert infer.translated(np.zeros([28, 28, 1], "uint8"), port, lambda x: x, 0).shape == (1, 1, 28, 28)
    with pytest.raises(infer.BadPictureError, match="^30 x 28 pixels, but the network takes only pictures of 28 x 28$"):
        infer.translated(np.zeros([28, 30, 1], "uint8"), port, lambda x: x, 0)


def test_cases_have_two_sizes_if_sizes_are_free():
    a = Field("image", (3, 256, 192))
    free = Interface("", (picture_port(a, "a", 4), Port("attributes", (5,), "", range=(0, 1))), ())
    assert cases_of(free, {"a": a}) == [Case(0, 2, (256, 196)), Case(0, 1, (256, 192))]
    fixed = cases_of(Interface("", (picture_port(a),), ()), {"a": a})
    assert {(case.seed, case.batch, case.size) for case in fixed} == {(s, b, None) for s in SEEDS for b in BATCHES}
    assert fixed[-1].batch == max(BATCHES)
