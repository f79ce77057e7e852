import shutil
import sys

import pytest
from conftest import ROOT

from ppgan_lite.config.load import load_config
from ppgan_lite.runs.results import Figure, Result

sys.path.insert(0, str(ROOT / "benchmarks"))
import remedies


@pytest.mark.parametrize("failure", remedies.FAILURES)
def test_each_failure_and_each_remedy_is_a_different_config(failure):
    configs = [load_config(remedies.CONFIG, remedies.overrides(failure, remedy)) for remedy in remedies.REMEDIES]
    plain = load_config(remedies.CONFIG)
    assert all(config != plain for config in configs)
    assert all(configs[i] != configs[j] for i in range(len(configs)) for j in range(i))
    for config in configs:
        assert config.method.z_dim == configs[0].method.z_dim
        assert config.networks["generator"] == configs[0].networks["generator"]


def test_the_page_shows_the_figures_of_the_runs(small_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    figures = {metric: Figure(i + 0.125) for i, metric in enumerate(remedies.METRICS)}
    (run / "evaluations").mkdir(exist_ok=True)
    Result(12, {}, figures, 1.0).write(run / "evaluations" / "step_00000012.json")
    shown = remedies.read(run)
    assert shown["figures"] == {metric: i + 0.125 for i, metric in enumerate(remedies.METRICS)}
    assert shown["health"] == "no alarm"
    runs = {failure: dict.fromkeys(remedies.REMEDIES, shown) for failure in remedies.FAILURES}
    text = remedies.page(runs, 12)
    assert "for 12 steps" in text
    assert text.count("| 0.125 | 1.12 | 2.12 | 3.12 |") == len(remedies.FAILURES) * len(remedies.REMEDIES)
    assert remedies.draw(runs).startswith(b"\x89PNG")


def test_an_existing_run_is_trained_again_only_if_its_config_differs(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(remedies, "run_tool", lambda *arguments: commands.append(arguments[0]))
    keys = remedies.overrides("a z of one number", "label smoothing")
    (tmp_path / "evaluations").mkdir()
    from ppgan_lite.config.load import to_yaml

    existing = load_config(remedies.CONFIG, [*keys, "train.steps=5", "train.save_every=5", *remedies.ALWAYS])
    (tmp_path / "config.yml").write_text(to_yaml(existing))
    remedies.train(tmp_path, keys, steps=5)
    assert commands == []
    remedies.train(tmp_path, keys, steps=6)
    assert commands == ["train", "evaluate"]
