"""Every key that a config may hold, with its type, range, default and unit. No paddle here: errors answer at once.

A section with a `name` (method, generator, discriminator, data, each optimizer) takes its keys from the class that
its table below has under that name. A test compares the tables with the packages that build the real objects.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ppgan_lite.schema.types import Count, Named, Positive, Range, Seed, Share, Weight, Width

# ---- methods: ppgan_lite/methods/NAME.py. NETWORKS are the sections of the config that choose its networks ----


@dataclass(frozen=True)
class Method(Named):
    """What all methods share: how much data their steps take."""

    PENALISES_GRADIENTS: ClassVar = False  # of D, whose operations then need double gradients
    TELLS_CLASSES: ClassVar = False  # to its networks, which must then take them

    def batches_in(self, steps: int) -> int:
        """Fresh batches of data that the first `steps` steps take."""
        return steps

    def num_batches(self, step: int) -> int:
        """Fresh batches that step `step` (from 1) takes."""
        return self.batches_in(step) - self.batches_in(step - 1)

    def steps_in(self, batches: int) -> int:
        """Whole steps that so many batches last for."""
        return bisect_right(range(batches + 1), batches, key=self.batches_in) - 1


@dataclass(frozen=True)
class Adversarial(Method):
    """What GANs share: a generator and a discriminator, updated in turn. Those without keys of their own have these."""

    NETWORKS: ClassVar = ("generator", "discriminator")

    z_dim: Width = 100  # length of the noise vector; N(0, I), where nothing else is said
    d_updates: Count = 1  # of D per step, each on a fresh batch

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The keys that `optim` must have."""
        return ("g", "d")

    def batches_in(self, steps: int) -> int:
        """Fresh batches of data that the first `steps` steps take."""
        return steps * self.d_updates


@dataclass(frozen=True)
class GAN(Adversarial):
    """The GAN of Goodfellow et al. 2014, in the forms of the articles."""

    g_updates: Count = 1  # of G per step, each on fresh noise
    first: Literal["d", "g"] = "d"  # whose updates come first; g: as in the PyTorch blog
    d_optimizers: Literal["separate", "shared", "joint"] = "separate"  # see methods/gan.py
    reuse_fakes: bool = False  # one batch of fakes for D and G, as in PyTorch's example; or fresh ones for each
    real_target: Annotated[float, Range(0.5, 1)] = 1.0  # of D on real images; 0.9: one-sided label smoothing
    g_loss: Literal["non_saturating", "minimax"] = "non_saturating"
    noise: Literal["normal", "uniform"] = "normal"  # N(0, I), or uniform in [-1, 1] as in the DCGAN paper
    gradients: Literal["own", "as_listed"] = "own"  # as_listed: those that leak in the tutorial's listing, to study it

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The keys that `optim` must have."""
        return ("g", "d_real", "d_fake") if self.d_optimizers == "separate" else ("g", "d")


@dataclass(frozen=True)
class WGAN(Adversarial):
    """Wasserstein GAN with weight clipping (Arjovsky et al. 2017)."""

    LONG: ClassVar = 100  # critic updates in the first 25 steps and in each 500th, where warm_up is on

    d_updates: Count = 5  # n_critic of the paper
    clip: Positive = 0.01  # the critic's weights stay in [-clip, clip]
    warm_up: bool = True  # 100 critic updates in each of the first 25 steps and in each 500th, as in the authors' code

    def batches_in(self, steps: int) -> int:
        """Fresh batches of data that the first `steps` steps take."""
        long = min(steps, 25) + max(steps - 1, 0) // 500 if self.warm_up else 0  # they count steps from 0
        return long * self.LONG + (steps - long) * self.d_updates


@dataclass(frozen=True)
class WGANGP(Adversarial):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)."""

    PENALISES_GRADIENTS: ClassVar = True

    d_updates: Count = 5  # n_critic of the paper
    gp_weight: Weight = 10.0  # lambda


