"""The commands that a training prints at its end are run as printed, from the folder and the environment it ran in."""

import os
import shlex
import subprocess
import sys

from conftest import ROOT, run_tool


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
    assert "nothing to do" in result.stdout


def test_the_run_is_continued_with_the_same_changes(small_file, tmp_path):
    changes = ["-o", "train.steps=4", "--run-dir", "my run"]
    _, output, _ = run_tool("train", "-c", small_file, *changes, cwd=tmp_path)
    words = shlex.split(commands(output)["continue"])
    assert words == [sys.executable, str(ROOT / "tools" / "train.py"), "-c", str(small_file), *changes, "--resume"]


def test_a_dry_run_and_an_error_suggest_nothing(small_file, tmp_path):
    assert "What next" not in run_tool("train", "-c", small_file, "--dry-run", cwd=tmp_path)[1]
    assert "What next" not in run_tool("train", "-c", "no_such_config", cwd=tmp_path)[1]
