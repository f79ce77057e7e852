"""Every config builds its real networks and, made small, takes two real steps."""

import pytest
import yaml
from conftest import ROOT, run_tool, spec_of
from small_configs import CONFIGS, image_shape

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config, load_config, to_yaml
from ppgan_lite.engine.loop import train

pytestmark = pytest.mark.sweep


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_takes_two_steps(name, tmp_path):
    tree = CONFIGS[name].to_dict()
    config = check_config(tree | {"train": tree["train"] | {"steps": 2}})
    assert train(config, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    assert (tmp_path / "run" / "checkpoints" / "step_00000002" / "manifest.json").exists()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_builds_in_full_size_and_says_what_it_chose(name, tmp_path):
    config = load_config(ROOT / "configs" / f"{name}.yml")
    build_method(config, spec_of(image_shape(config), 10))
    tree = yaml.safe_load((ROOT / "configs" / f"{name}.yml").read_text())
    assert "batch_size" in tree["data"]
    assert "seed" in tree["train"]
    assert tree["train"].keys() & {"epochs", "steps"}
    assert_stated(tree, config.to_dict())
    path = tmp_path / "again.yml"
    path.write_text(to_yaml(config))
    assert load_config(path) == config


def assert_stated(tree, resolved):
    """Every key that is stated has the value stated; the others have their defaults."""
    for key, value in tree.items():
        if isinstance(value, dict):
            assert_stated(value, resolved[key])
        else:
            assert resolved[key] == value, key


def test_two_real_steps_on_real_mnist(real_data, tmp_path):
    code, out, err = run_tool(
        "train", "-c", ROOT / "configs" / "dcgan_mnist.yml", "-o", "train.steps=2", "-o", "train.log_every=1",
        "--run-dir", tmp_path / "run", environment={"PPGAN_DATA": str(real_data)},
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert f"data: mnist (60000 images from {real_data}/mnist)" in out
