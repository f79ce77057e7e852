"""Health and evaluation while a run trains: what is told, kept and stopped, with what really goes wrong."""

import json
import os
import signal

import numpy as np
import pytest
from conftest import one_line_error, run_tool
from visualdl import LogReader

from ppgan_lite.config import check_config
from ppgan_lite.engine import checkpoint
from ppgan_lite.engine.loop import train
from ppgan_lite.engine.run import Run
from ppgan_lite.errors import RunError
from ppgan_lite.methods.gan import GAN


def start(config, folder, resume=False):
    return train(config, folder, resume=resume, overwrite=False, device="cpu", dry_run=False)


def records(folder, key):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    return [line for line in lines if key in line]


@pytest.fixture
def collapsing(small_tree):
    """An experiment whose G ignores its noise, so that all its images are alike."""
    small_tree["train"] |= {"steps": 300, "log_every": 10, "preview_every": 50, "save_every": 1000, "seed": 0}
    return small_tree


@pytest.fixture
def constant_g(monkeypatch):
    monkeypatch.setattr(GAN, "draw_z", lambda self, num: self.networks["d"].linear2.bias.expand([num, 8]) * 0 + 0.5)


def test_a_collapse_is_told_in_words_and_kept(collapsing, constant_g, tmp_path, capsys):
    assert start(check_config(collapsing), tmp_path / "run") == 0
    out = capsys.readouterr().out
    assert "*** COLLAPSE at step 250, since step 50: the generated images are nearly alike" in out
    assert "may help: a larger method.z_dim" in out
    (told,) = records(tmp_path / "run", "diagnosis")
    assert (told["diagnosis"], told["step"], told["since"]) == ("collapse", 250, 50)
    assert told["words"] in out
    assert all(record["health/diversity"] < 0.01 for record in records(tmp_path / "run", "health/diversity"))
    (file,) = (tmp_path / "run" / "log" / "health").iterdir()
    (text,) = LogReader(file_path=str(file)).get_data("text", "diagnosis")
    assert text.text.encoded_text_string == f"collapse: {told['words']}"


def test_stop_on_ends_the_run_after_saving(collapsing, constant_g, tmp_path, capsys):
    collapsing["train"]["stop_on"] = ["collapse"]
    with pytest.raises(RunError, match="stopped at step 250 by train.stop_on: collapse"):
        start(check_config(collapsing), tmp_path / "run")
    assert checkpoint.list_steps(tmp_path / "run" / "checkpoints") == [250]
    assert "saved step 250 of 300" in capsys.readouterr().out


def test_stop_on_something_else_does_not(collapsing, constant_g, tmp_path):
    collapsing["train"] |= {"stop_on": ["convergence_failure"], "steps": 260}
    assert start(check_config(collapsing), tmp_path / "run") == 0


def test_a_diagnosis_outlives_an_interruption_and_is_told_once(collapsing, constant_g, tmp_path, monkeypatch, capsys):
    plain = GAN.train_step

    def interrupted(self, batches, step):
        if step == 155:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, batches, step)

    config = check_config(collapsing)
    with monkeypatch.context() as patch:
        patch.setattr(GAN, "train_step", interrupted)
        assert start(config, tmp_path / "run") == 128 + signal.SIGTERM
    assert records(tmp_path / "run", "diagnosis") == []
    assert start(config, tmp_path / "run", resume=True) == 0
    (told,) = records(tmp_path / "run", "diagnosis")
    assert (told["step"], told["since"]) == (250, 50)
    capsys.readouterr()
    collapsing["train"]["steps"] = 320
    assert start(check_config(collapsing), tmp_path / "run", resume=True) == 0
    assert "COLLAPSE" not in capsys.readouterr().out
    assert len(records(tmp_path / "run", "diagnosis")) == 1


def test_gradient_norms_are_logged_where_steps_are(small_run):
    lines = records(small_run, "loss/g")
    assert len(lines) == 12
    for line in lines:
        norms = [line[f"grad_norm/{name}"] for name in ("g", "d_real", "d_fake")]
        assert np.isfinite(norms).all()
        assert min(norms) > 0


@pytest.fixture
def evaluated(small_tree, tmp_path):
    """A run evaluated at steps 4, 8 and 12."""
    small_tree["data"]["num_images"] = 720  # 120 test images
    small_tree["train"] |= {"evaluate_every": 4, "keep": 1}
    assert start(check_config(small_tree), tmp_path / "run") == 0
    return tmp_path / "run"


def test_evaluations_are_kept_and_drawn_and_the_best_checkpoint_stays(evaluated):
    run = Run.open_existing(evaluated)
    results = run.read_results()
    assert [result.step for result in results] == [4, 8, 12]
    distances = [result.figures["frechet_distance"].value for result in results]
    (best,) = checkpoint.list_steps(run.best)
    assert best == results[int(np.argmin(distances))].step
    assert checkpoint.list_steps(run.checkpoints) == [12]
    assert checkpoint.load_step(run.best, best).step == best
    (file,) = (evaluated / "log" / "evaluation").iterdir()
    drawn = LogReader(file_path=str(file)).get_data("scalar", "frechet_distance")
    assert [point.id for point in drawn] == [4, 8, 12]
    np.testing.assert_allclose([point.value for point in drawn], distances, rtol=1e-6)


def test_evaluating_changes_nothing_in_training(evaluated, small_tree, tmp_path):
    small_tree["data"]["num_images"] = 720
    small_tree["train"] |= {"keep": 1}
    assert start(check_config(small_tree), tmp_path / "quiet") == 0
    manifests = [
        json.loads((folder / "checkpoints" / "step_00000012" / "manifest.json").read_text())["files"]
        for folder in (evaluated, tmp_path / "quiet")
    ]
    assert manifests[0] == manifests[1]


def test_resuming_forgets_what_was_measured_later(evaluated, small_tree):
    small_tree["data"]["num_images"] = 720
    run = Run.open_existing(evaluated)
    with run:
        run.resume(check_config(small_tree), "cpu", 7)
    assert [result.step for result in run.read_results()] == [4]
    assert all(step <= 7 for step in checkpoint.list_steps(run.best))


def test_too_few_images_to_evaluate_stop_the_run_before_its_first_step(small_file, tmp_path):
    code, _, err = run_tool(
        "train", "-c", small_file, "-o", "train.evaluate_every=4", "--run-dir", tmp_path / "run", "--device", "cpu"
    )
    assert code == 2
    assert "too few images to measure by; give at least 100" in one_line_error(err)
