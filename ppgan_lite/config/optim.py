"""The options of the optimizers. No Paddle here; methods/optimizers.py builds Paddle's optimizers from them."""

from dataclasses import dataclass
from typing import Literal

from ppgan_lite.schema.types import Named, Positive, Share


@dataclass(frozen=True)
class Adam(Named):
    """Adam (Kingma and Ba 2015)."""

    lr: Positive  # learning rate
    betas: tuple[Share, Share] = (0.9, 0.999)  # decay of the averages of the gradient and of its square
    decay: Literal["linear"] | None = None  # learning rate over the run; linear: falls to almost 0; null: constant


@dataclass(frozen=True)
class SGD(Named):
    """Gradient descent, without momentum."""

    lr: Positive  # learning rate
    decay: Literal["linear"] | None = None  # learning rate over the run; linear: falls to almost 0; null: constant


@dataclass(frozen=True)
class RMSprop(Named):
    """RMSprop (Tieleman and Hinton 2012), with PyTorch's smoothing constant, as the authors of WGAN used it."""

    lr: Positive  # learning rate
    decay: Literal["linear"] | None = None  # learning rate over the run; linear: falls to almost 0; null: constant


OPTIMIZERS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
