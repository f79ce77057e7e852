"""infer.py as its users run it: with an exported folder and without this package."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import paddle
import pytest
from conftest import ROOT, flip_a_byte, one_line_error, run_tool
from PIL import Image

from ppgan_lite import runtime
from ppgan_lite.commands import infer
from ppgan_lite.files import seal, sha256, unseal


@pytest.fixture
def model(small_export, tmp_path):
    """A copy of the export that a test may damage."""
    return shutil.copytree(small_export, tmp_path / "model")


@pytest.fixture
def cgan_export(conditional_export):
    return conditional_export("cgan")


@pytest.fixture
def infogan_export(conditional_export):
    return conditional_export("infogan")


def run(model, *arguments):
    return infer.main(["--model", str(model), *map(str, arguments)])


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def draw(model, out, *arguments):
    assert run(model, "--out", out, *arguments) == 0
    return arrays(out)


def test_it_runs_alone(small_export, small_run, tmp_path):
    """Without the package, the run and the project: only infer.py and the exported folder."""
    shutil.copy(ROOT / "ppgan_lite" / "commands" / "infer.py", tmp_path)
    shutil.copytree(small_export, tmp_path / "model")
    code = (
        "import sys, runpy; sys.argv = ['infer.py', '--model', 'model', '--num', '5', '--out', sys.argv[1]]\n"
        "try: runpy.run_path('infer.py', run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "ours = [name for name in sys.modules if name.startswith('ppgan')]; assert not ours, ours\n"
        "try: import ppgan_lite\n"
        "except ImportError: print('alone')"
    )
    environment = runtime.user_environment()
    environment.pop("PYTHONPATH", None)
    for out in ("grid.png", "images.npz", "folder"):
        result = subprocess.run(
            [sys.executable, "-c", code, out], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(f"5 images of step 12 written to {out} (paddle")
        assert result.stdout.endswith("alone\n")
    assert (tmp_path / "grid.png").exists()
    assert len(list((tmp_path / "folder").iterdir())) == 5


def test_a_copy_in_the_exported_folder_runs_that_model_from_anywhere(small_export, tmp_path):
    model = shutil.copytree(small_export, tmp_path / "model")
    program = shutil.copy(ROOT / "ppgan_lite" / "commands" / "infer.py", model)
    (tmp_path / "elsewhere").mkdir()

    def call(*arguments):
        command = [sys.executable, program, *arguments]
        return subprocess.run(command, cwd=tmp_path / "elsewhere", capture_output=True, text=True)

    result = call("--num", "5", "--out", "x.npz")
    assert (result.returncode, result.stderr) == (0, "")
    np.testing.assert_array_equal(
        arrays(tmp_path / "elsewhere" / "x.npz")["images"],
        draw(small_export, tmp_path / "y.npz", "--num", 5)["images"],
    )
    shown = call("--help").stdout
    assert shown.startswith("usage: python infer.py [-h] [--model MODEL] --out OUT ")
    assert "\n  python infer.py --num 64 --seed 0 --out grid.png\n" in shown
    assert "--model exported" not in shown
    (model / "signature.json").unlink()
    assert "arguments are required: --model; see python infer.py --help" in one_line_error(call("--out", "x").stderr)


def test_missing_numpy_is_one_line_and_code_2(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ModuleNotFoundError('numpy', name='numpy')")
    program = shutil.copy(ROOT / "ppgan_lite" / "commands" / "infer.py", tmp_path)
    result = subprocess.run([sys.executable, program, "--help"], capture_output=True, text=True)
    assert (result.returncode, one_line_error(result.stderr)) == (2, "numpy is not installed: pip install numpy")


def test_no_line_imports_our_package():
    assert "import ppgan" not in (ROOT / "ppgan_lite" / "commands" / "infer.py").read_text()
    assert "from ppgan" not in (ROOT / "ppgan_lite" / "commands" / "infer.py").read_text()


def test_the_pictures_are_those_of_the_run(small_export, small_run, tmp_path):
    """The noise of tools/sample.py gives the same pixels as there."""
    code, _, err = run_tool("sample", "--run", small_run, "--num", 9, "--out", tmp_path / "sampled.npz")
    assert (code, err) == (0, "")
    sampled = arrays(tmp_path / "sampled.npz")
    images = draw(small_export, tmp_path / "x.npz", "--inputs", tmp_path / "sampled.npz")["images"]
    pixels = np.rint((images + 1) * 127.5).transpose(0, 2, 3, 1)
    assert np.abs(pixels - sampled["images"]).max() <= 1


def test_seed_and_num_choose_the_noise(small_export, tmp_path):
    results = [
        draw(small_export, tmp_path / "x.npz", *keys)
        for keys in ((), ("--num", 64, "--seed", 0), ("--seed", 1), ("--num", 5))
    ]
    assert results[0]["images"].shape == (64, 1, 28, 28)
    np.testing.assert_array_equal(results[0]["images"], results[1]["images"])
    assert (results[0]["z"] != results[2]["z"]).any()
    np.testing.assert_array_equal(results[0]["z"][:5], results[3]["z"])
    assert abs(results[0]["z"].std() - 1) < 0.2


def test_an_input_with_a_value_has_it_unless_another_is_given(style_export, tmp_path, capsys):
    plain, none = (draw(style_export, tmp_path / "x.npz", "--num", 4, *more) for more in ((), ("--truncation", 0)))
    assert (plain["truncation"].tolist(), none["truncation"].tolist()) == ([1.0] * 4, [0.0] * 4)
    np.testing.assert_array_equal(plain["z"], none["z"])
    assert np.ptp(none["images"], axis=0).max() < 1e-4 < np.ptp(plain["images"], axis=0).max()
    np.savez(tmp_path / "z.npz", z=plain["z"])
    given = draw(style_export, tmp_path / "x.npz", "--inputs", tmp_path / "z.npz")
    np.testing.assert_array_equal(given["images"], plain["images"])
    assert run(style_export, "--truncation", 0.5, "--out", tmp_path / "x.png") == 0
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.text["Truncation"] == "0.5"
    capsys.readouterr()
    assert run(style_export, "--truncation", 1.5, "--out", tmp_path / "x.png") == 2
    assert one_line_error(capsys.readouterr().err) == "--truncation 1.5: must be from 0 to 1"


def test_a_network_without_truncation_refuses_it(small_export, tmp_path, capsys):
    assert run(small_export, "--truncation", 0.5, "--out", tmp_path / "x.png") == 2
    expected = "--truncation: the network takes no truncation; its inputs: z"
    assert one_line_error(capsys.readouterr().err) == expected


def test_the_default_network_makes_pictures(style_export, tmp_path):
    model = shutil.copytree(style_export, tmp_path / "model")
    networks = json.loads((model / "signature.json").read_text())["networks"]
    forged(model, networks={name: networks[name] for name in ("mapping", "d", "g")})
    assert draw(model, tmp_path / "x.npz", "--num", 2)["images"].shape == (2, 3, 32, 32)
    assert draw(model, tmp_path / "x.npz", "--num", 2, "--network", "mapping")["w"].shape == (2, 8)


def test_exports_without_values_still_run(model, tmp_path):
    networks = json.loads((model / "signature.json").read_text())["networks"]
    for port in [port for network in networks.values() for port in network["inputs"] + network["outputs"]]:
        del port["value"]
    forged(model, networks=networks)
    draw(model, tmp_path / "x.npz", "--num", 3)


@pytest.mark.sweep
def test_uniform_inputs_are_drawn_from_their_whole_range(cgan_export, infogan_export, tmp_path):
    labels = draw(cgan_export, tmp_path / "x.npz", "--num", 300)["labels"]
    assert (labels.dtype, labels.shape) == (np.int64, (300,))
    assert labels.tolist() == list(range(10)) * 30
    drawn = draw(infogan_export, tmp_path / "y.npz", "--num", 300)
    assert set(drawn["category"].tolist()) == {0, 1, 2}
    assert (drawn["codes"].dtype, drawn["codes"].shape) == (np.float32, (300, 2))
    assert -1 <= drawn["codes"].min() < -0.9
    assert 0.9 < drawn["codes"].max() <= 1
    assert (draw(infogan_export, tmp_path / "z.npz", "--num", 300, "--seed", 1)["category"] != drawn["category"]).any()


@pytest.mark.parametrize(
    ("method", "options"), [("cgan", ["--labels", "3,1,4"]), ("infogan", [])], ids=["cgan", "infogan"]
)
def test_conditional_pictures_are_those_of_the_run(method, options, conditional_run, conditional_export, tmp_path):
    """The inputs of tools/sample.py give the same pixels as there, in every engine."""
    model, source = conditional_export(method), conditional_run(method)
    code, _, err = run_tool("sample", "--run", source, "--num", 9, *options, "--out", tmp_path / "sampled.npz")
    assert (code, err) == (0, "")
    for engine in json.loads((model / "signature.json").read_text())["networks"]["g"]["checked"]["engines"]:
        arguments = ("--inputs", tmp_path / "sampled.npz", "--engine", engine, "--batch", 4)
        images = draw(model, tmp_path / "x.npz", *arguments)["images"]
        pixels = np.rint((images + 1) * 127.5).transpose(0, 2, 3, 1)
        assert np.abs(pixels - arrays(tmp_path / "sampled.npz")["images"]).max() <= 1


def test_labels_are_taken_in_turn_and_have_a_column_each(cgan_export, tmp_path):
    drawn = draw(cgan_export, tmp_path / "x.npz", "--num", 7, "--labels", "3, 1,4")
    assert drawn["labels"].tolist() == [3, 1, 4, 3, 1, 4, 3]
    np.testing.assert_array_equal(drawn["z"], draw(cgan_export, tmp_path / "y.npz", "--num", 7)["z"])
    assert run(cgan_export, "--num", 7, "--labels", "3,1,4", "--out", tmp_path / "x.png") == 0
    pixels = np.rint((drawn["images"] + 1) * 127.5).astype("uint8").transpose(0, 2, 3, 1)
    with Image.open(tmp_path / "x.png") as grid:
        assert (grid.size, grid.text["Labels"]) == ((3 * 30 + 2, 3 * 30 + 2), "3,1,4")
        np.testing.assert_array_equal(np.asarray(grid), infer._grid(pixels, 3)[:, :, 0])
    assert run(cgan_export, "--num", 2, "--labels", "3,1,4", "--out", tmp_path / "y.png") == 0
    assert Image.open(tmp_path / "y.png").size == (2 * 30 + 2, 30 + 2)  # no column without a picture


def renamed(model, names):
    """Give the labels in a model's signature other names, or remove all names, as in older exports."""
    networks = json.loads((model / "signature.json").read_text())["networks"]
    for port in [port for network in networks.values() for port in network["inputs"] + network["outputs"]]:
        del port["names"]
        if names and port["name"] == "labels":
            port["names"] = names
    forged(model, networks=networks)


