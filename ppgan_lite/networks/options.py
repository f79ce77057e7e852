"""The options of every network, and what it is able to do: size in pixels, gradients of gradients, classes.

No Paddle here: a config is checked before Paddle is loaded. Channels and image size come from the data.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple

from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.types import Named, Positive, Range, Share, Width


class Ability(NamedTuple):
    """What a method may need of a network, in words.

    Attributes:
        needed: after "the method needs".
        missing: about a network that has it not, after a comma.
    """

    needed: str
    missing: str


CLASSES = Ability("a network that takes classes", "which {} does not")
DOUBLE_GRADIENTS = Ability("double gradients", "but {} has none")
SEPARATE_SCORES = Ability("scores that depend on no other picture of the batch", "but {} has batch norms")


@dataclass(frozen=True)
class Network(Named):
    """What all networks share: what they are able to do."""

    SIZES: ClassVar[tuple[int, ...] | None] = None  # pixels, height and width, that it takes; None: any
    SMALLEST: ClassVar[int] = 1  # pixels, height and width, at least
    CAN: ClassVar[frozenset] = frozenset()  # what it is able to do
    CAN_WITH: ClassVar[dict] = {}  # the same with some values of an option only: ability -> (option, its values)

    def check_size(self, height: int, width: int):
        """Refuse images of a size that the network cannot take. Raises ConfigError."""
        if self.SIZES and (height != width or height not in self.SIZES):
            *others, last = (f"{size}x{size}" for size in self.SIZES)
            takes = f"{', '.join(others)} or {last}" if others else last
        elif min(height, width) < self.SMALLEST:
            takes = f"at least {self.SMALLEST}x{self.SMALLEST}"
        else:
            return
        raise ConfigError(f"{self.name} takes images of {takes} pixels, but the data has {height}x{width}")


@dataclass(frozen=True)
class Generator(Network):
    """What generators share."""


@dataclass(frozen=True)
class DCGAN28Generator(Generator):
    """The tutorial's generator for 28x28 images."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan28.Generator"
    SIZES: ClassVar = (28,)

    ngf: Width = 64  # feature maps before the last convolution; the other layers have 2 and 16 times as many
    upsample: Literal["bilinear", "transposed"] = "bilinear"
    activation: Literal["relu", "tanh"] = "relu"  # of the hidden layers


@dataclass(frozen=True)
class Discriminator(Network):
    """What discriminators, critics and encoders share."""


@dataclass(frozen=True)
class DCGAN28Discriminator(Discriminator):
    """The tutorial's discriminator for 28x28 images."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan28.Discriminator"
    SIZES: ClassVar = (28,)  # with batch norms, and no max-pool of Paddle's has a double gradient

    ndf: Width = 64  # feature maps after the first convolution; the other layers have 2 and 16 times as many


@dataclass(frozen=True)
class DCGAN64Generator(Generator):
    """The generator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan64.Generator"
    SIZES: ClassVar = (32, 64, 128)

    ngf: Width = 64  # feature maps before the last convolution; each layer before it has twice as many


@dataclass(frozen=True)
class DCGAN64Discriminator(Discriminator):
    """The discriminator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan64.Discriminator"
    SIZES: ClassVar = (32, 64, 128)
    CAN: ClassVar = frozenset({DOUBLE_GRADIENTS})  # its batch norms mix the pictures of a batch

    ndf: Width = 64  # feature maps after the first convolution; each later layer has twice as many


@dataclass(frozen=True)
class FCGenerator(Generator):
    """A fully connected generator, for data of any shape."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.fully_connected.Generator"

    widths: tuple[Width, ...] = (256, 512, 1024)  # of the hidden layers
    norm: Literal["keras", "pytorch", "none"] = "keras"  # which article's batch norms; see networks/fully_connected.py
    norm_epsilon: Positive = 0.001  # Keras's; PyTorch's is 1.0e-5. 0.8: the PyTorch blog's slip, meant as momentum


