"""The options of a training: its length, and what is written when. No Paddle here."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ppgan_lite.schema.types import Count, Seed, Share


@dataclass(frozen=True)
class Train:
    """Length of the run and what is written when. The unit of every `_every` is steps."""

    epochs: Count | None = None  # passes over the data
    steps: Count | None = None  # length in steps; overrides epochs
    seed: Seed = 0
    ema: Share | None = None  # decay, 0.999 say, of a moving average of G's weights, which then makes the images
    log_every: Count = 10  # losses to the console, metrics.jsonl and `log_to`
    log_to: tuple[Literal["visualdl", "tensorboard"], ...] = ("visualdl",)  # logs to look at, besides metrics.jsonl
    preview_every: Count = 200  # a grid of samples from one fixed noise batch
    save_every: Count = 500  # a checkpoint
    keep: Count = 3  # newest checkpoints that are kept
    evaluate_every: Count | None = None  # as tools/evaluate.py; of a GAN, the best checkpoint is kept, too
    stop_on: tuple[Literal["collapse", "convergence_failure"], ...] = ()  # diagnoses that end the run

    # A resumed run may change these: they alter the run's length and records, never what a step computes.
    MAY_CHANGE: ClassVar = frozenset(
        {"epochs", "steps", "log_every", "log_to", "preview_every", "save_every", "keep", "evaluate_every", "stop_on"}
    )