def test_labels_can_be_names(cgan_export, tmp_path):
    model = shutil.copytree(cgan_export, tmp_path / "model")
    renamed(model, ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"])
    drawn = draw(model, tmp_path / "x.npz", "--num", 4, "--labels", "Coat,9,T-shirt/top")
    assert drawn["labels"].tolist() == [4, 9, 0, 4]


def test_exports_without_names_still_run(cgan_export, model, tmp_path):
    renamed(model, None)
    draw(model, tmp_path / "x.npz", "--num", 3)
    older = shutil.copytree(cgan_export, tmp_path / "older")
    renamed(older, None)
    assert draw(older, tmp_path / "x.npz", "--num", 3, "--labels", "4")["labels"].tolist() == [4, 4, 4]


IMAGENET = ["tench, Tinca tinca", "goldfish, Carassius auratus", "hen", "Hahn", "crane", "crane, bird"]


@pytest.mark.parametrize(
    ("labels", "numbers"),
    [
        ("tench, Tinca tinca", [0]),
        ("goldfish,Carassius auratus,hen", [1, 2]),
        ("crane, bird, crane,3", [5, 4, 3]),
        (["crane, bird", 2, "crane"], [5, 2, 4]),
        ("tench,  Tinca tinca,0 , hen", [0, 0, 2]),
    ],
)
def test_a_name_may_have_commas_and_the_longest_counts(labels, numbers):
    assert infer.find_classes(labels, IMAGENET) == numbers


def test_a_name_may_be_typed_in_another_form_of_unicode():
    names = ["caf\u00e9", "\u73ab\u7470"]
    for comma in (",", "\uff0c"):  # the second as Chinese keyboards have it
        assert infer.find_classes(f"cafe\u0301{comma}\u73ab\u7470", names) == [0, 1]


@pytest.mark.parametrize(
    ("labels", "names", "message"),
    [
        (
            "cod",
            IMAGENET,
            "'cod'; there are: 0, 1, 2, 3, 4, 5, 'tench, Tinca tinca', .*, hen, Hahn, crane, 'crane, bird'$",
        ),
        (["crane,bird,hen"], IMAGENET, "'crane,bird,hen'; there are"),
        (
            "Tinca",
            [*IMAGENET, *(f"kind {i}" for i in range(994))],
            "'Tinca'; did you mean 'tench, Tinca tinca'[?] there are 1000, by number from 0 to 999 or by name: "
            "'tench, Tinca tinca', .*, crane, ...$",
        ),
        ("kindd 7", [f"kind {i}" for i in range(60)], "; did you mean kind 7 or "),
        ("", [f"kind {i}" for i in range(60)], "unknown class ''; there are 60"),
    ],
)
def test_an_unknown_class_is_named_with_what_there_is(labels, names, message):
    with pytest.raises(infer.InferError, match=message) as error:
        infer.find_classes(labels, names)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "3,10"], "--labels: unknown class '10'; there are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        (["--labels", ""], "--labels: unknown class ''; there are: 0, "),
        (
            ["--network", "d"],
            "input images (pictures, from black (-1) to white (1)) cannot be drawn at random; give --inputs",
        ),
        (["--inputs", "no_labels.npz"], "input labels is missing: the class, shape [N]"),
        (["--inputs", "columns.npz"], "input labels has shape [3, 1]; the network takes [N], N at least 1"),
        (["--inputs", "bytes.npz"], "input labels has type uint8; the network takes int64 from 0 to 9"),
        (["--inputs", "ten.npz"], "input labels has values from 0 to 10; the network takes int64 from 0 to 9"),
        (["--inputs", "few.npz"], "inputs have different lengths: 3, 2"),
    ],
)
def test_bad_labels_are_one_line_and_code_2(arguments, message, cgan_export, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    z = np.zeros([3, 8], "float32")
    np.savez("no_labels.npz", z=z)
    np.savez("columns.npz", z=z, labels=np.zeros([3, 1], "int64"))
    np.savez("bytes.npz", z=z, labels=np.zeros([3], "uint8"))
    np.savez("ten.npz", z=z, labels=np.array([0, 9, 10]))
    np.savez("few.npz", z=z, labels=np.array([0, 9]))
    assert run(cgan_export, *arguments, "--out", "x.npz") == 2
    assert message in one_line_error(capsys.readouterr().err)
    assert not Path("x.npz").exists()


def test_values_beyond_the_range_by_rounding_are_clipped_and_others_shown(small_export, tmp_path, capsys):
    """The tanh of an engine gave -1.0000001 in the first example of the README."""
    images = np.linspace(-1, 1, 2 * 28 * 28, dtype="float32").reshape(2, 1, 28, 28)
    np.savez(tmp_path / "exact.npz", images=images)
    rounded = np.where(images == -1, np.float32(-1.0000001), images)
    np.savez(tmp_path / "rounded.npz", images=np.where(images == 1, np.float32(1.00001), rounded))
    outputs = [
        draw(small_export, tmp_path / "x.npz", "--network", "d", "--inputs", tmp_path / name)
        for name in ("exact.npz", "rounded.npz")
    ]
    np.testing.assert_array_equal(outputs[0]["logits"], outputs[1]["logits"])
    np.savez(tmp_path / "loud.npz", images=images * np.float32(1.0001))
    assert run(small_export, "--network", "d", "--inputs", tmp_path / "loud.npz", "--out", tmp_path / "y.npz") == 2
    message = "input images has values from -1.00010002 to 1.00010002; the network takes float32 from -1 to 1"
    assert message in one_line_error(capsys.readouterr().err)


def test_the_pixels_of_tools_sample_are_an_input(small_export, small_run, tmp_path):
    """With the names, texts and noise that its file has, too."""
    code, _, err = run_tool("sample", "--run", small_run, "--num", 9, "--out", tmp_path / "pixels.npz")
    assert (code, err) == (0, "")
    pixels = arrays(tmp_path / "pixels.npz")["images"]
    np.savez(tmp_path / "floats.npz", images=(pixels.transpose(0, 3, 1, 2) / 127.5 - 1).astype("float32"))
    logits = [
        draw(small_export, tmp_path / "x.npz", "--network", "d", "--inputs", tmp_path / name)["logits"]
        for name in ("pixels.npz", "floats.npz")
    ]
    np.testing.assert_allclose(logits[0], logits[1], atol=1e-6)


def bomb(path, name="z.npy", size=10**13):
    """An .npz whose array claims `size` bytes; the file has few."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, b"\x93NUMPY")
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x01\x02")
    content[end + 24 : end + 28] = (2**32 - 2).to_bytes(4, "little")  # the size in the list of files
    path.write_bytes(content)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_inputs_that_never_end_or_do_not_fit_are_one_line(small_export, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(infer, "free_memory", lambda: 10**9)
    os.mkfifo(tmp_path / "pipe.npz")
    bomb(tmp_path / "bomb.npz")
    lying = tmp_path / "lying.npz"
    with zipfile.ZipFile(lying, "w") as file:
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000, 8), }"
        file.writestr("z.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    for path, message in (
        (tmp_path / "pipe.npz", "cannot be read: is not a regular file"),
        (Path("/dev/zero"), "cannot be read: is not a regular file"),
        (tmp_path / "bomb.npz", "takes 4 GB, and 1 GB are free: not enough memory"),
        (lying, "not an .npz file of numbers"),
    ):
        assert run(small_export, "--inputs", path, "--out", tmp_path / "x.png") == 2
        assert f"--inputs {path}" in (err := one_line_error(capsys.readouterr().err))
        assert message in err
    bomb(tmp_path / "other.npz", "not_an_input.npy")  # is not read at all
    assert run(small_export, "--inputs", tmp_path / "other.npz", "--out", tmp_path / "x.png") == 2
    assert "input z is missing" in capsys.readouterr().err


@pytest.mark.parametrize("network", ["g", "d"])
def test_engines_and_batches_agree(network, small_export, tmp_path):
    draw(small_export, tmp_path / "drawn.npz")  # noise for g, and images for d
    output = {"g": "images", "d": "logits"}[network]
    expected = None
    for engine in json.loads((small_export / "signature.json").read_text())["networks"][network]["checked"]["engines"]:
        for options in (("--batch", 64), ("--batch", 7), ("--batch", 1, "--threads", 1)):
            keys = ("--network", network, "--inputs", tmp_path / "drawn.npz", "--engine", engine, *options)
            actual = draw(small_export, tmp_path / "x.npz", *keys)[output]
            expected = actual if expected is None else expected
            np.testing.assert_allclose(actual, expected, atol=1e-5)
    assert expected.shape[0] == 64


OF_THREADS = """
import ctypes, sys
from pathlib import Path
import ppgan_lite
from ppgan_lite.commands.infer import Network
paddle = ppgan_lite.runtime.load_paddle()
openmp = ctypes.CDLL(str(Path(paddle.__file__).parent / "libs" / "libiomp5.so"))
for engine in ("paddle", "paddle-onednn"):
    network = Network(Path(sys.argv[1]), "g", engine, threads=3)
    started = openmp.omp_get_max_threads()
    network({"z": paddle.zeros([1, 8]).numpy()})
    print(started, openmp.omp_get_max_threads())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="paddle has another OpenMP there")
