"""Evaluations by a config. What tools/evaluate.py does with them is in tests/tools/test_evaluate.py."""

import io
import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from ppgan_lite.commands.evaluate import evaluate
from ppgan_lite.config.load import check_config
from ppgan_lite.data import cifar, download
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import ConfigError, DataError, EvaluationError, RunError
from ppgan_lite.evaluation import evaluation as runs
from ppgan_lite.evaluation.evaluation import obstacle
from ppgan_lite.evaluation.feature_network import FeatureNetwork
from ppgan_lite.runs.run import Run


def test_points_are_refused_before_a_step_is_taken(small_tree, tmp_path):
    small_tree["generator"] = small_tree["discriminator"] = {"name": "fully_connected", "widths": [4]}
    small_tree["data"] = {"name": "gaussians", "batch_size": 8, "num_images": 1000, "dims": 2, "modes": 3}
    small_tree["train"]["evaluate_every"] = 2
    with pytest.raises(ConfigError) as error:
        train(check_config(small_tree), tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False)
    assert str(error.value) == (
        "train.evaluate_every: gaussians: points cannot be evaluated: the metrics are for images; "
        "set it to null to train without evaluations"
    )
    assert not (tmp_path / "run").exists()


@pytest.fixture
def jpegs(tmp_path):
    """A data root with 120 training and 102 test pictures of cifar10_jpeg, of random pixels."""
    rng = np.random.default_rng(0)
    (tmp_path / "data" / "cifar10-jpeg").mkdir(parents=True)
    with zipfile.ZipFile(tmp_path / "data" / "cifar10-jpeg" / "cifar10_images.zip", "w") as file:
        for split, num in (("train", 40), ("test", 34)):
            for name in [f"{split}/{kind}/{i}.jpg" for kind in ("bird", "cat", "ship") for i in range(num)]:
                stream = io.BytesIO()
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype="uint8")).save(stream, "JPEG")
                file.writestr(name, stream.getvalue())
    return tmp_path / "data"


def test_a_run_on_jpegs_for_cifar10_is_measured_on_their_test_pictures(small_tree, jpegs, tmp_path, monkeypatch):
    """When it is measured, no mirror is asked again: CIFAR-10 itself might be there by then."""
    monkeypatch.delenv("PPGAN_DATA", raising=False)
    monkeypatch.setattr(download, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(cifar, "MIRRORS", ())
    small_tree["generator"] = {"name": "dcgan64", "ngf": 2}
    small_tree["discriminator"] = {"name": "dcgan64", "ndf": 2}
    small_tree["data"] = {"name": "cifar10", "root": str(jpegs), "offline": "cifar10_jpeg", "batch_size": 8}
    small_tree["train"]["steps"] = 1
    assert train(check_config(small_tree), tmp_path / "run", False, False, "cpu", False) == 0
    run = Run.open_existing(tmp_path / "run")
    assert run.source.title == "cifar10_jpeg, standing in for cifar10"

    def features(name, data, field):
        assert (data, field.kind, field.shape) == ("cifar10_jpeg", "image", (3, 32, 32))
        return FeatureNetwork("means", "0" * 64, "none", lambda images: (images.mean([2, 3]), images.mean([2, 3])))

    monkeypatch.setattr(runs, "load_features", features)
    monkeypatch.setattr(cifar, "find_or_download", lambda *arguments: pytest.fail("looked for CIFAR-10"))
    evaluate(tmp_path / "run", None, None, "auto", 0, None, "cpu")
    (result,) = run.results.read()
    test = cifar.build_jpeg(run.config().data, "test")
    assert len(test) == result.protocol["num_real"] == 102
    assert (result.protocol["data"], result.protocol["data_sha256"]) == ("cifar10_jpeg", test.source.sha256)
    assert result.protocol["train_sha256"] == run.source.sha256


def own_pictures(tree, folder, **data):
    """The small experiment, for two steps, on the pictures of a folder."""
    tree["generator"], tree["discriminator"] = {"name": "dcgan64", "ngf": 2}, {"name": "dcgan64", "ndf": 2}
    tree["data"] = {"name": "folder", "root": str(folder), "batch_size": 8, "size": 32, "workers": 0} | data
    tree["train"]["steps"] = 1
    return tree


def write_noise(folder, num):
    """Write `num` pictures of random pixels, 32x32, as files 0000.png, ...; returns the folder."""
    rng = np.random.default_rng(num)
    folder.mkdir(parents=True)
    for i in range(num):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype="uint8")).save(folder / f"{i:04d}.png")
    return folder


