"""A resumed run of every method equals an uninterrupted one bit for bit, and previews and logs change no step."""

import os
import signal

import pytest
from conftest import lasting
from small_configs import CONFIGS, SWEPT, every_method, spec_for

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.engine.loop import train
from ppgan_lite.runs.checkpoint import list_steps

pytestmark = pytest.mark.sweep


def stops(name):
    """Steps at which a run is interrupted: 7, in the second epoch; also one within the first epoch and its last one if
    the method has state of its own, an average or a decaying learning rate."""
    config = CONFIGS[name]
    method = build_method(config, spec_for(config))
    more = method.state or method.averages or any(options.decay for options in config.optim.values())
    return (3, 5, 7) if more else (7,)


STOPS = [(name, stop) for name in SWEPT for stop in stops(name)]


@pytest.mark.parametrize(("name", "stop"), STOPS)
def test_resumed_equals_uninterrupted(name, stop, uninterrupted, tmp_path, monkeypatch):
    config = CONFIGS[name]
    plain = config.method.builder().train_step

    def interrupted(self, batches, step):
        if step == stop:
            os.kill(os.getpid(), signal.SIGTERM)  # the step ends and is saved
        return plain(self, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(config.method.builder(), "train_step", interrupted)
        code = train(config, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False)
    assert code == 128 + signal.SIGTERM
    assert list_steps(tmp_path / "run" / "checkpoints") == [stop]
    assert train(config, tmp_path / "run", resume=True, overwrite=False, device="cpu", dry_run=False) == 0
    assert lasting(tmp_path / "run", 8) == lasting(uninterrupted(config), 8)


@every_method
def test_previews_and_logs_change_nothing(config, uninterrupted, tmp_path):
    tree = config.to_dict()
    silent = check_config(tree | {"train": tree["train"] | {"preview_every": 99, "log_every": 4, "save_every": 1}})
    assert train(silent, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    (files, lines), (expected_files, expected_lines) = lasting(tmp_path / "run", 8), lasting(uninterrupted(config), 8)
    assert files == expected_files
    assert lines == [line for line in expected_lines if line["step"] % 4 == 0]
