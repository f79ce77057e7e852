"""Evaluations by a config. What tools/evaluate.py does with them is in tests/tools/test_evaluate.py."""

import pytest

from ppgan_lite.config import check_config
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import ConfigError


def test_points_are_refused_before_a_step_is_taken(small_tree, tmp_path):
    small_tree["generator"] = small_tree["discriminator"] = {"name": "fully_connected", "widths": [4]}
    small_tree["data"] = {"name": "gaussians", "num_images": 1000, "dims": 2, "modes": 3}
    small_tree["train"]["evaluate_every"] = 2
    with pytest.raises(ConfigError) as error:
        train(check_config(small_tree), tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False)
    assert str(error.value) == (
        "train.evaluate_every: gaussians: no evaluator for this data: it is points, not images; "
        "set it to null to train without"
    )
    assert not (tmp_path / "run").exists()
