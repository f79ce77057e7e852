"""Health and evaluation while a run trains: what is reported, kept and stopped, with real failures."""

import dataclasses
import json
import os
import shutil
import signal

import numpy as np
import paddle
import pytest
from conftest import ROOT, lasting, one_line_error, run_tool
from PIL import Image
from visualdl import LogReader

import ppgan_lite
from ppgan_lite.config.build import build_dataset, build_method
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import ConfigError, RunError
from ppgan_lite.evaluation.evaluation import Evaluation
from ppgan_lite.methods import samplers
from ppgan_lite.methods.gan import GAN
from ppgan_lite.pictures.grid import grid
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.log import Log
from ppgan_lite.runs.results import Figure, Result
from ppgan_lite.runs.run import Run


def start(config, folder, resume=False):
    return train(config, folder, resume=resume, overwrite=False, device="cpu", dry_run=False)


def records(folder, key):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").open()]
    return [line for line in lines if key in line]


@pytest.fixture
def collapsing(small_tree):
    """An experiment in which G will ignore its noise, so that all its images are alike."""
    small_tree["train"] |= {"steps": 300, "log_every": 10, "preview_every": 50, "save_every": 1000, "seed": 0}
    return small_tree


@pytest.fixture
def constant_g(monkeypatch):
    monkeypatch.setattr(GAN, "draw_z", lambda self, num: paddle.full([num, 8], 0.5))
    monkeypatch.setattr(samplers, "_draw", lambda port, num, truncation: paddle.full([num, 8], 0.5))


def test_a_collapse_is_reported_in_words_and_kept(collapsing, constant_g, tmp_path, capsys):
    assert start(check_config(collapsing), tmp_path / "run") == 0
    out = capsys.readouterr().out
    assert "*** COLLAPSE at step 250, since step 50: the generated images are nearly alike" in out
    assert "may help: a larger method.z_dim" in out
    (diagnosis,) = records(tmp_path / "run", "diagnosis")
    assert (diagnosis["diagnosis"], diagnosis["step"], diagnosis["since"]) == ("collapse", 250, 50)
    assert diagnosis["words"] in out
    assert all(record["health/diversity"] < 0.01 for record in records(tmp_path / "run", "health/diversity"))
    (file,) = (tmp_path / "run" / "log" / "health").iterdir()
    (text,) = LogReader(file_path=str(file)).get_data("text", "diagnosis")
    shown = text.text.encoded_text_string
    assert shown.startswith(f"collapse, since step 50: {diagnosis['words']}; may help: a larger method.z_dim; ")


def test_stop_on_ends_the_run_after_saving(collapsing, constant_g, tmp_path, capsys):
    collapsing["train"]["stop_on"] = ["collapse"]
    with pytest.raises(RunError, match="stopped at step 250 by train.stop_on: collapse"):
        start(check_config(collapsing), tmp_path / "run")
    assert checkpoint.list_steps(tmp_path / "run" / "checkpoints") == [250]
    assert "saved step 250 of 300" in capsys.readouterr().out


def test_stop_on_something_else_does_not(collapsing, constant_g, tmp_path):
    collapsing["train"] |= {"stop_on": ["convergence_failure"], "steps": 260}
    assert start(check_config(collapsing), tmp_path / "run") == 0


def test_a_diagnosis_outlives_an_interruption_and_is_reported_once(
    collapsing, constant_g, tmp_path, monkeypatch, capsys
):
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
    (diagnosis,) = records(tmp_path / "run", "diagnosis")
    assert (diagnosis["step"], diagnosis["since"]) == (250, 50)
    capsys.readouterr()
    collapsing["train"]["steps"] = 320
    assert start(check_config(collapsing), tmp_path / "run", resume=True) == 0
    assert "COLLAPSE" not in capsys.readouterr().out
    assert len(records(tmp_path / "run", "diagnosis")) == 1


def pictured(folder, tag):
    """Steps of the pictures in VisualDL's log of samples."""
    (file,) = (folder / "log" / "samples").iterdir()
    return [record.id for record in LogReader(file_path=str(file)).get_data("image", tag)]


