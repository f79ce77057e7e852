"""A trained method, opened from the folder of its run."""

from pathlib import Path

from ppgan_lite.config.build import build_method
from ppgan_lite.errors import CheckpointError, warn
from ppgan_lite.runs import checkpoint
from ppgan_lite.runs.run import Run

BEST = "best"  # in place of a step: the best checkpoint


def open_trained(folder: Path, step: int | str | None):
    """A run, its method as a checkpoint left it, and the checkpoint.

    Args:
        step: None for the newest that is whole, damaged ones are warned of; `best` for the best that was kept.

    Raises:
        UserError: no such run or checkpoint, or its networks are not those of the run's config.
    """
    run = Run.open_existing(folder)
    method = build_method(run.config(), run.image_shape, len(run.class_names))
    if step is None:
        saved = checkpoint.load_newest(run.checkpoints, on_damage=warn)
    elif step == BEST:
        if not checkpoint.list_steps(run.best):
            raise CheckpointError(f"{folder}: no best checkpoint was kept; that needs train.evaluate_every and a GAN")
        saved = checkpoint.load_newest(run.best, on_damage=warn)
    else:
        of_best = step in checkpoint.list_steps(run.best) and step not in checkpoint.list_steps(run.checkpoints)
        saved = checkpoint.load_step(run.best if of_best else run.checkpoints, step)
    saved.restore(method)
    return run, method, saved
