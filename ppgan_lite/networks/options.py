"""The options of every network, and its abilities: image sizes, double gradients, class labels.

No Paddle here: a config is checked before Paddle is loaded. Channels and image size come from the data. The comment on
an option is its help in `ppgan options`.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, get_args

from ppgan_lite.errors import ConfigError
from ppgan_lite.schema.types import Length, Named, Positive, Range, Share, Width


class Ability(NamedTuple):
    """An ability that a method may need in a network, as worded in error messages.

    Attributes:
        needed: continues "METHOD needs".
        missing: continues that after a comma; {} is the name of a network without the ability.
    """

    needed: str
    missing: str


ANY_NOISE = Ability("a generator that takes noise of any length", "but {} splits it into equal chunks")
BOUNDED = Ability("a generator of pictures within [-1, 1]", "but {} goes beyond while it is trained")
CLASSES = Ability("a network that takes classes", "which {} does not")
DOUBLE_GRADIENTS = Ability("a network with double gradients", "but {} has none")
SEPARATE_SCORES = Ability("a network without batch norms", "but {} has them")  # each picture has a score of its own
Widths = Annotated[tuple[Width, ...], Length(32)]
MapSize = Literal[8, 16, 32, 64, 128]  # height and width of feature maps, in pixels
GROUPS = 4  # a denoiser normalises its feature maps in so many groups


@dataclass(frozen=True)
class Network(Named):
    """What all networks share: the sizes they take and their abilities."""

    SIZES: ClassVar[tuple[int, ...] | None] = None  # allowed heights of square images, in pixels; None: any image
    SMALLEST: ClassVar[int] = 1  # least height and width, in pixels
    MULTIPLE: ClassVar[int] = 1  # height and width are multiples of it
    CAN: ClassVar[frozenset] = frozenset()  # abilities
    CAN_WITH: ClassVar[dict] = {}  # abilities with some values of an option only: ability -> (option, those values)

    @classmethod
    def takes(cls, height: int, width: int) -> bool:
        """Whether the network takes images of this size."""
        if cls.SIZES:
            return height == width in cls.SIZES
        return min(height, width) >= cls.SMALLEST and height % cls.MULTIPLE == width % cls.MULTIPLE == 0

    def check_size(self, height: int, width: int):
        """Raise a ConfigError if the network cannot take images of this size."""
        if self.takes(height, width):
            return
        if self.SIZES:
            *others, last = (f"{size}x{size}" for size in self.SIZES)
            takes = f"{', '.join(others)} or {last}" if others else last
        else:
            takes = f"at least {self.SMALLEST}x{self.SMALLEST}"
        multiples = f", height and width multiples of {self.MULTIPLE}" if self.MULTIPLE > 1 else ""
        raise ConfigError(f"{self.name} takes images of {takes} pixels{multiples}, but the data has {height}x{width}")

    def check_fit(self, section: str, method: Named, size: int):
        """Raise a ConfigError for options that do not suit the method's options or images of this size.

        Args:
            section: the network's section of the config, for the message.
            method: the options of the method.
            size: height and width of images that the network takes.
        """


@dataclass(frozen=True)
class Generator(Network):
    """What generators share."""

    CAN: ClassVar = frozenset({ANY_NOISE, BOUNDED})


@dataclass(frozen=True)
class DCGAN28Generator(Generator):
    """The tutorial's generator for 28x28 images."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan28.Generator"
    SIZES: ClassVar = (28,)

    ngf: Width = 64  # feature maps before the last convolution; earlier layers have 2 and 16 times as many
    upsample: Literal["bilinear", "transposed"] = "bilinear"  # bilinear and 5x5 convolution, or 4x4 transposed one
    activation: Literal["relu", "tanh"] = "relu"  # activation of the hidden layers
    init: Literal["paddle", "normal_0.02"] = "paddle"  # first weights: Paddle's, or N(0, 0.02^2) as in InfoGAN's code


@dataclass(frozen=True)
class Discriminator(Network):
    """What discriminators, critics and encoders share."""


@dataclass(frozen=True)
class DCGAN28Discriminator(Discriminator):
    """The tutorial's discriminator for 28x28 images."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan28.Discriminator"
    SIZES: ClassVar = (28,)  # no abilities: it has batch norms, and Paddle's max-pool has no double gradient

    ndf: Width = 64  # feature maps after the first convolution; later layers have 2 and 16 times as many


@dataclass(frozen=True)
class DCGAN64Generator(Generator):
    """The generator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan64.Generator"
    SIZES: ClassVar = (32, 64, 128)

    CAN: ClassVar = frozenset({ANY_NOISE, BOUNDED, CLASSES})

    ngf: Width = 64  # feature maps before the last convolution; each earlier layer has twice as many as the next
    upsample: Literal["transposed", "nearest"] = "transposed"  # 4x4 transposed convolutions, or enlarged and 3x3 ones


