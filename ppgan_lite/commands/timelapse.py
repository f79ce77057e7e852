"""A film of a run's previews: what G made of the same noise, from step to step."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.runs.run import Run

MOST_FRAMES = 200  # of a long run
FASTEST_GIF = 50  # frames a second; viewers show faster ones slowly
HELD = 2  # seconds, of the last frame
PALETTE_FRAMES = 8  # that the colours of a GIF are chosen by
BAR = 24  # pixels above the picture, for the step
CODEC = "vp09"  # of those that OpenCV's wheels write, the one that browsers play in an MP4


def save_timelapse(folder: Path, out: Path, fps: int):
    """Write the previews of a run as a film, each with its step above it; the last is held for HELD seconds.

    Of more than MOST_FRAMES previews so many are taken, evenly, the first and the last among them.

    Args:
        folder: of the run.
        out: FILE.gif (256 colours for all frames, repeated for ever) or FILE.mp4 (VP9).
        fps: frames a second.

    Raises:
        RunError: no such run, no previews, one is damaged, or `out` cannot be written.
    """
    if out.suffix not in WRITERS:
        raise RunError(f"--out {out}: a film of previews is a FILE.gif or a FILE.mp4")
    if out.suffix == ".gif" and fps > FASTEST_GIF:
        raise RunError(f"--fps {fps}: a GIF shows at most {FASTEST_GIF} frames a second; give FILE.mp4")
    previews = Run.open_existing(folder).log.previews()
    if not previews:
        raise RunError(f"{folder}: no previews to make a film of; a GAN writes one every train.preview_every steps")
    frames = Frames(_evenly(previews, MOST_FRAMES))
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out) as stream:
        WRITERS[out.suffix](stream, frames, fps)
    print(f"{len(frames)} previews of steps {previews[0][1]} to {previews[-1][1]} written to {out}")


class Frames:
    """Previews with their steps above them: frame i is uint8 [H, W, 3], H and W even as video codecs want them.

    Args:
        previews: files and steps, at least one.

    Raises:
        RunError: on reading a file that is no picture, or whose size is not that of the first.
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
            raise RunError(f"{path}: of another size than {self._previews[0][0].name}; move it away")
        height, width, _ = picture.shape
        frame = np.zeros([BAR + height + height % 2, width + width % 2, 3], np.uint8)
        frame[BAR : BAR + height, :width] = picture
        cv2.putText(frame, f"step {step:,}", (4, BAR - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,) * 3, 1, cv2.LINE_AA)
        return frame


def _read(path: Path) -> np.ndarray:
    """Pixels of a picture, uint8 [H, W, 3]. Raises RunError."""
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except OSError as error:
        raise RunError(f"{path}: no picture, or a damaged one; move it away") from error


def _evenly(items: list, most: int) -> list:
    """At most so many of the items, evenly, the first and the last among them."""
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, most).round().astype(int))]


def _shown(frames: Frames):
    """The frames, with a bar of progress on a terminal: VP9 takes half a second for a grid of 64-pixel images."""
    return tqdm(frames, desc="timelapse", unit=" frames", leave=False, disable=None)


def _write_gif(stream, frames: Frames, fps: int):
    chosen = np.concatenate([frames[i] for i in _evenly(range(len(frames)), PALETTE_FRAMES)])
    if (chosen == chosen[:, :, :1]).all():  # greys: none need be left out
        pictures = (Image.fromarray(frame[:, :, 0]) for frame in _shown(frames))
    else:
        # Median cut, Pillow's usual way, dulls colours, and takes 4 s where this takes 0.1.
        palette = Image.fromarray(chosen).quantize(method=Image.Quantize.FASTOCTREE)
        pictures = (Image.fromarray(frame).quantize(palette=palette) for frame in _shown(frames))
    durations = [1000 / fps] * (len(frames) - 1) + [1000 * HELD]  # milliseconds
    options = {"append_images": pictures, "duration": durations, "loop": 0, "optimize": False}
    next(pictures).save(stream, "GIF", save_all=True, **options)


def _write_mp4(stream, frames: Frames, fps: int):
    """By way of a file elsewhere: OpenCV writes to no stream."""
    height, width, _ = frames[0].shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODEC), fps, (width, height))
        if not film.isOpened():
            raise RunError("this OpenCV cannot write MP4 files with VP9; give FILE.gif")
        for frame in _shown(frames):
            film.write(frame[:, :, ::-1])  # OpenCV has blue first
        for _ in range(HELD * fps - 1):
            film.write(frame[:, :, ::-1])
        film.release()
        stream.write(path.read_bytes())


WRITERS = {".gif": _write_gif, ".mp4": _write_mp4}
