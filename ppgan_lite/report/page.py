"""The page as a whole, in Markdown."""

from collections import Counter
from collections.abc import Callable

from ppgan_lite.report.claims import Claims
from ppgan_lite.report.curves import draw, has_curve
from ppgan_lite.report.groups import Section
from ppgan_lite.report.likelihood import likelihoods
from ppgan_lite.report.markdown import PICTURES, bullets, link_to, spaced
from ppgan_lite.report.names import Name
from ppgan_lite.report.ranking import ENGLISH, notes, rank
from ppgan_lite.report.records import CLASSIFIERS, EXPLAINED, GENERATORS, TRANSLATORS
from ppgan_lite.report.section import accuracies, describe
from ppgan_lite.report.translators import translations
from ppgan_lite.report.verdicts import ablations, aims, failures, published
from ppgan_lite.runs.results import split

CURVES = "frechet.png"
HOW_TO_READ = [
    "Frechet distance: how far the generated images are from test images, in the features of a classifier of the same "
    "data; lower is better. Coverage: share of the test images with a generated image near them; higher is better. "
    "*Real images* are training images: the figures of a perfect generator.",
    "Distances by different features, so those on different data sets, are on different scales.",
    "With several seeds: the mean at the newest step at which all were evaluated (lowest to highest).",
    "Time: all steps at the median speed, without evaluations; other work on the same machine slows it down.",
    "Written by `tools/report.py` from the records of runs, and from a file of claims: do not edit this page.",
]


def render(claims: Claims, sections: list[Section], link: Callable[[Name], str]) -> tuple[str, dict[str, bytes]]:
    """The page's text, and the pictures that it draws, by their names.

    Args:
        link: gives the text of a name in a table.

    Raises:
        EvaluationError: see `answer`.
    """
    pictures = {}
    translators = [section for section in sections if section.kind == TRANSLATORS]
    others = [section for section in sections if section.kind != TRANSLATORS]
    parts = {
        "Which GAN?": notes(others, ENGLISH) + [block for x in others for block in rank(x, ENGLISH, link)],
        "Translators": translations(translators, ENGLISH, link),
        "Likelihood": likelihoods(others, ENGLISH, link, claims.references),
        "Comparison with published figures": published(claims, sections, link),
        "Our own aims": aims(claims, sections, link),
        "Ablations": ablations(claims, sections),
        "Failures": failures(sections),
        "All metrics": _all_metrics(sections, pictures, link),
        "Classifiers": [
            block for section in sections if section.kind == CLASSIFIERS for block in accuracies(section, link)
        ],
        "Sources": bullets([f"{name}: {source}" for name, source in sorted(claims.sources.items())]),
    }
    parts = {heading: blocks for heading, blocks in parts.items() if blocks}
    contents = {heading: link_to(heading) for heading in parts}
    for part, kind, heading in (
        ("Which GAN?", GENERATORS, ENGLISH.generators),
        ("Which GAN?", CLASSIFIERS, ENGLISH.classifiers),
        ("Translators", TRANSLATORS, ENGLISH.translators),
    ):
        titles = [section.data.title for section in sections if section.kind == kind]
        links = [link_to(heading.format(title), title) for title in titles]
        if links:
            contents[part] += f"; {kind} on {', '.join(links)}"
    blocks = ["# Results", *bullets(HOW_TO_READ), "Contents:", *bullets(list(contents.values()))]
    for heading, part in parts.items():
        blocks += [f"## {heading}", *part]
    return "\n\n".join(blocks) + "\n", pictures


def _all_metrics(sections: list[Section], pictures: dict[str, bytes], link) -> list[str]:
    """What the metrics are, the machines, the curves, and the tables of each section."""
    figures = {split(name)[1] for section in sections for record in section.records for name in record.newest.figures}
    machines = Counter(line for section in sections for record in section.records for line in record.machines)
    blocks = bullets([f"{spaced(name)}: {words}" for name, words in EXPLAINED.items() if name in figures])
    if machines:
        blocks.append("The machines:")
        blocks += bullets([f"{line} (runs: {count})" for line, count in sorted(machines.items())])
    curved = [section for section in sections if section.kind == GENERATORS and any(map(has_curve, section.groups))]
    if curved:
        pictures[CURVES] = draw(curved)
        words = f"Frechet distance over the steps, on {', '.join(section.data.title for section in curved)}"
        blocks += [f"{words}: a line for each run, a dot for each evaluation.", f"![{words}]({PICTURES}/{CURVES})"]
    return blocks + [block for section in sections for block in describe(section, link)]
