"""Pictures of a GAN that learns points, as in figure 1 of Goodfellow et al. 2014: the data, G's samples and D's output.

In one dimension they show densities over the axis, in two dots on the plane. A moment is a panel.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle
import paddle.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ppgan_lite.build import build_dataset, seed_paddle
from ppgan_lite.data.gaussians import Gaussians
from ppgan_lite.engine import checkpoint
from ppgan_lite.engine.run import Run, open_trained
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors
from ppgan_lite.image_grid import save_png
from ppgan_lite.methods.base import LOGITS, Generative

NUM_SAMPLES = 2000  # of G at a moment
NUM_MOMENTS = 4  # as in figure 1
NUM_PLACES = {1: 401, 2: 101}  # along each axis, where D is asked; by dimensions
NUM_ARROWS = 31  # from noise to samples
WIDEST_NOISE = 2.5  # at the ends of the line that the arrows start from
MARGIN = 4  # standard deviations that are shown around the data
SMOOTHING = 0.2  # deviation of the kernel that a sample of G counts as, in the data's: p(G) is 2 % too wide
DATA, OF_G, OF_D = "black", "tab:green", "tab:blue"  # the colours of figure 1


@dataclass(frozen=True)
class Moment:
    """A method at a step.

    Attributes:
        step: of the training.
        samples: of G, [N, dims].
        noise: that G made them of, [N], where it is one number; else None.
        judged: D's output at the places shown, from 0 (generated) to 1 (data): [M], or [M, M] by y and x; None where
            D gives no logits, or not for a point alone.
    """

    step: int
    samples: np.ndarray
    noise: np.ndarray | None
    judged: np.ndarray | None


def look(method: Generative, dataset: Gaussians, inputs: dict, images, step: int) -> Moment:
    """Take down a moment: `images` [N, dims, 1, 1] that G made of `inputs`, and D's output. Changes no network."""
    noise = inputs["z"].numpy()
    alone = len(inputs) == 1 and noise.shape[1] == 1
    samples = np.asarray(images)[:, :, 0, 0]  # [N, dims, 1, 1] -> [N, dims]
    return Moment(step, samples, noise[:, 0] if alone else None, _judge(method, dataset))


def draw(dataset: Gaussians, moments: list[Moment]) -> np.ndarray:
    """Draw moments side by side: uint8 [H, W, 3]."""
    figure = Figure(figsize=(0.8 + 3.2 * len(moments), 3.8), dpi=100, layout="constrained")
    if dataset.image_shape[0] == 1:
        _draw_lines(figure, dataset, moments)
    else:
        _draw_planes(figure, dataset, moments)
    _add_legend(figure)
    stream = io.BytesIO()
    FigureCanvasAgg(figure).print_png(stream)
    return np.asarray(Image.open(stream).convert("RGB"))


def save_moments(folder: Path, out: Path, step: int | str | None, seed: int) -> list[int]:
    """Draw what a run on points made of them, from its checkpoints. Returns the steps that are shown.

    Args:
        folder: of the run.
        out: FILE.png.
        step: of the one checkpoint to show, or `best`; None for the first that is kept, the last, and two between.
        seed: of the noise.

    Raises:
        UserError: no such run or checkpoint, a checkpoint is damaged, or `out` cannot be written.
    """
    run = Run.open_existing(folder)
    dataset = build_dataset(run.config())
    if not isinstance(dataset, Gaussians):
        raise RunError(f"{folder}: was trained on {dataset.source.name}, which are no points; draw samples instead")
    moments = []
    for chosen in _spread(checkpoint.list_steps(run.checkpoints)) if step is None else [step]:
        _, method, saved = open_trained(folder, chosen)
        seed_paddle(seed, 0, 2)  # as for samples of images: see sampling.py
        inputs = method.draw(NUM_SAMPLES)
        moments.append(look(method, dataset, inputs, method.generate(inputs), saved.step))
    steps = [moment.step for moment in moments]
    metadata = run.describe_images(steps[-1]) | {"Step": ", ".join(map(str, steps)), "Seed": str(seed)}
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    save_png(out, draw(dataset, moments), metadata)
    return steps


def _spread(steps: list[int]) -> list[int | None]:
    """The first and the last of the steps, and two between, each about as many times later than the one before.

    Without any it is [None]: who opens the newest checkpoint then says that there is none.
    """
    if not steps:
        return [None]
    wanted = np.geomspace(steps[0], steps[-1], NUM_MOMENTS)
    return sorted({min(steps, key=lambda step: abs(np.log(step / want))) for want in wanted})


def _judge(method, dataset) -> np.ndarray | None:
    port = method.interfaces(dataset.image_shape, dataset.class_names).get("d")
    if port is None or port.outputs[0] != LOGITS or len(port.inputs) > 1:
        return None
    axis, dims = _axis(dataset), dataset.image_shape[0]
    places = np.stack(np.meshgrid(*[axis] * dims), -1)  # [M, 1], or [M, M, 2] whose last dimension is x, y
    d = method.networks["d"]
    d.eval()
    with paddle.no_grad():
        logits = d(paddle.to_tensor(places.reshape(-1, dims, 1, 1).astype("float32")))  # [M^dims, dims, 1, 1]
    d.train()
    logits = logits[0] if isinstance(logits, list | tuple) else logits  # of several outputs
    return F.sigmoid(logits).numpy().reshape(places.shape[:-1])


