"""Answers to questions: a verdict, and a sentence with the figures it rests on."""

from statistics import fmean

from ppgan_lite.report.claims import NOT_REPRODUCED, REPRODUCED, UNDECIDED, Comparison, Criterion
from ppgan_lite.report.markdown import number, numbers, spaced, spread
from ppgan_lite.report.measured import Group, check_comparable
from ppgan_lite.report.names import Name


class _Undecided(Exception):
    """Why a question cannot be decided."""


def answer(question: Comparison | Criterion, groups: dict[Name, list[Group]]) -> tuple[str, str]:
    """The verdict on a question, and a sentence. Raises EvaluationError where runs were not measured alike."""
    try:
        return (_compare if isinstance(question, Comparison) else _judge)(question, groups)
    except _Undecided as reason:
        return UNDECIDED, f"{reason}."


def _compare(question: Comparison, groups: dict[Name, list[Group]]) -> tuple[str, str]:
    """Reproduced: higher on all metrics, with ranges apart. Not reproduced: higher on none."""
    group, than = _find(question.group, groups), _find(question.than, groups)
    _check_fair(group, than)
    higher, apart, words = [], [], []
    for metric in question.metrics:
        ours, theirs = _values(group, metric), _values(than, metric)
        higher.append(fmean(ours) > fmean(theirs))
        apart.append(min(ours) > max(theirs))
        ranges = "and the ranges are apart" if apart[-1] else "but the ranges overlap"
        relation = f"higher, {ranges}" if higher[-1] else "not higher"
        words.append(
            f"{spaced(metric)} {_beside_real(group, metric)}, against {_beside_real(than, metric)}: {relation}"
        )
    verdict = REPRODUCED if all(apart) else UNDECIDED if any(higher) else NOT_REPRODUCED
    seeds = [len(group.runs), len(than.runs)]
    return verdict, (
        f"{group.name} (seeds: {seeds[0]}) against {than.name} (seeds: {seeds[1]}), at step {group.step():,}: "
        f"{'; '.join(words)}.{' One seed has no range.' if 1 in seeds else ''}"
    )


def _judge(question: Criterion, groups: dict[Name, list[Group]]) -> tuple[str, str]:
    """Reproduced: the runs of all seeds keep all limits where they were evaluated last, within the epochs.

    Not reproduced: those of none do, when the epochs are over.
    """
    group = _find(question.group, groups)
    end = group.runs[0].step_of(question.epochs)
    steps = [step for step in group.steps if step <= end]
    if not steps:
        raise _Undecided(f"The runs of {group.name} were never all evaluated within {question.epochs} epochs")
    kept, words = [True] * len(group.runs), []
    for limit in question.limits:
        values = [run.value(limit.metric, steps[-1]) for run in group.runs]
        if None in values:
            raise _Undecided(f"{spaced(limit.metric).capitalize()} was not measured at step {steps[-1]:,}")
        met = [value <= limit.value if limit.op == "at most" else value >= limit.value for value in values]
        kept = [a and b for a, b in zip(kept, met, strict=True)]
        words.append(f"{spaced(limit.metric)} {spread(values)}, asked for {limit.op} {number(limit.value)}")
    over = steps[-1] == end
    verdict = REPRODUCED if all(kept) else NOT_REPRODUCED if over and not any(kept) else UNDECIDED
    return verdict, (
        f"{group.name} at step {steps[-1]:,} ({'after' if over else 'of'} the {end:,} of {question.epochs} epochs): "
        f"{'; '.join(words)}; all this was met by {sum(kept)} of {len(kept)} seeds."
    )


def _find(name: Name, groups: dict[Name, list[Group]]) -> Group:
    found = groups.get(name, [])
    if not found:
        raise _Undecided(f"There is no evaluated run of {name}")
    if len(found) > 1:
        runs = [
            f"`{run.title}` ({run.source.title}, sha256 {run.source.sha256[:12]})"
            for run in (group.runs[0] for group in found)
        ]
        raise _Undecided(f"It is not clear which runs of {name} are meant: the data of {' and '.join(runs)} differs")
    return found[0]


def _check_fair(group: Group, other: Group):
    """Refuse to compare groups with another protocol, and doubt those of other lengths."""
    check_comparable(group.runs[0], other.runs[0])
    ours, theirs = _step(group), _step(other)
    if ours != theirs:
        raise _Undecided(
            f"It would not be fair: the runs of {group.name} were evaluated at step {ours:,}, those of {other.name} at "
            f"{theirs:,}"
        )


def _step(group: Group) -> int:
    step = group.step()
    if step is None:
        newest = numbers(sorted({run.step for run in group.runs}))
        raise _Undecided(f"The runs of {group.name} were never all evaluated at one step; the newest are {newest}")
    return step


def _values(group: Group, metric: str) -> list[float]:
    """The figures of all runs of a group."""
    step = group.step()
    for run in group.runs:
        if run.value(metric, step) is None:
            what = f"{spaced(metric).capitalize()} of {run.name}, seed {run.seed}"
            raise _Undecided(f"{what}, was not measured at step {step:,}")
    return group.values(metric)


def _beside_real(group: Group, metric: str) -> str:
    ours, real = group.values(metric), group.runs[0].figures[group.step()][metric].real
    return spread(ours) + (f", {fmean(ours) / real:.2f} times that of real images" if real else "")