def test_the_process_keeps_its_number_of_threads(small_export):
    """A training after an export or a translation has the threads, and so the bits, of one in a new process."""
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", OF_THREADS, str(small_export)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.stdout.split() == ["2"] * 4, result.stderr


@pytest.mark.usefixtures("onnx")
def test_a_machine_without_paddle_takes_onnxruntime(small_export, tmp_path):
    code = (
        "import sys; sys.modules['paddle'] = None; import infer\n"
        "sys.exit(infer.main(['--model', sys.argv[1], '--engine', sys.argv[2], '--out', 'x.png']))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "ppgan_lite" / "commands")}
    for engine in ("auto", "onnxruntime", "paddle"):
        command = [sys.executable, "-c", code, str(small_export), engine]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        if engine == "paddle":
            assert result.returncode == 2
            assert "paddle cannot be imported" in one_line_error(result.stderr)
        else:
            assert (result.returncode, result.stderr) == (0, "")
            assert "(onnxruntime, " in result.stdout


@pytest.mark.skipif(paddle.is_compiled_with_cuda(), reason="tests a machine without a GPU")
def test_a_missing_gpu_is_one_line_and_code_2(small_export, tmp_path, capsys):
    assert run(small_export, "--out", tmp_path / "x.png", "--device", "gpu", "--engine", "paddle") == 2
    assert "--device gpu: no GPU that this paddle can use" in one_line_error(capsys.readouterr().err)


def test_png_grid_and_single_pictures_hold_the_same(small_export, tmp_path):
    drawn = draw(small_export, tmp_path / "x.npz", "--num", 7)["images"]
    pixels = np.rint((drawn + 1) * 127.5).astype("uint8")[:, 0]
    assert run(small_export, "--num", 7, "--out", tmp_path / "grid.png") == 0
    assert run(small_export, "--num", 7, "--out", tmp_path / "new" / "folder") == 0
    with Image.open(tmp_path / "grid.png") as grid:
        assert (grid.size, grid.mode) == ((92, 92), "L")  # 3 of 28 and 4 gaps of 2
        assert (grid.text["Step"], grid.text["Data"], grid.text["Seed"]) == ("12", "rendered_digits", "0")
        sheet = np.asarray(grid)
    for i in range(7):
        top, left = 2 + i // 3 * 30, 2 + i % 3 * 30
        np.testing.assert_array_equal(sheet[top : top + 28, left : left + 28], pixels[i])
        single = np.asarray(Image.open(tmp_path / "new" / "folder" / f"{i:05d}.png"))
        np.testing.assert_array_equal(single, pixels[i])
    assert not sheet[62:, 32:].any()  # no eighth and ninth


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x.PNG", ".png"),
        ("x.Jpeg", ".jpeg"),
        ("x.nPz", ".npz"),
        ("out/v1.0", ""),
        ("run.2024-11", ""),
        ("\u6837\u672c.\u7b2c\u4e00", ""),
        ("Dr. Who", ""),
        ("new.png/", ""),
        ("x.bmp", ".bmp"),
        ("x.tar.gz", ".gz"),
        ("x.mp4", ".mp4"),
        (".png", ""),
        ("there.bmp", ""),
        ("there.png", ".png"),
        ("there.png/", ""),
    ],
)
def test_the_kind_of_an_output_is_its_suffix_or_a_folder(name, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("there.bmp", "there.png"):
        Path(folder).mkdir()
    assert infer.output_kind(name, infer.KINDS) == kind
    assert infer.output_kind(Path(name), infer.KINDS) == (
        kind or Path(name).suffix.lower() * (name in ("new.png/", "there.png/"))
    )


def test_files_are_known_in_any_case_and_folders_by_their_slash(small_export, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.bmp").mkdir()
    (tmp_path / "link").symlink_to("there.bmp")
    for out in ("x.PNG", "x.JPG", "x.NPZ", "v1.0", "new.png/", "there.bmp"):
        assert run(small_export, "--num", 4, "--out", out) == 0, out
    with Image.open("x.PNG") as png, Image.open("x.JPG") as jpeg:
        assert (png.format, jpeg.format) == ("PNG", "JPEG")
        np.testing.assert_allclose(np.asarray(png).astype(int), np.asarray(jpeg), atol=60)
        assert (
            jpeg.info["comment"].decode().startswith("Software: ppgan_lite infer.py\nStep: 12\nData: rendered_digits")
        )
    assert arrays("x.NPZ")["images"].shape == (4, 1, 28, 28)
    for folder in ("v1.0", "new.png", "there.bmp"):
        assert sorted(os.listdir(folder)) == [f"{i:05d}.png" for i in range(4)]
    assert run(small_export, "--num", 4, "--out", "link") == 2
    shutil.rmtree("there.bmp")
    Path("there.bmp").mkdir()
    assert run(small_export, "--num", 4, "--out", "link") == 0
    assert sorted(os.listdir("there.bmp")) == [f"{i:05d}.png" for i in range(4)]
    assert Path("link").is_symlink()


def test_a_grid_too_large_for_a_jpeg_is_one_line(tmp_path):
    with pytest.raises(
        infer.InferError, match="a JPEG has at most 65500 pixels a side, the grid has 66000; give FILE.png"
    ):
        infer._save_picture(tmp_path / "x.jpg", np.zeros([2, 66000, 1], "uint8"), {})
    infer._save_picture(tmp_path / "x.png", np.zeros([2, 66000, 1], "uint8"), {"Labels": "\u73ab\udcff\u7470"})
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.text["Labels"] == "\u73ab\\udcff\u7470"


def test_pictures_that_cannot_be_written_leave_nothing(small_export, tmp_path):
    resource = pytest.importorskip("resource", reason="needs a system that can limit the size of files")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99))  # noqa: E731
    (tmp_path / "there").mkdir()
    for out in ("x.png", "there"):
        code, _, err = run_tool("infer", "--model", small_export, "--num", 4, "--out", tmp_path / out, preexec_fn=limit)
        assert (code, one_line_error(err)) == (2, f"--out {tmp_path / out}: cannot be written: File too large")
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_colour_pictures_make_a_colour_grid():
    pixels = np.random.default_rng(0).integers(0, 256, [5, 4, 6, 3], dtype="uint8")
    sheet = infer._grid(pixels)
    assert sheet.shape == (2 * 6 + 2, 3 * 8 + 2, 3)
    np.testing.assert_array_equal(sheet[8:12, 10:16], pixels[4])


