import dataclasses
import importlib.util
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from conftest import ROOT, SMALL, make_no_file, make_run, run_tool
from PIL import Image
from visualdl import LogReader, LogWriter

from ppgan_lite.config.build import build_dataset
from ppgan_lite.config.load import check_config
from ppgan_lite.errors import RunError
from ppgan_lite.runs.health import Diagnosis
from ppgan_lite.runs.log import Log
from ppgan_lite.runs.results import Figure, Result
from ppgan_lite.runs.run import Run

DIAGNOSIS = Diagnosis("collapse", 12, 10, "all images are alike", ("more data", "patience"))
FIGURES = {"frechet_distance": Figure(12.5, real=0.5), "classifier_score": Figure(3.0)}
CONFUSION = Result(12, {"num_real": 4}, {"accuracy": Figure(0.75)}, 1.0, confusion=((3, 1), (0, 0)))


TENSORBOARD_IS_THERE = importlib.util.find_spec("tensorboardX") is not None


def need_tensorboard():
    if not TENSORBOARD_IS_THERE:
        pytest.skip("needs tensorboardX: pip install tensorboardX")


def logging_to(*names):
    return check_config({**SMALL, "train": {**SMALL["train"], "log_to": list(names)}})


@pytest.fixture(scope="module")
def both_run(tmp_path_factory):
    """The small run, logged to TensorBoard, too. Not to be changed: copy it."""
    need_tensorboard()
    tree = {**SMALL, "train": {**SMALL["train"], "log_to": ["visualdl", "tensorboard"]}}
    return make_run(tree, tmp_path_factory.mktemp("both_run"))


@pytest.fixture
def copy(both_run, tmp_path):
    return shutil.copytree(both_run, tmp_path / "copy")


@pytest.fixture
def new(small_config, tmp_path):
    """Makes a run that was not trained."""

    def make(*log_to):
        if "tensorboard" in log_to:
            need_tensorboard()
        return Run.create(tmp_path / "new", logging_to(*log_to), build_dataset(small_config), "cpu")

    return make


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def visualdl(folder, series, component, tag):
    """(step, milliseconds) of what VisualDL shows."""
    (file,) = (folder / "log" / series).iterdir()
    return [(record.id, record.timestamp) for record in LogReader(file_path=str(file)).get_data(component, tag)]


