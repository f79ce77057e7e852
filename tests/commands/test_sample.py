import json
import shutil

import numpy as np
import paddle
import pytest
from PIL import Image

from ppgan_lite.commands.sample import Request, sample
from ppgan_lite.data.pixels import to_uint8
from ppgan_lite.errors import CheckpointError, RunError
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.samplers import slerp, straight
from ppgan_lite.pictures.grid import grid
from ppgan_lite.runs.trained import open_trained


@pytest.fixture
def cgan_run(conditional_run):
    return conditional_run("cgan")


@pytest.fixture
def infogan_run(conditional_run):
    return conditional_run("infogan")


@pytest.fixture
def clothes_run(cgan_run, tmp_path):
    """A copy of cgan_run with names of clothes for its classes."""
    copy = shutil.copytree(cgan_run, tmp_path / "clothes")
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
    record = json.loads((copy / "run.json").read_text())
    record["fields"]["label"]["names"] = names
    (copy / "run.json").write_text(json.dumps(record))
    return copy


def draw(run, out, **keys):
    step = keys.pop("step", None)
    sample(run, out, step, Request(**{"num": 10} | keys), "cpu")
    return out


def generated(run, inputs):
    """The output of the run's generator for inputs by name, in one batch."""
    _, method, _ = open_trained(run, step=None)
    return method.samplers()["g"]({name: paddle.to_tensor(array) for name, array in inputs.items()}).numpy()


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def test_npz_holds_images_noise_and_their_source(small_run, tmp_path):
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


def test_truncated_noise_is_within_the_limit_and_named(small_run, tmp_path):
    whole, cut = (arrays(draw(small_run, tmp_path / f"{t}.npz", truncation=t)) for t in (None, 0.3))
    assert abs(whole["z"]).max() > 1
    assert abs(cut["z"]).max() <= np.float32(0.3)
    assert (cut["Truncation"][0], cut["Batch norm"][0]) == ("0.3", "statistics of truncated noise")
    assert "Truncation" not in whole
    with Image.open(draw(small_run, tmp_path / "x.png", truncation=0.3)) as picture:
        assert (picture.text["Truncation"], picture.text["Batch norm"]) == ("0.3", "statistics of truncated noise")
        np.testing.assert_array_equal(np.asarray(picture)[2:30, 32:60], cut["images"][1, :, :, 0])
    # The run's own statistics are of other noise.
    assert (to_uint8(generated(small_run, {"z": cut["z"]})) != cut["images"]).any()


def test_truncation_leaves_the_run_as_it_is(small_run, tmp_path):
    before = arrays(draw(small_run, tmp_path / "x.npz"))["images"]
    files = {path: path.read_bytes() for path in small_run.rglob("*") if path.is_file()}
    draw(small_run, tmp_path / "y.npz", truncation=0.3)
    assert {path: path.read_bytes() for path in small_run.rglob("*") if path.is_file()} == files
    np.testing.assert_array_equal(arrays(draw(small_run, tmp_path / "z.npz"))["images"], before)


def test_noise_that_is_not_normal_cannot_be_truncated(small_run, tmp_path, monkeypatch):
    uniform = Port("z", (8,), "noise", range=(-1, 1), distribution="uniform")
    monkeypatch.setattr(Generative, "noise_port", lambda method: uniform)
    with pytest.raises(RunError) as caught:
        draw(small_run, tmp_path / "x.png", truncation=0.3)
    assert str(caught.value) == (
        "--truncation: this run's method (gan) has no generator with normal noise; leave it out"
    )
    assert not (tmp_path / "x.png").exists()


def test_stylegan2_is_truncated_by_its_styles(style_run, tmp_path):
    whole, half, none = (arrays(draw(style_run, tmp_path / f"{t}.npz", truncation=t)) for t in (None, 0.5, 0.0))
    np.testing.assert_array_equal(whole["z"], none["z"])
    assert [set(result["truncation"]) for result in (whole, half, none)] == [{1.0}, {0.5}, {0.0}]
    assert not np.ptp(none["images"], axis=0).any()
    assert whole["images"].std(0).mean() > half["images"].std(0).mean() > 0
    assert (none["Truncation"][0], none["Batch norm"][0]) == ("0.0", "running statistics")
    with pytest.raises(RunError, match="^--truncation 1.5: must be at most 1, which changes nothing, for this run's"):
        draw(style_run, tmp_path / "x.npz", truncation=1.5)


