"""tools/train.py as its users run it: in a process of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, lasting, one_line_error, run_tool, start_tool

from ppgan_lite.runs import checkpoint


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def imports(tool, *arguments, **options):
    """Run a tool; returns its exit code, its stdout, and the modules that it imported, mixed with its stderr."""
    command = [sys.executable, "-X", "importtime", str(ROOT / "tools" / f"{tool}.py"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, **options)
    return result.returncode, result.stdout, [line.split()[-1] for line in result.stderr.splitlines()]


@pytest.mark.parametrize("tool", ["train", "sample"])
def test_help_answers_at_once_without_paddle(tool):
    code, out, err = run_tool(tool, "--help")
    assert (code, err) == (0, "")
    assert f"python tools/{tool}.py" in out
    code, again, modules = imports(tool, "--help")
    assert (code, again) == (0, out)
    assert "ppgan_lite.cli.main" in modules
    assert not {"paddle", "visualdl", "matplotlib", "numpy"} & set(modules)


@pytest.mark.parametrize("config", ["configs/dcgan_digits.yml", "configs/dcgan_digits", "dcgan_digits"])
def test_it_runs_from_any_folder(config, tmp_path):
    """Called by the tool's absolute path; the config comes from the tool's checkout."""
    small = ["-o", "train.steps=1", "-o", "data.num_images=9", "-o", "data.batch_size=2"]
    code, out, err = run_tool("train", "-c", config, *small, cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "\nsaved step 1 of 1 in output/dcgan_digits\nWhat next:\n" in out
    assert "ngf: 32" in (tmp_path / "output" / "dcgan_digits" / "config.yml").read_text()


def test_trains_and_reports_in_plain_lines(small_file, tmp_path):
    code, out, err = run_tool("train", "-c", small_file, "-o", "train.log_every=6", cwd=tmp_path)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("data: rendered_digits (44 images from OpenCV")
    assert lines[1] == "run: output/small on cpu, step 0 of 12"
    assert re.fullmatch(
        r"step 6/12  epoch 2  loss( (d_real|d_fake|g) \d[.\d]*){3}(  accuracy( d_(real|fake) \d[.\d]*)+)?"
        r"  \d+ images/s  \d+:\d\d:\d\d left",
        lines[2],
    )
    assert lines[lines.index("What next:") - 1] == "saved step 12 of 12 in output/small"
    assert names(tmp_path / "output" / "small") == [
        "checkpoints", "config.yml", "log", "metrics.jsonl", "run.json", "samples",
    ]  # fmt: skip


def test_a_terminal_gets_a_bar(small_file, tmp_path):
    pty = pytest.importorskip("pty", reason="needs a system with pseudo-terminals")
    termios = pytest.importorskip("termios")
    if not hasattr(termios, "tcsetwinsize"):
        pytest.skip("needs Python 3.11 to set the size of a pseudo-terminal")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = [sys.executable, ROOT / "tools" / "train.py", "-c", small_file]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                chunk = os.read(ours, 4096)
            except OSError:  # the process has ended
                break
            text += chunk
    os.close(ours)
    assert process.returncode == 0
    shown = text.decode()
    assert re.search(
        r"100%\|.*\| 12/12 \[\d\d:\d\d<\d\d:\d\d, d_real \d\.\d\d d_fake \d\.\d\d g \d\.\d\d \d+ images/s\]", shown
    )


# ---- bad input: one line, exit 2, nothing written ----


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "train.epohcs=1"], "train.epohcs: unknown key"),
        (["-o", "train.keep=0"], "train.keep: must be at least 1"),
        (["-c", "none.yml"], "none.yml: cannot read the config file"),
        (["-c", "dcgan_mnits"], "dcgan_mnits: cannot read the config file: no such file; did you mean dcgan_mnist, "),
        (["--resume", "--overwrite"], "not allowed with argument"),
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["--device", "tpu"], "invalid choice: 'tpu'"),
        (["--resume"], "no run to resume"),
        (["-o", "data.batch_size=99"], "data.batch_size: 99 is larger than the data set of 44 images"),
        (["--device", "gpu"], "--device gpu: no usable GPU"),
        (["--run-dir", "small.yml/run"], "small.yml/run: cannot be written: Not a directory"),
        (["--run-dir", "small.yml"], "small.yml: is a file"),
        (["-o", "data={name: mnist, batch_size: 8, root: none}"], "data.root: none: no such folder"),
    ],
)
def test_bad_input_is_one_line_and_code_2(small_file, tmp_path, arguments, message):
    code, out, err = run_tool("train", "-c", small_file, *arguments, cwd=tmp_path)
    assert code == 2
    assert message in one_line_error(err)
    assert names(tmp_path) == ["small.yml"]


def test_config_errors_do_not_wait_for_paddle(small_file, tmp_path):
    code, out, modules = imports("train", "-c", small_file, "-o", "train.x=1", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "yaml" in modules
    assert not {"paddle", "visualdl", "matplotlib"} & set(modules)


def test_debug_shows_the_traceback(small_file, tmp_path):
    code, out, err = run_tool("train", "-c", small_file, "-o", "train.x=1", "--debug", cwd=tmp_path)
    assert code == 1
    assert "Traceback" in err


def test_a_damaged_data_file_is_named(small_file, tmp_path):
    folder = tmp_path / "root" / "mnist"
    folder.mkdir(parents=True)
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        (folder / name).write_bytes(b"")
    data = f"data={{name: mnist, batch_size: 8, root: {tmp_path / 'root'}, offline: rendered_digits}}"
    code, out, err = run_tool("train", "-c", small_file, "-o", data, cwd=tmp_path)
    assert code == 2
    assert f"{folder}/train-images-idx3-ubyte.gz: not an IDX file" in one_line_error(err)
    assert names(tmp_path) == ["root", "small.yml"]


@pytest.mark.sweep
def test_without_network_and_data_it_trains_on_rendered_digits_loudly(small_file, tmp_path):
    """The real lookup in a home without data; a proxy that refuses connections takes the place of a missing network."""
    environment = {"PPGAN_DATA": "", "HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    data = ["-o", "data={name: mnist, batch_size: 8, offline: rendered_digits}", "-o", "train.steps=2"]
    code, out, err = run_tool("train", "-c", small_file, *data, cwd=tmp_path, environment=environment)
    assert code == 0
    assert "NOT MNIST: RENDERED DIGITS" in err
    assert "data: rendered_digits, standing in for mnist (60000 images" in out
    record = json.loads((tmp_path / "output" / "small" / "run.json").read_text())
    assert record["data"]["stands_in_for"] == "mnist"
    data[1] = "data={name: mnist, batch_size: 8, offline: null}"
    code, out, err = run_tool("train", "-c", small_file, *data, "--overwrite", cwd=tmp_path, environment=environment)
    assert code == 2
    assert "not available from any mirror" in one_line_error(err)
    assert (tmp_path / "output" / "small" / "run.json").exists()


def test_a_used_folder_is_refused_and_overwrite_replaces_it(small_file, tmp_path):
    short = ["-o", "train.steps=4"]
    assert run_tool("train", "-c", small_file, *short, cwd=tmp_path)[0] == 0
    code, out, err = run_tool("train", "-c", small_file, cwd=tmp_path)
    assert code == 2
    assert "output/small: already has a run; continue it with --resume, or give --overwrite" in one_line_error(err)
    assert run_tool("train", "-c", small_file, *short, "-o", "train.seed=9", "--overwrite", cwd=tmp_path)[0] == 0
    assert checkpoint.load_newest(tmp_path / "output" / "small" / "checkpoints", print).config["train"]["seed"] == 9


# ---- stopping ----


@pytest.mark.sweep
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_run_goes_on_exactly(small_file, tmp_path, number, code):
    long = ["-c", small_file, "-o", "train.save_every=100000", "-o", "train.log_every=1"]
    process = start_tool("train", *long, "-o", "train.steps=100000", "--run-dir", tmp_path / "stopped")
    for line in process.stdout:
        if line.startswith("step 3/"):
            process.send_signal(number)
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "stopping after this step and saving" in err
    (step,) = checkpoint.list_steps(tmp_path / "stopped" / "checkpoints")
    assert f"saved step {step} of 100000" in out

    end = step + 7
    long += ["-o", f"train.steps={end}", "--run-dir"]
    assert run_tool("train", *long, tmp_path / "stopped", "--resume")[0] == 0
    assert run_tool("train", *long, tmp_path / "whole")[0] == 0
    assert lasting(tmp_path / "stopped", end) == lasting(tmp_path / "whole", end)


# ---- an existing run: one line, exit 2, nothing lost ----


def test_resuming_a_changed_or_damaged_run_is_one_line(small_run, small_file, tmp_path):
    copy = shutil.copytree(small_run, tmp_path / "copy")
    resume = ["-c", small_file, "--run-dir", copy, "--resume"]
    code, out, err = run_tool("train", *resume, "-o", "train.seed=9")
    assert code == 2
    assert f"train.seed: 9, not 3 as in {copy}" in one_line_error(err)
    for path in copy.glob("checkpoints/*/network_g.safetensors"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    code, out, err = run_tool("train", *resume)
    assert code == 2
    *warnings, error = err.splitlines(keepends=True)
    assert [line.startswith("warning: ") and "network_g.safetensors: damaged" in line for line in warnings] == [
        True
    ] * 3
    assert "no undamaged checkpoint (of 3)" in one_line_error(error)
    assert checkpoint.list_steps(copy / "checkpoints") == [4, 8, 12]


def test_no_space_left_is_one_line_and_the_last_checkpoint_stays(small_file, tmp_path):
    """A limit on the size of files takes the place of a full disk: the same write fails, for another reason."""
    resource = pytest.importorskip("resource", reason="needs a system that can limit the size of files")
    arguments = ["-c", small_file, "--run-dir", tmp_path / "run"]
    assert run_tool("train", *arguments, "-o", "train.steps=4")[0] == 0
    smallest = min(path.stat().st_size for path in (tmp_path / "run").glob("checkpoints/*/*.safetensors"))
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (smallest - 1, smallest - 1))  # noqa: E731
    code, out, err = run_tool("train", *arguments, "--resume", "-o", "train.preview_every=99", preexec_fn=limit)
    assert code == 2
    assert "cannot be written: File too large" in one_line_error(err)
    assert names(tmp_path / "run" / "checkpoints") == ["step_00000004"]
    checkpoint.load(tmp_path / "run" / "checkpoints" / "step_00000004")


@pytest.mark.parametrize(
    ("config", "override", "message"),
    [
        (
            "dcgan_folder",
            "data.size=100",
            "generator.name: dcgan64 takes images of 32x32, 64x64 or 128x128 pixels, but ",
        ),
        (
            "wgan_gp_mnist",
            "discriminator.norm=batch",
            "discriminator.norm: wgan_gp needs a network without batch norms",
        ),
        (
            "dcgan_folder",
            "method.d_updates=2",
            "method.reuse_fakes: true needs method.d_updates: 1 and method.g_updates: 1",
        ),
    ],
)
def test_what_only_the_config_is_wrong_about_is_refused_before_data_is_opened(config, override, message, tmp_path):
    """The data's root does not exist, and is never opened."""
    code, out, err = run_tool("train", "-c", config, "-o", override, "-o", "data.root=/none", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert one_line_error(err).startswith(message)
    assert names(tmp_path) == []