@dataclass(frozen=True)
class DCGAN64Discriminator(Discriminator):
    """The discriminator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.dcgan64.Discriminator"
    SIZES: ClassVar = (32, 64, 128)
    CAN: ClassVar = frozenset({CLASSES, DOUBLE_GRADIENTS})
    CAN_WITH: ClassVar = {SEPARATE_SCORES: ("norm", ("spectral", "none"))}

    ndf: Width = 64  # feature maps after the first convolution; each later layer has twice as many as the one before
    norm: Literal["batch", "spectral", "none"] = "batch"  # normalisation; wgan_gp, dragan and r3gan refuse batch
    downsample: Literal["strided", "mean"] = "strided"  # 4x4 convolution of stride 2, or 3x3 and the mean of 2x2 pixels


@dataclass(frozen=True)
class FCGenerator(Generator):
    """A fully connected generator, for data of any shape."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.fully_connected.Generator"
    ONLY_WITH: ClassVar = {"norm_epsilon": ("norm", ("keras", "pytorch"))}

    widths: Widths = (256, 512, 1024)  # units of each hidden layer, from the noise to the image
    norm: Literal["keras", "pytorch", "none"] = "keras"  # batch norms of the Keras article or the PyTorch blog, or none
    norm_epsilon: Positive = 0.001  # epsilon of the batch norms; 0.001 in Keras, 1.0e-5 in PyTorch, 0.8 in the blog


@dataclass(frozen=True)
class FCDiscriminator(Discriminator):
    """A fully connected discriminator, for data of any shape."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.fully_connected.Discriminator"
    CAN: ClassVar = frozenset({DOUBLE_GRADIENTS, SEPARATE_SCORES})

    widths: Widths = (512, 256)  # units of each hidden layer, from the image to the output


@dataclass(frozen=True)
class InfoGANDiscriminator(Discriminator):
    """The InfoGAN paper's discriminator for 28x28 images; Lucic et al. 2018 compare all GANs with it."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.infogan.Discriminator"
    SIZES: ClassVar = (28,)
    CAN: ClassVar = frozenset({DOUBLE_GRADIENTS})
    CAN_WITH: ClassVar = {SEPARATE_SCORES: ("norm", ("spectral", "none"))}

    ndf: Width = 64  # feature maps after the first convolution; later layers have 2 and 16 times as many
    norm: Literal["batch", "spectral", "none"] = "batch"  # normalisation; wgan_gp and dragan refuse batch
    slope: Annotated[float, Range(0, 1)] = 0.1  # LeakyReLU's slope below 0: 0.1 in the paper's table, 0.01 in its code
    init: Literal["paddle", "normal_0.02"] = "paddle"  # first weights: Paddle's, or N(0, 0.02^2) as in the code