def tensorboard(folder, run):
    """What TensorBoard reads: tag -> [(step, seconds, value)], after a check of each record's checksums."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    (file,) = (folder / "log_tensorboard" / run).iterdir()
    assert file.name.startswith("events.out.tfevents.")
    content, shown = file.read_bytes(), {}
    while content:
        length, crc = struct.unpack("<QI", content[:12])
        data = content[12 : 12 + length]
        assert crc == masked_crc32c(content[:8])
        assert struct.unpack("<I", content[12 + length : 16 + length]) == (masked_crc32c(data),)
        content, event = content[16 + length :], Event.FromString(data)
        for value in event.summary.value:
            kind = value.WhichOneof("value")
            shown.setdefault(value.tag, []).append((event.step, event.wall_time, getattr(value, kind)))
    return shown


def modified(folder, name):
    return (folder / name).stat().st_mtime


def test_each_line_has_its_time(tmp_path):
    before = time.time()
    folder = make_run(SMALL, tmp_path)
    times = [record["time"] for record in metrics(folder)]
    assert before - 1e-3 < times[0]
    assert times == sorted(times)
    assert times[-1] < time.time() + 1e-3
    assert times == [round(each, 3) for each in times]
    assert [list(record)[:2] for record in metrics(folder)] == [["step", "time"]] * len(times)


def check_visualdl(folder):
    records = metrics(folder)
    expected = [(record["step"], round(1000 * record["time"])) for record in records if "loss/g" in record]
    assert visualdl(folder, "g_loss", "scalar", "loss") == expected
    expected = [(record["step"], round(1000 * record["time"])) for record in records if "diagnosis" in record]
    assert visualdl(folder, "health", "text", "diagnosis") == expected
    assert visualdl(folder, "samples", "image", "numbers") == [
        (step, round(1000 * modified(folder, f"samples/step_{step:08d}.png"))) for step in (5, 10, 12)
    ]
    assert visualdl(folder, "samples", "image", "real") == [(0, round(1000 * modified(folder, "samples/real.png")))]
    for series in ("evaluation", "evaluation_of_real_images"):
        milliseconds = round(1000 * modified(folder, "evaluations/step_00000012.json"))
        assert visualdl(folder, series, "scalar", "frechet_distance") == [(12, milliseconds)]


def check_tensorboard(folder):
    records, shown = metrics(folder), tensorboard(folder, "training")
    keys = {key for record in records for key in record if "/" in key}
    assert {"loss/g", "loss/d_real", "accuracy/d_fake", "health/diversity"} <= keys
    assert shown.keys() == keys | {"samples/numbers", "samples/real", "health/diagnosis/text_summary"}
    for key in keys:
        expected = [(record["step"], record["time"], record[key]) for record in records if key in record]
        assert [point[:2] for point in shown[key]] == [point[:2] for point in expected]
        np.testing.assert_allclose([point[2] for point in shown[key]], [point[2] for point in expected], rtol=1e-6)
    assert [picture[:2] for picture in shown["samples/numbers"]] == [
        (step, modified(folder, f"samples/step_{step:08d}.png")) for step in (5, 10, 12)
    ]
    (text,) = shown["health/diagnosis/text_summary"]
    assert text[:2] == (12, records[-1]["time"])
    words = b"collapse, since step 10: all images are alike; may help: more data; may help: patience"
    assert list(text[2].string_val) == [words]
    seconds = modified(folder, "evaluations/step_00000012.json")
    evaluation = tensorboard(folder, "evaluation")
    assert evaluation["evaluation/frechet_distance"] == [(12, seconds, 12.5)]
    assert evaluation["evaluation/classifier_score"] == [(12, seconds, 3.0)]
    assert tensorboard(folder, "evaluation_of_real_images") == {"evaluation/frechet_distance": [(12, seconds, 0.5)]}


def test_what_is_drawn_has_the_times_of_metrics_and_files_and_keeps_them_when_resumed(copy):
    config = logging_to("visualdl", "tensorboard")
    with Run.open_existing(copy) as run:
        run.resume(config, "cpu", 12)
        run.log.add_diagnosis(DIAGNOSIS)
        run.results.add(Result(12, {}, FIGURES, 1.0))
        run.log.add_result(run.results.read()[0])
    check_visualdl(copy)
    check_tensorboard(copy)
    before = metrics(copy)
    for path in copy.rglob("*"):
        if path.is_file():
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 86_400 * 10**9))  # written yesterday
    records = [{**record, "time": round(record["time"] - 86_400, 3)} for record in before]
    (copy / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    with Run.open_existing(copy) as run:
        run.resume(config, "cpu", 12)
    assert metrics(copy) == records
    check_visualdl(copy)
    check_tensorboard(copy)


def test_what_a_training_draws_is_what_a_resume_draws(both_run, copy):
    with Run.open_existing(copy) as run:
        run.resume(logging_to("visualdl", "tensorboard"), "cpu", 12)
    assert tensorboard(copy, "training") == tensorboard(both_run, "training")
    assert metrics(copy) == metrics(both_run)
    series = sorted(path.name for path in (both_run / "log").iterdir())
    assert series == sorted(path.name for path in (copy / "log").iterdir())
    for each in series:
        tag = each.rpartition("_")[2]
        assert visualdl(copy, each, "scalar", tag) == visualdl(both_run, each, "scalar", tag)


def test_tensorboard_has_the_pictures_themselves(both_run):
    for tag, name in (("samples/numbers", "step_00000005.png"), ("samples/real", "real.png")):
        encoded = tensorboard(both_run, "training")[tag][0][2].encoded_image_string
        with Image.open(io.BytesIO(encoded)) as shown, Image.open(both_run / "samples" / name) as picture:
            assert np.array_equal(np.asarray(shown.convert("RGB")), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("channels", [1, 3])
def test_dark_pictures_are_drawn_and_kept_as_they_are(new, channels):
    """VisualDL multiplies them in place."""
    pixels = np.arange(4 * channels, dtype="uint8").reshape(2, 2, channels) % 2
    before = pixels.copy()
    with new("visualdl", "tensorboard") as run:
        run.log.add_preview(1, pixels, {})
    assert np.array_equal(pixels, before)
    for _ in range(2):
        assert [step for step, _ in visualdl(run.folder, "samples", "image", "numbers")] == [1]
        encoded = tensorboard(run.folder, "training")["samples/numbers"][0][2].encoded_image_string
        with Image.open(io.BytesIO(encoded)) as shown:
            assert np.array_equal(np.asarray(shown.convert("RGB")), np.broadcast_to(before, (2, 2, 3)))
        with Run.open_existing(run.folder) as again:
            again.resume(logging_to("visualdl", "tensorboard"), "cpu", 1)


def test_lines_without_a_time_are_drawn_with_that_of_now(copy):
    records = [{key: value for key, value in record.items() if key != "time"} for record in metrics(copy)]
    (copy / "metrics.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    before = time.time()
    with Run.open_existing(copy) as run:
        run.resume(logging_to("visualdl", "tensorboard"), "cpu", 8)
        run.log.add_scalars(9, {"loss/g": 0.5})
    after = time.time()
    drawn = visualdl(copy, "g_loss", "scalar", "loss")
    assert [step for step, _ in drawn] == list(range(1, 10))
    assert all(1000 * before - 1 <= milliseconds <= 1000 * after + 1 for _, milliseconds in drawn)
    assert all(before <= seconds <= after for _, seconds, _ in tensorboard(copy, "training")["loss/g"][:8])
    assert [("time" in record) for record in metrics(copy) if "loss/g" in record] == [False] * 8 + [True]


def test_a_resume_may_log_to_others(copy, small_run):
    for log_to, folders in ((["tensorboard"], ["log_tensorboard"]), ([], []), (["visualdl"], ["log"])):
        with Run.open_existing(copy) as run:
            run.resume(logging_to(*log_to), "cpu", 12)
        assert sorted(path.name for path in copy.glob("log*")) == folders
        assert len(metrics(copy)) == len(metrics(small_run))
        if log_to == ["tensorboard"]:
            assert [point[0] for point in tensorboard(copy, "training")["loss/g"]] == list(range(1, 13))
    assert [step for step, _ in visualdl(copy, "g_loss", "scalar", "loss")] == list(range(1, 13))
    Run.create(copy, logging_to(), build_dataset(logging_to()), "cpu")
    assert list(copy.glob("log*")) == []


def test_results_are_drawn_again_as_one_file(new):
    run = new("visualdl", "tensorboard")
    older = Result(4, {"num_real": 2}, FIGURES, 1.0)
    for result in (older, dataclasses.replace(older, step=8, protocol={"num_real": 4})):
        run.results.add(result)
        with Run.open_existing(run.folder) as opened:
            opened.log.redraw_results(("visualdl", "tensorboard"))
    for series, figures in (("evaluation", 2), ("evaluation_of_real_images", 1)):
        assert [step for step, _ in visualdl(run.folder, series, "scalar", "frechet_distance")] == [8]
        shown = tensorboard(run.folder, series)
        assert list(shown) == ["evaluation/frechet_distance", "evaluation/classifier_score"][:figures]
        assert all([point[0] for point in points] == [8] for points in shown.values())
    run.results.add(CONFUSION)
    with Run.open_existing(run.folder) as opened:
        opened.log.redraw_results(())
    assert [step for step, _ in visualdl(run.folder, "evaluation", "scalar", "frechet_distance")] == [8]


def test_a_classifiers_picture_is_drawn(tmp_path, new):
    run = new("visualdl", "tensorboard")
    run.results._class_names = ("a", "b")
    run.results.add(CONFUSION)
    with run:
        run.log.add_result(CONFUSION)
    assert [step for step, _ in visualdl(run.folder, "evaluation", "image", "confusion")] == [12]
    ((step, seconds, picture),) = tensorboard(run.folder, "evaluation")["evaluation/confusion"]
    assert (step, seconds) == (12, modified(run.folder, "evaluations/step_00000012.png"))
    with Image.open(run.results.picture(12)) as kept:
        assert (picture.width, picture.height) == kept.size


def test_without_viewers_all_is_in_metrics(new):
    with new() as run:
        run.log.add_scalars(1, {"loss/g": 0.5})
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "checkpoints", "config.yml", "metrics.jsonl", "run.json", "samples",
    ]  # fmt: skip
    (record,) = metrics(run.folder)
    assert record == {"step": 1, "time": record["time"], "loss/g": 0.5}


@pytest.mark.parametrize(
    ("name", "package", "viewer"),
    [("visualdl", "visualdl", "VisualDL"), ("tensorboard", "tensorboardX", "TensorBoard")],
)
def test_a_missing_package_is_one_warning(new, monkeypatch, capsys, name, package, viewer):
    for module in [module for module in sys.modules if module.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)  # as if it was not installed
    with new("visualdl", "tensorboard") as run:
        for step in (1, 2):
            run.log.add_scalars(step, {"loss/g": 0.5, "loss/d": 0.5})
        run.log.add_diagnosis(DIAGNOSIS)
    assert capsys.readouterr().err == (
        f"warning: {run.folder}: drawing for {viewer} stops: {package} is not installed: pip install {package}"
        "; metrics.jsonl has everything\n"
    )
    assert [record["step"] for record in metrics(run.folder)] == [1, 2, 12]
    assert sorted(path.name for path in run.folder.glob("log*")) == [
        "log" if name == "tensorboard" else "log_tensorboard"
    ]
    drawn = run.folder / ("log" if name == "visualdl" else "log_tensorboard") / "evaluation" / "drawn before"
    drawn.parent.mkdir(parents=True)
    drawn.write_text("")
    with Run.open_existing(run.folder) as opened:
        opened.log.redraw_results((name,))
    assert capsys.readouterr().err.count("is not installed") == 1
    assert drawn.exists()


def test_a_training_goes_on_without_a_visualdl_that_cannot_be_imported(small_tree, tmp_path):
    (tmp_path / "visualdl").mkdir()
    code = "raise TypeError('Descriptors cannot be created directly.\\nDowngrade protobuf.')\n"
    (tmp_path / "visualdl" / "__init__.py").write_text(code)
    (tmp_path / "small.yml").write_text(yaml.safe_dump(small_tree))
    environment = {"PYTHONPATH": str(tmp_path)}
    code, _, err = run_tool("train", "-c", "small.yml", "--run-dir", "run", cwd=tmp_path, environment=environment)
    assert code == 0
    assert err == (
        "warning: run: drawing for VisualDL stops: visualdl failed: TypeError: Descriptors cannot be created "
        "directly.; metrics.jsonl has everything\n"
    )
    assert len(metrics(tmp_path / "run")) == 14
    assert not (tmp_path / "run" / "log").exists()


@pytest.mark.parametrize("method", ["__init__", "add_scalar", "add_image", "close"])
def test_a_visualdl_that_fails_is_one_warning(new, monkeypatch, capsys, method):
    def fail(*arguments, **options):
        raise RuntimeError("no longer kept")

    monkeypatch.setattr(LogWriter, method, fail)
    with new("visualdl") as run:
        for step in (1, 2):
            run.log.add_scalars(step, {"loss/g": 0.5})
            run.log.add_preview(step, np.zeros([2, 2, 1], "uint8"), {})
    assert capsys.readouterr().err == (
        f"warning: {run.folder}: drawing for VisualDL stops: visualdl failed: RuntimeError: no longer kept; "
        "metrics.jsonl has everything\n"
    )
    assert [record["step"] for record in metrics(run.folder)] == [1, 2]
    assert [step for _, step in run.log.previews()] == [1, 2]


def test_no_space_for_tensorboard_is_one_warning_and_no_wait(tmp_path):
    """SummaryWriter would wait for ever, for its thread that died."""
    need_tensorboard()
    pytest.importorskip("resource", reason="needs a system that can limit the size of files")
    code = """