def test_noise_cannot_be_truncated_to_nothing(small_run, tmp_path):
    with pytest.raises(
        RunError, match="^--truncation 0: must be above 0 for this run's generator: it limits the noise"
    ):
        draw(small_run, tmp_path / "x.npz", truncation=0.0)


def test_slerp_keeps_ends_and_length():
    rng = np.random.default_rng(0)
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in rng.standard_normal((2, 3, 5)))
    path = slerp(a, b, 4).reshape(3, 4, 5)
    np.testing.assert_allclose(path[:, 0], a, atol=1e-12)
    np.testing.assert_allclose(path[:, -1], b, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(path, axis=2), 1, atol=1e-12)
    steps = np.arccos((path[:, :-1] * path[:, 1:]).sum(2))
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(3), atol=1e-6)


def test_noise_without_an_arc_between_its_vectors_is_interpolated_linearly():
    """One-dimensional noise, where the angle is 0 or pi; and BEGAN's, which must stay in its cube."""
    ends = np.array([[0.5], [0.5]]), np.array([[1.5], [-0.5]])
    np.testing.assert_allclose(slerp(*ends, 3)[:, 0], [0.5, 1, 1.5, 0.5, 0, -0.5])
    ends = np.array([[1.0, -1.0]]), np.array([[1.0, 1.0]])
    np.testing.assert_allclose(straight(*ends, 3), [[1, -1], [1, 0], [1, 1]])


def test_a_grid_has_a_column_for_each_label_and_a_row_for_each_noise_vector(cgan_run, tmp_path):
    z = arrays(draw(cgan_run, tmp_path / "x.npz", num=2))["z"]
    images = generated(cgan_run, {"z": z.repeat(3, 0), "labels": np.array([3, 1, 4, 3, 1, 4])})
    with Image.open(draw(cgan_run, tmp_path / "x.png", num=8, labels="3, 1,4")) as picture:  # 8: two whole rows
        assert picture.text["Labels"] == "3, 1, 4"
        np.testing.assert_allclose(np.asarray(picture, int), grid(images, 3)[:, :, 0], atol=1)
    assert len(np.unique(to_uint8(images), axis=0)) == 6  # all differ, so the comparison also checks their order


@pytest.mark.parametrize(("num", "rows"), [(3, 1), (29, 2)])
def test_without_labels_the_columns_are_all_classes(num, rows, cgan_run, tmp_path):
    pictures = [
        np.asarray(Image.open(draw(cgan_run, tmp_path / "x.png", num=num, labels=labels)))
        for labels in (None, "0,1,2,3,4,5,6,7,8,9")
    ]
    assert pictures[0].shape == (rows * 30 + 2, 10 * 30 + 2)
    np.testing.assert_array_equal(*pictures)


def test_npz_holds_the_labels_in_turn_each_with_its_own_noise(cgan_run, tmp_path):
    result = arrays(draw(cgan_run, tmp_path / "x.npz", num=300, labels="7,2"))
    assert result["labels"].tolist() == [7, 2] * 150
    assert len(np.unique(result["z"], axis=0)) == 300
    assert result["Labels"][0] == "7, 2"
    images = generated(cgan_run, {name: result[name] for name in ("z", "labels")})
    np.testing.assert_allclose(result["images"].astype(int), to_uint8(images), atol=1)


def test_labels_can_be_names(clothes_run, tmp_path):
    named, numbered = (
        arrays(draw(clothes_run, tmp_path / "x.npz", labels=labels)) for labels in ("Coat,Ankle boot", "4,9")
    )
    assert named["Labels"][0] == numbered["Labels"][0] == "Coat, Ankle boot"
    np.testing.assert_array_equal(named["images"], numbered["images"])
    np.testing.assert_array_equal(named["labels"], [4, 9] * 5)


