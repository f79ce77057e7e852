import concurrent.futures
import io
import json
import os
import shutil
import sys

import numpy as np
import paddle
import pytest
from conftest import ROOT, lasting
from PIL import Image

from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.engine import loop
from ppgan_lite.errors import CheckpointError, ConfigError, RunError
from ppgan_lite.methods.gan import GAN


@pytest.fixture
def copy(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "copy")


def train(config, folder, **flags):
    flags = {"resume": False, "overwrite": False, "device": "cpu", "dry_run": False} | flags
    return loop.train(config, folder, **flags)


def snapshot(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_epochs_are_passes_over_whole_batches(small_tree, tmp_path, capsys):
    small_tree["train"] |= {"steps": None, "epochs": 3}
    train(check_config(small_tree), tmp_path / "run", dry_run=True)
    assert "length: 15 steps on cpu" in capsys.readouterr().out


def test_keys_without_effect_are_named_in_one_line(small_tree, tmp_path, capsys):
    small_tree["train"] |= {"steps": 2, "epochs": 3}
    train(check_config(small_tree), tmp_path / "run", dry_run=True)
    assert capsys.readouterr().err == "warning: train.epochs has no effect: train.steps is given\n"


def test_a_run_too_short_for_the_full_size_is_named_before_it_starts(tmp_path, capsys):
    """Three doublings from 4x4 to 32x32 pixels, of 3 + 2 steps each."""
    data = ["data={name: fake, size: 32, batch_size: 8, num_images: 8}", "method.hold=3", "method.fade=2"]
    for steps, warned in ((14, True), (15, False)):
        config = load_config(ROOT / "configs" / "progan_flowers64_cpu.yml", [*data, f"train.steps={steps}"])
        train(config, tmp_path / "run", dry_run=True)
        err = capsys.readouterr().err
        assert err.startswith("warning: progan reaches 32x32 pixels in step 15, but the run has 14;") == warned


def test_a_dry_run_tells_all_and_writes_nothing(small_config, tmp_path, capsys):
    assert train(small_config, tmp_path / "run", dry_run=True) == 0
    out = capsys.readouterr().out
    assert "data: rendered_digits (44 images from OpenCV" in out
    assert "network g: " in out
    assert "parameters, and " in out
    assert "num_images: 44" in out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_decodes_no_picture(small_tree, tmp_path, monkeypatch):
    monkeypatch.setenv("PPGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    for number in range(30):
        pixels = np.random.default_rng(number).integers(0, 256, [28, 28], "uint8")
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    (tmp_path / "pictures" / "0.png").write_bytes(b"damaged")  # would be an error
    small_tree["data"] = {"name": "folder", "root": str(tmp_path / "pictures"), "size": 28, "channels": 1}
    small_tree["data"] |= {"batch_size": 4, "test_share": 0}
    for cache in ("disk", "memory"):
        small_tree["data"]["cache"] = cache
        assert train(check_config(small_tree), tmp_path / "run", dry_run=True) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_a_training_in_a_thread_ends_like_any_other(small_config, small_run, tmp_path):
    """Python lets no other thread than the main one handle signals."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert pool.submit(train, small_config, tmp_path / "run").result() == 0
    assert lasting(tmp_path / "run", 12) == lasting(small_run, 12)


def test_a_console_that_is_closed_costs_no_step(small_config, tmp_path, monkeypatch, capsys):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    assert train(small_config, tmp_path / "run") == 0
    assert sys.stdout is closed
    assert "warning: standard output cannot be written (I/O operation on closed file" in capsys.readouterr().err


def test_a_finished_run_resumes_to_its_end(small_config, copy):
    before = json.loads((copy / "checkpoints" / "step_00000012" / "manifest.json").read_text())
    assert train(small_config, copy, resume=True) == 0
    assert json.loads((copy / "checkpoints" / "step_00000012" / "manifest.json").read_text()) == before


def test_a_longer_run_may_be_asked_of_a_finished_one(small_tree, copy):
    small_tree["train"] |= {"steps": 14}
    assert train(check_config(small_tree), copy, resume=True) == 0
    records = [json.loads(line) for line in (copy / "metrics.jsonl").open()]
    assert [record["step"] for record in records if "loss/g" in record] == list(range(1, 15))
    assert [record["step"] for record in records if "health/diversity" in record] == [5, 10]


def test_a_run_killed_before_its_first_checkpoint_starts_again(small_config, small_run, copy, capsys):
    shutil.rmtree(copy / "checkpoints")
    assert train(small_config, copy, resume=True) == 0
    assert "no checkpoint was saved yet: starting from step 0" in capsys.readouterr().err
    manifests = [(run / "checkpoints" / "step_00000012" / "manifest.json").read_text() for run in (copy, small_run)]
    assert manifests[0] == manifests[1]


def test_a_run_killed_before_its_first_checkpoint_is_not_replaced_by_another(small_tree, copy):
    shutil.rmtree(copy / "checkpoints")
    small_tree["train"]["seed"] = 4
    before = snapshot(copy)
    with pytest.raises(ConfigError, match="train.seed: 4, not 3 as in"):
        train(check_config(small_tree), copy, resume=True)
    assert snapshot(copy) == before


def test_on_another_machine_a_warning_says_that_bits_may_differ(small_config, copy, capsys):
    record = json.loads((copy / "run.json").read_text())
    record["sessions"][-1]["runtime"]["OMP_NUM_THREADS"] = "99"
    (copy / "run.json").write_text(json.dumps(record))
    assert train(small_config, copy, resume=True) == 0
    change = f"OMP_NUM_THREADS was 99 and is now {os.environ['OMP_NUM_THREADS']}"
    expected = f"warning: {change}: the run will not equal an uninterrupted one bit for bit\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("generator", "ngf", 3, "generator.ngf: 3, not 2 as in "),
        ("optim", "g", {"name": "adam", "lr": 0.5}, "optim.g.betas"),
        ("train", "seed", 4, "train.seed: 4, not 3"),
        ("data", "batch_size", 4, "data.batch_size: 4, not 8"),
    ],
)
def test_resuming_with_a_changed_config_is_refused(small_tree, copy, section, key, value, message):
    small_tree[section][key] = value
    before = snapshot(copy)
    with pytest.raises(ConfigError, match=message):
        train(check_config(small_tree), copy, resume=True)
    assert snapshot(copy) == before


def test_a_checkpoint_of_another_run_is_refused(small_tree, copy, tmp_path):
    small_tree["method"]["z_dim"] = 9
    train(check_config(small_tree), tmp_path / "other")
    small_tree["method"]["z_dim"] = 8
    shutil.rmtree(copy / "checkpoints")
    shutil.copytree(tmp_path / "other" / "checkpoints", copy / "checkpoints")
    with pytest.raises(ConfigError, match="method.z_dim: 8, not 9 as in "):
        train(check_config(small_tree), copy, resume=True)


def test_resuming_on_other_data_is_refused(small_config, copy):
    record = json.loads((copy / "run.json").read_text())
    record["data"] |= {"sha256": "0" * 64, "name": "mnist", "origin": "elsewhere"}
    (copy / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunError, match="was trained on mnist from elsewhere, but the data is now rendered_digits"):
        train(small_config, copy, resume=True)


def test_a_damaged_newest_checkpoint_is_reported_and_made_again(small_config, small_run, copy, capsys):
    path = copy / "checkpoints" / "step_00000012" / "network_g.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert train(small_config, copy, resume=True) == 0
    assert "warning: " in (err := capsys.readouterr().err)
    assert "network_g.safetensors: damaged" in err
    assert path.read_bytes() == (small_run / "checkpoints" / "step_00000012" / "network_g.safetensors").read_bytes()


def test_a_damaged_checkpoint_does_not_drive_out_the_good_ones(small_tree, copy):
    (copy / "checkpoints" / "step_00000012" / "manifest.json").write_text("")
    small_tree["train"] |= {"steps": 10, "save_every": 5, "keep": 1}
    assert train(check_config(small_tree), copy, resume=True) == 0
    names = sorted(path.name for path in (copy / "checkpoints").iterdir())
    assert names == ["damaged_step_00000012", "step_00000010"]
    assert train(check_config(small_tree), copy, resume=True) == 0


def test_no_whole_checkpoint_is_an_error_and_nothing_is_lost(small_config, copy):
    for path in copy.glob("checkpoints/*/manifest.json"):
        path.write_text("{}")
    before = snapshot(copy)
    with pytest.raises(CheckpointError, match="no undamaged checkpoint"):
        train(small_config, copy, resume=True)
    assert snapshot(copy) == before


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_last_good_checkpoint(small_tree, tmp_path, monkeypatch):
    plain = GAN.train_step

    def broken(self, batches, step):
        scalars = plain(self, batches, step)
        return scalars | ({"loss/g": paddle.to_tensor(float("nan"))} if step == 7 else {})

    monkeypatch.setattr(GAN, "train_step", broken)
    small_tree["train"] |= {"log_every": 10}  # found when the host next looks: at the save of step 8
    with pytest.raises(RunError, match=r"loss/g is nan at step 7; the last good checkpoint is step 4 in .*checkpoints"):
        train(check_config(small_tree), tmp_path / "run")
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step_00000004"]
    monkeypatch.setattr(GAN, "train_step", plain)
    assert train(check_config(small_tree), tmp_path / "run", resume=True) == 0


def test_a_divergence_is_found_without_a_broken_step(small_tree, tmp_path):
    for name in small_tree["optim"]:
        small_tree["optim"][name]["lr"] = 1e30
    with pytest.raises(RunError, match=r"(is (nan|inf) at step|is not finite after step)"):
        train(check_config(small_tree), tmp_path / "run")


def test_a_batch_larger_than_the_data_writes_nothing(small_tree, tmp_path):
    from ppgan_lite.errors import DataError

    small_tree["data"]["batch_size"] = 45
    with pytest.raises(DataError, match="45 is larger than the data set of 44 images"):
        train(check_config(small_tree), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_machine_without_a_gpu_says_so(small_config, tmp_path):
    if paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count():
        pytest.skip("this machine has a GPU")
    with pytest.raises(RunError, match="--device gpu: no usable GPU"):
        train(small_config, tmp_path / "run", device="gpu")
    assert list(tmp_path.iterdir()) == []
