"""The options of every method, and what a config must know of it: its networks, optimizers, data and needs.

No Paddle here: a config is checked before Paddle is loaded. The methods themselves are one file each: see BUILT_BY.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks.options import (
    AUTOENCODERS,
    CLASSES,
    CLASSIFIERS,
    DISCRIMINATORS,
    DOUBLE_GRADIENTS,
    GENERATORS,
    SEPARATE_SCORES,
)
from ppgan_lite.schema.types import Count, Named, Positive, Range, Weight, Width


@dataclass(frozen=True)
class Method(Named):
    """What all methods share."""

    KIND: ClassVar[Literal["generator", "classifier"]]  # what it trains, and so how it is evaluated
    NETWORKS: ClassVar[dict]  # section of the config that describes a network -> the table of its `name`
    NEEDS: ClassVar[dict] = {}  # section -> abilities that its network must have; see networks/options.py
    TRAINS: ClassVar[dict]  # optimizer, a key of `optim` -> the networks that it trains
    AVERAGES: ClassVar = ()  # the networks that `train.ema` averages
    TAKES: ClassVar = ("image",)  # fields of the data; see data/spec.py
    WATCHES: ClassVar[dict] = {}  # D whose logged losses tell the run's health -> G that learns from it

    @property
    def trains(self) -> dict[str, tuple[str, ...]]:
        """Optimizer, a key of `optim` -> the networks that it trains."""
        return self.TRAINS

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""

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
    """What GANs share: a generator and a discriminator, updated in turn."""

    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}
    TRAINS: ClassVar = {"g": ("g",), "d": ("d",)}
    AVERAGES: ClassVar = ("g",)
    WATCHES: ClassVar = {"d": "g"}

    z_dim: Width = 100  # length of the noise vector; N(0, I), where nothing else is said
    d_updates: Count = 1  # of D per step, each on a fresh batch

    def batches_in(self, steps: int) -> int:
        """Fresh batches of data that the first `steps` steps take."""
        return steps * self.d_updates


@dataclass(frozen=True)
class GAN(Adversarial):
    """The GAN of Goodfellow et al. 2014, in the forms of the articles."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.gan.GAN"

    g_updates: Count = 1  # of G per step, each on fresh noise
    first: Literal["d", "g"] = "d"  # whose updates come first; g: as in the PyTorch blog
    d_optimizers: Literal["separate", "shared", "joint"] = "separate"  # see methods/gan.py
    reuse_fakes: bool = False  # one batch of fakes for D and G, as in PyTorch's example; or fresh ones for each
    real_target: Annotated[float, Range(0.5, 1)] = 1.0  # of D on real images; 0.9: one-sided label smoothing
    g_loss: Literal["non_saturating", "minimax"] = "non_saturating"
    noise: Literal["normal", "uniform"] = "normal"  # N(0, I), or uniform in [-1, 1] as in the DCGAN paper
    gradients: Literal["own", "as_listed"] = "own"  # as_listed: those that leak in the tutorial's listing, to study it

    @property
    def trains(self) -> dict[str, tuple[str, ...]]:
        """Optimizer, a key of `optim` -> the networks that it trains."""
        return {"g": ("g",), "d_real": ("d",), "d_fake": ("d",)} if self.d_optimizers == "separate" else self.TRAINS

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        if self.reuse_fakes and (self.d_updates, self.g_updates) != (1, 1):
            raise ConfigError(
                "method.reuse_fakes: true needs method.d_updates and method.g_updates of 1: one batch of fakes"
            )
        others = (self.d_optimizers, self.reuse_fakes, self.first, self.g_loss)
        counts = (self.d_updates, self.g_updates, self.real_target)
        listed = (("separate", False, "d", "non_saturating"), (1, 1, 1.0))
        if self.gradients == "as_listed" and (others, counts) != listed:
            raise ConfigError(
                "method.gradients: as_listed is the tutorial's listing, which needs method.d_optimizers: separate, "
                "method.reuse_fakes: false, and the defaults of the other keys of method"
            )


@dataclass(frozen=True)
class CGAN(Adversarial):
    """Conditional GAN (Mirza and Osindero 2014)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.cgan.CGAN"
    TAKES: ClassVar = ("image", "label")


@dataclass(frozen=True)
class LSGAN(Adversarial):
    """Least squares GAN (Mao et al. 2017)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.lsgan.LSGAN"


