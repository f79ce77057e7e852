"""A run on points as a picture of its moments, as in figure 1 of Goodfellow et al. 2014."""

from pathlib import Path

import numpy as np

from ppgan_lite.config.build import build_dataset
from ppgan_lite.data.gaussians import Gaussians
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors
from ppgan_lite.methods.points import look
from ppgan_lite.pictures.grid import save_png
from ppgan_lite.pictures.points import NUM_SAMPLES, draw
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import open_trained

NUM_MOMENTS = 4  # as in figure 1


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
        seed_paddle(seed, 0, 2)  # as for samples of images: see sample.py
        sampler = next(iter(method.samplers().values()))
        inputs = sampler.draw(NUM_SAMPLES)
        moments.append(look(method, dataset, inputs, sampler(inputs), saved.step))
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
