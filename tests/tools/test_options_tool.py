"""tools/options.py as its users run it."""

import subprocess
import sys

import pytest
from conftest import ROOT, one_line_error, run_tool

from ppgan_lite.cli.main import main


def test_it_shows_keys_without_loading_paddle(tmp_path):
    command = [sys.executable, "-X", "importtime", str(ROOT / "tools" / "options.py"), "wgan_gp"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0
    assert result.stdout.startswith("method: {name: wgan_gp}\n")
    modules = {line.split()[-1] for line in result.stderr.splitlines()}
    assert "ppgan_lite.methods.options" in modules
    assert not {"paddle", "visualdl", "matplotlib", "numpy", "cv2"} & modules


def test_an_unknown_name_is_one_line_and_code_2(tmp_path):
    code, out, err = run_tool("options", "wgna", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert one_line_error(err) == "unknown name 'wgna'; without a name this command lists all; did you mean wgan?"


@pytest.mark.parametrize("arguments", [[], ["train"]])
def test_ppgan_has_it_as_a_command(arguments, capsys):
    assert main(["options", *arguments]) == 0
    assert capsys.readouterr().out
