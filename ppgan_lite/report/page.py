"""The page as a whole, in Markdown."""

import shlex
from collections import Counter
from pathlib import Path

from ppgan_lite.report.answers import answer
from ppgan_lite.report.claims import NOT_MEASURED, REPRODUCED, Claims, Criterion
from ppgan_lite.report.curves import draw
from ppgan_lite.report.markdown import PICTURES, cited, listed, spaced
from ppgan_lite.report.measured import FIGURES, GENERATORS, Group, Measured, Section, groups_of
from ppgan_lite.report.names import Name
from ppgan_lite.report.section import describe

ROOT = Path(__file__).resolve().parents[2]  # the repository
INTRODUCTION = f"""\
Written by `{{command}}` from the records of the runs below, and from `{{claims_file}}`, where the claims of \
others stand with their sources. No figure is typed by hand: do not edit this page.

Where there are several seeds, figures are their mean at the newest step that all of them were evaluated at, with the \
lowest and the highest in brackets; seeds that have no such step stand in rows of their own. Times are those of \
the steps at the median speed: evaluations and pauses do not count, other work on the same machine does. A figure is \
*{REPRODUCED}* if the mean is within the tolerance of what was claimed, or better."""


def render(
    folders: list[Path], claims_file: Path, claims: Claims, sections: list[Section]
) -> tuple[str, dict[str, bytes]]:
    """The page's text, and its pictures by their names. Raises EvaluationError: see `answer`."""
    pictures = {}
    runs = [run for section in sections for run in section.runs]
    groups = groups_of(sections)
    blocks = _head(folders, claims_file, runs)
    for section in sections:
        blocks += describe(section, claims, pictures)
    blocks += [*_curves(sections, pictures), *_unmeasured(claims, groups), *_questions(claims, groups)]
    blocks += listed("## Sources", [f"{name}: {text}" for name, text in sorted(claims.sources.items())])
    return "\n\n".join(blocks) + "\n", pictures


def _head(folders: list[Path], claims_file: Path, runs: list[Measured]) -> list[str]:
    command = shlex.join(["python", "tools/report.py", "--runs", *map(_shown, folders)])
    machines = Counter(line for run in runs for line in {_machine(session) for session in run.run.record["sessions"]})
    return [
        "# Results",
        INTRODUCTION.format(command=command, claims_file=_shown(claims_file)),
        *listed("The runs were made on:", [f"{line} (runs: {count})" for line, count in sorted(machines.items())]),
        *listed("The figures:", [f"{spaced(name)}: {text}" for name, text in FIGURES.items()]),
    ]


def _shown(path: Path) -> str:
    """A path as the page has it: nothing of this machine."""
    if path.is_relative_to(ROOT):
        path = path.relative_to(ROOT)
    return path.name if path.is_absolute() else path.as_posix()


def _machine(session: dict) -> str:
    """Device, processor, settings and versions of a session, in a line."""
    device = [session[key] for key in ("device", "processor") if key in session]
    settings = [f"{name}={value}" for name, value in session["runtime"].items() if value is not None]
    versions = [f"{name} {version}" for name, version in session["versions"].items()]
    return "; ".join(", ".join(part) for part in (device, settings, versions) if part)


def _curves(sections: list[Section], pictures: dict[str, bytes]) -> list[str]:
    """Of the sections where a generator was evaluated more than once."""
    generators = [section for section in sections if section.kind == GENERATORS]
    sections = [section for section in generators if any(len(run.figures) > 1 for run in section.runs)]
    if not sections:
        return []
    pictures["frechet.png"] = draw(sections)
    title = f"Frechet distance over the steps, on {', '.join(section.source.title for section in sections)}"
    words = "A line per run, a dot per evaluation; lower is better."
    return ["## Frechet distance over the steps", words, f"![{title}]({PICTURES}/frechet.png)"]


def _unmeasured(claims: Claims, groups: dict[Name, list[Group]]) -> list[str]:
    missing = [claim for claim in claims.figures if claim.group not in groups]
    lines = [f"{x.group}: {x.figure}, {x}: {NOT_MEASURED}" for x in missing]
    return listed("## Claims without a run", lines)


def _questions(claims: Claims, groups: dict[Name, list[Group]]) -> list[str]:
    questions = [*claims.comparisons, *claims.criteria]
    blocks = ["## Questions"] if questions else []
    for question in questions:
        verdict, sentence = answer(question, groups)
        said = f"Said by {cited(question.source)}. Measured: **{verdict}**."
        blocks += [f"### {question.title}", said, sentence]
        if isinstance(question, Criterion) and question.group in groups:
            lines = [line for group in groups[question.group] for run in group.runs for line in _quoted(run)]
            blocks += listed("What health said of these runs:", lines)
    return blocks


def _quoted(run: Measured) -> list[str]:
    """What health said of a run, in its words."""
    told = [f"step {x['step']:,}: {x['diagnosis']}, since {x['since']:,}: {x['words']}" for x in run.diagnoses()]
    return [f"seed {run.seed}, {line}" for line in told] or [f"seed {run.seed}: {run.health()}"]
