"""The plot of the Frechet distance over the steps."""

import io
from statistics import fmean

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ppgan_lite.report.groups import Group, Section

METRIC = "frechet_distance"


def draw(sections: list[Section]) -> bytes:
    """A PNG: axes for each section of generators, a colour for each group, a line for each run evaluated repeatedly."""
    shown = [[group for group in section.groups if has_curve(group)] for section in sections]
    longest = max(map(len, shown))
    drawing = Figure(figsize=(7.5 * len(sections), 4 + 0.2 * longest), layout="constrained")
    panels = drawing.subplots(1, len(sections), squeeze=False)[0]
    for axes, section, groups in zip(panels, sections, shown, strict=True):
        for i, group in enumerate(groups):
            for j, record in enumerate(group.records):
                steps = [each.step for each in record.evaluations if METRIC in each.figures]
                values = [record.value(METRIC, step) for step in steps]
                label = None if j else str(group.name).replace("`", "")
                style = ("-", "--", ":")[i // 10 % 3]  # there are ten colours
                axes.plot(steps, values, style, marker=".", color=f"C{i}", label=label, linewidth=1.2)
        if real := section.real(METRIC):
            axes.axhline(fmean(real), color="grey", linestyle="--", label="real images", linewidth=1)
        axes.set(title=section.data.title, xlabel="step", ylabel="Frechet distance", yscale="log")
        # Below the axes, because names with changed keys are long. One that is longer still is cut at the edge.
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.14), frameon=False)
    stream = io.BytesIO()
    FigureCanvasAgg(drawing).print_png(stream, metadata={"Software": "ppgan_lite"})
    return stream.getvalue()


def has_curve(group: Group) -> bool:
    """Whether a run of a group was evaluated more than once."""
    return any(len(record.evaluations) > 1 for record in group.records)
