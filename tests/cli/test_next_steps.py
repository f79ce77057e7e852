"""The commands that a training prints at its end are run as printed, from the folder and the environment it ran in."""

import os
import shlex
import subprocess
import sys

import yaml
from conftest import ROOT, run_tool
from picture_folder import write_pictures
from translator_runs import RUNS, TRAIN


def commands(output):
    lines = output.partition("What next:\n")[2].splitlines()
    return {line[2:12].strip(): line[14:] for line in lines}


def test_the_printed_commands_run_without_an_activated_environment(small_file, tmp_path):
    code, output, _ = run_tool("train", "-c", small_file, "-o", "train.preview_every=6", cwd=tmp_path)
    assert code == 0
    steps = commands(output)
    assert list(steps) == ["pictures", "draw more", "measure", "see curves", "export", "continue"]
    assert list((tmp_path / steps["pictures"]).glob("step_*.png"))
    bare = {**os.environ, "PATH": "/usr/bin:/bin"}
    for name in ("draw more", "continue"):
        result = subprocess.run(shlex.split(steps[name]), cwd=tmp_path, env=bare, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "samples.png").exists()
    assert "saved step 24 of 24" in result.stdout  # a finished run is continued for as long again


def test_the_run_is_continued_with_the_same_changes(small_file, tmp_path):
    changes = ["-o", "train.steps=4", "-o", "train.seed=5"]
    _, output, _ = run_tool("train", "-c", small_file, *changes, "--run-dir", "my run", cwd=tmp_path)
    words = shlex.split(commands(output)["continue"])
    longer = ["-o", "train.steps=8", "-o", "train.seed=5", "--run-dir", "my run", "--resume"]
    assert words == [sys.executable, str(ROOT / "tools" / "train.py"), "-c", str(small_file), *longer]


def test_a_finished_run_is_not_continued_if_its_rates_have_decayed(small_tree, tmp_path):
    small_tree["optim"]["g"]["decay"] = "linear"
    (tmp_path / "small.yml").write_text(yaml.safe_dump(small_tree))
    _, output, _ = run_tool("train", "-c", "small.yml", "-o", "train.steps=2", cwd=tmp_path)
    assert "continue" not in commands(output)
    code, output, _ = run_tool("train", "-c", "small.yml", "-o", "train.steps=2", "--resume", cwd=tmp_path)
    assert code == 0
    assert "at step 2 of 2; to train longer, start a new run: a learning rate decays over its length" in output


def test_a_dry_run_and_an_error_suggest_nothing(small_file, tmp_path):
    assert "What next" not in run_tool("train", "-c", small_file, "--dry-run", cwd=tmp_path)[1]
    assert "What next" not in run_tool("train", "-c", "no_such_config", cwd=tmp_path)[1]


def test_what_has_too_few_pictures_to_be_measured_is_not_to_be_measured(tmp_path, small_tree):
    write_pictures(tmp_path / "pictures", 60)
    small_tree["generator"], small_tree["discriminator"] = {"name": "dcgan64", "ngf": 2}, {"name": "dcgan64", "ndf": 2}
    small_tree["data"] = {"name": "folder", "root": "pictures", "size": 32, "batch_size": 8, "workers": 0}
    (tmp_path / "own.yml").write_text(yaml.safe_dump(small_tree))
    code, output, error = run_tool("train", "-c", "own.yml", "-o", "train.steps=1", cwd=tmp_path)
    assert code == 0
    assert "measure" not in commands(output)
    assert "warning: this run cannot be evaluated: " in error


def test_what_translates_pictures_is_shown_how(tmp_path):
    name, changes = RUNS["cyclegan"]
    overrides = [word for change in [*changes, TRAIN] for word in ("-o", change)]
    _, output, _ = run_tool("train", "-c", ROOT / "configs" / f"{name}.yml", *overrides, cwd=tmp_path)
    steps = commands(output)
    assert "draw more" not in steps
    write_pictures(tmp_path / "YOUR_PICTURES", 2)
    result = subprocess.run(shlex.split(steps["translate"]), cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "translated").rglob("*.png"))) == 2
