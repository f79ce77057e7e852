"""The options of the optimizers. No Paddle here; methods/optimizers.py makes Paddle's of them."""

from dataclasses import dataclass
from typing import Literal

from ppgan_lite.schema.types import Named, Positive, Share


@dataclass(frozen=True)
class Adam(Named):
    """Adam (Kingma and Ba 2015)."""

    lr: Positive
    betas: tuple[Share, Share] = (0.9, 0.999)
    decay: Literal["linear"] | None = None  # of lr over the run: linear ends near 0; null: none


@dataclass(frozen=True)
class SGD(Named):
    """Gradient descent, without momentum."""

    lr: Positive
    decay: Literal["linear"] | None = None  # see Adam


@dataclass(frozen=True)
class RMSprop(Named):
    """RMSprop (Tieleman and Hinton 2012), with PyTorch's smoothing constant, as the authors of WGAN used it."""

    lr: Positive
    decay: Literal["linear"] | None = None  # see Adam


OPTIMIZERS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
