"""A film of how a run's generator makes its pictures: pixel by pixel, or by taking noise away."""

import itertools
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ppgan_lite.commands.film import check_film
from ppgan_lite.commands.sample import Request, draw, open_generator
from ppgan_lite.device import set_device
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.pictures.films import enlarged, write_gif, write_mp4
from ppgan_lite.pictures.grid import grid, grid_columns
from ppgan_lite.runs.run import Run

MOST_FRAMES = 200  # if there are more steps, as many are shown, evenly spaced
HELD = 2  # seconds for which the finished pictures are shown
HEIGHT = 256  # least pixels of a film; smaller ones are enlarged
WRITERS = {".gif": write_gif, ".mp4": write_mp4}


def save_making(folder: Path, out: str | Path, step: int | str | None, request: Request, fps: int, device: str):
    """Write a film of pictures that are made in many steps, all of a grid at once.

    Args:
        folder: the run's folder.
        out: FILE.gif (256 colours for each frame, repeated endlessly) or FILE.mp4 (VP9).
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        request: the number of pictures, the seed, labels and truncation.
        fps: frames per second.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator makes pictures in one pass, or `out` cannot be written.
    """
    kind, out, device = check_film(out, fps, "a film of the making"), Path(out), set_device(device)
    run = Run.open_existing(folder)
    opened = open_generator(run, step, request)
    sampler = opened.sampler
    if not sampler.num_frames:
        name = run.config().method.name
        raise RunError(
            f"--making: this run's generator makes pictures in one pass (method: {name}); pixelcnn and ddpm take many"
        )
    start = draw(sampler, request.num, opened.classes)
    columns = grid_columns(len(opened.classes) or sampler.num_kinds)
    shown = np.unique(np.linspace(0, sampler.num_frames - 1, MOST_FRAMES).round().astype(int))
    moments = tqdm(sampler.frames(start), "making", sampler.num_frames, unit=" steps", leave=False, disable=None)
    frames = (enlarged(grid(images, columns), HEIGHT) for i, images in enumerate(moments) if i in shown)
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out) as stream:
        WRITERS[kind](stream, _held(frames, fps), fps)
    print(f"{request.num} pictures being made in {sampler.num_frames} steps, written to {out} ({device})")


def _held(frames, fps: int):
    """Yield the frames, and the last of them until it has been shown for HELD seconds."""
    for frame in frames:
        yield frame
    yield from itertools.repeat(frame, HELD * fps - 1)