def test_real_images_are_next_to_the_previews(small_run, small_config):
    data = build_dataset(small_config)
    indices = np.random.default_rng(0).permutation(44)
    with Image.open(small_run / "samples" / "real.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), grid(data.batch(indices)["image"], 16)[:, :, 0])
        assert picture.text == {
            "Software": f"ppgan_lite {ppgan_lite.__version__}", "Data": "rendered_digits", "Images": "real"
        }  # fmt: skip
    assert pictured(small_run, "real") == [0]


def test_real_images_are_in_colour_where_the_data_is(small_tree, tmp_path):
    small_tree["generator"] = small_tree["discriminator"] = {"name": "fully_connected", "widths": [4]}
    small_tree["data"] = {"name": "fake", "batch_size": 8, "num_images": 200, "size": 16, "channels": 3}
    small_tree["train"] |= {"steps": 1}
    assert start(check_config(small_tree), tmp_path / "run") == 0
    with Image.open(tmp_path / "run" / "samples" / "real.png") as picture:
        assert (picture.mode, picture.size) == ("RGB", (16 * 18 + 2, 8 * 18 + 2))


def test_real_images_are_drawn_once_and_shown_after_a_resume(small_run, small_tree, tmp_path):
    copy = shutil.copytree(small_run, tmp_path / "run")
    before = (copy / "samples" / "real.png").stat()
    small_tree["train"]["steps"] = 14
    assert start(check_config(small_tree), copy, resume=True) == 0
    assert (copy / "samples" / "real.png").stat().st_mtime_ns == before.st_mtime_ns
    assert pictured(copy, "real") == [0]
    assert pictured(copy, "numbers") == [5, 10, 12, 14]


def test_a_run_of_an_older_version_gets_its_real_images_when_it_is_resumed(small_run, small_tree, tmp_path):
    copy = shutil.copytree(small_run, tmp_path / "run")
    (copy / "samples" / "real.png").unlink()
    small_tree["train"]["steps"] = 13
    assert start(check_config(small_tree), copy, resume=True) == 0
    assert (copy / "samples" / "real.png").read_bytes() == (small_run / "samples" / "real.png").read_bytes()
    assert pictured(copy, "real") == [0]


def test_real_images_change_nothing_in_training(small_run, small_config, tmp_path, monkeypatch):
    monkeypatch.setattr(Log, "add_real", lambda self, pixels, metadata: None)
    assert start(small_config, tmp_path / "without") == 0
    assert not (tmp_path / "without" / "samples" / "real.png").exists()
    assert lasting(tmp_path / "without", 12) == lasting(small_run, 12)


def test_a_classifier_and_points_have_no_picture_of_real_images(small_tree, tmp_path):
    tree = {
        "method": {"name": "classifier"},
        "classifier": {"name": "softmax"},
        "optim": {"c": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}},
        "data": small_tree["data"],
        "train": small_tree["train"] | {"steps": 1},
    }
    assert start(check_config(tree), tmp_path / "classifier") == 0
    toy = load_config(ROOT / "configs" / "gan_toy1d.yml", ["train.steps=1"])
    assert start(toy, tmp_path / "points") == 0
    for name in ("classifier", "points"):
        assert not (tmp_path / name / "samples" / "real.png").exists()


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
    results = run.results.read()
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
    assert [result.step for result in run.results.read()] == [4]
    assert all(step <= 7 for step in checkpoint.list_steps(run.best))


def test_too_few_images_to_evaluate_stop_the_run_before_its_first_step(small_file, tmp_path):
    code, _, err = run_tool(
        "train", "-c", small_file, "-o", "train.evaluate_every=4", "--run-dir", tmp_path / "run", "--device", "cpu"
    )
    assert code == 2
    assert "images are too few to evaluate; at least 100 are needed" in one_line_error(err)


def test_the_best_checkpoint_does_not_give_way_to_a_worse_one(evaluated, small_tree):
    """Whatever lies in evaluations/: what best/ holds is compared with its own result."""
    small_tree["data"]["num_images"] = 720
    run, config = Run.open_existing(evaluated), check_config(small_tree)
    (best,) = checkpoint.list_steps(run.best)
    result = next(result for result in run.results.read() if result.step == best)
    for path in (evaluated / "evaluations").iterdir():
        path.unlink()
    method = build_method(config, run.spec)
    worse = dataclasses.replace(result, step=14, figures={"frechet_distance": Figure(result.distance + 1)})
    run.results.keep_best(worse, method, config)
    assert checkpoint.list_steps(run.best) == [best]
    run.results.keep_best(dataclasses.replace(worse, protocol={"other": 1}), method, config)  # cannot be compared
    assert checkpoint.list_steps(run.best) == [14]
    better = dataclasses.replace(worse, step=15, protocol={"other": 1}, figures={"frechet_distance": Figure(0.0)})
    run.results.keep_best(better, method, config)
    assert checkpoint.list_steps(run.best) == [15]


