"""The options of the optimizers. No Paddle here; methods/optimizers.py builds Paddle's optimizers from them."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from ppgan_lite.schema.types import Named, Positive, Share, Weight


@dataclass(frozen=True)
class Optimizer(Named):
    """What all optimizers share."""

    ONLY_WITH: ClassVar = {key: ("decay", ("linear", "cosine")) for key in ("decay_from", "decay_to")}

    lr: Positive  # learning rate
    decay: Literal["linear", "cosine"] | None = None  # fall of lr over the run: a line or half a cosine; null: none
    decay_from: Share = 0.0  # share of the run before the decay begins; 0.5: constant for one half, as pix2pix's
    decay_to: Weight = 0.0  # learning rate that it falls to; the last step is just above it


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015)."""

    betas: tuple[Share, Share] = (0.9, 0.999)  # decay of the averages of the gradient and of its square
    weight_decay: Weight = 0.0  # AdamW: in each step weights shrink by lr times this; biases and norms do not


@dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent, without momentum."""


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton 2012), with PyTorch's smoothing constant, as the authors of WGAN used it."""


OPTIMIZERS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
