"""The options of a training run: its length, and what is written when. No Paddle here."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ppgan_lite.schema.types import Count, Seed, Share


@dataclass(frozen=True, kw_only=True)
class Train:
    """The length of a run, and what is written when. Every `_every` counts steps."""

    epochs: Count | None = None  # length in passes over the data
    steps: Count | None = None  # length in steps; overrides epochs
    seed: Seed  # fixes the first weights, the noise and the order of the data
    ema: Share | None = None  # decay, such as 0.999, of a moving average of G's weights; the average makes the images
    log_every: Count = 10  # losses to the console, metrics.jsonl and `log_to`
    log_to: tuple[Literal["visualdl", "tensorboard"], ...] = ("visualdl",)  # visual logs, in addition to metrics.jsonl
    preview_every: Count = 200  # a grid of samples, always from the same noise, or of the same pictures translated
    save_every: Count = 500  # a checkpoint
    keep: Count = 3  # number of newest checkpoints to keep
    evaluate_every: Count | None = None  # as tools/evaluate.py does; also keeps a GAN's best checkpoint; null: never
    stop_on: tuple[
        Literal["collapse", "convergence_failure", "copies_input", "cycle_stuck", "inverted"], ...
    ] = ()  # diagnoses that stop the run

    # A resumed run may change these: they alter the run's length and records, never what a step computes.
    MAY_CHANGE: ClassVar = frozenset(
        {"epochs", "steps", "log_every", "log_to", "preview_every", "save_every", "keep", "evaluate_every", "stop_on"}
    )
