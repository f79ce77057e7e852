"""Verdicts: published figures, our own aims, questions and failures."""

from collections.abc import Callable
from statistics import fmean

from ppgan_lite.report.answers import answer
from ppgan_lite.report.claims import NOT_MEASURED, NOT_REPRODUCED, REPRODUCED, Claims, FigureClaim
from ppgan_lite.report.groups import Group, Section
from ppgan_lite.report.markdown import SPACE, bullets, cited, spaced, spread, table
from ppgan_lite.report.names import Name

AIM_MET, AIM_MISSED = "aim met", "aim missed"


def published(claims: Claims, sections: list[Section], link: Callable[[Name], str]) -> list[str]:
    """Published figures next to ours, and published figures that cannot be compared."""
    groups, blocks = groups_by_name(sections), []
    for source in claims.sources:
        found = [claim for claim in claims.figures if claim.source == source]
        if rows := [_claim_row(row, claim, link) for claim in found for row in groups.get(claim.group, [])]:
            heads = ["config", "figure", "claimed", "ours", "difference", "seeds", "step", "verdict"]
            blocks += [f"{cited(source)}:", table(heads, rows)]
    if blocks:
        verdicts = f"*{REPRODUCED}*: the mean is within the tolerance of the claim, or better; else *{NOT_REPRODUCED}*."
        blocks.insert(0, verdicts)
    if missing := sorted({str(claim.group) for claim in claims.figures if claim.group not in groups}):
        blocks.append(f"{NOT_MEASURED.capitalize()}: {', '.join(missing)}.")
    for claim in claims.not_comparable:
        names = [name for name in claim.figures if name in {section.data.name for section in sections}]
        if names:
            blocks += [
                f"No figure to compare: {claim.what}, {cited(claim.source)}, because {claim.why}.",
                *bullets([f"{name}: {claim.figures[name]}" for name in names]),
            ]
    return blocks or ["There is no published figure for these runs."]


def groups_by_name(sections: list[Section]) -> dict[Name, list[Group]]:
    """The rows of all tables by name: one name stands in several sections if its data was not always the same."""
    groups = {}
    for section in sections:
        for row in section.rows:
            groups.setdefault(row.name, []).append(row)
    return groups


def _claim_row(group: Group, claim: FigureClaim, link) -> list:
    step = group.step_of(claim.epoch) if claim.epoch else group.step
    values = group.values(claim.metric, step)
    claimed = f"{claim.value:g}{SPACE}±{SPACE}{claim.tolerance:g}"
    difference = f"{fmean(values) - claim.value:+.4f}" if values else ""
    ours = [spread(values), difference, len(values), f"{step:,}" if step else ""]
    return [link(group.name) + group.suffix, claim.figure, claimed, *ours, claim.verdict(values)]


def aims(claims: Claims, sections: list[Section], link: Callable[[Name], str]) -> list[str]:
    """A row for each aim: our figures, and whether their means are within the limits."""
    groups, rows, missing = groups_by_name(sections), [], set()
    for aim in claims.aims:
        if aim.group not in groups:
            missing.add(str(aim.group))
        for group in groups.get(aim.group, []):
            figures, missed = [], []
            for limit in aim.limits:
                values = group.values(limit.metric, group.step)
                ours = spread(values) or NOT_MEASURED
                figures.append(f"{spaced(limit.metric)} {ours} ({limit})")
                if not values or not limit.met(fmean(values)):
                    missed.append(spaced(limit.metric))
            verdict = f"{AIM_MISSED}: {', '.join(missed)}" if missed else AIM_MET
            rows.append(
                [link(group.name) + group.suffix, "; ".join(figures), len(group.records), f"{group.step:,}", verdict]
            )
    blocks = [table(["config", "ours (aim)", "seeds", "step", "verdict"], rows)] if rows else []
    if missing:
        blocks.append(f"{NOT_MEASURED.capitalize()}: {', '.join(sorted(missing))}.")
    return blocks


def ablations(claims: Claims, sections: list[Section]) -> list[str]:
    """The questions and their answers."""
    groups = [group for section in sections for group in section.groups]
    names = {group.name for group in groups}
    blocks, missing = [], []
    for question in [*claims.comparisons, *claims.criteria]:
        if question.group not in names and getattr(question, "than", None) not in names:
            missing.append(question.title)
            continue
        verdict, sentence = answer(question, groups)
        blocks += [f"**{question.title}** ({cited(question.source)}): **{verdict}**.", sentence]
    return blocks + bullets([f"{NOT_MEASURED.capitalize()}: {title}" for title in missing])


def failures(sections: list[Section]) -> list[str]:
    """The runs with health alarms, and what health reported."""
    lines = []
    for record in (record for section in sections for record in section.records if record.diagnoses):
        lines.append(f"{record.name}, seed {record.seed}:")
        for each in record.diagnoses:
            since = f", since {each.since:,}" if each.since != each.step else ""
            words = f": {each.words}" if each.words else ""
            lines[-1] += f"\n  - step {each.step:,}: {each.diagnosis}{since}{words}"
    return bullets(lines) or ["No run has a health alarm."]