def train_on(tree, folder):
    assert train(check_config(tree), folder, resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    return folder


def measure(run, data_root=None):
    return evaluate(run, None, None, "auto", 0, None, "cpu", data_root)


@pytest.mark.parametrize(
    ("num", "advice"),
    [
        (16, "; add pictures: about 260 are needed, and -o data.test_share=0.5 (now 0.1)"),
        (60, "; add pictures: about 260 are needed, and -o data.test_share=0.5 (now 0.1)"),
        (500, "; train with -o data.test_share=0.26 (now 0.1) to hold out about 130 of 500 pictures"),
    ],
)
def test_too_few_pictures_to_evaluate_are_reported_when_the_training_starts(num, advice, small_tree, tmp_path, capsys):
    pictures = write_noise(tmp_path / "pictures", num)
    run = train_on(own_pictures(small_tree, pictures), tmp_path / "run")
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if "evaluated" in line]
    assert line.startswith("warning: this run cannot be evaluated: ")
    assert " images are too few to evaluate; at least 100 are needed (there are " in line
    assert line.endswith(advice)
    with pytest.raises(EvaluationError) as error:
        measure(run)
    assert str(error.value) == line.removeprefix("warning: this run cannot be evaluated: ")
    small_tree["train"]["evaluate_every"] = 1
    with pytest.raises(ConfigError, match="^train.evaluate_every: .* are too few to evaluate; .*; set it to null"):
        train_on(small_tree, tmp_path / "other")


def test_the_advice_holds_out_enough_pictures(small_tree, tmp_path):
    pictures = write_noise(tmp_path / "pictures", 260)
    assert "add pictures" not in obstacle(check_config(own_pictures(small_tree, pictures)))
    for share in (0.5, obstacle(check_config(small_tree)).partition("test_share=")[2].split()[0]):
        small_tree["data"]["test_share"] = float(share)
        assert obstacle(check_config(small_tree)) is None


def test_folders_for_testing_are_named_where_test_share_has_no_effect(small_tree, tmp_path):
    write_noise(tmp_path / "pictures" / "train", 120)
    write_noise(tmp_path / "pictures" / "test", 7)
    message = obstacle(check_config(own_pictures(small_tree, tmp_path / "pictures")))
    assert message == (
        "7 images are too few to evaluate; at least 100 are needed (there are 7 test images); put at least 100 "
        "pictures into each of the folders for training and for testing"
    )


def test_a_gan_without_labels_is_measured_on_test_pictures_without_classes(small_tree, tmp_path, capsys):
    for kind in ("cats", "dogs"):
        write_noise(tmp_path / "pictures" / "train" / kind, 60)
    write_noise(tmp_path / "pictures" / "test", 101)
    run = train_on(own_pictures(small_tree, tmp_path / "pictures"), tmp_path / "run")
    assert "evaluated" not in capsys.readouterr().err
    assert measure(run).protocol["num_real"] == 101


def test_a_run_is_measured_on_its_pictures_wherever_they_are_now(small_tree, tmp_path, monkeypatch):
    pictures = write_noise(tmp_path / "pictures", 260)
    run = train_on(own_pictures(small_tree, pictures, test_share=0.5), tmp_path / "run")
    before = measure(run)
    moved = pictures.rename(tmp_path / "moved")
    with pytest.raises(DataError, match="pictures: no such folder .*; if the data was moved, give --data-root PATH$"):
        measure(run)
    after = measure(run, str(moved))
    assert (after.protocol, after.figures) == (before.protocol, before.figures)
    monkeypatch.setenv("PPGAN_DATA", str(tmp_path))
    assert measure(run, "moved").figures == before.figures
    with pytest.raises(DataError, match="elsewhere: no such folder .*; if the data was moved, give --data-root PATH$"):
        measure(run, "elsewhere")


def test_other_data_in_the_place_named_is_refused(small_tree, small_run, tmp_path):
    pictures = write_noise(tmp_path / "pictures", 260)
    run = train_on(own_pictures(small_tree, pictures, test_share=0.5), tmp_path / "run")
    other = shutil.copytree(pictures, tmp_path / "other")
    (other / "0000.png").unlink()
    with pytest.raises(
        EvaluationError, match="but the data is now .*; give the data of the training with --data-root PATH$"
    ):
        measure(run, str(other))
    message = "^--data-root x: the data of this run, rendered_digits, is not read from files$"
    with pytest.raises(RunError, match=message):
        measure(small_run, "x")
