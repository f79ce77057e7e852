"""A training that is killed many times, at random moments, ends with the same weights as an uninterrupted one."""

import random
import re
import time

import pytest
import yaml
from conftest import lasting, run_tool, start_tool

from ppgan_lite.runs import checkpoint

pytestmark = pytest.mark.sweep

KILLS = 20
STEPS = 2000


def wait_for_save(process, folder):
    """Return when a checkpoint is being written, or the process has ended."""
    while process.poll() is None and not list(folder.glob("checkpoints/.*.tmp")):
        pass


def test_twenty_kills_change_nothing(small_tree, tmp_path):
    small_tree["train"] |= {"steps": STEPS, "save_every": 5, "preview_every": 40, "log_every": 10}
    config = tmp_path / "small.yml"
    config.write_text(yaml.safe_dump(small_tree))
    assert run_tool("train", "-c", config, "--run-dir", tmp_path / "whole")[0] == 0

    rng, folder = random.Random(0), tmp_path / "killed"
    arguments, half_written, starts = ["-c", config, "--run-dir", folder], 0, []
    for kill in range(KILLS):
        process = start_tool("train", *arguments, *(["--resume"] if (folder / "run.json").exists() else []))
        if kill % 4 == 1:  # while it loads, resumes or takes its first steps
            time.sleep(rng.uniform(1, 3))
        else:
            for line in process.stdout:
                if started := re.match(r"run: .* step (\d+) of", line):
                    starts.append(int(started[1]))
                    break
            time.sleep(rng.uniform(0, 0.5))
        if kill % 3 == 0:
            wait_for_save(process, folder)
        process.kill()
        _, err = process.communicate(timeout=60)
        assert process.returncode == -9, "the training ended before it could be killed: raise STEPS"
        assert "Traceback" not in err
        assert "damaged" not in err
        half_written += bool(list(folder.glob("checkpoints/.*.tmp")))
        for step in checkpoint.list_steps(folder / "checkpoints"):
            checkpoint.load(folder / "checkpoints" / f"step_{step:08d}")  # whole, or not there

    print(f"resumed from steps {starts}; {half_written} of {KILLS} kills fell into a save")
    assert starts == sorted(starts)
    assert starts[-1] > 0
    assert half_written > 0, "no kill fell into a save"
    code, _, err = run_tool("train", *arguments, "--resume")
    assert (code, err) == (0, "")

    assert lasting(folder, STEPS) == lasting(tmp_path / "whole", STEPS)
    assert not list(folder.rglob(".*.tmp"))
