"""Draw moments of a training on points, as in figure 1 of Goodfellow et al. 2014."""

from pathlib import Path

import numpy as np

from ppgan_lite.data.spec import has_points
from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import RunError
from ppgan_lite.files import disk_errors
from ppgan_lite.methods.points import look
from ppgan_lite.pictures.grid import save_picture
from ppgan_lite.pictures.points import NUM_SAMPLES, draw
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.run import Run
from ppgan_lite.runs.trained import data_of, open_trained

NUM_MOMENTS = 4  # as in figure 1


def save_moments(folder: Path, out: Path, step: int | str | None, seed: int) -> list[int]:
    """Draw the samples of a run on points at some of its checkpoints. Returns the steps drawn.

    Args:
        folder: the run's folder.
        out: FILE.png or FILE.jpg.
        step: step of the one checkpoint to draw, or `best`; None for the first kept, the last, and two between.
        seed: seed of the noise.

    Raises:
        UserError: no such run or checkpoint, a checkpoint is damaged, or `out` cannot be written.
    """
    run = Run.open_existing(folder)
    if not has_points(run.spec):
        raise RunError(f"{folder}: trained on {run.source.name}, not on points; draw samples instead")
    dataset = data_of(run, "train")
    moments = []
    for step_or_best in _spread(checkpoint.list_steps(run.checkpoints)) if step is None else [step]:
        _, method, saved = open_trained(folder, step_or_best)
        seed_paddle(seed, 0, 2)  # as for samples of images: see sample.py
        sampler = next(iter(method.samplers().values()))
        inputs = sampler.draw(NUM_SAMPLES)
        moments.append(look(method, dataset, inputs, sampler(inputs), saved.step))
    steps = [moment.step for moment in moments]
    metadata = run.describe_images(steps[-1]) | {"Step": ", ".join(map(str, steps)), "Seed": str(seed)}
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    save_picture(out, draw(dataset, moments), metadata)
    return steps


def _spread(steps: list[int]) -> list[int | None]:
    """The first and last of the steps, and two between, about evenly spaced on a logarithmic scale.

    [None] if there are no steps: opening the newest checkpoint then raises the error.
    """
    if not steps:
        return [None]
    targets = np.geomspace(steps[0], steps[-1], NUM_MOMENTS)
    return sorted({min(steps, key=lambda step: abs(np.log(step / target))) for target in targets})
