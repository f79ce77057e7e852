"""What the page has of one section: the tables and pictures of all runs of one kind on one data set."""

from itertools import count
from statistics import fmean

from ppgan_lite.report.claims import Claims, FigureClaim
from ppgan_lite.report.markdown import PICTURES, cited, duration, number, spaced, spread, table
from ppgan_lite.report.measured import CLASSIFIERS, GENERATORS, Group, Measured, Section
from ppgan_lite.runs.results import METRICS

OF_CLASSIFIERS = ("accuracy", "train_accuracy")
DISTANCES = ("frechet_distance", "kernel_distance", "classifier_score", "class_kl")
COVERAGE = ("precision", "recall", "density", "coverage")
# Of generators that are asked for something: a class, or codes.
CONTROL = (
    "conditional_accuracy",
    "code_accuracy",
    "slant_by_code",
    "drawn_slant_by_code",
    "thickness_by_code",
    "drawn_thickness_by_code",
)
REST = tuple(name for name in METRICS if name not in OF_CLASSIFIERS + DISTANCES + COVERAGE + CONTROL)
TABLES = (DISTANCES, COVERAGE, REST, CONTROL)  # a table each: with more columns they could not be read
NOTHING_TO_COMPARE = "no figure to compare"


def describe(section: Section, claims: Claims, pictures: dict[str, bytes]) -> list[str]:
    """The blocks of a section; what they show is added to `pictures`, by its name."""
    blocks = [f"## {section.kind} on {section.source.title}", _protocol(section)]
    middle = _accuracies if section.kind == CLASSIFIERS else _distances
    blocks += [*_claims_table(section, claims), *middle(section), _runs(section)]
    for claim in claims.not_comparable:
        if section.kind == GENERATORS and claim.data == section.source.name:
            what = f"{claim.what} of {cited(claim.source)} ({claim.figures}): {claim.why}"
            blocks.append(f"*{NOTHING_TO_COMPARE.capitalize()}*: {what}.")
    for group in section.groups:
        blocks += _picture(group.runs[0], pictures)
    return blocks


def _protocol(section: Section) -> str:
    """How the figures were measured."""
    protocol = section.runs[0].newest.protocol
    parts = [
        f"{spaced(key)} {value[:12] if key.endswith('sha256') else value}"
        for key, value in protocol.items()
        if key != "ema"  # of a run, whose name tells it
    ]
    return f"Trained on {section.source.num_images:,} images. Protocol: {'; '.join(parts)}."


def _distances(section: Section) -> list[str]:
    """The metrics of generators, below those of real images."""
    tables = []
    for metrics in TABLES:
        metrics = [name for name in metrics if any(name in run.newest.figures for run in section.runs)]
        rows = [["real images", "", *(spread(section.real(metric)) for metric in metrics)]]
        for title, group in _rows(section):
            cells = [spread(group.values(metric)) for metric in metrics]
            if any(cells):
                rows.append([title, f"{group.step():,}", *cells])
        if metrics:
            tables.append(table(["config", "step", *map(spaced, metrics)], rows))
    return tables


def _rows(section: Section) -> list[tuple[str, Group]]:
    return [row for group in section.groups for row in group.rows().items()]


def _accuracies(section: Section) -> list[str]:
    """The accuracies of classifiers, at each step that all runs of a group were evaluated at."""
    rows = []
    for title, group in _rows(section):
        for step in group.steps:
            figures = [run.figures[step] for run in group.runs]
            cells = [spread([x[name].value for x in figures if name in x]) for name in OF_CLASSIFIERS]
            rows.append([title, f"{group.runs[0].epoch_of(step):.3g}", f"{step:,}", *cells])
    return ["Accuracy over the epochs:", table(["config", "epoch", "step", "test accuracy", "train accuracy"], rows)]


def _runs(section: Section) -> str:
    """Each run; of generators also what health said, and the checkpoint in best/ where the figures are not of that."""
    heads = ["run", "config", "seed", "evaluated at step", "time"]
    rows = [[f"`{run.title}`", run.name, run.seed, f"{run.step:,}", _time([run], run.step)] for run in section.runs]
    if section.kind == GENERATORS:
        heads += ["health", "better checkpoint"]
        rows = [[*row, run.health(), _better(run)] for row, run in zip(rows, section.runs, strict=True)]
    return table(heads, rows)


def _better(run: Measured) -> str:
    step = run.best_step()
    if step is None:
        return ""
    return f"step {step:,}, with a Frechet distance of {number(run.figures[step]['frechet_distance'].value)}"


def _time(runs: list[Measured], step: int) -> str:
    known = [seconds for run in runs if (seconds := run.seconds(step)) is not None]
    return duration(fmean(known)) if known else ""


def _claims_table(section: Section, claims: Claims) -> list[str]:
    """A row for each claim on a group; for the accuracy of a classifier without one, too."""
    rows = []
    for group in section.groups:
        found = [claim for claim in claims.figures if claim.group == group.name]
        for claim in found:
            judged = {str(group.name): group} if claim.epoch else group.rows()
            rows += [_claim_row(title, each, claim.metric, claim) for title, each in judged.items()]
        if section.kind == CLASSIFIERS and not found:
            rows += [_claim_row(title, each, "accuracy", None) for title, each in group.rows().items()]
    heads = ["config", "figure", "claimed", "ours", "seeds", "step", "time", "verdict"]
    return [table(heads, rows)] if rows else []


def _claim_row(title: str, group: Group, metric: str, claim: FigureClaim | None) -> list:
    epoch = claim.epoch if claim else None
    values, step = group.values(metric, epoch), group.step(epoch)
    figure = claim.figure if claim else spaced(metric)
    ours = [spread(values), len(values), f"{step:,}", _time(group.runs, step)]
    verdict = claim.verdict(values) if claim else NOTHING_TO_COMPARE
    return [title, figure, claim or "", *ours, verdict]


def _picture(run: Measured, pictures: dict[str, bytes]) -> list[str]:
    """The newest samples of a generator or the confusion matrix of a classifier, if there are any."""
    if run.kind == CLASSIFIERS:
        what, paths = "Which classes were taken for which", [run.run.results.picture(run.step)]
    else:
        what, paths = "Samples", sorted((run.folder / "samples").glob("step_*.png"))
    if not paths or not paths[-1].is_file():
        return []
    name = next(name for i in count(1) if (name := f"{run.name.config}-{i}.png") not in pictures)
    pictures[name] = paths[-1].read_bytes()
    words = f"{what}, {run.name}, seed {run.seed}, step {int(paths[-1].stem.removeprefix('step_')):,}"
    return [f"{words}:", f"![{words}]({PICTURES}/{name})"]
