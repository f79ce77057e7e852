"""Every config builds its real networks and, made small, takes two real steps."""

import pytest
import yaml
from conftest import ROOT, run_tool
from test_every_method import CONFIGS, image_shape

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config, load_config, to_yaml
from ppgan_lite.engine.loop import train


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_takes_two_steps(name, tmp_path):
    tree = CONFIGS[name].to_dict()
    config = check_config(tree | {"train": tree["train"] | {"steps": 2}})
    assert train(config, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    assert (tmp_path / "run" / "checkpoints" / "step_00000002" / "manifest.json").exists()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_builds_in_full_size_and_is_complete(name, tmp_path):
    config = load_config(ROOT / "configs" / f"{name}.yml")
    build_method(config, image_shape(config), 10)
    assert yaml.safe_load((ROOT / "configs" / f"{name}.yml").read_text()) == config.to_dict()
    path = tmp_path / "again.yml"
    path.write_text(to_yaml(config))
    assert load_config(path) == config


def test_two_real_steps_on_real_mnist(real_data, tmp_path):
    code, out, err = run_tool(
        "train", "-c", ROOT / "configs" / "dcgan_mnist.yml", "-o", "train.steps=2", "-o", "train.log_every=1",
        "--run-dir", tmp_path / "run", environment={"PPGAN_DATA": str(real_data)},
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert f"data: mnist (60000 images from {real_data}/mnist)" in out
