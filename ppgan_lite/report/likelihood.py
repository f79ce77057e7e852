"""How probable test images are to the models that say so, next to the literature: a table for each data set."""

from collections.abc import Callable
from statistics import fmean

from ppgan_lite.report.claims import Reference
from ppgan_lite.report.groups import Section
from ppgan_lite.report.markdown import cited, duration, number, spread, table
from ppgan_lite.report.names import Name
from ppgan_lite.report.ranking import TIMES, Words
from ppgan_lite.runs.results import LIKELIHOODS


def likelihoods(
    sections: list[Section], words: Words, link: Callable[[Name], str], references: tuple[Reference, ...] = ()
) -> list[str]:
    """The blocks of all sections with a likelihood; none if there is none.

    Args:
        link: gives the text of a name in a table.
        references: published figures, which stand in the tables in italics.
    """
    tables = [
        block
        for section in sections
        for metric in LIKELIHOODS
        if any(row.values(metric, row.step) for row in section.rows)
        for block in _table(section, metric, words, link, references)
    ]
    return [words.how_likely, *tables] if tables else []


def _table(section: Section, metric: str, words: Words, link, references) -> list[str]:
    """The heading and the table of a section's runs and of published figures, the most probable first."""
    lines = [
        (each.value, [f"*{each.what}*", f"*{number(each.value)}*", "", cited(each.source), "", "", ""])
        for each in references
        if (each.data, each.metric) == (section.data.name, metric)
    ]
    for row in section.rows:
        if values := row.values(metric, row.step):
            ways = dict.fromkeys(record.likelihood for record in row.records)
            cells = [link(row.name) + row.suffix, spread(values), spread(row.values(f"train_{metric}", row.step))]
            length = f"{row.step:,}{TIMES}{row.records[0].batch_size:,}"
            time = duration(row.seconds(row.step), words.units)
            lines.append((fmean(values), [*cells, ", ".join(ways), length, time, len(row.records)]))
    name, *rest = words.likelihood_heads
    heads = [name, words.likelihood_metrics[metric], *rest]
    return [
        f"### {words.likelihood.format(section.data.title)}",
        table(heads, [cells for _, cells in sorted(lines, key=lambda line: line[0])]),
    ]
