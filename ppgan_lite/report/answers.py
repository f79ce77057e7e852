"""Answers to questions: a verdict, and a sentence with its figures."""

from statistics import fmean

from ppgan_lite.report.claims import NOT_REPRODUCED, REPRODUCED, UNDECIDED, Comparison, Criterion
from ppgan_lite.report.groups import Group, check_comparable
from ppgan_lite.report.markdown import number, numbers, spaced, spread
from ppgan_lite.report.names import Name


class _Undecided(Exception):
    """Why a question cannot be decided."""


def answer(question: Comparison | Criterion, groups: list[Group]) -> tuple[str, str]:
    """The verdict on a question, and a sentence. Raises EvaluationError if runs were measured differently."""
    try:
        return (_compare if isinstance(question, Comparison) else _judge)(question, groups)
    except _Undecided as reason:
        return UNDECIDED, f"{reason}."


def _compare(question: Comparison, groups: list[Group]) -> tuple[str, str]:
    """Compare at the newest step at which all runs of both groups were evaluated.

    Reproduced: higher on all metrics, and the ranges do not overlap. Not reproduced: higher on none.
    """
    group, than = _find(question.group, groups), _find(question.than, groups)
    check_comparable(group.records[0], than.records[0])
    common = set(group.steps) & set(than.steps)
    if not common:
        steps = [numbers(each.steps) or "no common step" for each in (group, than)]
        raise _Undecided(f"{group.name} was evaluated at {steps[0]}, but {than.name} at {steps[1]}")
    step = max(common)
    higher, apart, words = [], [], []
    for metric in question.metrics:
        ours, theirs = _values(group, metric, step), _values(than, metric, step)
        higher.append(fmean(ours) > fmean(theirs))
        apart.append(min(ours) > max(theirs))
        ranges = "and the ranges do not overlap" if apart[-1] else "but the ranges overlap"
        relation = f"higher, {ranges}" if higher[-1] else "not higher"
        both = " against ".join(_with_real(each, metric, step) for each in (group, than))
        words.append(f"{spaced(metric)} {both}: {relation}")
    verdict = REPRODUCED if all(apart) else UNDECIDED if any(higher) else NOT_REPRODUCED
    seeds = [len(group.records), len(than.records)]
    return verdict, (
        f"{group.name} (seeds: {seeds[0]}) against {than.name} (seeds: {seeds[1]}) at step {step:,}: "
        f"{'; '.join(words)}.{' One seed has no range.' if 1 in seeds else ''}"
    )


def _judge(question: Criterion, groups: list[Group]) -> tuple[str, str]:
    """Judge a criterion at the newest evaluation within its epochs.

    Reproduced: all seeds keep all limits. Not reproduced: no seed does, and the epochs are over.
    """
    group = _find(question.group, groups)
    steps = [step for step in group.steps if group.epoch(step) <= question.epochs]
    if not steps:
        raise _Undecided(f"The runs of {group.name} were never all evaluated within {question.epochs} epochs")
    step = steps[-1]
    keeps, words = [True] * len(group.records), []
    for limit in question.limits:
        values = _values(group, limit.metric, step)
        keeps = [kept and limit.met(value) for kept, value in zip(keeps, values, strict=True)]
        words.append(f"{spaced(limit.metric)} {spread(values)} (asked for: {limit})")
    epoch = group.epoch(step)
    over = epoch == question.epochs
    verdict = REPRODUCED if all(keeps) else NOT_REPRODUCED if over and not any(keeps) else UNDECIDED
    return verdict, (
        f"{group.name} at step {step:,} (epoch {epoch:.3g} of {question.epochs}): {'; '.join(words)}. "
        f"All limits are kept by {sum(keeps)} of {len(keeps)} seeds."
    )


def _find(name: Name, groups: list[Group]) -> Group:
    """The group of a name. It is not clear which one is meant if there are runs of the name on different data."""
    found = [group for group in groups if group.name == name]
    if not found:
        raise _Undecided(f"There is no evaluated run of {name}")
    if len(found) > 1:
        first = [group.records[0] for group in found]
        runs = [f"`{record.title}` ({record.data.title}, sha256 {record.data.sha256})" for record in first]
        raise _Undecided(f"It is not clear which runs of {name} are meant: the data of {' and '.join(runs)} differs")
    return found[0]


def _values(group: Group, metric: str, step: int) -> list[float]:
    """The figures of all runs of a group."""
    values = group.values(metric, step)
    if len(values) < len(group.records):
        raise _Undecided(f"{spaced(metric)} of {group.name} was not measured at step {step:,}")
    return values


def _with_real(group: Group, metric: str, step: int) -> str:
    values, real = group.values(metric, step), group.records[0].real.get(metric, 0)
    # the kernel distance of real images may be negative
    return spread(values) + (f" ({number(fmean(values) / real)} times real images)" if real > 0 else "")
