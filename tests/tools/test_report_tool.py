"""tools/report.py as its users run it: in a process of its own."""

import shutil

import pytest
from conftest import ROOT, one_line_error, run_tool

from ppgan_lite.evaluation.result import Figure, Result


@pytest.fixture
def place(small_run, tmp_path):
    """A folder with an evaluated run below output/, and docs/ with the project's claims."""
    run = shutil.copytree(small_run, tmp_path / "output" / "small")
    (run / "evaluations").mkdir(exist_ok=True)
    protocol = {"features": "none", "data": "rendered_digits"}
    found = Result(12, protocol, {"frechet_distance": Figure(12.5, 0.5)}, 1.0)
    found.write(run / "evaluations" / "step_00000012.json")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "claims.yml", tmp_path / "docs")
    return tmp_path


def test_it_writes_the_page_and_says_so(place):
    code, out, err = run_tool("report", "--runs", "output", cwd=place)
    assert (code, out, err) == (0, "docs/RESULTS.md written (runs: 1)\n", "")
    text = (place / "docs" / "RESULTS.md").read_text()
    assert "Written by `python tools/report.py --runs output` from the records of the runs below, and from" in text
    assert "| 12.50 |" in text
    assert "`output/small`" in text
    assert len(list((place / "docs" / "images" / "results").iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: --runs"),
        (["--runs", "docs"], "docs: no evaluated run in it or below"),
        (["--runs", "output", "--out", "/dev/null/x.md"], "/dev/null/images/results: cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_code_2(place, arguments, said):
    before = sorted(place.rglob("*"))
    code, out, err = run_tool("report", *arguments, cwd=place)
    assert (code, out) == (2, "")
    assert said in one_line_error(err)
    assert sorted(place.rglob("*")) == before