def test_in_a_folder_the_file_names_end_in_the_class(cgan_run, clothes_run, tmp_path):
    plain, named = (draw(run, tmp_path / run.name / "x", num=3, labels="9,0") for run in (cgan_run, clothes_run))
    assert sorted(path.name for path in plain.iterdir()) == ["00000_9.png", "00001_0.png", "00002_9.png"]
    expected = ["00000_Ankle_boot.png", "00001_T-shirt_top.png", "00002_Ankle_boot.png"]
    assert sorted(path.name for path in named.iterdir()) == expected


def test_in_a_strip_only_the_noise_changes(cgan_run, infogan_run, tmp_path):
    result = arrays(draw(cgan_run, tmp_path / "x.npz", num=9, interpolate=3, labels="5,8"))
    assert result["labels"].tolist() == [5, 5, 5, 8, 8, 8, 5, 5, 5]
    assert len(np.unique(result["z"], axis=0)) == 9
    result = arrays(draw(infogan_run, tmp_path / "y.npz", num=6, interpolate=3))
    assert result["category"].tolist() == [0, 0, 0, 1, 1, 1]
    codes = result["codes"].reshape(2, 3, 2)
    np.testing.assert_array_equal(codes, codes[:, :1].repeat(3, 1))
    assert (codes[0] != codes[1]).all()
    with Image.open(draw(infogan_run, tmp_path / "y.png", num=6, interpolate=3)) as strips:
        assert strips.size == (3 * 30 + 2, 2 * 30 + 2)


def test_the_columns_of_infogan_are_its_categories(infogan_run, tmp_path):
    result = arrays(draw(infogan_run, tmp_path / "x.npz", num=6))
    assert result["category"].tolist() == [0, 1, 2, 0, 1, 2]
    with Image.open(draw(infogan_run, tmp_path / "x.png", num=6)) as picture:
        images = generated(infogan_run, {name: result[name] for name in ("z", "category", "codes")})
        np.testing.assert_allclose(np.asarray(picture, int), grid(images, 3)[:, :, 0], atol=1)


def test_a_sweep_of_the_category_keeps_noise_and_codes_in_a_row(infogan_run, tmp_path):
    result = arrays(draw(infogan_run, tmp_path / "x.npz", num=8, sweep="category"))  # 8: two whole rows
    assert result["category"].tolist() == [0, 1, 2, 0, 1, 2]
    for name in ("z", "codes"):
        rows = result[name].reshape(2, 3, -1)
        np.testing.assert_array_equal(rows, rows[:, :1].repeat(3, 1))
        assert (rows[0] != rows[1]).all()
    with Image.open(draw(infogan_run, tmp_path / "x.png", num=8, sweep="category")) as picture:
        assert picture.size == (3 * 30 + 2, 2 * 30 + 2)


@pytest.mark.parametrize(("code", "swept", "other"), [("code1", 0, 1), ("code2", 1, 0)])
def test_a_sweep_of_a_code_goes_from_minus_2_to_2_in_each_category(code, swept, other, infogan_run, tmp_path):
    result = arrays(draw(infogan_run, tmp_path / "x.npz", sweep=code))
    assert result["category"].tolist() == [0] * 10 + [1] * 10 + [2] * 10
    np.testing.assert_allclose(result["codes"][:, swept], np.tile(np.linspace(-2, 2, 10), 3), rtol=1e-6)
    assert not result["codes"][:, other].any()
    np.testing.assert_array_equal(result["z"], result["z"][:1].repeat(30, 0))
    images = generated(infogan_run, {name: result[name] for name in ("z", "category", "codes")})
    with Image.open(draw(infogan_run, tmp_path / "x.png", sweep=code)) as picture:
        assert picture.text["Sweep"] == code
        np.testing.assert_allclose(np.asarray(picture, int), grid(images, 10)[:, :, 0], atol=1)