def forged(model, **changes):
    """Change a model's signature and seal it again, as another version of the suite might have written it."""
    path = model / "signature.json"
    path.write_bytes(seal(unseal(path.read_bytes()) | changes))


def forged_file(model, name, content):
    """Replace a file of a model together with its checksum, as if another version had written it."""
    (model / name).write_bytes(content)
    files = json.loads((model / "signature.json").read_text())["files"]
    forged(model, files=files | {name: sha256(content)})


DAMAGES = {
    "tampered signature": (
        lambda m: (m / "signature.json").write_text((m / "signature.json").read_text().replace("noise", "nose")),
        "signature.json: damaged (wrong checksum)",
    ),
    "truncated signature": (
        lambda m: (m / "signature.json").write_bytes((m / "signature.json").read_bytes()[:-9]),
        "signature.json: damaged",
    ),
    "nested signature": (lambda m: (m / "signature.json").write_text("[" * 10**5), "signature.json: damaged"),
    "graph of another kind": (lambda m: forged_file(m, "g.json", b"{}"), " cannot run this network: "),
    "no signature": (lambda m: (m / "signature.json").unlink(), "not an exported model (no signature.json)"),
    "signature of other things": (lambda m: (m / "signature.json").write_text("[]"), "signature.json: damaged"),
    "newer signature": (lambda m: forged(m, format=2), "signature.json: has format 2, but this infer.py reads 1"),
    "tampered weights": (lambda m: flip_a_byte(m / "g.pdiparams"), "g.pdiparams: damaged (wrong checksum)"),
    "truncated weights": (
        lambda m: (m / "g.pdiparams").write_bytes((m / "g.pdiparams").read_bytes()[:-1]),
        "g.pdiparams: damaged",
    ),
    "missing weights": (lambda m: (m / "g.pdiparams").unlink(), "g.pdiparams: cannot be read: No such file"),
    "tampered graph": (lambda m: flip_a_byte(m / "g.json"), "g.json: damaged"),
    "swapped networks": (
        lambda m: shutil.copy(m / "d.pdiparams", m / "g.pdiparams"),
        "g.pdiparams: damaged",
    ),
}


