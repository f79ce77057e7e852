"""Which GAN? A table for each data set, best first."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean, median

from ppgan_lite.report.groups import Group, Section
from ppgan_lite.report.markdown import UNITS, duration, image, spaced, spread, table
from ppgan_lite.report.names import Name
from ppgan_lite.report.records import GENERATORS, Record
from ppgan_lite.runs.results import INPUT, MEAN

WIDTH = 112  # pixels of a thumbnail
MARK = "†"  # marks figures with a note
NEAR = 1.25  # times that differ by no more than this factor from the middle one are alike
WIDE = "&nbsp;" * 5  # left and right of a head: without it, browsers shrink the thumbnails of a wide table
TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    generators: str
    classifiers: str
    translators: str
    how_to_translate: str
    directions: dict[str, str]  # the part of a figure's name -> what stands above its table
    metrics: dict[str, str]  # translators' figure -> what stands above its column, if not the name itself
    baselines: dict[str, str]
    generator_heads: tuple[str, ...]
    classifier_heads: tuple[str, ...]
    translator_heads: tuple[str, ...]
    likelihood: str
    how_likely: str
    likelihood_metrics: dict[str, str]
    likelihood_heads: tuple[str, ...]
    samples: str
    budget: str
    time_budget: str
    machines: str
    threads: str
    separator: str
    others: str
    real: str
    ok: str
    not_watched: str
    some_seeds: str
    failures: str  # address of the list of failures
    note: Callable[[list[str]], str]
    units: tuple[str, ...]


ENGLISH = Words(
    generators="Generators on {}",
    classifiers="Classifiers on {}",
    translators="Translators on {}",
    how_to_translate="L1 (pixels from -1 to 1), PSNR (dB) and SSIM compare translations with the true pictures of test "
    "pairs; Frechet and kernel distance with all test pictures of the domain, by features; cycle L1 compares a picture "
    "with its translation there and back. Label accuracy: share of the label map's pixels that a segmenter, trained on "
    "real photographs, finds in the translation. Attribute reached: share of translations in which a classifier, "
    "trained on real pictures, finds the wanted attribute. *Real images*: what real pictures reach. *Input copied*: "
    "the input in place of its translation; *mean picture*: the mean training picture. A translator should be better "
    "than both. The pictures show inputs, translations, and the true picture or the way back; of attributes a column "
    "for each.",
    directions={"a_to_b": "From a to b:", "b_to_a": "From b to a:"},
    metrics={},
    baselines={INPUT: INPUT, MEAN: MEAN},
    generator_heads=(
        f"{WIDE}samples{WIDE}",
        "config",
        "Frechet distance",
        "coverage",
        f"steps{TIMES}batch",
        "time",
        "seeds",
        "health",
    ),
    classifier_heads=("config", "test accuracy", "train accuracy", f"steps{TIMES}batch", "time", "seeds"),
    translator_heads=("pictures", "config", f"steps{TIMES}batch", "time", "seeds", "health"),
    likelihood="Likelihood on {}",
    how_likely="Bits per dimension: how many bits a value of a test image takes, if the model compresses it without "
    "loss; lower is better, and 8 means that it knows nothing. Nats: the same for a whole image in black and white, in "
    "units of 1.44 bits. Where a bound is measured, the model itself is no worse. *In italics*: published figures, "
    "after trainings that are longer by far.",
    likelihood_metrics={"bits_per_dim": "bits per dimension", "nats": "nats"},
    likelihood_heads=("config", "training images", "measured", f"steps{TIMES}batch", "time", "seeds"),
    samples="samples of {}, step {:,}",
    budget="Budget: {:,} steps{}.",
    time_budget="Budget: {} to {}{}.",
    machines=", on {}",
    threads="{}, threads: {}",
    separator="; ",
    others="Other lengths:",
    real="real images",
    ok="ok",
    not_watched="not watched",
    some_seeds="{} ({} of {} seeds)",
    failures="#failures",
    note=lambda found: f"{MARK}: {'; '.join(found)}.",
    units=UNITS,
)


def rank(section: Section, words: Words, link: Callable[[Name], str]) -> list[str]:
    """The blocks of a section: runs at the budget, then the others.

    The budget is a number of steps, or a time, if more rows have about the same time than the same number of steps.

    Args:
        link: gives the text of a name in a table.
    """
    step, alike = budget(section), alike_in_time(section)
    if len(alike) > sum(row.step == step for row in section.rows):
        at_budget = [(row, row.step) for row in alike]
        times = [extreme(row.seconds(row.step) for row in alike) for extreme in (min, max)]
        line = words.time_budget.format(*(duration(time, words.units) for time in times), _machines(at_budget, words))
    else:
        at_budget = [(row, step) for row in section.rows if step in row.steps]
        line = words.budget.format(step, _machines(at_budget, words))
    others = [(row, row.step) for row in section.rows if (row, row.step) not in at_budget]
    title = words.generators if section.kind == GENERATORS else words.classifiers
    table_at_budget = _table(section, at_budget, words, link, with_real=True)
    blocks = [f"### {title.format(section.data.title)}", line, table_at_budget]
    if others:
        blocks += [words.others, _table(section, others, words, link, with_real=False)]
    return blocks


def notes(sections: list[Section], words: Words) -> list[str]:
    """A block that explains MARK, if there is one."""
    found = sorted({record.note for section in sections for record in section.records} - {""})
    return [words.note(found)] if found else []


def budget(section: Section) -> int:
    """The step at which most groups have their newest evaluation; the highest of several."""
    counts = Counter(row.step for row in section.rows)
    return max(counts, key=lambda step: (counts[step], step))


def alike_in_time(section: Section) -> list[Group]:
    """The groups with about the same time until their newest evaluations."""
    seconds = {row: row.seconds(row.step) for row in section.rows}
    middle = median([each for each in seconds.values() if each is not None] or [0])
    return [row for row, each in seconds.items() if each is not None and middle / NEAR <= each <= middle * NEAR]


def _machines(rows: list[tuple[Group, int]], words: Words) -> str:
    """The machines of some rows, without versions, if they are known."""
    lines = []
    for machine in sorted({machine for row, _ in rows for record in row.records for machine in record.machines}):
        device, threads = machine.partition(";")[0], re.search(r"OMP_NUM_THREADS=(\d+)", machine)
        lines.append(words.threads.format(device, threads[1]) if threads else device)
    return words.machines.format(words.separator.join(dict.fromkeys(lines))) if lines else ""


def _table(section: Section, rows: list[tuple[Group, int]], words: Words, link, with_real: bool) -> str:
    generators = section.kind == GENERATORS
    figures = ("frechet_distance", "coverage") if generators else ("accuracy", "train_accuracy")
    sign = 1 if generators else -1  # the lower or the higher, the better

    def order(each):
        values = each[0].values(figures[0], each[1])
        return (not values, sign * fmean(values) if values else 0, each[0].name)

    lines = []
    if generators and with_real:
        name = next((record.picture_of_real for record in section.records if record.picture_of_real), None)
        picture = image(name, words.real, WIDTH) if name else ""
        lines.append([picture, words.real, *(spread(section.real(figure)) for figure in figures), "", "", "", ""])
    for row, step in sorted(rows, key=order):
        config = link(row.name) + row.suffix + (f" {MARK}" if any(record.note for record in row.records) else "")
        values = [spread(row.values(figure, step)) for figure in figures]
        length = f"{step:,}{TIMES}{row.records[0].batch_size:,}"
        cells = [config, *values, length, duration(row.seconds(step), words.units), len(row.records)]
        if generators:
            cells = [thumbnail(row, step, words), *cells, health(row.records, words)]
        lines.append(cells)
    return table(list(words.generator_heads if generators else words.classifier_heads), lines)


def thumbnail(row: Group, step: int, words: Words, width: int = WIDTH) -> str:
    """The samples of the first seed, next to the newest figures only: they are the newest samples."""
    record = row.records[0]
    if record.picture is None or step != row.step:
        return ""
    return image(record.picture, words.samples.format(str(row.name).replace("`", ""), record.picture_step), width)


def health(records: list[Record], words: Words) -> str:
    """The alarms of a group, in short."""
    alarms = {}
    for record in records:
        for name in dict.fromkeys(each.diagnosis for each in record.diagnoses):
            alarms[name] = alarms.get(name, 0) + 1
    if not alarms:
        return words.ok if all(record.watched for record in records) else words.not_watched
    names = [
        spaced(name) if count == len(records) else words.some_seeds.format(spaced(name), count, len(records))
        for name, count in alarms.items()
    ]
    return f"[{',<br>'.join(names)}]({words.failures})"