def test_files_are_known_in_any_case_and_folders_by_their_slash(small_run, tmp_path):
    (tmp_path / "there.bmp").mkdir()
    for out in ("x.PNG", "x.JPG", "x.NPZ", "v1.0", "new.png/", "there.bmp"):
        draw(small_run, f"{tmp_path}/{out}", num=4)
    with Image.open(tmp_path / "x.PNG") as png, Image.open(tmp_path / "x.JPG") as jpeg:
        assert (png.format, jpeg.format, png.mode, jpeg.mode) == ("PNG", "JPEG", "L", "L")
        np.testing.assert_allclose(np.asarray(png).astype(int), np.asarray(jpeg), atol=60)
        comment = jpeg.info["comment"].decode()
        assert comment == "\n".join(f"{key}: {value}" for key, value in png.text.items())
    assert arrays(tmp_path / "x.NPZ")["images"].shape == (4, 28, 28, 1)
    for folder in ("v1.0", "new.png", "there.bmp"):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == [f"{i:05d}.png" for i in range(4)]


@pytest.fixture
def animals_run(cgan_run, tmp_path):
    """A copy of cgan_run with classes as ImageNet's."""
    copy = shutil.copytree(cgan_run, tmp_path / "animals")
    names = ["tench, Tinca tinca", "hen", "\u73ab\u7470", "a" * 250, "\u73ab" * 80, *"fghij"]
    record = json.loads((copy / "run.json").read_text())
    record["fields"]["label"]["names"] = names
    (copy / "run.json").write_text(json.dumps(record))
    return copy


def test_a_name_with_commas_and_long_and_chinese_names_are_drawn(animals_run, tmp_path):
    names = ",".join(["tench, Tinca tinca", "hen", "\u73ab\u7470", "a" * 250, "\u73ab" * 80])
    with Image.open(draw(animals_run, tmp_path / "x.png", labels=names)) as picture:
        assert picture.text["Labels"] == names.replace(",hen", ", hen").replace(",\u73ab", ", \u73ab").replace(
            ",a", ", a"
        )
    assert arrays(draw(animals_run, tmp_path / "x.npz", labels=names))["labels"].tolist() == [0, 1, 2, 3, 4] * 2
    drawn = draw(animals_run, tmp_path / "x", num=5, labels=names)
    assert sorted(path.name for path in drawn.iterdir()) == [
        "00000_tench_Tinca_tinca.png",
        "00001_hen.png",
        "00002_\u73ab\u7470.png",
        f"00003_{'a' * 200}.png",
        "00004_" + "\u73ab" * 66 + ".png",
    ]


def test_what_does_not_fit_into_memory_is_one_line(small_run, cgan_run, tmp_path):
    for run, keys in ((small_run, {"num": 10**12}), (cgan_run, {"num": 1, "interpolate": 10**12})):
        message = r"^--num 1000000000000 takes [\d,]+ GB, and \d+ GB are free: not enough memory; give less at once"
        with pytest.raises(RunError, match=message):
            draw(run, tmp_path / "x.npz", **keys)
    assert not (tmp_path / "x.npz").exists()


def test_inputs_that_the_generator_does_not_take_are_an_error(small_run, cgan_run, infogan_run, clothes_run, tmp_path):
    out = tmp_path / "x.png"
    with pytest.raises(RunError, match=r"^--labels: unknown class '10'; there are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9$"):
        draw(cgan_run, out, labels="3,10")
    with pytest.raises(
        RunError, match="^--labels: unknown class 'Hat'; there are: 0, .*, T-shirt/top, .*, Ankle boot$"
    ):
        draw(clothes_run, out, labels="Coat,Hat")
    with pytest.raises(RunError, match="^--labels: unknown class ''; there are: 0, "):
        draw(cgan_run, out, labels="3,")
    with pytest.raises(RunError, match=r"^--labels: this run's generator takes no labels \(method: gan\)$"):
        draw(small_run, out, labels="3")
    with pytest.raises(RunError, match="^--sweep code3: unknown code; there are: category, code1, code2$"):
        draw(infogan_run, out, sweep="code3")
    for run, name in ((small_run, "gan"), (cgan_run, "cgan")):
        with pytest.raises(RunError, match=rf"^--sweep: .* takes no codes \(method: {name}\); only infogan's does$"):
            draw(run, out, sweep="category")
    assert not out.exists()


def test_errors_name_the_thing(small_run, tmp_path):
    with pytest.raises(RunError, match=r"--out x.bmp: unknown file type .bmp; give FILE.png, FILE.npz or a folder"):
        draw(small_run, type(tmp_path)("x.bmp"))
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