@pytest.mark.parametrize("lost", ["the result", "the best checkpoint", "nothing, but the one before is still there"])
def test_a_resume_decides_again_what_is_best(evaluated, small_tree, lost):
    """Whatever a kill after the last save has left."""
    small_tree["data"]["num_images"] = 720
    small_tree["train"] |= {"evaluate_every": 4, "keep": 1}
    run = Run.open_existing(evaluated)
    results, best = run.results.read(), checkpoint.list_steps(run.best)
    assert best == [12], "the last is the best: else there is nothing to lose"
    if lost == "the result":
        run.results.file(12).unlink()
    elif lost == "the best checkpoint":
        shutil.rmtree(run.best)
    else:
        for folder in (run.best, run.checkpoints):
            shutil.copytree(folder / "step_00000012", folder / "step_00000008")
    assert start(check_config(small_tree), evaluated, resume=True) == 0
    assert checkpoint.list_steps(run.best) == checkpoint.list_steps(run.checkpoints) == [12]
    assert [result.figures for result in run.results.read()] == [result.figures for result in results]


def test_the_best_checkpoint_of_an_earlier_version_is_known(evaluated, small_tree):
    """Its result was next to it, not in it."""
    run = Run.open_existing(evaluated)
    (best,) = checkpoint.list_steps(run.best)
    shutil.move(run.best / f"step_{best:08d}" / "result.json", run.best / "result.json")
    result = Result.read(run.best / "result.json")
    worse = dataclasses.replace(result, step=14, figures={"frechet_distance": Figure(result.distance + 1)})
    config = check_config(small_tree)
    run.results.keep_best(worse, build_method(config, run.spec), config)
    assert checkpoint.list_steps(run.best) == [best]


def test_the_result_is_written_after_everything_that_depends_on_it(small_tree, tmp_path, monkeypatch):
    """So a training that is killed before that evaluates the step again."""
    classifier = {"method": {"name": "classifier"}, "classifier": {"name": "softmax"}}
    optim = {"c": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}}
    tree = {**classifier, "optim": optim, "data": small_tree["data"], "train": small_tree["train"]}
    tree["train"] |= {"steps": 2, "evaluate_every": 2}
    monkeypatch.setattr("ppgan_lite.runs.results.save_png", stop)
    with pytest.raises(KeyboardInterrupt):
        start(check_config(tree), tmp_path / "run")
    assert list((tmp_path / "run" / "evaluations").iterdir()) == []
    monkeypatch.undo()
    assert start(check_config(tree), tmp_path / "run", resume=True) == 0
    names = [path.name for path in (tmp_path / "run" / "evaluations").iterdir()]
    assert sorted(names) == ["step_00000002.json", "step_00000002.png"]


def stop(*_):
    raise KeyboardInterrupt


def test_an_evaluation_that_failed_loses_no_step_and_is_made_up_for(small_tree, tmp_path, monkeypatch):
    small_tree["data"]["num_images"] = 720
    small_tree["train"] |= {"evaluate_every": 6, "save_every": 100}
    config = check_config(small_tree)

    def out_of_memory(self, method, step):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Evaluation, "__call__", out_of_memory)
        with pytest.raises(MemoryError):
            start(config, tmp_path / "run")
    run = Run.open_existing(tmp_path / "run")
    assert checkpoint.list_steps(run.checkpoints) == [6]
    assert start(config, tmp_path / "run", resume=True) == 0
    assert [result.step for result in run.results.read()] == [6, 12]


def test_a_signal_during_an_evaluation_stops_after_it(small_tree, tmp_path, monkeypatch):
    small_tree["data"]["num_images"] = 720
    small_tree["train"] |= {"evaluate_every": 6, "save_every": 100}
    plain = Evaluation.__call__

    def interrupted(self, method, step):
        os.kill(os.getpid(), signal.SIGTERM)
        return plain(self, method, step)

    monkeypatch.setattr(Evaluation, "__call__", interrupted)
    assert start(check_config(small_tree), tmp_path / "run") == 128 + signal.SIGTERM
    run = Run.open_existing(tmp_path / "run")
    assert (checkpoint.list_steps(run.checkpoints), len(run.results.read())) == ([6], 1)


def test_an_impossible_evaluation_is_refused_before_an_old_run_is_lost(small_run, small_tree, tmp_path):
    copy = shutil.copytree(small_run, tmp_path / "run")
    small_tree["train"]["evaluate_every"] = 4
    for dry_run in (True, False):
        with pytest.raises(ConfigError, match="train.evaluate_every: 7 images are too few"):
            train(check_config(small_tree), copy, resume=False, overwrite=True, device="cpu", dry_run=dry_run)
    assert checkpoint.list_steps(copy / "checkpoints") == checkpoint.list_steps(small_run / "checkpoints")


def test_a_collapse_that_already_stopped_a_run_does_not_stop_it_again(collapsing, constant_g, tmp_path, capsys):
    collapsing["train"]["stop_on"] = ["collapse"]
    config = check_config(collapsing)
    with pytest.raises(RunError, match="stopped at step 250"):
        start(config, tmp_path / "run")
    assert start(config, tmp_path / "run", resume=True) == 0
    assert "collapse holds since step 50: train.stop_on does not stop for it again" in capsys.readouterr().out