@dataclass(frozen=True)
class DRAGAN(Adversarial):
    """GAN with a gradient penalty around real images (Kodali et al. 2017)."""

    PENALISES_GRADIENTS: ClassVar = True

    gp_weight: Weight = 10.0  # lambda
    noise: Positive = 0.5  # largest shift of a pixel, in the batch's standard deviation


@dataclass(frozen=True)
class ACGAN(Adversarial):
    """GAN whose discriminator also classifies (Odena et al. 2017)."""

    class_weight: Weight = 1.0  # of the class's cross entropy, in both losses


@dataclass(frozen=True)
class InfoGAN(Adversarial):
    """GAN with codes that can be read off its images (Chen et al. 2016)."""

    z_dim: Width = 62
    categories: Annotated[int, Range(2, 1000)] = 10  # values of the one categorical code
    codes: Annotated[int, Range(1, 100)] = 2  # continuous codes, uniform in [-1, 1]
    info_weight: Weight = 1.0  # lambda, of the mutual information with the categorical code
    codes_weight: Weight = 1.0  # the same of the continuous codes; the paper advises less (section 6), its code has 1


@dataclass(frozen=True)
class BEGAN(Adversarial):
    """Boundary equilibrium GAN, whose discriminator is an autoencoder (Berthelot et al. 2017)."""

    NETWORKS: ClassVar = ("generator", "autoencoder")

    z_dim: Width = 64  # of the noise, uniform in [-1, 1], and of the autoencoder's code
    gamma: Annotated[float, Range(0, 1, open_ends="low")] = 0.5  # diversity ratio: E[L(G(z))] / E[L(x)]
    k_rate: Positive = 0.001  # lambda_k, of the control of k


@dataclass(frozen=True)
class SNGAN(Adversarial):
    """SNGAN with a projection discriminator (Miyato et al. 2018; Miyato and Koyama 2018)."""

    TELLS_CLASSES: ClassVar = True

    z_dim: Width = 128
    d_updates: Count = 5  # n_dis of the papers


@dataclass(frozen=True)
class VAE(Method):
    """Variational autoencoder (Kingma and Welling 2014)."""

    NETWORKS: ClassVar = ("generator", "encoder")

    z_dim: Width = 20
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"  # of a pixel, given z; see methods/vae.py
    noise_std: Positive = 0.1  # of the gaussian

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The keys that `optim` must have."""
        return ("g", "e")


@dataclass(frozen=True)
class Classifier(Method):
    """A classifier of images, trained by cross entropy."""

    NETWORKS: ClassVar = ("classifier",)

    @property
    def optimizers(self) -> tuple[str, ...]:
        """The keys that `optim` must have."""
        return ("c",)


METHODS = {
    "acgan": ACGAN,
    "began": BEGAN,
    "cgan": Adversarial,
    "classifier": Classifier,
    "dragan": DRAGAN,
    "gan": GAN,
    "hinge": Adversarial,
    "infogan": InfoGAN,
    "lsgan": Adversarial,
    "ragan": Adversarial,
    "sngan": SNGAN,
    "vae": VAE,
    "wgan": WGAN,
    "wgan_gp": WGANGP,
}


# ---- networks: ppgan_lite/networks/NAME.py; channels and image size come from the data ----


@dataclass(frozen=True)
class Generator(Named):
    """What generators share."""

    TAKES_CLASSES: ClassVar = False  # so that it can be asked for one


@dataclass(frozen=True)
class DCGAN28Generator(Generator):
    """The tutorial's generator for 28x28 images."""

    ngf: Width = 64  # feature maps before the last convolution; the other layers have 2 and 16 times as many
    upsample: Literal["bilinear", "transposed"] = "bilinear"
    activation: Literal["relu", "tanh"] = "relu"  # of the hidden layers


@dataclass(frozen=True)
class Discriminator(Named):
    """What discriminators, critics and encoders share."""

    HAS_DOUBLE_GRADIENT: ClassVar = True  # so that its gradient can be penalised
    TAKES_CLASSES: ClassVar = False  # so that it can judge whether an image is of its class


