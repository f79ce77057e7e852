"""A film of a run's previews: G's images of the same noise, step by step."""

import itertools
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ppgan_lite.commands.film import check_film
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.pictures.films import write_mp4
from ppgan_lite.pictures.read import read_png
from ppgan_lite.runs.run import Run

MOST_FRAMES = 200  # largest number of frames in a film
HELD = 2  # seconds for which the last frame is shown
PALETTE_FRAMES = 8  # frames from which the colours of a GIF are chosen
BAR = 24  # pixels above the picture, for the step


def save_timelapse(folder: Path, out: str | Path, fps: int):
    """Write the previews of a run as a film, each with its step above it; the last is shown for HELD seconds.

    If there are more than MOST_FRAMES previews, MOST_FRAMES are used, evenly spaced from the first to the last.

    Args:
        folder: the run's folder.
        out: FILE.gif (256 colours for all frames, repeated endlessly) or FILE.mp4 (VP9).
        fps: frames per second.

    Raises:
        RunError: no such run, no previews, one is damaged, or `out` cannot be written.
    """
    kind, out = check_film(out, fps, "a timelapse"), Path(out)
    previews = Run.open_existing(folder).log.previews()
    if not previews:
        raise RunError(f"{folder}: no previews to make a film of; a GAN writes one every train.preview_every steps")
    frames = Frames(_evenly(previews, MOST_FRAMES))
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out) as stream:
        WRITERS[kind](stream, frames, fps)
    print(f"{len(frames)} previews of steps {previews[0][1]} to {previews[-1][1]} written to {out}")


class Frames:
    """Previews with their steps above them: frame i is uint8 [H, W, 3]; H and W are even, as video codecs require.

    Args:
        previews: files and steps, at least one.

    Raises:
        RunError: on reading a file that is not a picture, or has another size than the first.
    """

    def __init__(self, previews: list[tuple[Path, int]]):
        self._previews = previews
        self._shape = _read(previews[0][0]).shape

    def __len__(self):
        return len(self._previews)

    def __getitem__(self, index: int) -> np.ndarray:
        path, step = self._previews[index]
        picture = _read(path)
        if picture.shape != self._shape:
            raise RunError(f"{path}: its size differs from {self._previews[0][0].name}; move it away")
        height, width, _ = picture.shape
        frame = np.zeros([BAR + height + height % 2, width + width % 2, 3], np.uint8)
        frame[BAR : BAR + height, :width] = picture
        cv2.putText(frame, f"step {step:,}", (4, BAR - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,) * 3, 1, cv2.LINE_AA)
        return frame


def _read(path: Path) -> np.ndarray:
    """Pixels of a picture, uint8 [H, W, 3]. Raises RunError."""
    return np.asarray(read_png(path).convert("RGB"))


def _evenly(items: list, most: int) -> list:
    """At most `most` of the items, evenly spaced from the first to the last."""
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))]


def _shown(frames: Frames):
    """The frames, with a progress bar on a terminal: VP9 takes half a second for a grid of 64-pixel images."""
    return tqdm(frames, desc="timelapse", unit=" frames", leave=False, disable=None)


def _write_gif(stream, frames: Frames, fps: int):
    pixels = np.concatenate([frames[i] for i in _evenly(range(len(frames)), PALETTE_FRAMES)])
    if (pixels == pixels[:, :, :1]).all():  # a GIF can hold all greys
        pictures = (Image.fromarray(frame[:, :, 0]) for frame in _shown(frames))
    else:
        # Pillow's default, median cut, dulls colours and takes 4 s instead of 0.1.
        palette = Image.fromarray(pixels).quantize(method=Image.Quantize.FASTOCTREE)
        pictures = (Image.fromarray(frame).quantize(palette=palette) for frame in _shown(frames))
    durations = [1000 / fps] * (len(frames) - 1) + [1000 * HELD]  # milliseconds
    options = {"append_images": pictures, "duration": durations, "loop": 0, "optimize": False}
    next(pictures).save(stream, "GIF", save_all=True, **options)


def _write_mp4(stream, frames: Frames, fps: int):
    write_mp4(stream, _held(frames, fps), fps)


def _held(frames: Frames, fps: int):
    """Yield the frames, and the last of them until it has been shown for HELD seconds."""
    for frame in _shown(frames):
        yield frame
    yield from itertools.repeat(frame, HELD * fps - 1)


WRITERS = {".gif": _write_gif, ".mp4": _write_mp4}
