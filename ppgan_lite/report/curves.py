"""The plot of the Frechet distance over the steps."""

import io
from statistics import fmean

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Drawing

from ppgan_lite.report.measured import Group, Section


def draw(sections: list[Section]) -> bytes:
    """A PNG: an axes per section of generators, a colour per group, a line per run that was evaluated twice or more."""
    shown = [[group for group in section.groups if _has_lines(group)] for section in sections]
    longest = max(map(len, shown))
    drawing = Drawing(figsize=(7.5 * len(sections), 4 + 0.2 * longest), layout="constrained")
    panels = drawing.subplots(1, len(sections), squeeze=False)[0]
    for axes, section, groups in zip(panels, sections, shown, strict=True):
        for i, group in enumerate(groups):
            for j, run in enumerate(group.runs):
                values = [figures["frechet_distance"].value for figures in run.figures.values()]
                label = None if j else str(group.name).replace("`", "")
                axes.plot(list(run.figures), values, ".-", color=f"C{i}", label=label, linewidth=1.2)
        real = fmean(section.real("frechet_distance"))
        axes.axhline(real, color="grey", linestyle="--", label="real images", linewidth=1)
        axes.set(title=section.source.title, xlabel="step", ylabel="Frechet distance", yscale="log")
        # Below the axes: names with changed keys are long. One that is longer still is cut at the picture's edge.
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.14), frameon=False)
    stream = io.BytesIO()
    FigureCanvasAgg(drawing).print_png(stream, metadata={"Software": "ppgan_lite"})
    return stream.getvalue()


def _has_lines(group: Group) -> bool:
    return any(len(run.figures) > 1 for run in group.runs)
