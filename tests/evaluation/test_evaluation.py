"""Evaluations by a config. What tools/evaluate.py does with them is in tests/tools/test_evaluate.py."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from ppgan_lite.commands.evaluate import evaluate
from ppgan_lite.config.load import check_config
from ppgan_lite.data import cifar, download
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import ConfigError
from ppgan_lite.evaluation import evaluation as runs
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
