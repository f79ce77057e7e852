"""The Python API: what a notebook or another program calls."""

import sys
import threading
import types

import numpy as np
import pytest
from conftest import lasting, run_tool

import ppgan_lite
from ppgan_lite.errors import CheckpointError, ConfigError, DataError, ExportError, RunError
from ppgan_lite.runs.results import Result


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run trained through the API with a config of the suite that is made small."""
    small = {"data__num_images": 660, "data__batch_size": 8, "generator__ngf": 2, "discriminator__ndf": 2}
    folder = tmp_path_factory.mktemp("api") / "run"
    return ppgan_lite.train("dcgan_digits", steps=4, run_dir=folder, train__preview_every=2, optim__g__lr=1e-4, **small)


def test_train_returns_a_run_that_the_tools_can_open(run, tmp_path):
    assert [line["step"] for line in run.metrics() if "health/diversity" in line] == [2, 4]
    code, out, err = run_tool("sample", "--run", run.folder, "--num", 5, "--seed", 7, "--out", tmp_path / "x.npz")
    assert (code, err) == (0, "")
    with np.load(tmp_path / "x.npz") as file:
        np.testing.assert_array_equal(run.sample(5, seed=7), file["images"])


def test_overrides_reach_the_config(run):
    config = run._run.config()
    assert (config.optim["g"].lr, config.data.num_images, config.train.steps) == (1e-4, 660, 4)
    with pytest.raises(ConfigError, match="optim.g.lrate: unknown key"):
        ppgan_lite.train("dcgan_digits", optim__g__lrate=1)
    with pytest.raises(ConfigError, match="did you mean dcgan_digits"):
        ppgan_lite.train("dcgan_digit")


def test_overrides_are_taken_as_python_has_them(small_file, tmp_path):
    with pytest.raises(ConfigError, match="train.seed: expected a whole number, got 1.5"):
        ppgan_lite.train(small_file, train__seed=np.float64(1.5))
    data = {"name": "folder", "batch_size": np.int64(4), "root": tmp_path / "2024-01-01", "size": 28, "channels": 1}
    with pytest.raises(DataError, match="2024-01-01"):
        ppgan_lite.train(small_file, run_dir=tmp_path / "run", data=data)
    with pytest.raises(DataError, match="12:30"):
        ppgan_lite.train(small_file, run_dir=tmp_path / "run", data=data | {"root": "12:30"})


def test_a_used_folder_is_resumed_or_refused(run, small_file, tmp_path):
    ppgan_lite.train(small_file, steps=3, run_dir=tmp_path / "run")
    with pytest.raises(RunError, match="already has a run"):
        ppgan_lite.train(small_file, steps=6, run_dir=tmp_path / "run")
    ppgan_lite.train(small_file, steps=6, run_dir=tmp_path / "run", resume=True)
    ppgan_lite.train(small_file, steps=6, run_dir=tmp_path / "whole")
    assert lasting(tmp_path / "run", 6)[0] == lasting(tmp_path / "whole", 6)[0]


def test_images_are_pixels(run):
    images = run.sample(3)
    assert (images.shape, images.dtype) == ((3, 28, 28, 1), "uint8")
    np.testing.assert_array_equal(images, run.sample(3))
    assert (images != run.sample(3, seed=1)).any()
    with pytest.raises(CheckpointError, match="no checkpoint of step 3"):
        run.sample(3, step=3)


def test_evaluate_returns_the_result_and_prints_it(run, capsys):
    result = ppgan_lite.evaluate(run, num=100)
    assert isinstance(result, Result)
    assert result.distance > 0
    assert "frechet_distance" in capsys.readouterr().out
    assert ppgan_lite.evaluate(run.folder, num=100).figures == result.figures


def test_load_opens_runs_and_exports(run, small_export, tmp_path):
    np.testing.assert_array_equal(ppgan_lite.load(run.folder).sample(4), run.sample(4))
    exported = ppgan_lite.load(str(small_export))
    images = exported.sample(4, seed=3)
    assert (images.shape, images.dtype) == ((4, 28, 28, 1), "uint8")
    assert "in " in repr(exported)
    assert "run of gan in " in repr(run)
    with pytest.raises(RunError, match="not the folder of a run"):
        ppgan_lite.load(tmp_path)
    with pytest.raises(ExportError, match="takes no labels"):
        exported.sample(4, labels=[1])


def test_truncation_is_the_tools(run, tmp_path):
    run_tool("sample", "--run", run.folder, "--num", 5, "--truncation", 0.3, "--out", tmp_path / "x.npz")
    images = run.sample(5, truncation=0.3)
    with np.load(tmp_path / "x.npz") as file:
        np.testing.assert_array_equal(images, file["images"])
    assert (images != run.sample(5)).any()
    ppgan_lite.evaluate(run, num=100, truncation=0.3)
    assert (run.folder / "evaluations" / "truncation_0.3").is_dir()


def test_an_exported_stylegan2_makes_the_pictures_of_the_run(style_run, style_export):
    run, exported = ppgan_lite.load(style_run), ppgan_lite.load(style_export)
    for images in (run.sample(5), run.sample(5, truncation=0.5), exported.sample(5)):
        assert (images.shape, images.dtype) == ((5, 32, 32, 3), "uint8")
    assert not np.ptp(run.sample(5, truncation=0), axis=0).any()


@pytest.mark.parametrize("labels", [[3, 1], "3,1"])
def test_labels_are_numbers_or_names(conditional_run, conditional_export, labels):
    run, exported = ppgan_lite.load(conditional_run("cgan")), ppgan_lite.load(conditional_export("cgan"))
    for model in (run, exported):
        assert model.sample(5, labels=labels).shape == (5, 28, 28, 1)
        assert (model.sample(5, labels=labels) != model.sample(5, labels=[0])).any()
    with pytest.raises(RunError, match="--labels: unknown class '11'"):
        run.sample(5, labels=[11])


def test_it_works_in_a_thread(small_file, tmp_path):
    runs = []
    thread = threading.Thread(
        target=lambda: runs.append(ppgan_lite.train(small_file, steps=2, run_dir=tmp_path / "run"))
    )
    thread.start()
    thread.join()
    assert runs[0].sample(2).shape == (2, 28, 28, 1)


class ZMQInteractiveShell:
    """The name of a notebook's shell in IPython."""


def test_a_notebook_sees_a_bar(small_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=ZMQInteractiveShell))
    ppgan_lite.train(small_file, steps=2, run_dir=tmp_path / "run")
    captured = capsys.readouterr()
    assert "100%|" in captured.err
    assert "step 2/2" not in captured.out