def replaced(model, value, *keys):
    """Replace an entry of the signature, with a right checksum."""
    record = unseal((model / "signature.json").read_bytes())
    *parents, last = keys
    inner = record
    for key in parents:
        inner = inner[key]
    inner[last] = value
    forged(model, **record)


PORT = ("networks", "g", "inputs", 0)
OUTPUT = ("networks", "g", "outputs", 0)


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ([], ["networks"]),
        ({}, ["networks"]),
        ({"../../etc/passwd": {}}, ["networks"]),
        ({"": {}}, ["networks"]),
        (None, ["networks", "g"]),
        ([], ["networks", "g", "inputs"]),
        (7, ["networks", "g", "outputs"]),
        ("tensorrt", ["networks", "g", "default_engine"]),
        (["paddle"], ["networks", "g", "default_engine"]),
        ({"rm": {}}, ["networks", "g", "checked", "engines"]),
        (None, ["networks", "g", "checked"]),
        ([None, 10**12], [*PORT, "shape"]),
        ([None, -8], [*PORT, "shape"]),
        ([None, 8.0], [*PORT, "shape"]),
        ([None, "8"], [*PORT, "shape"]),
        ([], [*PORT, "shape"]),
        ("object", [*PORT, "dtype"]),
        ("int64", [*PORT, "dtype"]),
        ({}, [*PORT, "dtype"]),
        ("poisson", [*PORT, "distribution"]),
        ("uniform", [*PORT, "distribution"]),
        ([1, 0], [*PORT, "range"]),
        ([0, float("nan")], [*PORT, "range"]),
        ([0, 1, 2], [*PORT, "range"]),
        ("ab", [*PORT, "range"]),
        (None, [*PORT, "name"]),
        ("labels", [*PORT, "name"]),
        ("truncation", [*PORT, "name"]),
        (0.5, [*PORT, "value"]),
        ("1", [*PORT, "value"]),
        (["a", "b"], [*PORT, "names"]),
        (3, [*PORT, "meaning"]),
        ("NHWC", [*OUTPUT, "layout"]),
        (None, [*OUTPUT, "range"]),
        (None, ["source"]),
        ("12", ["source", "step"]),
        (["x"], ["source", "data"]),
        (["g.json"], ["files"]),
        (5, ["files", "g.json"]),
    ],
)
def test_a_forged_signature_is_one_line_and_code_2(value, keys, model, tmp_path, capsys):
    replaced(model, value, *keys)
    assert run(model, "--out", tmp_path / "x.png") == 2
    assert "signature.json: damaged (not as ppgan export writes it); export" in one_line_error(capsys.readouterr().err)
    assert not (tmp_path / "x.png").exists()