@dataclass(frozen=True)
class FCDiscriminator(Discriminator):
    """A fully connected discriminator, for data of any shape."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.fully_connected.Discriminator"
    CAN: ClassVar = frozenset({DOUBLE_GRADIENTS, SEPARATE_SCORES})

    widths: tuple[Width, ...] = (512, 256)  # of the hidden layers


@dataclass(frozen=True)
class InfoGANDiscriminator(Discriminator):
    """The InfoGAN paper's discriminator for 28x28 images; Lucic et al. 2018 compare all GANs with it."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.infogan.Discriminator"
    SIZES: ClassVar = (28,)
    CAN: ClassVar = frozenset({DOUBLE_GRADIENTS})
    CAN_WITH: ClassVar = {SEPARATE_SCORES: ("norm", ("spectral", "none"))}

    ndf: Width = 64  # feature maps after the first convolution; the other layers have 2 and 16 times as many
    norm: Literal["batch", "spectral", "none"] = "batch"  # batch: refused under a gradient penalty


@dataclass(frozen=True)
class ResNet32Generator(Generator):
    """The residual generator of WGAN-GP and SNGAN for 32x32 images."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.resnet32.Generator"
    SIZES: ClassVar = (32,)
    CAN: ClassVar = frozenset({CLASSES})

    ngf: Width = 128  # feature maps of each convolution; 128 in WGAN-GP, 256 in SNGAN


@dataclass(frozen=True)
class ResNet32Discriminator(Discriminator):
    """The residual discriminator of WGAN-GP and SNGAN for 32x32 images."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.resnet32.Discriminator"
    SIZES: ClassVar = (32,)
    CAN: ClassVar = frozenset({CLASSES, DOUBLE_GRADIENTS, SEPARATE_SCORES})

    ndf: Width = 128  # feature maps of each convolution
    norm: Literal["spectral", "none"] = "spectral"  # spectral: SNGAN; none: WGAN-GP
    pooling: Literal["sum", "mean"] = "sum"  # of each feature map, at the end; sum: SNGAN; mean: WGAN-GP


@dataclass(frozen=True)
class BEGANGenerator(Generator):
    """The BEGAN paper's decoder, for images of 28 or 32 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.began.Generator"
    SIZES: ClassVar = (28, 32)

    nf: Width = 64  # feature maps of each convolution


@dataclass(frozen=True)
class BEGANAutoencoder(Network):
    """The BEGAN paper's discriminator: an encoder, and a decoder like its generator."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.began.Autoencoder"
    SIZES: ClassVar = (28, 32)

    nf: Width = 64  # feature maps in the first stage; 2 and 3 times as many in the encoder's later ones


GENERATORS = {
    "began": BEGANGenerator,
    "dcgan28": DCGAN28Generator,
    "dcgan64": DCGAN64Generator,
    "fully_connected": FCGenerator,
    "resnet32": ResNet32Generator,
}
DISCRIMINATORS = {  # with as many outputs as a code needs, encoders too
    "dcgan28": DCGAN28Discriminator,
    "dcgan64": DCGAN64Discriminator,
    "fully_connected": FCDiscriminator,
    "infogan": InfoGANDiscriminator,
    "resnet32": ResNet32Discriminator,
}
AUTOENCODERS = {"began": BEGANAutoencoder}


@dataclass(frozen=True)
class SoftmaxRegression(Network):
    """The PyTorch blog's softmax regression: one linear layer."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.SoftmaxRegression"


@dataclass(frozen=True)
class FNN(Network):
    """The PyTorch blog's fully connected network."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.FNN"

    hidden: Width = 500


@dataclass(frozen=True)
class CNN(Network):
    """The PyTorch blog's convolutional network."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.CNN"
    SMALLEST: ClassVar = 4

    ncf: Width = 16  # feature maps after the first convolution; the second layer has twice as many


@dataclass(frozen=True)
class ResNet(Network):
    """A small residual network (He et al. 2016), the blog's next step."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.ResNet"

    ncf: Width = 16  # feature maps in the first stage; each later one has twice as many
    blocks: Annotated[int, Range(1, 32)] = 1  # residual blocks in each of the three stages


@dataclass(frozen=True)
class Evaluator(Network):
    """The compact convolutional network that measures generators: see ppgan_lite/evaluation/."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.Evaluator"
    SMALLEST: ClassVar = 8

    ncf: Width = 32  # feature maps in the first stage; the later ones have twice as many
    num_features: Annotated[int, Range(64, 256)] = 128  # numbers by which an image is compared with others
    dropout: Share = 0.5  # of the features, in training


CLASSIFIERS = {"cnn": CNN, "evaluator": Evaluator, "fnn": FNN, "resnet": ResNet, "softmax": SoftmaxRegression}
