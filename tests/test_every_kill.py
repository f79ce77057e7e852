"""Work that is killed, or fails, at any call that changes names on the disk ends like undisturbed work."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT

DISTURBED = {"gan": 40, "classifier": 30, "export": 14, "prepare": 7}  # at least


def disturb(scenario, folder, *arguments):
    """Run kill_points.py; returns what it prints."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    command = [sys.executable, ROOT / "tests" / "kill_points.py", scenario, folder / "work", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOG_minloglevel": "2"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=3600, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("scenario", ["gan", "export", "prepare"])
def test_a_kill_at_any_place_changes_nothing_in_the_end(scenario, tmp_path):
    report = disturb(scenario, tmp_path, "kill")
    assert report["differences"] == []
    assert report["disturbed"] >= DISTURBED[scenario]


@pytest.mark.sweep
@pytest.mark.parametrize("scenario", ["gan", "export", "prepare"])
def test_a_kill_at_any_call_changes_nothing_in_the_end(scenario, tmp_path):
    report = disturb(scenario, tmp_path, "kill", "every")
    assert report["differences"] == []
    assert report["disturbed"] == report["calls"]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("scenario", "what"), [("classifier", "kill"), *((scenario, "error") for scenario in DISTURBED)]
)
def test_a_classifiers_kill_and_an_error_at_any_place_change_nothing_in_the_end(scenario, what, tmp_path):
    report = disturb(scenario, tmp_path, what)
    assert report["differences"] == []
    assert report["disturbed"] >= DISTURBED[scenario]
