import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, lasting, make_no_file
from PIL import Image
from visualdl import LogReader

from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.engine.loop import train
from ppgan_lite.errors import EvaluationError, RunError
from ppgan_lite.runs.run import FOLDERS, Run, check_folder


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


def test_damaged_lines_of_metrics_cost_only_themselves(copy, small_config, capsys):
    lines = (copy / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    torn = lines[1][:20] + lines[2]  # a short write, and the next one
    (copy / "metrics.jsonl").write_bytes(b"".join([lines[0], torn, *lines[3:], b"[]\n", b'{"step": "x"}\n']))
    with Run.open_existing(copy) as run:
        run.resume(small_config, "cpu", 8)
    (warning,) = capsys.readouterr().err.splitlines()
    assert warning.startswith(
        f"warning: {copy / 'metrics.jsonl'}: damaged, 3 of 15 lines are left out (the first: line 2"
    )
    assert [line["step"] for line in metrics(copy)] == [1, *range(4, 9)]
    with Run.open_existing(copy) as run:
        run.resume(small_config, "cpu", 8)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "line",
    [
        b'{"step": 1, "loss/g": NaN}',
        b'{"step": 1, "loss/g": 1e999}',
        b'{"step": 1, "loss/g": true}',
        b'{"step": 1, "loss/g": "0.5"}',
        b'{"step": 1, "a/../../b": 0.5}',
        b'{"step": 1, "step": 2}',
        b'{"step": -1}',
        b'{"step": 1.0}',
        b'{"step": 1, "time": "now"}',
        b'{"step": 1, "diagnosis": "collapse"}',
        b'{"step": 1, "diagnosis": "collapse", "since": 1, "words": 5}',
        b"[" * 50_000 + b"]" * 50_000,
        b'{"step": ' + b"1" * 5000 + b"}",
        b'{"step": 1, "x": "' + b"x" * 100_000 + b'"}',
        b'{"step": 1, "x": "\xff"}',
        b"5",
        b"",
    ],
)
def test_a_line_that_is_no_record_is_left_out(copy, capsys, line):
    (copy / "metrics.jsonl").write_bytes(b'{"step": 1}\n' + line + b'\n{"step": 2}\n')
    assert Run.open_existing(copy).log.read() == [{"step": 1}, {"step": 2}]
    (warning,) = capsys.readouterr().err.splitlines()
    assert "damaged, 1 of 3 lines are left out (the first: line 2: " in warning
    assert len(warning) < 600


def test_a_damaged_result_stops_a_resume_before_anything_is_changed(copy, small_config):
    (copy / "evaluations").mkdir()
    (copy / "evaluations" / "step_00000004.json").write_text("{}")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    with pytest.raises(EvaluationError, match="step_00000004.json: damaged .* delete it and evaluate that step again"):
        Run.open_existing(copy).resume(small_config, "cpu", 8)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("harm", ["tail of zeros", "empty", "text", "half", "pipe", "folder", "huge"])
def test_a_damaged_preview_costs_a_resume_only_its_drawing(copy, small_config, harm):
    path = copy / "samples" / "step_00000005.png"
    content = path.read_bytes()
    path.unlink()
    if harm == "pipe":
        os.mkfifo(path)
    elif harm == "folder":
        path.mkdir()
    elif harm == "huge":  # its header says so
        path.write_bytes(content[:16] + bytes([0, 1, 0, 0]) * 2 + content[24:])
    else:
        half = len(content) // 2
        zeros = content[:half] + bytes(len(content) - half)
        path.write_bytes({"tail of zeros": zeros, "empty": b"", "text": b"x", "half": content[:half]}[harm])
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
    with pytest.raises(RunError, match=r"run.json: damaged \(.*\); restore it from a copy, or train again$"):
        Run.open_existing(tmp_path)
    (tmp_path / "run.json").unlink()
    with pytest.raises(RunError, match="not the folder of a run"):
        Run.open_existing(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x["data"].update(num_images="many"), "data.num_images: expected a whole number, got 'many'"),
        (lambda x: x["data"].update(num_images=-1), "data.num_images: must be at least 0"),
        (lambda x: x["data"].update(name="../x"), "data.name: must be text that matches"),
        (lambda x: x["data"].update(origin=None), "data.origin: expected text"),
        (lambda x: x["data"].pop("sha256"), "data.sha256: missing"),
        (lambda x: x["fields"]["image"].update(kind="sound"), "fields.image.kind: unknown value 'sound'"),
        (lambda x: x["fields"]["image"].update(shape=[1, 28]), "fields.image: no image has this shape"),
        (lambda x: x["fields"]["image"].update(shape=[1, 28, 10**9]), r"fields.image.shape\[2\]: must be at least 1"),
        (lambda x: x["fields"]["label"].update(names=["x"] * 70_000), "fields.label: no label has"),
        (lambda x: x["fields"]["label"].update(names=[1]), r"fields.label.names\[0\]: expected text"),
        (lambda x: x.update(fields=None), "fields: expected a section with keys"),
        (lambda x: x.update(sessions=[]), "no sessions"),
        (lambda x: x.update(sessions={}), "sessions: expected a list"),
        (lambda x: x["sessions"][0].update(versions=["1"]), r"sessions\[0\].versions: expected a section"),
        (lambda x: x["sessions"][0].update(runtime={"x": 1}), r"sessions\[0\].runtime.x: expected text"),
        (lambda x: x["sessions"][0].update(device=7), r"sessions\[0\].device: expected text"),
        (lambda x: x.update(seed=float("nan")), "not JSON: NaN is not a number"),
        (lambda x: x.update(more=[[[[[]]]]] * 3), None),  # a later version may have more
        (lambda x: x.update(more=json.loads("[" * 60 + "]" * 60)), "more than 32 levels"),
        (lambda x: x["sessions"][0].update(more=1), None),
    ],
)
def test_every_field_of_a_record_is_checked(copy, change, words):
    record = json.loads((copy / "run.json").read_text())
    change(record)
    (copy / "run.json").write_text(json.dumps(record))
    if words is None:
        assert Run.open_existing(copy).record == record
        return
    with pytest.raises(RunError, match=rf"^{copy / 'run.json'}: damaged \({words}[^\n]*$"):
        Run.open_existing(copy)