@dataclass(frozen=True)
class ResNet32Generator(Generator):
    """The residual generator of WGAN-GP, SNGAN and SAGAN for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.resnet32.Generator"
    SIZES: ClassVar = (32, 64, 128)
    CAN: ClassVar = frozenset({ANY_NOISE, BOUNDED, CLASSES})

    ngf: Width = 128  # feature maps of each convolution; WGAN-GP has 128, SNGAN and SAGAN 256
    norm: Literal["spectral", "none"] = "none"  # normalisation of the weights; SAGAN has spectral
    attention: MapSize | None = None  # pixels, height and width of the feature maps with self-attention; null: none

    def check_fit(self, section, method, size):
        """Raise a ConfigError if no feature maps have the size for self-attention."""
        _check_attention(self, section, size, size)


@dataclass(frozen=True)
class ResNet32Discriminator(Discriminator):
    """The residual discriminator of WGAN-GP, SNGAN, SAGAN and BigGAN for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.resnet32.Discriminator"
    SIZES: ClassVar = (32, 64, 128)
    CAN: ClassVar = frozenset({CLASSES, DOUBLE_GRADIENTS, SEPARATE_SCORES})

    ndf: Width = 128  # feature maps of each convolution
    norm: Literal["spectral", "none"] = "spectral"  # normalisation of the weights; SNGAN has spectral, WGAN-GP none
    pooling: Literal["sum", "mean"] = "sum"  # pooling of each feature map before the last layer; WGAN-GP has the mean
    attention: MapSize | None = None  # pixels, height and width of the feature maps with self-attention; null: none
    init: Literal["glorot", "orthogonal"] = "glorot"  # initialisation of the weights; BigGAN has orthogonal

    def check_fit(self, section, method, size):
        """Raise a ConfigError if no feature maps have the size for self-attention."""
        _check_attention(self, section, size, size // 2)


@dataclass(frozen=True)
class BigGANGenerator(Generator):
    """BigGAN's generator, for images of 32, 64 or 128 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.biggan.Generator"
    CHUNKS: ClassVar = {32: 4, 64: 5, 128: 6}  # size of the images -> chunks of noise: for the first layer, each block
    SIZES: ClassVar = tuple(CHUNKS)
    CAN: ClassVar = frozenset({BOUNDED, CLASSES})

    ngf: Width = 256  # feature maps of each convolution
    shared: Width = 128  # size of the class embedding that all blocks share
    attention: MapSize | None = None  # pixels, height and width of the feature maps with self-attention; null: none

    def check_fit(self, section, method, size):
        """Raise a ConfigError if no feature maps have the size for self-attention, or the noise has no equal chunks."""
        _check_attention(self, section, size, size)
        chunks = self.CHUNKS[size]
        if method.z_dim % chunks:
            nearest = max(1, round(method.z_dim / chunks)) * chunks
            raise ConfigError(
                f"method.z_dim: {self.name} splits the noise into {chunks} equal chunks for images of {size}x{size} "
                f"pixels, so z_dim must be a multiple of {chunks}, such as {nearest}; got {method.z_dim}"
            )


def _check_attention(network, section: str, size: int, largest: int):
    """Raise a ConfigError unless a network's self-attention has feature maps: from 8x8 to `largest` pixels."""
    if network.attention is not None and network.attention > largest:
        sizes = ", ".join(str(each) for each in get_args(MapSize) if each <= largest)
        raise ConfigError(
            f"{section}.attention: {network.name} has no feature maps of {network.attention}x{network.attention} "
            f"pixels for images of {size}x{size}; allowed: {sizes} or null"
        )


@dataclass(frozen=True)
class R3GANGenerator(Generator):
    """The residual generator of R3GAN, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.r3gan.Generator"
    SIZES: ClassVar = (32, 64, 128, 256)
    CAN: ClassVar = frozenset({ANY_NOISE, CLASSES})  # not BOUNDED: it has no tanh

    ngf: Width = 768  # feature maps up to 32x32 pixels, half as many at each larger size; multiples of 8
    blocks: Annotated[int, Range(1, 32)] = 2  # residual blocks at each size

    def check_fit(self, section, method, size):
        """Raise a ConfigError if the feature maps cannot be grouped."""
        _check_groups(self.name, f"{section}.ngf", self.ngf, size)


@dataclass(frozen=True)
class R3GANDiscriminator(Discriminator):
    """The residual discriminator of R3GAN, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.r3gan.Discriminator"
    SIZES: ClassVar = (32, 64, 128, 256)
    CAN: ClassVar = frozenset({CLASSES, DOUBLE_GRADIENTS, SEPARATE_SCORES})

    ndf: Width = 768  # feature maps up to 32x32 pixels, half as many at each larger size; multiples of 8
    blocks: Annotated[int, Range(1, 32)] = 2  # residual blocks at each size

    def check_fit(self, section, method, size):
        """Raise a ConfigError if the feature maps cannot be grouped."""
        _check_groups(self.name, f"{section}.ndf", self.ndf, size)


def _check_groups(name: str, key: str, value: int, size: int):
    """Raise a ConfigError unless the groups of R3GAN's convolutions divide its feature maps at every size."""
    multiple = 8 * max(1, size // 32)  # groups of 16 channels, and twice as many channels as maps
    if value % multiple:
        raise ConfigError(
            f"{key}: {name} groups its feature maps, so for images of {size}x{size} pixels it must be a multiple of "
            f"{multiple}, such as {max(1, round(value / multiple)) * multiple}; got {value}"
        )


@dataclass(frozen=True)
class StagedGenerator(Network):
    """What the generators with a stage for each size share; not BOUNDED: they have no tanh."""

    SIZES: ClassVar = (32, 64, 128, 256)

    ngf: Width = 512  # feature maps at the small sizes
    full_until: MapSize = 32  # pixels, largest size with all feature maps; half as many at each larger size


@dataclass(frozen=True)
class StagedDiscriminator(Discriminator):
    """What the discriminators with a stage for each size share."""

    SIZES: ClassVar = (32, 64, 128, 256)

    ndf: Width = 512  # feature maps at the small sizes
    full_until: MapSize = 32  # pixels, largest size with all feature maps; half as many at each larger size


@dataclass(frozen=True)
class StyleGAN2Generator(StagedGenerator):
    """The generator of StyleGAN2, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.stylegan2.Generator"

    full_until: MapSize = 64  # pixels, largest size with all feature maps; half as many at each larger size
    mapping_layers: Annotated[int, Range(1, 16)] = 8  # layers from z to w; 2 in ADA's settings for small data sets


@dataclass(frozen=True)
class StyleGAN2Discriminator(StagedDiscriminator):
    """The discriminator of StyleGAN2, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.stylegan2.Discriminator"

    full_until: MapSize = 64  # pixels, largest size with all feature maps; half as many at each larger size
    residual: bool = True  # residual blocks; false in ADA's settings for CIFAR-10


@dataclass(frozen=True)
class ProGANGenerator(StagedGenerator):
    """The generator of progressive growing, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.progan.Generator"


@dataclass(frozen=True)
class ProGANDiscriminator(StagedDiscriminator):
    """The discriminator of progressive growing, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.progan.Discriminator"


@dataclass(frozen=True)
class MSGGANGenerator(StagedGenerator):
    """The generator of MSG-GAN, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.msggan.Generator"


@dataclass(frozen=True)
class MSGGANDiscriminator(StagedDiscriminator):
    """The discriminator of MSG-GAN, for images of 32, 64, 128 or 256 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.msggan.Discriminator"


@dataclass(frozen=True)
class BEGANGenerator(Generator):
    """The BEGAN paper's decoder, for images of 28 or 32 pixels."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.began.Generator"
    SIZES: ClassVar = (28, 32)
    CAN: ClassVar = frozenset({ANY_NOISE})
    CAN_WITH: ClassVar = {BOUNDED: ("end", ("tanh",))}

    nf: Width = 64  # feature maps of each convolution
    end: Literal["tanh", "linear"] = "tanh"  # what follows the last convolution; linear: nothing, as in the paper


@dataclass(frozen=True)
class BEGANAutoencoder(Network):
    """The BEGAN paper's discriminator: an encoder, and a decoder like its generator."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.began.Autoencoder"
    SIZES: ClassVar = (28, 32)

    nf: Width = 64  # feature maps in the first stage; the encoder's later stages have 2 and 3 times as many
    end: Literal["tanh", "linear"] = "tanh"  # what follows the last convolution; linear: nothing, as in the paper


@dataclass(frozen=True)
class ShallowAutoencoder(Network):
    """A shallow autoencoder with batch norms, for images of 28 pixels: BEGAN on MNIST in Lucic et al. 2018."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.shallow.Autoencoder"
    SIZES: ClassVar = (28,)

    nf: Width = 64  # feature maps after the first convolution; the second has twice as many


@dataclass(frozen=True)
class PixelCNN(Network):
    """The gated PixelCNN, for pictures of any size."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.pixelcnn.PixelCNN"

    features: Width = 32  # feature maps of each of the two stacks
    blocks: Annotated[int, Range(1, 32)] = 7  # gated layers after the first; each sees a pixel further
    head: Width = 128  # feature maps of the layer before the last


def _check_multiple(what: str, multiple: int, height: int, width: int, advice: str):
    """Raise a ConfigError, with advice, unless height and width are multiples of `multiple`."""
    if height % multiple or width % multiple:
        raise ConfigError(
            f"{what} takes images with height and width multiples of {multiple}, but the data has {height}x{width}; "
            f"{advice}"
        )


@dataclass(frozen=True)
class Flow(Network):
    """What normalising flows share."""

    levels: Annotated[int, Range(1, 8)] = 2  # halvings of the size; half of the channels leave after each but the last
    alpha: Annotated[float, Range(0, 0.5, open_ends="low high")] = 0.05  # pixels in [alpha, 1 - alpha] go into a logit

    def check_size(self, height: int, width: int):
        """Raise a ConfigError if the levels do not halve images of this size evenly."""
        _check_multiple(f"{self.name} with {self.levels} levels", 2**self.levels, height, width, "lower levels")


@dataclass(frozen=True)
class Glow(Flow):
    """Glow, for pictures with sizes that halve evenly."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.flow.Glow"

    steps: Annotated[int, Range(1, 64)] = 8  # in each level: actnorm, 1x1 convolution, coupling; the paper: 32
    hidden: Width = 64  # feature maps of the couplings' networks; the paper: 512


@dataclass(frozen=True)
class RealNVP(Flow):
    """RealNVP, for pictures with sizes that halve evenly."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.flow.RealNVP"

    hidden: Width = 32  # feature maps of the couplings' networks
    blocks: Annotated[int, Range(1, 32)] = 1  # residual blocks of the couplings' networks; the paper: 8 for CIFAR-10


@dataclass(frozen=True)
class Denoiser(Network):
    """The U-Net of DDPM in small, with self-attention at its smallest size."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.denoiser.Denoiser"

    widths: Widths = (16, 64, 128)  # feature maps at each size, from the pictures' to the smallest; multiples of 4
    blocks: Annotated[int, Range(1, 32)] = 1  # residual blocks at each size on the way down, and as many on the way up

    def check_size(self, height: int, width: int):
        """Raise a ConfigError if images of this size cannot be halved for each width after the first."""
        multiple = 2 ** (max(1, len(self.widths)) - 1)
        _check_multiple(f"{self.name} with {len(self.widths)} widths", multiple, height, width, "give fewer widths")

    def check_fit(self, section, method, size):
        """Raise a ConfigError if there are no widths, or the feature maps cannot be grouped."""
        if not self.widths or any(width % GROUPS for width in self.widths):
            raise ConfigError(
                f"{section}.widths: {self.name} normalises feature maps in {GROUPS} groups, so expected one or more "
                f"multiples of {GROUPS}; got {list(self.widths)}"
            )


@dataclass(frozen=True)
class UNet(Network):
    """The U-Net of pix2pix: halved down to one pixel, doubled back, each stage joined with its mirror image."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.unet.Translator"
    SIZES: ClassVar = (32, 64, 128, 256, 512)

    ngf: Width = 64  # feature maps after the first convolution; the next stages have 2, 4 and then 8 times as many
    norm: Literal["affine_instance", "batch"] = "affine_instance"  # the same at batch size 1; batch: as in the paper
    dropout: Share = 0.5  # probability that a feature is dropped in three of the inner stages, in training only


@dataclass(frozen=True)
class ResNetTranslator(Network):
    """The residual generator of CycleGAN: two halvings, residual blocks, two doublings."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.resnet_translator.Translator"
    SMALLEST: ClassVar = 16
    MULTIPLE: ClassVar = 4

    ngf: Width = 64  # feature maps after the first convolution; the blocks have 4 times as many
    blocks: Annotated[int, Range(1, 32)] = 9  # residual blocks; the papers take 6 below 256 pixels
    upsample: Literal["transposed", "nearest"] = "transposed"  # nearest: enlarged, then a convolution; no checkerboard


@dataclass(frozen=True)
class PatchDiscriminator(Network):
    """A discriminator with a score for each patch of the image, as in pix2pix and CycleGAN."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.patch.Discriminator"

    ndf: Width = 64  # feature maps after the first convolution; the next ones have 2, 4 and then 8 times as many
    layers: Annotated[int, Range(1, 5)] = 3  # halvings of the size; patches of 16, 34, 70, 142 or 286 pixels
    norm: Literal["instance", "affine_instance", "batch"] = "instance"  # CycleGAN: instance; pix2pix: affine_instance

    def check_size(self, height: int, width: int):
        """Raise a ConfigError if no patch fits into images of this size."""
        smallest = 3 * 2**self.layers  # two last convolutions, each of which takes a pixel off
        if min(height, width) < smallest:
            raise ConfigError(
                f"{self.name} with {self.layers} layers takes images of at least {smallest}x{smallest} pixels, but the "
                f"data has {height}x{width}; lower layers"
            )


@dataclass(frozen=True)
class StarGANGenerator(Network):
    """StarGAN's generator: a residual translator that takes the wanted attributes."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.stargan.Generator"
    SMALLEST: ClassVar = 16
    MULTIPLE: ClassVar = 4

    ngf: Width = 64  # feature maps after the first convolution; the blocks have 4 times as many
    blocks: Annotated[int, Range(1, 32)] = 6  # residual blocks


@dataclass(frozen=True)
class StarGANDiscriminator(Network):
    """StarGAN's discriminator: a score for each patch, and the attributes of the image."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.stargan.Discriminator"

    ndf: Width = 64  # feature maps after the first convolution; each later layer has twice as many as the one before
    layers: Annotated[int, Range(1, 8)] = 6  # halvings of the size

    def check_size(self, height: int, width: int):
        """Raise a ConfigError if the layers do not halve images of this size evenly."""
        if height != width or height % 2**self.layers:
            raise ConfigError(
                f"{self.name} with {self.layers} layers takes square images of a multiple of {2**self.layers} pixels, "
                f"but the data has {height}x{width}; lower layers"
            )


TRANSLATORS = {"resnet_translator": ResNetTranslator, "unet": UNet}
PATCH_DISCRIMINATORS = {"patch": PatchDiscriminator}
ATTRIBUTE_TRANSLATORS = {"stargan": StarGANGenerator}
ATTRIBUTE_DISCRIMINATORS = {"stargan": StarGANDiscriminator}
GENERATORS = {
    "began": BEGANGenerator,
    "biggan": BigGANGenerator,
    "dcgan28": DCGAN28Generator,
    "dcgan64": DCGAN64Generator,
    "fully_connected": FCGenerator,
    "r3gan": R3GANGenerator,
    "resnet32": ResNet32Generator,
}
DISCRIMINATORS = {  # encoders, too: the number of outputs is free
    "dcgan28": DCGAN28Discriminator,
    "dcgan64": DCGAN64Discriminator,
    "fully_connected": FCDiscriminator,
    "infogan": InfoGANDiscriminator,
    "r3gan": R3GANDiscriminator,
    "resnet32": ResNet32Discriminator,
}
AUTOENCODERS = {"began": BEGANAutoencoder, "shallow": ShallowAutoencoder}
DENOISERS = {"ddpm": Denoiser}
DENSITIES = {"pixelcnn": PixelCNN}
FLOWS = {"glow": Glow, "realnvp": RealNVP}
STYLE_GENERATORS = {"stylegan2": StyleGAN2Generator}
STYLE_DISCRIMINATORS = {"stylegan2": StyleGAN2Discriminator}
GROWING_GENERATORS = {"progan": ProGANGenerator}
GROWING_DISCRIMINATORS = {"progan": ProGANDiscriminator}
MULTI_SCALE_GENERATORS = {"msggan": MSGGANGenerator}
MULTI_SCALE_DISCRIMINATORS = {"msggan": MSGGANDiscriminator}


@dataclass(frozen=True)
class SoftmaxRegression(Network):
    """The PyTorch blog's softmax regression: one linear layer."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.SoftmaxRegression"


@dataclass(frozen=True)
class FNN(Network):
    """The PyTorch blog's fully connected network."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.FNN"

    hidden: Width = 500  # units of the hidden layer


@dataclass(frozen=True)
class CNN(Network):
    """The PyTorch blog's convolutional network."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.CNN"
    SMALLEST: ClassVar = 4

    ncf: Width = 16  # feature maps after the first convolution; the second layer has twice as many


@dataclass(frozen=True)
class ResNet(Network):
    """A small residual network (He et al. 2016, https://arxiv.org/abs/1512.03385)."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.ResNet"

    ncf: Width = 16  # feature maps in the first stage; each later stage has twice as many as the one before
    blocks: Annotated[int, Range(1, 32)] = 1  # residual blocks in each of the three stages


@dataclass(frozen=True)
class Evaluator(Network):
    """A compact convolutional network, used to measure generators: see ppgan_lite/evaluation/."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.Evaluator"
    SMALLEST: ClassVar = 8

    ncf: Width = 32  # feature maps of the first convolution; the later ones have twice as many
    num_features: Annotated[int, Range(64, 256)] = 128  # number of features by which images are compared
    dropout: Share = 0.5  # probability that a feature is dropped in training


@dataclass(frozen=True)
class PhotoEvaluator(Network):
    """A deeper network than `evaluator`, used to measure generators of photographs."""

    BUILT_BY: ClassVar = "ppgan_lite.networks.classifiers.PhotoEvaluator"

    widths: Widths = (48, 128, 176)  # feature maps of each stage, which halves the size; the last: number of features


CLASSIFIERS = {
    "cnn": CNN,
    "evaluator": Evaluator,
    "fnn": FNN,
    "photo_evaluator": PhotoEvaluator,
    "resnet": ResNet,
    "softmax": SoftmaxRegression,
}
