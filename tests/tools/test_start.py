"""What all tools share: they have few lines, run from any folder, and report a Python that is too old."""

import ast
import os
import subprocess
import sys

import pytest
from conftest import ROOT, one_line_error, run_tool

from ppgan_lite.cli.main import COMMANDS

TOOLS = sorted(path.stem for path in (ROOT / "tools").glob("[!_]*.py"))
# Files that a Python too old for the suite must be able to read before it is reported.
READ_BY_OLD = [f"tools/{name}.py" for name in (*TOOLS, "_start")] + [
    "ppgan_lite/__init__.py",
    "ppgan_lite/commands/infer.py",
]


def test_there_is_a_tool_for_each_command():
    assert sorted(name.replace("-", "_") for name in COMMANDS) == TOOLS


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_runs_its_command_from_any_folder(tool, tmp_path):
    code, out, err = run_tool(tool, "--help", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: python tools/{tool}.py ")
    assert f"\n  python tools/{tool}.py " in out


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_runs_in_an_isolated_python(tool, tmp_path):
    """Such a Python has neither the current folder nor the tool's in its path."""
    command = [sys.executable, "-I", str(ROOT / "tools" / f"{tool}.py"), "--help"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("file", READ_BY_OLD)
def test_old_pythons_can_read_it(file):
    ast.parse((ROOT / file).read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("tool", TOOLS)
def test_a_python_that_is_too_old_is_one_line_and_code_2(tool, tmp_path):
    """With a Python that reports version 3.9."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.version_info = (3, 9, 18, 'final', 0)\nsys.version = '3.9.18 (main)'\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(ROOT / "tools" / f"{tool}.py"), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stdout) == (2, "")
    message = one_line_error(result.stderr)
    assert "needs Python 3.10 or newer, but" in message
    assert message.endswith("3.9.18" if tool == "infer" else "pip install -r requirements.txt")