def test_outputs_that_are_not_as_the_signature_says_are_one_line(model, tmp_path, capsys):
    replaced(model, [None, 1, 14, 56], *OUTPUT, "shape")
    assert run(model, "--out", tmp_path / "x.png") == 2
    message = "the network gives outputs of shapes [[1, 28, 28]], but signature.json has others"
    assert message in one_line_error(capsys.readouterr().err)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["signature.json", "g.pdiparams"])
def test_a_pipe_in_an_export_is_one_line(name, model, tmp_path, capsys):
    (model / name).unlink()
    os.mkfifo(model / name)
    assert run(model, "--out", tmp_path / "x.png", "--engine", "paddle") == 2
    assert f"{name}: cannot be read: is not a regular file" in one_line_error(capsys.readouterr().err)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_export_is_one_line_and_code_2(damage, model, tmp_path, capsys):
    hurt, message = DAMAGES[damage]
    hurt(model)
    assert run(model, "--out", tmp_path / "x.png") == 2
    assert message in one_line_error(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.usefixtures("onnx")
def test_a_damaged_onnx_file_is_found_when_it_is_read(model, tmp_path, capsys):
    flip_a_byte(model / "g.onnx")
    assert run(model, "--out", tmp_path / "x.png") == 0
    assert run(model, "--out", tmp_path / "y.png", "--engine", "onnxruntime") == 2
    assert "g.onnx: damaged" in one_line_error(capsys.readouterr().err)
    assert not (tmp_path / "y.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "x.gif"], "--out x.gif: unknown file type .gif; give FILE.png, FILE.npz or a folder"),
        (["--out", "."], "--out .: is the current folder; give another one"),
        (["--out", "full"], "--out full: the folder is not empty; give another one"),
        (["--out", "/dev/null/x.png"], "/dev/null/x.png: cannot be written"),
        (["--out", "x.png", "--network", "e"], "--network e: unknown network; the model has: g, d"),
        (
            ["--out", "x.npz", "--network", "d"],
            "input images (pictures, from black (-1) to white (1)) cannot be drawn",
        ),
        (["--out", "x.png", "--network", "d"], "--out x.png: the network's outputs are not pictures; give FILE.npz"),
        (["--out", "x.png", "--inputs", "none.npz"], "--inputs none.npz: cannot be read: No such file"),
        (["--out", "x.png", "--inputs", "text.npz"], "--inputs text.npz: not an .npz file of numbers"),
        (["--out", "x.png", "--inputs", "pickle.npz"], "--inputs pickle.npz: not an .npz file of numbers"),
        (["--out", "x.png", "--inputs", "one.npy"], "--inputs one.npy: not an .npz file of numbers"),
        (["--out", "x.png", "--inputs", "other.npz"], "input z is missing: noise, shape [N, 8]"),
        (["--out", "x.png", "--inputs", "narrow.npz"], "input z has shape [3, 7]; the network takes [N, 8]"),
        (
            ["--out", "x.png", "--inputs", "none_of_it.npz"],
            "input z has shape [0, 8]; the network takes [N, 8], N at least",
        ),
        (["--out", "x.png", "--inputs", "double.npz"], "input z has type float64; the network takes float32"),
        (["--out", "x.npz", "--network", "d", "--inputs", "bytes.npz"], "takes float32 from -1 to 1"),
        (["--out", "x.npz", "--network", "d", "--inputs", "loud.npz"], "images has values from 0 to 255; the network"),
        (["--out", "x.png", "--inputs", "nan.npz"], "input z has values from nan to nan; the network takes float32"),
        (["--out", "x.png", "--inputs", "torn.npz"], "--inputs torn.npz: not an .npz file of numbers"),
        (["--out", "folder.png"], "--out folder.png: is a folder; give another name"),
        (["--out", "one.npy/x.png"], "--out one.npy/x.png: cannot be written"),
        (["--out", "new/x.png", "--inputs", "none.npz"], "--inputs none.npz: cannot be read"),
        (["--out", "x.png", "--engine", "paddle-onednn", "--device", "gpu"], "--engine paddle-onednn: runs on"),
        (["--out", "x.npz", "--labels", "3"], "--labels: the network takes no labels; its inputs: z"),
        (["--out", "x.npz", "--num", "999999999"], "not enough memory; give less at once"),
    ],
)
def test_bad_input_is_one_line_and_code_2(arguments, message, small_export, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "text.npz").write_text("no archive")
    np.save("one.npy", np.zeros(3))
    np.savez("pickle.npz", z=np.array([{"a": 1}], dtype=object))
    np.savez("other.npz", y=np.zeros([3, 8], "float32"))
    np.savez("narrow.npz", z=np.zeros([3, 7], "float32"))
    np.savez("none_of_it.npz", z=np.zeros([0, 8], "float32"))
    np.savez("double.npz", z=np.zeros([3, 8]))
    np.savez("bytes.npz", images=np.zeros([3, 1, 28, 28], "uint8"))
    np.savez("loud.npz", images=np.arange(256, dtype="float32").repeat(49).reshape(-1, 1, 28, 28)[:16])
    np.savez("nan.npz", z=np.full([3, 8], np.nan, "float32"))
    np.savez_compressed("torn.npz", z=np.arange(3000))
    torn = bytearray(Path("torn.npz").read_bytes())
    torn[200:900] = bytes(700)
    Path("torn.npz").write_bytes(torn)
    (tmp_path / "folder.png").mkdir()
    before = sorted(tmp_path.iterdir())
    assert run(small_export, *arguments) == 2
    assert message in one_line_error(capsys.readouterr().err)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --out"),
        (["--out", "x.png", "--num", "0"], "argument --num: must be from 1 to 1000000000, got 0"),
        (["--out", "x.png", "--threads", "9999"], "argument --threads: must be from 1 to 1024, got 9999"),
        (["--out", "x.png", "--inputs", "x.npz", "--num", "3"], "--inputs cannot be combined with --num"),
        (["--out", "x.png", "--inputs", "x.npz", "--labels", "3"], "--inputs cannot be combined with --num"),
        (["--out", "x.png", "--inputs", "x.npz", "--truncation", "1"], "--inputs cannot be combined with --num"),
        (["--out", "x.png", "--truncation", "x"], "argument --truncation: invalid float value: 'x'"),
        (["--out", "x.png", "--seed", "x"], "argument --seed: invalid whole number value: 'x'"),
        (["--out", "x.png", "--engine", "tensorrt"], "argument --engine: invalid choice: 'tensorrt'"),
    ],
)
def test_bad_usage_is_one_line_and_code_2(arguments, message, small_export, capsys):
    with pytest.raises(SystemExit) as end:
        run(small_export, *arguments)
    assert end.value.code == 2
    assert message in one_line_error(capsys.readouterr().err)


