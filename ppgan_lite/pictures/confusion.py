"""A picture of a confusion matrix."""

import contextlib
import functools
import io
import warnings

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from ppgan_lite.errors import one_line

MOST_NAMED = 100  # classes with names and numbers; with more, the picture has no room for them
MOST_LETTERS = 60  # longest name
# Matplotlib's own font has no Chinese. The usual fonts of Linux, Windows and macOS that do:
CHINESE = ("Noto Sans CJK SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "PingFang SC")


def draw_confusion(result, class_names: tuple[str, ...]) -> np.ndarray:
    """Draw the confusion matrix of a classifier's result: uint8 [H, W, 3].

    Each row shows the predictions for the images of one class, in percent.
    """
    with _fonts():
        return _draw(result, class_names)


def _draw(result, class_names: tuple[str, ...]) -> np.ndarray:
    class_names = [one_line(name)[:MOST_LETTERS] for name in class_names]  # the fonts refuse names that are not UTF-8
    is_named = len(class_names) <= MOST_NAMED
    counts = np.array(result.confusion)
    percent = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    longest = max(map(len, class_names))
    # Inches; a letter is about 0.08 inches wide.
    size = 2.5 + 0.45 * min(len(class_names), MOST_NAMED) + (0.08 * longest if is_named else 0)
    figure = Figure(figsize=(size, size), dpi=110, layout="constrained")
    axes = figure.subplots()
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    if is_named:
        _write_numbers(axes, counts, percent)
        rotation = 90 if longest > 2 else 0
        # A class may have a $ in its name, which is not the start of a formula.
        axes.set_xticks(range(len(class_names)), class_names, rotation=rotation, parse_math=False)
        axes.set_yticks(range(len(class_names)), class_names, parse_math=False)
    axes.set_xlabel("taken for")
    axes.set_ylabel("is")
    axes.set_title(f"step {result.step}: {100 * result.figures['accuracy'].value:.2f} % right", fontsize=10)
    canvas = FigureCanvasAgg(figure)
    stream = io.BytesIO()
    canvas.print_png(stream)
    return np.asarray(Image.open(stream).convert("RGB"))


def _write_numbers(axes, counts: np.ndarray, percent: np.ndarray):
    for row, column in np.ndindex(*percent.shape):
        if counts[row, column]:
            colour = "white" if percent[row, column] > 50 else "black"
            text = f"{percent[row, column]:.1f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)


@contextlib.contextmanager
def _fonts():
    """Use a Chinese font, too, if there is one. Letters that no font has are drawn as boxes, without a warning each."""
    with matplotlib.rc_context({"font.family": ["DejaVu Sans", *_chinese_fonts()]}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph ")
        yield


@functools.cache
def _chinese_fonts() -> list[str]:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return [name for name in CHINESE if name in known][:1]
