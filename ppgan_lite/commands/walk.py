"""A film of a walk through the noise of a run's generator."""

from pathlib import Path

from tqdm import tqdm

from ppgan_lite.commands.film import check_film
from ppgan_lite.commands.sample import Request, draw, open_generator
from ppgan_lite.data.spec import has_points
from ppgan_lite.device import set_device
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors, writing
from ppgan_lite.pictures.films import enlarged, write_gif, write_mp4
from ppgan_lite.pictures.grid import grid, grid_columns
from ppgan_lite.runs.run import Run

STEPS = 30  # frames from one station to the next
HEIGHT = 256  # least pixels of a film; smaller ones are enlarged
WRITERS = {".gif": write_gif, ".mp4": write_mp4}


def save_walk(
    folder: Path, out: str | Path, step: int | str | None, request: Request, stations: int, fps: int, device: str
):
    """Write a film of pictures that change as their noise goes from one random vector to the next, and to the first.

    STEPS frames lie between two vectors, and the first frame follows the last without a jump: see `Sampler.walk`. All
    pictures of the grid walk at once, each through its own noise, with its label and codes fixed.

    Args:
        folder: the run's folder.
        out: FILE.gif (256 colours for each frame, repeated endlessly) or FILE.mp4 (VP9).
        step: the checkpoint's step, `best`, or None for the newest undamaged one.
        request: the number of pictures, the seed, labels and truncation.
        stations: number of random vectors, at least 2.
        fps: frames per second.
        device: see `set_device`.

    Raises:
        UserError: no such run or checkpoint, its generator makes no pictures from noise, or `out` cannot be written.
    """
    kind, out, device = check_film(out, fps, "a walk"), Path(out), set_device(device)
    run = Run.open_existing(folder)
    if has_points(run.spec):
        raise RunError(f"{folder}: trained on points; --walk needs a run on pictures")
    opened = open_generator(run, step, request)
    start = draw(opened.sampler, request.num, opened.classes)
    columns = grid_columns(len(opened.classes) or opened.sampler.num_kinds)
    moments = opened.sampler.walk(start, stations, STEPS)
    frames = (enlarged(grid(images, columns), HEIGHT) for images in moments)
    shown = tqdm(frames, "walk", stations * STEPS, unit=" frames", leave=False, disable=None)
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out) as stream:
        WRITERS[kind](stream, shown, fps)
    print(f"{stations * STEPS} frames of a walk, step {opened.step}, written to {out} ({device})")