def test_a_missing_onnx_file_is_one_line_and_code_2(model, tmp_path, capsys):
    files = json.loads((model / "signature.json").read_text())["files"]
    forged(model, files={name: digest for name, digest in files.items() if not name.endswith(".onnx")})
    assert run(model, "--out", tmp_path / "x.png", "--engine", "onnxruntime") == 2
    assert "exported without g.onnx; export again with --formats paddle,onnx" in one_line_error(capsys.readouterr().err)


def test_an_engine_that_failed_the_export_is_not_tried(model, tmp_path, capsys):
    networks = json.loads((model / "signature.json").read_text())["networks"]
    del networks["g"]["checked"]["engines"]["paddle-onednn"]
    forged(model, networks=networks)
    assert run(model, "--out", tmp_path / "x.png", "--engine", "paddle-onednn") == 2
    message = one_line_error(capsys.readouterr().err)
    assert "--engine paddle-onednn: failed the check of network g at export; use paddle" in message
    assert not (tmp_path / "x.png").exists()


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(infer.InferError, match="not an exported model"):
        run(tmp_path, "--out", tmp_path / "x.png", "--debug")


def alone(model, *arguments, prefix="", suffix="", environment=None):
    """Run the copy of infer.py in an export through a shell, as a script would."""
    shell = f'{prefix} "{sys.executable}" "{model / "infer.py"}" "$@" {suffix}'
    return subprocess.run(
        ["bash", "-c", shell, "infer", *map(str, arguments)],
        env=os.environ | {"PYTHONUTF8": "0"} | (environment or {}),
        capture_output=True,
        cwd=model.parent,
    )


