"""Translators: a table for each direction, next to baselines, or one for the attributes."""

from collections.abc import Callable
from statistics import fmean

from ppgan_lite.report.groups import Group, Section
from ppgan_lite.report.markdown import duration, spaced, spread, table
from ppgan_lite.report.names import Name
from ppgan_lite.report.ranking import TIMES, Words, health, thumbnail
from ppgan_lite.runs.results import DIRECTIONS, TRANSLATION, split

SORTED_BY = "frechet_distance"  # L1 is lowest for blurred pictures (Isola et al. 2017, section 4.2)
HIGHER_IS_BETTER = ("attribute_reached",)  # the first metric of a table without SORTED_BY
WIDTH = 200  # pixels of a row of pictures


def translations(sections: list[Section], words: Words, link: Callable[[Name], str]) -> list[str]:
    """The blocks of all sections of translators; none if there are no sections.

    Args:
        link: gives the text of a name in a table.
    """
    if not sections:
        return []
    return [words.how_to_translate, *(block for section in sections for block in _tables(section, words, link))]


def _tables(section: Section, words: Words, link) -> list[str]:
    """The heading of a section, and a table for each direction."""
    figures = dict.fromkeys(name for record in section.records for name in record.newest.figures)
    blocks, shown = [f"### {words.translators.format(section.data.title)}"], set()
    for direction in DIRECTIONS:
        if names := [f"{direction}/{metric}" for metric in TRANSLATION if f"{direction}/{metric}" in figures]:
            blocks += [words.directions[direction], _table(section, names, shown, words, link)]
    others = [name for name in figures if "attribute" in name or name == "cycle_l1"]
    return blocks + ([_table(section, others, shown, words, link)] if others else [])


def _table(section: Section, names: list[str], shown: set[Name], words: Words, link) -> str:
    """The figures called `names` of real images, of baselines, and of runs, best first.

    Args:
        shown: the names of the rows with a picture, to which this table's are added: one is enough.
    """
    picture, config, *rest = words.translator_heads
    lines = [["", words.real, *(spread(section.real(name)) for name in names)]]
    for baseline, title in words.baselines.items():
        lines.append(["", title, *(spread(section.baseline(baseline, name)) for name in names)])
    lines = [[*line, *[""] * len(rest)] for line in lines if any(line[2:])]
    for row in _best_first(section, next((name for name in names if split(name)[1] == SORTED_BY), names[0])):
        image = "" if row.name in shown else thumbnail(row, row.step, words, WIDTH)
        shown.add(row.name)
        values = [spread(row.values(name, row.step)) for name in names]
        length = f"{row.step:,}{TIMES}{row.records[0].batch_size:,}"
        time = duration(row.seconds(row.step), words.units)
        cells = [image, link(row.name) + row.suffix, *values, length, time, len(row.records)]
        lines.append([*cells, health(row.records, words)])
    return table([picture, config, *(_head(name, words) for name in names), *rest], lines)


def _best_first(section: Section, name: str) -> list[Group]:
    """The rows that were measured, the best first."""
    rows = [row for row in section.rows if row.values(name, row.step)]
    sign = -1 if split(name)[1] in HIGHER_IS_BETTER else 1
    return sorted(rows, key=lambda row: (sign * fmean(row.values(name, row.step)), row.name))


def _head(name: str, words: Words) -> str:
    """What stands above the column of a figure: its metric, and its group of attributes if it has one."""
    part, metric = split(name)
    title = words.metrics.get(metric, spaced(metric))
    return title if not part or part in DIRECTIONS else f"{part}: {title}"