@dataclass(frozen=True)
class DCGAN28Discriminator(Discriminator):
    """The tutorial's discriminator for 28x28 images."""

    HAS_DOUBLE_GRADIENT: ClassVar = False  # no max-pool of Paddle's has one

    ndf: Width = 64  # feature maps after the first convolution; the other layers have 2 and 16 times as many


@dataclass(frozen=True)
class DCGAN64Generator(Generator):
    """The generator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    ngf: Width = 64  # feature maps before the last convolution; each layer before it has twice as many


@dataclass(frozen=True)
class DCGAN64Discriminator(Discriminator):
    """The discriminator of PyTorch's DCGAN example, for images of 32, 64 or 128 pixels."""

    ndf: Width = 64  # feature maps after the first convolution; each layer behind it has twice as many


@dataclass(frozen=True)
class FCGenerator(Generator):
    """A fully connected generator, for data of any shape."""

    widths: tuple[Width, ...] = (256, 512, 1024)  # of the hidden layers
    norm: Literal["keras", "pytorch", "none"] = "keras"  # which article's batch norms; see networks/fully_connected.py
    norm_epsilon: Positive = 0.001  # Keras's; PyTorch's is 1.0e-5. 0.8: the PyTorch blog's slip, meant as momentum


@dataclass(frozen=True)
class FCDiscriminator(Discriminator):
    """A fully connected discriminator, for data of any shape."""

    widths: tuple[Width, ...] = (512, 256)  # of the hidden layers


@dataclass(frozen=True)
class InfoGANDiscriminator(Discriminator):
    """The InfoGAN paper's discriminator for 28x28 images; Lucic et al. 2018 compare all GANs with it."""

    ndf: Width = 64  # feature maps after the first convolution; the other layers have 2 and 16 times as many
    norm: Literal["batch", "spectral", "none"] = "batch"  # batch: not under a gradient penalty, which is of each image


@dataclass(frozen=True)
class ResNet32Generator(Generator):
    """The residual generator of WGAN-GP and SNGAN for 32x32 images."""

    TAKES_CLASSES: ClassVar = True

    ngf: Width = 128  # feature maps of each convolution; 128 in WGAN-GP, 256 in SNGAN


@dataclass(frozen=True)
class ResNet32Discriminator(Discriminator):
    """The residual discriminator of WGAN-GP and SNGAN for 32x32 images."""

    TAKES_CLASSES: ClassVar = True

    ndf: Width = 128  # feature maps of each convolution
    norm: Literal["spectral", "none"] = "spectral"  # spectral: SNGAN; none: WGAN-GP
    pooling: Literal["sum", "mean"] = "sum"  # of each feature map, at the end; sum: SNGAN; mean: WGAN-GP


@dataclass(frozen=True)
class BEGANGenerator(Generator):
    """The BEGAN paper's decoder, for images of 28 or 32 pixels."""

    nf: Width = 64  # feature maps of each convolution


@dataclass(frozen=True)
class BEGANAutoencoder(Named):
    """The BEGAN paper's discriminator: an encoder, and a decoder like its generator."""

    nf: Width = 64  # feature maps in the first stage; 2 and 3 times as many in the encoder's later ones


GENERATORS = {
    "began": BEGANGenerator,
    "dcgan28": DCGAN28Generator,
    "dcgan64": DCGAN64Generator,
    "fully_connected": FCGenerator,
    "resnet32": ResNet32Generator,
}
DISCRIMINATORS = {
    "dcgan28": DCGAN28Discriminator,
    "dcgan64": DCGAN64Discriminator,
    "fully_connected": FCDiscriminator,
    "infogan": InfoGANDiscriminator,
    "resnet32": ResNet32Discriminator,
}
AUTOENCODERS = {"began": BEGANAutoencoder}


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

