"""Fill the systems table of both READMEs from docs/results.json: Frechet distances, and strips of samples.

  python benchmarks/systems_table.py

A row is found by its config, in the third column; the last two columns are written. Run it after tools/report.py.
"""

import re
import sys
from pathlib import Path
from statistics import fmean

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ppgan_lite.report.records import GENERATORS, Record, read_records

ROOT = Path(__file__).resolve().parents[1]
RESULTS, STRIPS = ROOT / "docs" / "images" / "results", ROOT / "docs" / "images" / "systems"
BUDGET = 3000  # steps; a figure at another step says so
READMES = {"README.md": " at {:,} steps", "README_cn.md": "，{:,} 步"}  # noqa: RUF001 (Chinese)
ROW = re.compile(r"(\|[^|\n]*\|[^|\n]*\| `(\w+)` \|)[^|\n]*\|[^|\n]*\|")
ROWS_SHOWN = 2  # rows of samples in a strip


def fill(text: str, records: list[Record], at_step: str) -> str:
    """The text of a README with the last two columns of its systems table filled.

    Args:
        text: the README.
        records: all records of docs/results.json.
        at_step: how it says that a figure is of another step than BUDGET.
    """

    def row(match):
        runs = _runs(match[2], records)
        if not runs:
            return match[0]
        cells = [_figure(runs, at_step), f'<img src="docs/images/systems/{match[2]}.png" width="168" alt="{match[2]}">']
        return f"{match[1]} {' | '.join(cells)} |"

    return ROW.sub(row, text)


def _runs(config: str, records: list[Record]) -> list[Record]:
    """The runs of a generator's config as it is, whatever their seed."""
    return [x for x in records if x.kind == GENERATORS and str(x.name) == f"`{config}`"]


def _figure(runs: list[Record], at_step: str) -> str:
    """The mean Frechet distance on MNIST; a dash for other data, with distances on another scale."""
    if runs[0].data.name != "mnist":
        return "-"
    step = min(run.newest.step for run in runs)
    distance = fmean(run.value("frechet_distance", step) for run in runs)
    return f"{distance:.3g}" + ("" if step == BUDGET else at_step.format(step))


def strip(run: Record) -> Image.Image:
    """The first rows of a run's samples."""
    grid = Image.open(RESULTS / run.picture)
    return grid.crop((0, 0, grid.width, grid.width * ROWS_SHOWN // 8))


def main():
    """Write the READMEs and the strips."""
    records = read_records(ROOT / "docs" / "results.json")
    STRIPS.mkdir(exist_ok=True)
    for name, at_step in READMES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        (ROOT / name).write_text(fill(text, records, at_step), encoding="utf-8")
        for match in ROW.finditer(text):
            if runs := _runs(match[2], records):
                strip(runs[0]).save(STRIPS / f"{match[2]}.png", optimize=True)


if __name__ == "__main__":
    main()