import resource, sys
from pathlib import Path
import numpy as np
from ppgan_lite import runtime
runtime.load_paddle()
from ppgan_lite.runs.log import Log
log = Log(Path(sys.argv[1]), None)
log.open(("tensorboard",))
for step in range(1, 60):
    log.add_scalars(step, {"loss/g": 0.5})
(log._folder / "samples").mkdir()
picture = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype="uint8")
log.add_preview(60, picture, {})
resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))
for step in range(61, 80):
    log.add_scalars(step, {"loss/g": 0.5})
    log.add_preview(step, picture, {})
log.close()
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        f"warning: {tmp_path}: drawing for TensorBoard stops: tensorboardX failed: OSError: [Errno 27] File "
        "too large; metrics.jsonl has everything\n"
    )
    assert [record["step"] for record in metrics(tmp_path)] == [*range(1, 60), *range(61, 80)]


def test_a_line_that_is_cut_short_by_a_full_disk_is_an_error(tmp_path):
    code = """
import resource, sys
from pathlib import Path
from ppgan_lite.errors import RunError
from ppgan_lite.runs.log import Log
log = Log(Path(sys.argv[1]), None)
resource.setrlimit(resource.RLIMIT_FSIZE, (75, 75))  # lines have 49 to 51 bytes: a time's last zeros are not written
try:
    for step in range(1, 9):
        log.add_scalars(step, {"loss/g": 0.5})
except RunError as error:
    print(step, error)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == f"2 {tmp_path / 'metrics.jsonl'}: cannot be written: File too large\n", done.stderr
    assert (tmp_path / "metrics.jsonl").stat().st_size == 75
    assert [record["step"] for record in Log(tmp_path, None).read()] == [1]


@pytest.mark.parametrize("harm", ["pipe", "device", "folder", "huge"])
def test_metrics_that_are_no_file_are_an_error_that_says_what_to_do(tmp_path, harm):
    path = tmp_path / "metrics.jsonl"
    make_no_file(path, harm)
    with pytest.raises(RunError, match=rf"^{path}: cannot be read: .*; move it away to continue without its records$"):
        Log(tmp_path, None).read()
