"""tools/export.py as its users run it: in a separate process."""

import shutil

import pytest
from conftest import flip_a_byte, one_line_error, run_tool, start_tool

pytestmark = pytest.mark.sweep


def test_it_exports_checks_and_reports(small_run, tmp_path):
    code, out, err = run_tool("export", "--run", small_run, "--out", tmp_path / "exported")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "exporting g, generator: noise to pictures"
    assert lines[2].startswith("g, paddle: differs by at most ")
    assert lines[-1] == f"step 12 of {small_run} exported to {tmp_path / 'exported'}"
    names = {f"{network}{ending}" for network in "gd" for ending in (".json", ".pdiparams")}
    assert {path.name for path in (tmp_path / "exported").iterdir()} == names | {"signature.json", "infer.py"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--out", "x", "--formats", "paddle,tensorrt"],
            "argument --formats: unknown format 'tensorrt'; allowed: paddle,",
        ),
        (["--out", "x", "--formats", "onnx"], "argument --formats: paddle must be included: onnx is made from it"),
        (["--out", "x", "--step", "7"], "no checkpoint of step 7; there are: 4, 8, 12"),
        (["--out", "/dev/null/x"], "/dev/null/x: cannot be written"),
        ([], "the following arguments are required: --out"),
    ],
)
def test_bad_input_is_one_line_and_code_2(small_run, tmp_path, arguments, message):
    code, _, err = run_tool("export", "--run", small_run, *arguments, cwd=tmp_path)
    assert code == 2
    assert message in one_line_error(err)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_whole_leaves_nothing(small_run, tmp_path):
    resource = pytest.importorskip("resource", reason="needs a system that can limit the size of files")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999))  # noqa: E731
    code, _, err = run_tool("export", "--run", small_run, "--out", tmp_path / "exported", preexec_fn=limit)
    assert code == 2
    assert "cannot be written: File too large" in one_line_error(err)
    assert list(tmp_path.iterdir()) == []


def test_a_terminated_export_leaves_nothing(small_run, tmp_path):
    process = start_tool("export", "--run", small_run, "--out", tmp_path / "exported")
    for line in process.stdout:
        if line.startswith("g, paddle"):  # everything is written, and half of it checked
            (made,) = tmp_path.iterdir()
            assert made.match(".exported.*.tmp")
            process.terminate()
    assert process.wait() == 143
    assert list(tmp_path.iterdir()) == []


def other_networks(run):
    text = (run / "config.yml").read_text()
    (run / "config.yml").write_text(text.replace("ngf: 2", "ngf: 3"))


def damaged_weights(run):
    for path in run.glob("checkpoints/*/network_g.safetensors"):
        flip_a_byte(path)


@pytest.mark.parametrize(
    ("hurt", "message"),
    [
        (other_networks, "network_g: of another architecture: "),
        (damaged_weights, "no undamaged checkpoint (of 3)"),
        (lambda run: (run / "run.json").unlink(), "not the folder of a run"),
    ],
)
def test_a_run_that_does_not_fit_is_one_line_and_leaves_nothing(hurt, message, small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run")
    hurt(run)
    code, _, err = run_tool("export", "--run", run, "--out", tmp_path / "exported")
    assert code == 2
    assert message in one_line_error(err.splitlines(keepends=True)[-1])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