@dataclass(frozen=True)
class Hinge(Adversarial):
    """GAN with the hinge loss (Miyato et al. 2018)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.hinge.Hinge"


@dataclass(frozen=True)
class RaGAN(Adversarial):
    """Relativistic average GAN (Jolicoeur-Martineau 2018)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.ragan.RaGAN"


@dataclass(frozen=True)
class WGAN(Adversarial):
    """Wasserstein GAN with weight clipping (Arjovsky et al. 2017)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.wgan.WGAN"
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

    BUILT_BY: ClassVar = "ppgan_lite.methods.wgan_gp.WGANGP"
    NEEDS: ClassVar = {"discriminator": (DOUBLE_GRADIENTS, SEPARATE_SCORES)}  # the gradient is that of each picture

    d_updates: Count = 5  # n_critic of the paper
    gp_weight: Weight = 10.0  # lambda


@dataclass(frozen=True)
class DRAGAN(Adversarial):
    """GAN with a gradient penalty around real images (Kodali et al. 2017)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.dragan.DRAGAN"
    NEEDS: ClassVar = {"discriminator": (DOUBLE_GRADIENTS, SEPARATE_SCORES)}  # the gradient is that of each picture

    gp_weight: Weight = 10.0  # lambda
    noise: Positive = 0.5  # largest shift of a pixel, in the batch's standard deviation


@dataclass(frozen=True)
class ACGAN(Adversarial):
    """GAN whose discriminator also classifies (Odena et al. 2017)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.acgan.ACGAN"
    TAKES: ClassVar = ("image", "label")

    class_weight: Weight = 1.0  # of the class's cross entropy, in both losses


@dataclass(frozen=True)
class InfoGAN(Adversarial):
    """GAN with codes that can be read off its images (Chen et al. 2016)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.infogan.InfoGAN"

    z_dim: Width = 62
    categories: Annotated[int, Range(2, 1000)] = 10  # values of the one categorical code
    codes: Annotated[int, Range(1, 100)] = 2  # continuous codes, uniform in [-1, 1]
    info_weight: Weight = 1.0  # lambda, of the mutual information with the categorical code
    codes_weight: Weight = 1.0  # the same of the continuous codes; the paper advises less (section 6), its code has 1


@dataclass(frozen=True)
class BEGAN(Adversarial):
    """Boundary equilibrium GAN, whose discriminator is an autoencoder (Berthelot et al. 2017)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.began.BEGAN"
    NETWORKS: ClassVar = {"generator": GENERATORS, "autoencoder": AUTOENCODERS}

    z_dim: Width = 64  # of the noise, uniform in [-1, 1], and of the autoencoder's code
    gamma: Annotated[float, Range(0, 1, open_ends="low")] = 0.5  # diversity ratio: E[L(G(z))] / E[L(x)]
    k_rate: Positive = 0.001  # lambda_k, of the control of k


@dataclass(frozen=True)
class SNGAN(Adversarial):
    """SNGAN with a projection discriminator (Miyato et al. 2018; Miyato and Koyama 2018)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.sngan.SNGAN"
    NEEDS: ClassVar = {"generator": (CLASSES,), "discriminator": (CLASSES,)}
    TAKES: ClassVar = ("image", "label")

    z_dim: Width = 128
    d_updates: Count = 5  # n_dis of the papers


@dataclass(frozen=True)
class VAE(Method):
    """Variational autoencoder (Kingma and Welling 2014)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.vae.VAE"
    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"generator": GENERATORS, "encoder": DISCRIMINATORS}
    TRAINS: ClassVar = {"g": ("g",), "e": ("e",)}

    z_dim: Width = 20
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"  # of a pixel, given z; see methods/vae.py
    noise_std: Positive = 0.1  # of the gaussian


@dataclass(frozen=True)
class Classifier(Method):
    """A classifier of images, trained by cross entropy."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.classifier.Classifier"
    KIND: ClassVar = "classifier"
    NETWORKS: ClassVar = {"classifier": CLASSIFIERS}
    TRAINS: ClassVar = {"c": ("c",)}
    TAKES: ClassVar = ("image", "label")


METHODS = {
    "acgan": ACGAN,
    "began": BEGAN,
    "cgan": CGAN,
    "classifier": Classifier,
    "dragan": DRAGAN,
    "gan": GAN,
    "hinge": Hinge,
    "infogan": InfoGAN,
    "lsgan": LSGAN,
    "ragan": RaGAN,
    "sngan": SNGAN,
    "vae": VAE,
    "wgan": WGAN,
    "wgan_gp": WGANGP,
}
