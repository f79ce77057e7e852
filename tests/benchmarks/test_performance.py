import re
import sys

import pytest
from conftest import ROOT

from ppgan_lite.commands.benchmark import Measurement
from ppgan_lite.config.load import load_config

sys.path.insert(0, str(ROOT / "benchmarks"))
import performance


def test_the_page_has_a_section_for_each_part():
    page = performance.PAGE.read_text(encoding="utf-8")
    for part in ["overview", *performance.PARTS]:
        assert page.count(f"<!-- {part}: written by benchmarks/performance.py -->") == 1
        assert page.count(f"<!-- end of {part} -->") == 1


def test_a_section_is_replaced_and_the_rest_stays():
    page = "before\n<!-- long: written by benchmarks/performance.py -->\nold\n<!-- end of long -->\nafter\n"
    text = performance.replace_section(performance.replace_section(page, "long", "new"), "long", "newer")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert text.count("newer") == 1
    assert "old" not in text
    with pytest.raises(SystemExit, match="the marks of the section speed are missing"):
        performance.replace_section(page, "speed", "x")


def test_the_overview_of_the_page_is_up_to_date():
    page = performance.PAGE.read_text(encoding="utf-8")
    overview = performance.overview(page)
    assert performance.replace_section(page, "overview", overview) == page
    assert "[Serving](#serving)" in overview
    assert "[Pictures](#pictures)" in overview


def test_a_part_is_written_with_the_date_and_updates_the_overview(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(performance.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(performance, "PAGE", page)
    performance.write("startup", "From the command to the first finished step of `x.yml`: 98.7 s (median of 5).")
    text = page.read_text(encoding="utf-8")
    assert "the first step is finished 98.7 s after the command" in performance.overview(text)
    assert performance.replace_section(text, "overview", performance.overview(text)) == text
    assert re.search(r"Measured on 20\d\d-.*\n\nFrom the command to the first finished step of `x.yml`: 98.7 s", text)


def test_the_long_runs_table_shows_drift():
    seconds = [1.0] * 600 + [1.1] * 4500
    table = performance.long_table(Measurement("x", seconds, {}, None, [2**20 * 500] * 5100)).splitlines()
    assert table[2] == "| 200 | 1.000 | +0.0% | 500 |"
    assert table[-1] == "| 5,000 | 1.100 | +10.0% | 500 |"


def test_cases_name_real_configs():
    for _, config, _, step in performance.CASES:
        assert config.exists()
        for twin in ("torch_twin.py", "paddle_twin.py"):
            assert f'"{step}"' in (ROOT / "benchmarks" / twin).read_text()
    for _, config, overrides, step in performance.TRANSLATION:
        assert load_config(config, overrides).data.batch_size == 1
        assert f'"{step}"' in (ROOT / "benchmarks" / "torch_twin.py").read_text()