@pytest.mark.sweep
def test_any_console_is_good_enough(model, tmp_path):
    """Narrow encodings, and streams that are closed, full or no longer read."""
    name = "\u6837\u672c\n\x1b[31m.png"
    result = alone(model, "--num", 4, "--out", name, environment={"PYTHONIOENCODING": "ascii"})
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(rb"4 images of step 12 written to \u6837\u672c \x1b[31m.png (paddle")
    assert (tmp_path / name).exists()
    for suffix in ("<&- >&- 2>&-", "> /dev/full", "| true; exit ${PIPESTATUS[0]}"):
        result = alone(model, "--num", 4, "--out", tmp_path / "x.npz", suffix=suffix)
        assert (result.returncode, result.stdout, result.stderr) == (0, b"", b""), suffix
        assert arrays(tmp_path / "x.npz")["z"].shape == (4, 8), suffix
        (tmp_path / "x.npz").unlink()
    for suffix in ("2>&-", "2> /dev/full"):
        result = alone(model, "--out", "/dev/null/x.png", suffix=suffix)
        assert (result.returncode, result.stderr) == (2, b""), suffix


@pytest.mark.parametrize("content", ["max 100000\n", "", "-1 100000\n", "5\n", "x y\n", "100 0\n", "\0\n"])
def test_odd_quotas_of_a_container_are_no_limit(content, tmp_path, monkeypatch):
    expected = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    monkeypatch.setattr(infer, "_read", lambda path: content)
    assert infer.usable_threads() == expected
    monkeypatch.setattr(infer, "_read", lambda path: "150000 100000\n")
    assert infer.usable_threads() == 1


def test_long_work_prints_its_progress(small_export, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(infer, "SAY_EVERY", 0)
    draw(small_export, tmp_path / "x.npz", "--num", 5, "--batch", 2)
    assert capsys.readouterr().err.splitlines() == ["2/5", "4/5", "5/5"]


def test_the_fast_blas_path_is_the_same_as_the_suites(monkeypatch):
    cpuinfo = Path("/proc/cpuinfo")
    expected = runtime.mkl_cpu_type(cpuinfo.read_text() if cpuinfo.exists() else "")
    monkeypatch.delenv("MKL_DEBUG_CPU_TYPE", raising=False)
    infer.take_fast_blas_path()
    assert os.environ.get("MKL_DEBUG_CPU_TYPE") == expected
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "4")
    infer.take_fast_blas_path()
    assert os.environ["MKL_DEBUG_CPU_TYPE"] == "4"


def test_help_needs_neither_paddle_nor_a_model():
    result = subprocess.run(
        [sys.executable, "-X", "importtime", str(ROOT / "tools" / "infer.py"), "--help"], capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "--engine {auto,paddle,paddle-onednn,onnxruntime}" in result.stdout
    assert "| paddle" not in result.stderr
