"""tools/report.py as its users run it: in a process of its own."""

import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, one_line_error, run_tool

from ppgan_lite.runs.results import Figure, Result

pytestmark = pytest.mark.sweep


@pytest.fixture
def place(small_run, tmp_path):
    """A folder with an evaluated run below output/."""
    run = shutil.copytree(small_run, tmp_path / "output" / "small")
    (run / "evaluations").mkdir(exist_ok=True)
    protocol = {"features": "none", "data": "rendered_digits"}
    found = Result(12, protocol, {"frechet_distance": Figure(12.5, 0.5)}, 1.0)
    found.write(run / "evaluations" / "step_00000012.json")
    return tmp_path


def test_it_writes_the_page_and_says_so(place):
    code, out, err = run_tool("report", "--runs", "output", "--out", "docs/RESULTS.md", cwd=place)
    assert (code, out, err) == (0, "docs/RESULTS.md written (runs: 1)\n", "")
    text = (place / "docs" / "RESULTS.md").read_text()
    assert "| 12.50 |" in text
    assert "`output/small`" in text
    assert "### rendered_digits 上的生成器" in (place / "docs" / "RESULTS_cn.md").read_text()
    assert len(list((place / "docs" / "images" / "results").iterdir())) == 2  # samples, and real images


def test_without_out_the_page_goes_to_the_runs_and_records_make_it_again(place):
    code, out, err = run_tool("report", "--runs", "output", "--records", "results.json", cwd=place)
    assert (code, out, err) == (0, "output/RESULTS.md written (runs: 1)\n", "")
    code, out, err = run_tool("report", "--records", "results.json", "--out", "output/again.md", cwd=place)
    assert (code, out, err) == (0, "output/again.md written (runs: 1)\n", "")
    assert (place / "output" / "again.md").read_bytes() == (place / "output" / "RESULTS.md").read_bytes()


def test_claims_are_those_of_the_repository_wherever_it_is_called_from(place, tmp_path_factory):
    repository = tmp_path_factory.mktemp("repository")
    for name in ("ppgan_lite", "tools", "configs"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__"))
    (repository / "docs").mkdir()
    claims = (ROOT / "docs" / "claims.yml").read_text()
    (repository / "docs" / "claims.yml").write_text(claims.replace("Lucic et al. 2018", "This very copy"))
    command = [sys.executable, str(repository / "tools" / "report.py"), "--runs", "output"]
    result = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "output/RESULTS.md written (runs: 1)\n", "")
    text = (place / "output" / "RESULTS.md").read_text()
    assert "This very copy" in text
    assert str(repository) not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --runs, --records or both"),
        (["--records", "none.json"], "none.json: no evaluated run in it or below"),
        (["--runs", "docs"], "docs: no such folder"),
        (["--runs", "empty"], "empty: no evaluated run in it or below"),
        (["--runs", "output", "--out", "/dev/null/x.md"], "/dev/null/images/results: cannot be written"),
        (["--runs", "output", "--claims", "none.yml"], "none.yml: cannot be read"),
    ],
)
def test_bad_input_is_one_line_and_code_2(place, arguments, words):
    (place / "empty").mkdir()
    before = sorted(place.rglob("*"))
    code, out, err = run_tool("report", *arguments, cwd=place)
    assert (code, out) == (2, "")
    assert words in one_line_error(err)
    assert sorted(place.rglob("*")) == before