def _axis(dataset) -> np.ndarray:
    """Places from end to end of what is shown: the data, and 0, where the samples of an untrained G lie."""
    ends = np.append(dataset.centres, 0)
    margin = MARGIN * dataset.std
    return np.linspace(ends.min() - margin, ends.max() + margin, NUM_PLACES[dataset.image_shape[0]])


def _mixture(places, centres, std: float) -> np.ndarray:
    """Density of Gaussians around `centres` [N], alike in weight and deviation, at `places` [M]."""
    distance = (places[:, None] - centres) / std  # [M, N]
    return np.exp(-(distance**2) / 2).mean(1) / (std * np.sqrt(2 * np.pi))


def _draw_lines(figure, dataset, moments):
    """Densities of data and samples and D's output over x; below, where G takes its noise z."""
    axis = _axis(dataset)
    data = _mixture(axis, dataset.centres[:, 0], dataset.std)
    with_noise = moments[0].noise is not None
    panels = figure.subplots(1 + with_noise, len(moments), squeeze=False, height_ratios=[4, 1][: 1 + with_noise])
    for moment, panel in zip(moments, panels.T, strict=True):
        made = _mixture(axis, moment.samples[:, 0], SMOOTHING * dataset.std)
        for density, colour, style, name in [(data, DATA, ":", "p(data)"), (made, OF_G, "-", "p(G)")]:
            panel[0].fill_between(axis, density, color=colour, alpha=0.1, linewidth=0)
            panel[0].plot(axis, density, style, color=colour, linewidth=1.8, label=name)
        panel[0].set(title=f"step {moment.step}", xlim=axis[[0, -1]], ylim=(0, 1.6 * data.max()), yticks=[])
        if moment.judged is not None:
            _draw_output(panel[0].twinx(), axis, moment.judged, labelled=moment is moments[-1])
        if with_noise:
            _draw_arrows(panel[1], axis, moment)


def _draw_output(axes, axis, judged, labelled: bool):
    axes.axhline(0.5, color="grey", linestyle="--", linewidth=0.8)
    axes.plot(axis, judged, "--", color=OF_D, linewidth=1.8, label="D")
    axes.set(ylim=(-0.02, 1.02), yticks=[0, 0.5, 1])
    axes.tick_params(axis="y", labelright=labelled, colors=OF_D)


def _draw_arrows(axes, axis, moment):
    """Lines from some noise z, below, to what G makes of it, above."""
    chosen = np.argsort(moment.noise)[np.linspace(0, len(moment.noise) - 1, NUM_ARROWS + 2).astype(int)[1:-1]]
    middle, half = (axis[0] + axis[-1]) / 2, (axis[-1] - axis[0]) / 2
    starts = middle + half * moment.noise[chosen] / WIDEST_NOISE
    axes.plot([starts, moment.samples[chosen, 0]], [0, 1], color=OF_G, linewidth=0.7)
    axes.set(xlim=axis[[0, -1]], ylim=(0, 1), xticks=[], yticks=[0, 1], yticklabels=["z", "x"])


def _draw_planes(figure, dataset, moments):
    """Dots of data and samples, over D's output."""
    axis = _axis(dataset)
    data = dataset.images[:NUM_SAMPLES, :, 0, 0]
    panels = figure.subplots(1, len(moments), squeeze=False)[0]
    for axes, moment in zip(panels, moments, strict=True):
        if moment.judged is not None:
            options = {"cmap": "RdBu", "vmin": 0, "vmax": 1, "alpha": 0.6, "interpolation": "bilinear"}
            ground = axes.imshow(moment.judged, extent=axis[[0, -1, 0, -1]], origin="lower", aspect="auto", **options)
        for points, colour, name in [(data, DATA, "data"), (moment.samples, OF_G, "G's samples")]:
            axes.plot(*points.T, ".", color=colour, markersize=2.5, alpha=0.4, markeredgewidth=0, label=name)
        ends = axis[[0, -1]]
        axes.set(title=f"step {moment.step}", xlim=ends, ylim=ends, xticks=[], yticks=[], box_aspect=1)
    if moments[-1].judged is not None:
        figure.colorbar(ground, ax=panels[-1], ticks=[0, 0.5, 1], label="D")


def _add_legend(figure):
    """One for all panels, where what has the same name looks the same."""
    shown = {}
    for axes in figure.axes:
        handles, names = axes.get_legend_handles_labels()
        shown |= zip(names, handles, strict=True)
    options = {"frameon": False, "markerscale": 5}
    legend = figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown), **options)
    for handle in legend.legend_handles:
        handle.set_alpha(1)