NETWORKS = {
    "generator": GENERATORS,
    "discriminator": DISCRIMINATORS,
    "autoencoder": AUTOENCODERS,
    "encoder": DISCRIMINATORS,  # with as many outputs as a code needs
    "classifier": CLASSIFIERS,
}


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


@dataclass(frozen=True)
class RMSprop(Named):
    """RMSprop (Tieleman and Hinton 2012), with PyTorch's smoothing constant, as the authors of WGAN used it."""

    lr: Positive
    decay: Literal["linear"] | None = None  # see Adam


OPTIMIZERS = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}


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


@dataclass(frozen=True)
class Gaussians(Data):
    """Points of a mixture of Gaussians in one or two dimensions: pictures of one pixel, with a channel for each."""

    num_images: Annotated[int, Range(1, 10**7)] = 10000  # points
    dims: Literal[1, 2] = 1
    modes: Annotated[int, Range(1, 100)] = 1  # Gaussians: at 0.6, evenly over [-0.6, 0.6], or on a circle of radius 0.6
    std: Annotated[float, Range(0, 0.2, open_ends="low")] = 0.1  # of each
    seed: Seed = 0  # of the points


@dataclass(frozen=True)
class Pictures(Data):
    """Pictures from files, cropped to a centred square and resized."""

    size: Annotated[int, Range(8, 1024)] = 64  # pixels, height and width
    channels: Literal[1, 3] = 3  # 1: greyscale
    flip: bool = False  # mirror a random half of the pictures, anew in each epoch
    on_bad_image: Literal["error", "skip"] = "error"  # a file that is no picture: name it and stop, or go on without
    cache: Literal["memory", "disk", "none"] = "disk"  # where decoded pictures are kept
    workers: Annotated[int, Range(0, 64)] = 2  # processes that decode ahead; 0: none


@dataclass(frozen=True)
class Folder(Pictures):
    """The pictures of a folder or of a zip file; see data/listing.py for their classes and splits."""

    root: str | None = None  # the folder or zip file, as given or below $PPGAN_DATA
    test_share: Annotated[float, Range(0, 0.5)] = 0.1  # of the pictures, where no folders train and test part them


@dataclass(frozen=True)
class LSUN(Pictures):
    """One category of LSUN (Yu et al. 2015): its LMDB, or what tools/prepare_data.py exports from it."""

    root: str | None = None  # the folder, as given or below $PPGAN_DATA


@dataclass(frozen=True)
class CIFAR(Data):
    """CIFAR-100 (Krizhevsky 2009), its 100 fine classes; and what CIFAR-10 shares with it."""

    root: str | None = None  # folder that holds cifar/, looked in first
    flip: bool = False  # mirror a random half of the pictures, anew in each epoch


@dataclass(frozen=True)
class CIFAR10(CIFAR):
    """CIFAR-10 (Krizhevsky 2009)."""

    offline: Literal["cifar10_jpeg"] | None = None  # what to train on where no mirror answers; null: an error


@dataclass(frozen=True)
class CIFARJPEG(Data):
    """CIFAR-10 as JPEG files (lossy), from the zip file cifar10-jpeg/cifar10_images.zip."""

    root: str | None = None  # folder that holds cifar10-jpeg/, looked in first
    flip: bool = False  # mirror a random half of the pictures, anew in each epoch


DATASETS = {
    "cifar10": CIFAR10,
    "cifar100": CIFAR,
    "cifar10_jpeg": CIFARJPEG,
    "fake": Fake,
    "fashion_mnist": MNIST,
    "folder": Folder,
    "gaussians": Gaussians,
    "lsun": LSUN,
    "mnist": MNIST,
    "rendered_digits": RenderedDigits,
}


# ---- training ----


@dataclass(frozen=True)
class Train:
    """Length of the run and what is written when. The unit of every `_every` is steps."""

    epochs: Count | None = None  # passes over the data
    steps: Count | None = None  # length in steps; overrides epochs
    seed: Seed = 0
    ema: Share | None = None  # decay, 0.999 say, of a moving average of G's weights, which then makes the images
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
