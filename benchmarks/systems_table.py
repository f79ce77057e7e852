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
from ppgan_lite.report.groups import Group, Section, sections_of
from ppgan_lite.report.pictures import MOST_IMAGES, MOST_ROWS
from ppgan_lite.report.ranking import budget
from ppgan_lite.report.records import CLASSIFIERS, TRANSLATORS, Record, read_records
from ppgan_lite.runs.results import directions_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS, STRIPS = ROOT / "docs" / "images" / "results", ROOT / "docs" / "images" / "systems"
READMES = {"README.md": " at {:,} steps", "README_cn.md": "，{:,} 步"}  # noqa: RUF001 (Chinese)
ROW = re.compile(r"(\|[^|\n]*\|[^|\n]*\| `(\w+)` \|)[^|\n]*\|[^|\n]*\|")
ROWS_SHOWN = 2  # rows of samples, or of translations, in a strip


def fill(text: str, records: list[Record], at_step: str) -> str:
    """The text of a README with the last two columns of its systems table filled.

    Args:
        text: the README.
        records: all records of docs/results.json.
        at_step: how it says that a figure is of another step than most.
    """
    sections = sections_of(records)

    def row(match):
        section, group = find(match[2], sections)
        if group is None:
            return match[0]
        samples = f'<img src="docs/images/systems/{match[2]}.png" width="168" alt="{match[2]}">'
        return f"{match[1]} {_figure(section, group, at_step)} | {samples} |"

    return ROW.sub(row, text)


def find(config: str, sections: list[Section]) -> tuple[Section | None, Group | None]:
    """The runs of a config without changes, whatever their seed, and their section."""
    pairs = ((section, row) for section in sections if section.kind != CLASSIFIERS for row in section.rows)
    return next(((section, row) for section, row in pairs if str(row.name) == f"`{config}`"), (None, None))


def _figure(section: Section, group: Group, at_step: str) -> str:
    """The mean Frechet distance on MNIST; a dash for other data, with distances on another scale."""
    if section.data.name != "mnist":
        return "-"
    distance = fmean(group.values("frechet_distance", group.step))
    return f"{distance:.3g}" + ("" if group.step == budget(section) else at_step.format(group.step))


def strip(run: Record) -> Image.Image:
    """The first rows of a run's samples, or of its translations in the first direction."""
    grid = Image.open(RESULTS / run.picture)
    rows = MOST_IMAGES
    if run.kind == TRANSLATORS:
        rows = MOST_ROWS * max(1, len(directions_of(run.newest.figures)))
    return grid.crop((0, 0, grid.width, grid.height * ROWS_SHOWN // rows))


def main():
    """Write the READMEs and the strips."""
    records = read_records(ROOT / "docs" / "results.json")
    sections = sections_of(records)
    STRIPS.mkdir(exist_ok=True)
    for name, at_step in READMES.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        (ROOT / name).write_text(fill(text, records, at_step), encoding="utf-8")
        for match in ROW.finditer(text):
            _, group = find(match[2], sections)
            if group is not None:
                strip(group.records[0]).save(STRIPS / f"{match[2]}.png", optimize=True)


if __name__ == "__main__":
    main()