@pytest.mark.parametrize("harm", ["pipe", "device", "folder", "huge", "utf-16", "surrogates", "crlf", "bom"])
def test_a_file_that_is_no_record_does_not_hold_a_tool_up(copy, harm):
    path = copy / "run.json"
    content = path.read_bytes()
    path.unlink()
    if harm in ("crlf", "bom", "utf-16"):  # as editors on Windows write it
        changed = {"crlf": content.replace(b"\n", b"\r\n"), "bom": b"\xef\xbb\xbf" + content}
        path.write_bytes(changed.get(harm) or content.decode().encode("utf-16"))
        assert Run.open_existing(copy).record == json.loads(content)
        return
    if harm in ("pipe", "device", "folder", "huge"):
        make_no_file(path, harm)
    else:
        path.write_bytes(b"\xed\xb2\x80")
    with pytest.raises(RunError, match=r"run.json: (cannot be read: |damaged \()"):
        Run.open_existing(copy)


def test_names_that_are_not_utf_8_are_recorded(copy, small_config):
    names = ("caf\udce9", "\u73ab\u7470", *"23456789")
    record = json.loads((copy / "run.json").read_text())
    record["data"]["origin"] = "/pictures/caf\udce9"
    record["fields"]["label"]["names"] = list(names)
    (copy / "run.json").write_text(json.dumps(record))
    with Run.open_existing(copy) as run:
        run.resume(small_config, "cpu", 12)
    assert "\u73ab\u7470" in (copy / "run.json").read_text(encoding="utf-8")
    again = Run.open_existing(copy)
    assert (again.source.origin, again.spec["label"].names) == ("/pictures/caf\udce9", names)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        ("train: {steps: 5", "not valid YAML"),
        (lambda text: f"{text}of_the_future: 1\n", "of_the_future: unknown key"),
    ],
)
def test_a_config_that_cannot_be_read_says_what_to_do(copy, content, words):
    path = copy / "config.yml"
    text = path.read_text()
    path.unlink()
    if content is not None:
        path.write_text(content(text) if callable(content) else content)
    with pytest.raises(
        RunError, match=rf"^{path}: missing, damaged or from another version \(.*{words}.*manifest.json"
    ):
        Run.open_existing(copy).config()


def test_a_run_from_windows_is_read(copy, small_config):
    for name in ("config.yml", "metrics.jsonl", "run.json"):
        (copy / name).write_bytes((copy / name).read_bytes().replace(b"\n", b"\r\n"))
    run = Run.open_existing(copy)
    assert run.config() == small_config
    assert len(run.log.read()) == 14


def test_a_saved_config_of_another_version_is_no_bare_key(copy, small_config, small_tree):
    small_tree["train"]["of_the_future"] = 1
    run = Run.open_existing(copy)
    with pytest.raises(RunError, match=f"^{copy}: the config saved with its checkpoint is damaged, or from another"):
        run.check_same(small_config, small_tree, run.source)


def link_folders(run, disk):
    """Move the folders of a run to another place, with links to them; returns a link to the run."""
    for name in FOLDERS:
        (run / name).mkdir(exist_ok=True)
        shutil.move(run / name, disk / name)
        (run / name).symlink_to(disk / name)
    (disk / "link").symlink_to(run)
    return disk / "link"


def test_a_run_with_folders_on_another_disk_is_resumed_and_replaced(copy, small_tree, tmp_path):
    plain = shutil.copytree(copy, tmp_path / "plain")
    (disk := tmp_path / "disk").mkdir()
    run, flags = link_folders(copy, disk), {"device": "cpu", "dry_run": False}
    small_tree["train"]["steps"] = 14
    for folder in (run, plain):
        assert train(check_config(small_tree), folder, resume=True, overwrite=False, **flags) == 0
    assert lasting(run, 14) == lasting(plain, 14)
    assert {name: sorted(os.listdir(run / name)) for name in ("checkpoints", "samples")} == {
        name: sorted(os.listdir(plain / name)) for name in ("checkpoints", "samples")
    }
    small_tree["train"]["steps"] = 1
    assert train(check_config(small_tree), run, resume=False, overwrite=True, **flags) == 0
    assert os.listdir(disk / "checkpoints") == ["step_00000001"]
    assert all((copy / name).is_symlink() for name in FOLDERS)
    assert image_steps(copy) == [1]


@pytest.mark.parametrize("flag", ["resume", "overwrite"])
@pytest.mark.parametrize("name", [*FOLDERS, "."])
def test_a_link_to_a_disk_that_is_missing_is_named_and_costs_nothing(copy, small_config, tmp_path, name, flag):
    (disk := tmp_path / "disk").mkdir()
    run = link_folders(copy, disk)
    shutil.move(*((copy, tmp_path / "moved") if name == "." else (disk / name, tmp_path / "moved")))
    flags = {"resume": False, "overwrite": False, flag: True}
    with pytest.raises(RunError, match=rf"cannot be written: {run / name} is a link to .*, which does not exist$"):
        train(small_config, run, **flags, device="cpu", dry_run=False)
    moved = tmp_path / "moved"
    shutil.move(moved, copy if name == "." else disk / name)
    assert Run.open_existing(run).log.read()
    assert len(os.listdir(run / "checkpoints")) == 3
