"""The program `ppgan`, in a process of its own where that matters. Its commands are tested in tests/tools."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, one_line_error

import ppgan_lite
from ppgan_lite.cli import main as cli

WITHOUT = ("paddle", "visualdl", "matplotlib", "yaml", "numpy")  # not needed for help


def run_ppgan(*arguments, folder=ROOT, without=(), **options):
    """Run `ppgan` of the package in `folder` as if some modules were not there; (exit code, stdout, stderr)."""
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); from ppgan_lite.cli.main import main\n"
        f"sys.modules.update(dict.fromkeys({without}))\n"
        "sys.exit(main())"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, **options)
    return result.returncode, result.stdout, result.stderr


def test_the_version_is_the_packages():
    assert run_ppgan("--version") == (0, f"ppgan_lite {ppgan_lite.__version__}\n", "")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_has_a_line_for_each_command(arguments, capsys):
    assert cli.main(arguments) == 0
    out, err = capsys.readouterr()
    lines = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert (lines, err) == (list(cli.COMMANDS), "")
    assert max(map(len, out.splitlines()[:-1])) <= 80


@pytest.mark.parametrize(
    ("name", "nearest"), [("trian", "train"), ("prepare_data", "prepare-data"), ("--train", "train")]
)
def test_an_unknown_command_is_one_line_and_code_2(name, nearest, capsys):
    assert cli.main([name]) == 2
    out, err = capsys.readouterr()
    assert (out, one_line_error(err).partition(";")[0]) == ("", f"unknown command {name!r}")
    assert err.endswith(f"; did you mean {nearest}?\n")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_shows_examples_as_they_are_typed(name, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main([name, "--help"])
    assert end.value.code == 0
    installed = capsys.readouterr().out
    assert installed.startswith(f"usage: ppgan {name} ")
    assert f"\n  ppgan {name} " in installed
    assert "python " not in installed
    assert not re.search(r"tools/|configs/", installed.replace(str(ROOT), ""))


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if name != "infer"])
def test_help_of_a_tool_shows_it_as_a_tool(name, capsys):
    with pytest.raises(SystemExit):
        cli.main([name, "--help"], tool=True)
    out = capsys.readouterr().out
    file = f"tools/{name.replace('-', '_')}.py"
    assert (ROOT / file).exists()
    assert out.startswith(f"usage: python {file} ")
    assert f"\n  python {file} " in out
    assert "ppgan " not in out
    for config in re.findall(r"-c (\S+)", out.partition("options:")[2]):
        assert config == "CONFIG," or (ROOT / config).exists()


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_needs_no_package(name):
    """Not even the packages that are installed with ppgan_lite: help is immediate, and works if one is missing."""
    code, out, err = run_ppgan(name, "--help", without=WITHOUT[: -1 if name == "infer" else None])
    assert (code, err) == (0, "")
    assert "--debug" in out


@pytest.mark.parametrize(
    ("module", "package", "arguments"),
    [
        ("yaml", "PyYAML", ["train", "-c", "dcgan_mnist"]),
        ("paddle", "Paddle", ["train", "-c", "dcgan_mnist"]),
        ("paddle", "Paddle", ["sample", "--run", "RUN", "--out", "x.png"]),
        ("cv2", "opencv-python-headless", ["train", "-c", "dcgan_digits"]),
        ("tqdm", "tqdm", ["evaluate", "--run", "RUN"]),
        ("numpy", "numpy", ["infer", "--model", "x", "--out", "x.png"]),
    ],
)
def test_a_missing_package_is_one_line_and_code_2(module, package, arguments, small_run, tmp_path):
    arguments = [small_run if word == "RUN" else word for word in arguments]
    code, out, err = run_ppgan(*arguments, without=(module,), cwd=tmp_path)
    assert (code, out) == (2, "")
    assert one_line_error(err) == f"{package} is not installed: pip install -r {ROOT / 'requirements.txt'}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "--run", "none", "--out", "x.png"], "none: not the folder of a run"),
        (["sample", "--run", "none", "--timelapse", "--out", "x.gif"], "none: not the folder of a run"),
        (["evaluate", "--run", "none"], "none: not the folder of a run"),
        (["export", "--run", "none", "--out", "x"], "none: not the folder of a run"),
        (["export", "--run", "EMPTY", "--out", "x"], "checkpoints: no checkpoint yet; train until the first is saved"),
        (["report", "--runs", "none"], "none: no such folder"),
        (["train", "-c", "dcgan_digits", "--resume", "--run-dir", "none"], "none: no run to resume"),
        (["train", "-c", "dcgan_digits", "--run-dir", "EMPTY"], "already has a run"),
        (["train", "-c", "dcgan_folder", "-o", "data.root=/none"], "data.root: /none: no such folder or zip file"),
    ],
)
def test_what_is_wrong_without_paddle_does_not_wait_for_it(arguments, message, small_run, tmp_path):
    empty = shutil.copytree(small_run, tmp_path / "run", ignore=shutil.ignore_patterns("step_*"))
    arguments = [empty if word == "EMPTY" else word for word in arguments]
    code, _, err = run_ppgan(*arguments, without=("paddle",), cwd=tmp_path)
    assert code == 2
    assert message in one_line_error(err)


def test_an_option_is_not_guessed_from_its_first_letters(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "-c", "dcgan_digits", "--over"])
    assert end.value.code == 2
    assert "unrecognized arguments: --over;" in capsys.readouterr().err


def test_an_installed_package_names_its_extra(tmp_path):
    """In a copy of what pip installs: the configs are inside the package."""
    shutil.copytree(ROOT / "ppgan_lite", tmp_path / "ppgan_lite", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "configs", tmp_path / "ppgan_lite" / "configs")
    installed = {"folder": tmp_path, "without": ("paddle",), "cwd": tmp_path}
    code, _, err = run_ppgan("train", "-c", "dcgan_mnist", **installed)
    assert (code, one_line_error(err)) == (2, 'Paddle is not installed: pip install "ppgan_lite[cpu]"')
    code, out, _ = run_ppgan("report", "--help", **installed)
    assert "(default: RESULTS.md in" in out


def test_a_broken_package_is_not_a_missing_one(tmp_path):
    """An installed package that lacks a module is a bug or a wrong version: the traceback is shown."""
    (tmp_path / "yaml").mkdir()
    (tmp_path / "yaml" / "__init__.py").write_text("import yaml.reader")
    code, _, err = run_ppgan("train", "-c", "dcgan_mnist", env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert code == 1
    assert "ModuleNotFoundError: No module named 'yaml.reader'" in err


def test_infer_is_the_program_that_exports_have(small_export, tmp_path):
    code, out, err = run_ppgan("infer", "--model", small_export, "--num", 3, "--out", tmp_path / "x.png")
    assert (code, err) == (0, "")
    assert out.startswith(f"3 images of step 12 written to {tmp_path / 'x.png'} (")
