"""Plain lines; the bar on a terminal is tested in tests/tools/test_train.py."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT

from ppgan_lite.engine import progress
from ppgan_lite.engine.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_speed_is_that_of_the_last_stretch(clock):
    meter = Progress(done=10, total=100, batches_in=lambda steps: steps, epoch_batches=5, batch_size=8)
    clock.now += 2
    assert meter.measure(20) == pytest.approx(10 * 8 / 2)
    clock.now += 1
    assert meter.measure(21) == pytest.approx(8)


@pytest.mark.parametrize(("step", "epoch"), [(1, 1), (5, 1), (6, 2), (10, 2), (11, 3)])
def test_epochs_turn_over_behind_their_last_step(step, epoch, capsys):
    Progress(0, 100, batches_in=lambda steps: steps, epoch_batches=5, batch_size=8).show(step, {}, 1)
    assert f"  epoch {epoch}  " in capsys.readouterr().out


def test_a_line_tells_losses_speed_and_the_time_left(capsys):
    with Progress(0, 100, batches_in=lambda steps: steps, epoch_batches=5, batch_size=8) as shown:
        shown.show(10, {"loss/g": 0.25, "loss/d": 12}, images_per_second=4)
        shown.say("saved")
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["step 10/100  epoch 2  loss g 0.25 d 12  4 images/s  0:03:00 left", "saved"]


def test_a_line_has_at_most_100_characters(capsys):
    names = ("d_real", "d_fake", "g", "d_class", "g_class", "category", "code1", "code2")
    scalars = {f"{kind}/{name}": -0.0012345 for kind in ("reg", "score", "accuracy", "loss") for name in names}
    Progress(0, 10**7, lambda steps: steps, epoch_batches=5, batch_size=8).show(10**7 - 1, scalars, 1e-3)
    line = capsys.readouterr().out.rstrip("\n")
    assert len(line) <= 100
    assert "  loss d_real -0.00123 " in line
    assert "reg" not in line


def test_lines_become_rare_but_the_last_is_shown(clock, capsys):
    progress = Progress(0, 1000, batches_in=lambda steps: steps, epoch_batches=5, batch_size=8)
    for step in range(1, 1001):
        clock.now += 0.1
        progress.show(step, {}, 1)
    steps = [int(line.split()[1].split("/")[0]) for line in capsys.readouterr().out.splitlines()]
    assert steps[:10] == list(range(1, 11))
    assert len(steps) <= 10 + 100 * 1000 / 1000 / 10 + 1
    assert steps[-1] == 1000


def test_a_terminal_without_a_size_has_a_bar():
    """Containers and expect start programs on terminals of 0 x 0."""
    pty = pytest.importorskip("pty", reason="needs a system with pseudo-terminals")
    code = (
        "from ppgan_lite.engine.progress import Progress\n"
        "with Progress(0, 2, lambda steps: steps, 5, 8) as progress:\n"
        "    progress.advance()\n"
        "    progress.show(1, {'loss/g': 0.5}, 7.0)\n"
    )
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=theirs, check=True)
    os.close(theirs)
    assert b"| 1/2 [00:00<00:00, g 0.50 7 images/s]" in os.read(ours, 9999)
    os.close(ours)
