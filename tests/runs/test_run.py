import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from visualdl import LogReader

from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.errors import RunError
from ppgan_lite.runs.run import Run, check_folder


@pytest.fixture
def copy(small_run, tmp_path):
    return shutil.copytree(small_run, tmp_path / "copy")


def curve(folder, name, tag):
    (file,) = (folder / "log" / name).iterdir()  # VisualDL shows one file of a folder only
    return [(point.id, point.value) for point in LogReader(file_path=str(file)).get_data("scalar", tag)]


def image_steps(folder, tag="numbers"):
    (file,) = (folder / "log" / "samples").iterdir()
    return [record.id for record in LogReader(file_path=str(file)).get_data("image", tag)]


def metrics(folder):
    """The records of steps without their times; records of previews' diversity are in between."""
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert all(isinstance(record.pop("time"), float) for record in records)
    return [record for record in records if "health/diversity" not in record]


def test_a_run_leaves_all_its_records(small_run, small_config):
    assert load_config(small_run / "config.yml") == small_config
    record = json.loads((small_run / "run.json").read_text())
    assert record["data"]["name"] == "rendered_digits"
    assert record["data"]["stands_in_for"] is None
    assert len(record["data"]["sha256"]) == 64
    (session,) = record["sessions"]
    assert session["from_step"] == 0
    assert session["device"] == "cpu"
    assert session["runtime"]["OMP_NUM_THREADS"]
    assert {"ppgan_lite", "python", "numpy", "visualdl", "paddlepaddle"} <= session["versions"].keys()
    assert [line["step"] for line in metrics(small_run)] == list(range(1, 13))
    assert sorted(path.name for path in (small_run / "samples").iterdir()) == [
        "real.png",
        *(f"step_{step:08d}.png" for step in (5, 10, 12)),
    ]


def test_visualdl_shows_the_tutorials_curves_and_grids(small_run):
    for name in ("d_real", "d_fake", "g"):
        logged = curve(small_run, f"{name}_loss", "loss")
        expected = [(line["step"], line[f"loss/{name}"]) for line in metrics(small_run)]
        assert [step for step, _ in logged] == [step for step, _ in expected]
        np.testing.assert_allclose([v for _, v in logged], [v for _, v in expected], rtol=1e-6)
    assert len(curve(small_run, "d_real_accuracy", "accuracy")) == 12
    assert [step for step, _ in curve(small_run, "diversity_health", "health")] == [5, 10]
    assert image_steps(small_run) == [5, 10, 12]


def test_grids_name_step_and_data(small_run):
    with Image.open(small_run / "samples" / "step_00000005.png") as image:
        assert image.size == (16 * 30 + 2, 8 * 30 + 2)
        assert image.text["Step"] == "5"
        assert image.text["Data"] == "rendered_digits"


def test_resume_drops_what_came_later_and_rebuilds_the_log(copy, small_config):
    whole = metrics(copy)
    with open(copy / "metrics.jsonl", "a") as stream:
        stream.write('{"step": 13, "loss/g"')  # torn by a kill
    (copy / "checkpoints" / ".step_00000013.1.tmp").mkdir()
    run = Run.open_existing(copy)
    with run:
        run.resume(small_config, "cpu", 8)
        run.log.add_scalars(9, {"loss/g": 0.5})
    assert metrics(copy) == [*whole[:8], {"step": 9, "loss/g": 0.5}]
    assert [step for step, _ in curve(copy, "g_loss", "loss")] == list(range(1, 10))
    assert image_steps(copy) == [5]
    assert image_steps(copy, "real") == [0]
    assert sorted(path.name for path in (copy / "samples").iterdir()) == ["real.png", "step_00000005.png"]
    assert not list((copy / "checkpoints").glob(".*"))
    assert [session["from_step"] for session in run.record["sessions"]] == [0, 8]


def test_the_config_is_read_once_and_follows_what_is_resumed_with(copy, small_tree, small_config):
    run = Run.open_existing(copy)
    assert run.config() is run.config()
    small_tree["train"]["steps"] = 20
    with run:
        run.resume(check_config(small_tree), "cpu", 12)
    assert run.config().train.steps == 20
    assert Run.open_existing(copy).config() == run.config() != small_config


def test_damaged_metrics_are_named_and_stay(copy, small_config):
    (copy / "metrics.jsonl").write_text('{"step": 1}\n{"step"\n')
    with pytest.raises(RunError, match=r"metrics.jsonl: damaged; move it away"):
        Run.open_existing(copy).resume(small_config, "cpu", 8)
    assert (copy / "checkpoints" / "step_00000012").exists()
    assert (copy / "metrics.jsonl").read_text() == '{"step": 1}\n{"step"\n'
    assert (copy / "log").exists()


def test_a_preview_that_is_no_picture_does_not_stop_a_resume(copy, small_config):
    (copy / "samples" / "step_00000005.png").write_text("no picture")
    with Run.open_existing(copy) as run:
        run.resume(small_config, "cpu", 12)
    assert image_steps(copy) == [10, 12]


def test_a_new_run_replaces_all_of_the_old(copy, small_config):
    Run.create(copy, small_config, build_dataset(small_config), "cpu")
    for name in ("checkpoints", "samples", "log"):
        assert list((copy / name).iterdir()) == []
    assert not (copy / "metrics.jsonl").exists()


def test_folders_that_a_run_cannot_have(copy, tmp_path):
    check_folder(tmp_path / "new", resume=False, overwrite=False)
    check_folder(copy, resume=True, overwrite=False)
    check_folder(copy, resume=False, overwrite=True)
    file = tmp_path / "file"
    file.write_text("")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / ".run.json.1.tmp").write_text("")  # killed while it made the folder
    (tmp_path / "begun" / ".lock").write_text("")
    check_folder(tmp_path / "begun", resume=False, overwrite=False)
    for folder, resume, overwrite, message in [
        (copy, False, False, "already has a run; continue it with --resume, or give --overwrite"),
        (tmp_path / "new", True, False, "no run to resume"),
        (tmp_path, False, True, "has other files, but no run"),
        (file, False, False, "is a file"),
    ]:
        with pytest.raises(RunError, match=message):
            check_folder(folder, resume, overwrite)


def test_a_run_is_read_without_what_only_a_training_needs(small_run):
    code = (
        "import sys; from ppgan_lite.runs.run import Run; run = Run.open_existing(sys.argv[1])\n"
        "print(len(run.log.read()), run.results.read())\n"
        "print({'visualdl', 'tensorboardX', 'matplotlib'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code, small_run], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "14 []\nset()\n", done.stderr


def test_the_fields_of_the_data_are_recorded_and_those_of_older_versions_known(copy):
    record = json.loads((copy / "run.json").read_text())
    spec = Run.open_existing(copy).spec
    assert spec["image"].shape == (1, 28, 28)
    assert spec["label"].names == tuple("0123456789")
    older = {**record, "image_shape": [1, 28, 28], "class_names": list("0123456789")}
    del older["fields"]
    (copy / "run.json").write_text(json.dumps(older))
    assert Run.open_existing(copy).spec == spec
    for damaged in ([], {"image": None}, {"image": {"kind": "image", "shape": None, "names": []}}):
        (copy / "run.json").write_text(json.dumps({**record, "fields": damaged}))
        with pytest.raises(RunError, match=r"run.json: damaged"):
            Run.open_existing(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"data": {}}'])
def test_a_damaged_record_is_named(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run.json: damaged"):
        Run.open_existing(tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises(RunError, match="not the folder of a run"):
        Run.open_existing(tmp_path)
