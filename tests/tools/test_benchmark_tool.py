import json

import pytest
from conftest import one_line_error, run_tool

pytestmark = pytest.mark.sweep


def test_benchmark_prints_a_table_and_writes_json(small_file, tmp_path):
    file = tmp_path / "benchmark.json"
    code, out, err = run_tool("benchmark", "-c", small_file, "--steps", 4, "--json", file, cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "batch of 8, 4 steps after 3 of warm-up" in out
    assert "| ppgan_lite | " in out
    assert "| update d_fake | " in out
    record = json.loads(file.read_text())
    assert [len(result["seconds"]) for result in record["results"]] == [4]
    assert record["machine"]["settings"]["PPGAN_RUNTIME"] is None
    assert {path.name for path in tmp_path.iterdir()} == {"small.yml", "benchmark.json"}


def test_benchmark_against_stock(small_file):
    code, out, _ = run_tool("benchmark", "-c", small_file, "--steps", 2, "--vs", "stock")
    assert code == 0
    assert sum(line.startswith("round ") for line in out.splitlines()) == 2
    assert "stock Paddle, our networks and step takes " in out


def test_bad_input_is_one_line(small_file, tmp_path):
    code, _, err = run_tool("benchmark", "-c", small_file, "-o", "data.batch_size=45", "--steps", 1)
    assert code == 2
    assert "data.batch_size: 45 is larger" in one_line_error(err)
    code, _, err = run_tool("benchmark", "-c", small_file, "--steps", 1, "--json", tmp_path / "none" / "x.json")
    assert code == 2
    assert "cannot be written" in one_line_error(err)
