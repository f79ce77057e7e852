"""Every config states what it chose, builds its real networks and, made small, takes two real steps."""

import dataclasses

import pytest
import yaml
from conftest import ROOT, run_tool
from small_configs import CONFIGS, spec_for

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config, load_config, to_yaml
from ppgan_lite.engine.loop import train


@pytest.mark.sweep
@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_takes_two_steps(name, tmp_path):
    tree = CONFIGS[name].to_dict()
    config = check_config(tree | {"train": tree["train"] | {"steps": 2}})
    assert train(config, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    assert (tmp_path / "run" / "checkpoints" / "step_00000002" / "manifest.json").exists()


@pytest.mark.sweep
@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_builds_in_full_size_and_reads_back_equal(name, tmp_path):
    config = load_config(ROOT / "configs" / f"{name}.yml")
    build_method(config, spec_for(config))
    path = tmp_path / "again.yml"
    path.write_text(to_yaml(config))
    assert load_config(path) == config


def restated(path):
    """The keys of a config file that have their default, as SECTION.KEY."""
    config, tree = load_config(path), yaml.safe_load(path.read_text(encoding="utf-8"))
    sections = {"method": config.method, **config.networks, "data": config.data, "train": config.train}
    stated = {section: (tree[section], options) for section, options in sections.items()}
    stated |= {f"optim.{name}": (tree["optim"][name], options) for name, options in config.optim.items()}
    return [
        f"{section}.{field.name}"
        for section, (keys, options) in stated.items()
        for field in dataclasses.fields(options)
        if field.name in keys and getattr(options, field.name) == field.default
    ]


@pytest.mark.parametrize("name", CONFIGS)
def test_no_config_restates_a_default(name):
    path = ROOT / "configs" / f"{name}.yml"
    assert not restated(path), f"configs/{name}.yml: leave out {', '.join(restated(path))}: this is the default"


def test_a_restated_default_would_be_found(small_file, small_tree):
    small_tree["optim"]["g"]["betas"] = [0.9, 0.999]
    small_file.write_text(yaml.safe_dump(small_tree))
    assert restated(small_file) == [
        "method.d_optimizers",
        "method.reuse_fakes",
        "generator.upsample",
        "generator.activation",
        "data.seed",
        "train.keep",
        "optim.g.betas",
    ]


@pytest.mark.sweep
def test_two_real_steps_on_real_mnist(real_data, tmp_path):
    code, out, err = run_tool(
        "train", "-c", ROOT / "configs" / "dcgan_mnist.yml", "-o", "train.steps=2", "-o", "train.log_every=1",
        "--run-dir", tmp_path / "run", environment={"PPGAN_DATA": str(real_data)},
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert f"data: mnist (60000 images from {real_data}/mnist)" in out
