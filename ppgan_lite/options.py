"""Every key that a config may hold, with its type, range, default and unit. No paddle here: errors answer at once.

A section with a `name` (method, generator, discriminator, data, each optimizer) takes its keys from the class that
its table below has under that name. A test compares the tables with the packages that build the real objects.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal


@dataclass(frozen=True)
class Range:
    """The values a number may take, from `low` to `high`, both included unless `open_ends` names them."""

    low: float | None = None
    high: float | None = None
    open_ends: str = ""  # any of "low" and "high"

    def __contains__(self, value):
        above = self.low is None or (value > self.low if "low" in self.open_ends else value >= self.low)
        below = self.high is None or (value < self.high if "high" in self.open_ends else value <= self.high)
        return above and below

    def __str__(self):
        ends = [] if self.low is None else [f"{'above' if 'low' in self.open_ends else 'at least'} {self.low:g}"]
        ends += [] if self.high is None else [f"{'below' if 'high' in self.open_ends else 'at most'} {self.high:g}"]
        return " and ".join(ends)


Count = Annotated[int, Range(1)]
Width = Annotated[int, Range(1, 4096)]  # of a layer
Seed = Annotated[int, Range(0, 2**32 - 1)]
Positive = Annotated[float, Range(0, open_ends="low")]
Share = Annotated[float, Range(0, 1, open_ends="high")]  # also the decay of a moving average: the share that is kept


@dataclass(frozen=True)
class Named:
    """A section whose `name` chooses its class."""

    name: str


# ---- methods: ppgan_lite/methods/NAME.py. NETWORKS are the sections of the config that choose its networks ----


@dataclass(frozen=True)
class GAN(Named):
    """The GAN of Goodfellow et al. 2014 with the non-saturating loss."""

    NETWORKS: ClassVar = ("generator", "discriminator")

    z_dim: Width = 100  # length of the noise vector, N(0, I)
    d_optimizers: Literal["separate", "joint"] = "separate"  # one for real and one for fake batches, or one for both
    reuse_fakes: bool = False  # G's update on the fakes of D's, as PyTorch's example; or on fresh ones
    gradients: Literal["own", "as_listed"] = "own"  # as_listed: those that leak in the tutorial's listing, to study it

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The keys that `optim` must have."""
        return ("g", "d_real", "d_fake") if self.d_optimizers == "separate" else ("g", "d")


@dataclass(frozen=True)
class Classifier(Named):
    """A classifier of images, trained by cross entropy."""

    NETWORKS: ClassVar = ("classifier",)

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The keys that `optim` must have."""
        return ("c",)


METHODS = {"classifier": Classifier, "gan": GAN}


# ---- networks: ppgan_lite/networks/NAME.py; channels and image size come from the data ----


@dataclass(frozen=True)
class DCGAN28Generator(Named):
    """The tutorial's generator for 28x28 images."""

    ngf: Width = 64  # feature maps before the last convolution; the other layers have 2 and 16 times as many
    upsample: Literal["bilinear", "transposed"] = "bilinear"
    activation: Literal["relu", "tanh"] = "relu"  # of the hidden layers


@dataclass(frozen=True)
class DCGAN28Discriminator(Named):
    """The tutorial's discriminator for 28x28 images."""

    ndf: Width = 64  # feature maps after the first convolution; the other layers have 2 and 16 times as many


@dataclass(frozen=True)
class DCGAN64Generator(Named):
    """The generator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    ngf: Width = 64  # feature maps before the last convolution; each layer before it has twice as many


@dataclass(frozen=True)
class DCGAN64Discriminator(Named):
    """The discriminator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    ndf: Width = 64  # feature maps after the first convolution; each layer behind it has twice as many


GENERATORS = {"dcgan28": DCGAN28Generator, "dcgan64": DCGAN64Generator}
DISCRIMINATORS = {"dcgan28": DCGAN28Discriminator, "dcgan64": DCGAN64Discriminator}


@dataclass(frozen=True)
class SoftmaxRegression(Named):
    """The PyTorch blog's softmax regression: one linear layer."""


@dataclass(frozen=True)
class FNN(Named):
    """The PyTorch blog's fully connected network."""

    hidden: Width = 500


@dataclass(frozen=True)
class CNN(Named):
    """The PyTorch blog's convolutional network."""

    ncf: Width = 16  # feature maps after the first convolution; the second layer has twice as many


@dataclass(frozen=True)
class ResNet(Named):
    """A small residual network (He et al. 2016), the blog's next step."""

    ncf: Width = 16  # feature maps in the first stage; each later one has twice as many
    blocks: Annotated[int, Range(1, 32)] = 1  # residual blocks in each of the three stages


@dataclass(frozen=True)
class Evaluator(Named):
    """The compact convolutional network that measures generators: see ppgan_lite/evaluation/."""

    ncf: Width = 32  # feature maps in the first stage; the later ones have twice as many
    num_features: Annotated[int, Range(64, 256)] = 128  # numbers by which an image is compared with others
    dropout: Share = 0.5  # of the features, in training


CLASSIFIERS = {"cnn": CNN, "evaluator": Evaluator, "fnn": FNN, "resnet": ResNet, "softmax": SoftmaxRegression}

NETWORKS = {"generator": GENERATORS, "discriminator": DISCRIMINATORS, "classifier": CLASSIFIERS}


# ---- optimizers: ppgan_lite/optimizers.py ----


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


OPTIMIZERS = {"adam": Adam, "sgd": SGD}


# ---- data: ppgan_lite/data/ ----


@dataclass(frozen=True)
class Data(Named):
    """What all data sets share."""

    batch_size: Count = 128


@dataclass(frozen=True)
class MNIST(Data):
    """MNIST or Fashion-MNIST from their IDX files."""

    root: str | None = None  # folder that holds mnist/ and fashion-mnist/, looked in first
    offline: Literal["rendered_digits"] | None = None  # what to train on where no mirror answers; null: an error


@dataclass(frozen=True)
class RenderedDigits(Data):
    """Digits drawn with OpenCV's fonts: needs no files and no network."""

    num_images: Annotated[int, Range(1, 10**7)] = 60000
    seed: Seed = 0  # of the drawing


@dataclass(frozen=True)
class Fake(Data):
    """Noise in the shape of images."""

    num_images: Annotated[int, Range(1, 10**6)] = 1024
    channels: Literal[1, 3] = 3
    size: Annotated[int, Range(1, 1024)] = 64  # pixels, height and width
    seed: Seed = 0  # of the noise


DATASETS = {"fake": Fake, "mnist": MNIST, "fashion_mnist": MNIST, "rendered_digits": RenderedDigits}


# ---- training ----


@dataclass(frozen=True)
class Train:
    """Length of the run and what is written when. The unit of every `_every` is steps."""

    epochs: Count | None = None  # passes over the data
    steps: Count | None = None  # length in steps; overrides epochs
    seed: Seed = 0
    log_every: Count = 10  # losses to the console, metrics.jsonl and VisualDL
    preview_every: Count = 200  # a grid of samples from one fixed noise batch
    save_every: Count = 500  # a checkpoint
    keep: Count = 3  # newest checkpoints that are kept
    evaluate_every: Count | None = None  # as tools/evaluate.py; of a GAN, the best checkpoint is kept, too
    stop_on: tuple[Literal["collapse", "convergence_failure"], ...] = ()  # diagnoses that end the run

    # A resumed run may change these: they alter the run's length and records, never what a step computes.
    MAY_CHANGE: ClassVar = frozenset(
        {"epochs", "steps", "log_every", "preview_every", "save_every", "keep", "evaluate_every", "stop_on"}
    )
