import pytest
import yaml

from ppgan_lite import runtime
from ppgan_lite.cli.main import main

TREE = {
    "method": {"name": "cyclegan"},
    "generator": {"name": "resnet_translator"},
    "discriminator": {"name": "patch"},
    "optim": {name: {"name": "adam", "lr": 2e-4, "betas": [0.5, 0.999]} for name in ("g", "d")},
    "data": {"name": "unpaired", "batch_size": 1},
    "train": {"steps": 1, "seed": 0},
}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "data.root: missing; set it to a folder or zip file of pictures, or set data.root_a and data.root_b"),
        ({"root": "nowhere"}, "data.root: nowhere: no such folder or zip file of pictures"),
        ({"root_a": ".", "root_b": "nowhere"}, "data.root_b: nowhere: no such folder or zip file of pictures"),
        ({"root_a": "."}, "data.root_b: missing"),
        ({"name": "pairs", "root": ".", "root_a": "."}, "data.root and data.root_a: give either"),
        ({"name": "pairs", "root_a": "nowhere", "root_b": "."}, "data.root_a: nowhere: no such folder"),
    ],
)
def test_wrong_paths_are_named_before_paddle_is_loaded(tmp_path, monkeypatch, capsys, data, message):
    monkeypatch.setattr(runtime, "load_paddle", lambda: pytest.fail("loaded"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yml").write_text(yaml.safe_dump(TREE | {"data": TREE["data"] | data}))
    assert main(["train", "-c", "config.yml"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["config.yml"]
