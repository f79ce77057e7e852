"""Plain lines; the bar on a terminal is tested in tests/tools/test_train.py."""

import pytest

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
    assert lines == ["step 10/100  epoch 2  loss/g 0.2500  loss/d 12.0000  4 images/s  0:03:00 left", "saved"]
