"""Plots of a GAN that learns points, as in figure 1 of Goodfellow et al. 2014: the data, G's samples and D's output.

In one dimension they show densities over the axis, in two dimensions dots in the plane. Each moment is a panel.
"""

import io
from dataclasses import dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ppgan_lite.data.gaussians import Gaussians

NUM_SAMPLES = 2000  # samples of G in a panel
NUM_PLACES = {1: 401, 2: 101}  # number of dimensions -> places along each axis at which D is evaluated
NUM_ARROWS = 31  # lines from noise to samples
WIDEST_NOISE = 2.5  # noise at the ends of the axis that the arrows start from
MARGIN = 4  # shown space around the data, in its standard deviations
SMOOTHING = 0.2  # kernel width for the density of G's samples, over the data's deviation: p(G) is 2 % too wide
DATA_COLOUR, G_COLOUR, D_COLOUR = "black", "tab:green", "tab:blue"  # as in figure 1


@dataclass(frozen=True)
class Moment:
    """A method at a step.

    Attributes:
        step: the training step.
        samples: G's samples, [N, dims].
        noise: the noise that they were generated from, [N], if it has one dimension, else None.
        d_output: D's output at the places shown, from 0 (generated) to 1 (data): [M], or [M, M] by y and x; None if D
            gives no logits, or needs more than a point.
    """

    step: int
    samples: np.ndarray
    noise: np.ndarray | None
    d_output: np.ndarray | None


def draw(dataset: Gaussians, moments: list[Moment]) -> np.ndarray:
    """Draw moments side by side: uint8 [H, W, 3]."""
    figure = Figure(figsize=(0.8 + 3.2 * len(moments), 3.8), dpi=100, layout="constrained")
    if dataset.spec["image"].shape[0] == 1:
        _draw_lines(figure, dataset, moments)
    else:
        _draw_planes(figure, dataset, moments)
    _add_legend(figure)
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return np.asarray(Image.open(stream).convert("RGB"))


def axis_of(dataset) -> np.ndarray:
    """Evenly spaced places over the shown range: the data, and 0, where an untrained G's samples are."""
    ends = np.append(dataset.centres, 0)
    margin = MARGIN * dataset.std
    return np.linspace(ends.min() - margin, ends.max() + margin, NUM_PLACES[dataset.spec["image"].shape[0]])


def _mixture(places, centres, std: float) -> np.ndarray:
    """Density at `places` [M] of a mixture of Gaussians around `centres` [N], of equal weight and deviation."""
    distance = (places[:, None] - centres) / std  # [M, N]
    return np.exp(-(distance**2) / 2).mean(1) / (std * np.sqrt(2 * np.pi))


def _draw_lines(figure, dataset, moments):
    """Densities of data and samples, and D's output, over x; below, how G maps noise z to x."""
    axis = axis_of(dataset)
    data = _mixture(axis, dataset.centres[:, 0], dataset.std)
    with_noise = moments[0].noise is not None
    panels = figure.subplots(1 + with_noise, len(moments), squeeze=False, height_ratios=[4, 1][: 1 + with_noise])
    for moment, panel in zip(moments, panels.T, strict=True):
        made = _mixture(axis, moment.samples[:, 0], SMOOTHING * dataset.std)
        for density, colour, style, name in [(data, DATA_COLOUR, ":", "p(data)"), (made, G_COLOUR, "-", "p(G)")]:
            panel[0].fill_between(axis, density, color=colour, alpha=0.1, linewidth=0)
            panel[0].plot(axis, density, style, color=colour, linewidth=1.8, label=name)
        panel[0].set(title=f"step {moment.step}", xlim=axis[[0, -1]], ylim=(0, 1.6 * data.max()), yticks=[])
        if moment.d_output is not None:
            _draw_output(panel[0].twinx(), axis, moment.d_output, labelled=moment is moments[-1])
        if with_noise:
            _draw_arrows(panel[1], axis, moment)


def _draw_output(axes, axis, d_output, labelled: bool):
    axes.axhline(0.5, color="grey", linestyle="--", linewidth=0.8)
    axes.plot(axis, d_output, "--", color=D_COLOUR, linewidth=1.8, label="D")
    axes.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1])
    axes.tick_params(axis="y", labelright=labelled, colors=D_COLOUR)


def _draw_arrows(axes, axis, moment):
    """Lines from noise z, below, to G's samples, above."""
    indices = np.argsort(moment.noise)[np.linspace(0, len(moment.noise) - 1, NUM_ARROWS + 2).astype(int)[1:-1]]
    middle, half = (axis[0] + axis[-1]) / 2, (axis[-1] - axis[0]) / 2
    starts = middle + half * moment.noise[indices] / WIDEST_NOISE
    axes.plot([starts, moment.samples[indices, 0]], [0, 1], color=G_COLOUR, linewidth=0.7)
    axes.set(xlim=axis[[0, -1]], ylim=(0, 1), xticks=[], yticks=[0, 1], yticklabels=["z", "x"])


def _draw_planes(figure, dataset, moments):
    """Data and samples as dots, over D's output."""
    axis = axis_of(dataset)
    data = dataset.images[:NUM_SAMPLES, :, 0, 0]
    panels = figure.subplots(1, len(moments), squeeze=False)[0]
    for axes, moment in zip(panels, moments, strict=True):
        if moment.d_output is not None:
            options = {"cmap": "RdBu", "vmin": 0, "vmax": 1, "alpha": 0.6, "interpolation": "bilinear"}
            ground = axes.imshow(moment.d_output, extent=axis[[0, -1, 0, -1]], origin="lower", aspect="auto", **options)
        for points, colour, name in [(data, DATA_COLOUR, "data"), (moment.samples, G_COLOUR, "G's samples")]:
            axes.plot(*points.T, ".", color=colour, markersize=2.5, alpha=0.4, markeredgewidth=0, label=name)
        ends = axis[[0, -1]]
        axes.set(title=f"step {moment.step}", xlim=ends, ylim=ends, xticks=[], yticks=[], box_aspect=1)
    if moments[-1].d_output is not None:
        figure.colorbar(ground, ax=panels[-1], ticks=[0, 0.5, 1], label="D")


def _add_legend(figure):
    """Add one legend for all panels."""
    shown = {}
    for axes in figure.axes:
        handles, names = axes.get_legend_handles_labels()
        shown |= zip(names, handles, strict=True)
    options = {"frameon": False, "markerscale": 5}
    legend = figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown), **options)
    for handle in legend.legend_handles:
        handle.set_alpha(1)
