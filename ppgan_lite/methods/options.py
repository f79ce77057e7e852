"""The options of every method, and what the check of a config needs: its networks, optimizers and fields of the data.

No Paddle here: a config is checked before Paddle is loaded. Each method has a file of its own: see BUILT_BY. The
comment on an option is its help in `ppgan options`.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks.options import (
    ANY_NOISE,
    ATTRIBUTE_DISCRIMINATORS,
    ATTRIBUTE_TRANSLATORS,
    AUTOENCODERS,
    BOUNDED,
    CLASSES,
    CLASSIFIERS,
    DENOISERS,
    DENSITIES,
    DISCRIMINATORS,
    DOUBLE_GRADIENTS,
    FLOWS,
    GENERATORS,
    GROWING_DISCRIMINATORS,
    GROWING_GENERATORS,
    MULTI_SCALE_DISCRIMINATORS,
    MULTI_SCALE_GENERATORS,
    PATCH_DISCRIMINATORS,
    SEPARATE_SCORES,
    STYLE_DISCRIMINATORS,
    STYLE_GENERATORS,
    TRANSLATORS,
)
from ppgan_lite.networks.stages import SMALLEST
from ppgan_lite.schema.types import Count, Named, Positive, Range, Repeats, Share, Weight, Width

Augmentation = tuple[Literal["colour", "translation", "cutout"], ...]  # see methods/augment.py


@dataclass(frozen=True)
class Method(Named):
    """What all methods share."""

    KIND: ClassVar[
        Literal["generator", "translator", "classifier"]
    ]  # what is trained, which decides how it is evaluated
    NETWORKS: ClassVar[dict]  # section of the config -> table of the networks allowed there, by `name`
    NEEDS: ClassVar[dict] = {}  # section of the config -> abilities that the network must have; see networks/options.py
    TRAINS: ClassVar[dict]  # optimizer (a key of `optim`) -> the networks it trains
    AVERAGES: ClassVar = ()  # networks that `train.ema` averages
    TAKES: ClassVar = ("image",)  # fields of the data that training needs; see data/spec.py
    NEEDS_PAIRS: ClassVar = False  # whether the fields a and b of an item must belong together
    WATCHES: ClassVar[dict] = {}  # discriminator with logged logistic losses and accuracy -> G trained against it
    DIAGNOSES: ClassVar = ()  # values of `train.stop_on` that its pictures, or its own losses, may show

    @property
    def trains(self) -> dict[str, tuple[str, ...]]:
        """Optimizer (a key of `optim`) -> the networks it trains."""
        return self.TRAINS

    @property
    def takes(self) -> tuple[str, ...]:
        """The fields of the data that training needs."""
        return self.TAKES

    @property
    def needs(self) -> dict[str, tuple]:
        """Section of the config -> abilities that the network must have."""
        return self.NEEDS

    @property
    def diagnoses(self) -> set[str]:
        """The values of `train.stop_on` that may stop a run; see runs/health.py."""
        return set(self.DIAGNOSES) | ({"convergence_failure"} if self.WATCHES else set())

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""

    def too_short(self, steps: int, size: int) -> str | None:
        """What a run of `steps` steps on pictures of `size` pixels does not reach, as a warning; None if nothing."""

    def batches_in(self, steps: int) -> int:
        """Number of batches of data in the first `steps` steps."""
        return steps

    def num_batches(self, step: int) -> int:
        """Number of batches of data in step `step` (from 1)."""
        return self.batches_in(step) - self.batches_in(step - 1)

    def steps_in(self, batches: int) -> int:
        """Number of whole steps in `batches` batches of data."""
        return bisect_right(range(batches + 1), batches, key=self.batches_in) - 1


@dataclass(frozen=True)
class Adversarial(Method):
    """What GANs share: a generator and a discriminator, updated in turn."""

    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"generator": GENERATORS, "discriminator": DISCRIMINATORS}
    TRAINS: ClassVar = {"g": ("g",), "d": ("d",)}
    AVERAGES: ClassVar = ("g",)
    DIAGNOSES: ClassVar = ("collapse",)

    z_dim: Width = 100  # length of the noise vector
    d_updates: Repeats = 1  # updates of D per step, each on a fresh batch
    augment: Augmentation = ()  # DiffAugment of all images that D sees, for data sets of a few thousand
    augment_target: Share | None = None  # ADA: the strength follows how sure D is of real images; 0.6; null: always 1
    augment_images: Count = 500_000  # ADA: pictures in which the strength may rise from 0 to 1; fewer for short runs

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        if self.augment_target is not None and not self.augment:
            raise ConfigError("method.augment_target: needs method.augment, for example [colour, translation, cutout]")

    def batches_in(self, steps: int) -> int:
        """Number of batches of data in the first `steps` steps."""
        return steps * self.d_updates


@dataclass(frozen=True)
class GAN(Adversarial):
    """GAN (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661), in the forms of the articles."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.gan.GAN"
    WATCHES: ClassVar = {"d": "g"}

    g_updates: Repeats = 1  # updates of G per step, each on fresh noise
    first: Literal["d", "g"] = "d"  # network that each step updates first; g: as in the PyTorch blog
    d_optimizers: Literal["separate", "shared", "joint"] = "separate"  # D: one per loss, one for both, one for the sum
    reuse_fakes: bool = False  # train D and G on the same fakes, as PyTorch's DCGAN example; false: fresh ones for each
    real_target: Annotated[float, Range(0.5, 1)] = 1.0  # D's target for real images; below 1: one-sided label smoothing
    g_loss: Literal["non_saturating", "minimax"] = "non_saturating"  # G minimises -log D(G(z)), or log(1 - D(G(z)))
    noise: Literal["normal", "uniform"] = "normal"  # noise vector: N(0, I), or uniform in [-1, 1] as in the DCGAN paper
    gradients: Literal["own", "as_listed"] = "own"  # as_listed: gradients leak between updates, as the tutorial's do

    @property
    def trains(self) -> dict[str, tuple[str, ...]]:
        """Optimizer (a key of `optim`) -> the networks it trains."""
        return {"g": ("g",), "d_real": ("d",), "d_fake": ("d",)} if self.d_optimizers == "separate" else self.TRAINS

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        super().check()
        if self.reuse_fakes and (self.d_updates, self.g_updates) != (1, 1):
            raise ConfigError("method.reuse_fakes: true needs method.d_updates: 1 and method.g_updates: 1")
        keys = ("augment", "d_updates", "g_updates", "first", "d_optimizers", "reuse_fakes", "real_target", "g_loss")
        changed = [f"method.{key}" for key in keys if getattr(self, key) != getattr(GAN, key)]
        if self.gradients == "as_listed" and changed:
            raise ConfigError(f"method.gradients: as_listed needs the default of {', '.join(changed)}")


@dataclass(frozen=True)
class CGAN(Adversarial):
    """Conditional GAN (Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.cgan.CGAN"
    NEEDS: ClassVar = {"generator": (ANY_NOISE,)}  # the class joins the noise
    WATCHES: ClassVar = {"d": "g"}
    TAKES: ClassVar = ("image", "label")


@dataclass(frozen=True)
class LSGAN(Adversarial):
    """Least squares GAN (Mao et al. 2017, https://arxiv.org/abs/1611.04076)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.lsgan.LSGAN"


@dataclass(frozen=True)
class Hinge(Adversarial):
    """GAN with the hinge loss (Miyato et al. 2018, https://arxiv.org/abs/1802.05957)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.hinge.Hinge"


@dataclass(frozen=True)
class RaGAN(Adversarial):
    """Relativistic average GAN (Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.ragan.RaGAN"


@dataclass(frozen=True)
class R3GAN(Adversarial):
    """Relativistic GAN with R1 and R2 penalties (Huang et al. 2024, https://arxiv.org/abs/2501.05441)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.r3gan.R3GAN"
    NEEDS: ClassVar = {"discriminator": (DOUBLE_GRADIENTS, SEPARATE_SCORES)}  # the penalty is on each picture by itself

    z_dim: Width = 64  # length of the noise vector
    gamma: Weight = 1.0  # weight of the penalties R1 and R2, which counts half; the authors have 0.05 to 2
    penalty_every: Repeats = 1  # updates of D from one penalty to the next, which counts as many times; 1: as the paper
    classes: bool = False  # whether both networks take the class of a picture, and generate pictures of a class

    @property
    def takes(self) -> tuple[str, ...]:
        """The fields of the data that training needs."""
        return ("image", "label") if self.classes else self.TAKES

    @property
    def needs(self) -> dict[str, tuple]:
        """Section of the config -> abilities that the network must have."""
        if not self.classes:
            return self.NEEDS
        return {"generator": (CLASSES,), "discriminator": (*self.NEEDS["discriminator"], CLASSES)}


@dataclass(frozen=True)
class WGAN(Adversarial):
    """Wasserstein GAN with weight clipping (Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.wgan.WGAN"
    LONG: ClassVar = 100  # critic updates in a step of the warm-up

    d_updates: Repeats = 5  # updates of the critic per step (n_critic of the paper), each on a fresh batch
    clip: Positive = 0.01  # largest absolute value of the critic's weights: they are clipped to [-clip, clip]
    warm_up: bool = True  # 100 critic updates in each of the first 25 steps and every 500th, as in the authors' code

    def batches_in(self, steps: int) -> int:
        """Number of batches of data in the first `steps` steps."""
        long = min(steps, 25) + max(steps - 1, 0) // 500 if self.warm_up else 0  # the authors count from 0
        return long * self.LONG + (steps - long) * self.d_updates


@dataclass(frozen=True)
class WGANGP(Adversarial):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.wgan_gp.WGANGP"
    NEEDS: ClassVar = {"discriminator": (DOUBLE_GRADIENTS, SEPARATE_SCORES)}  # the penalty is on each picture by itself

    d_updates: Repeats = 5  # updates of the critic per step (n_critic of the paper), each on a fresh batch
    gp_weight: Weight = 10.0  # weight of the gradient penalty (lambda of the paper)


@dataclass(frozen=True)
class DRAGAN(Adversarial):
    """GAN with a gradient penalty around real images (Kodali et al. 2017, https://arxiv.org/abs/1705.07215)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.dragan.DRAGAN"
    WATCHES: ClassVar = {"d": "g"}
    NEEDS: ClassVar = {"discriminator": (DOUBLE_GRADIENTS, SEPARATE_SCORES)}  # the penalty is on each picture by itself

    gp_weight: Weight = 10.0  # weight of the gradient penalty (lambda of the paper)
    noise: Positive = 0.5  # largest shift of a pixel for the penalty, in standard deviations of the batch's pixels


@dataclass(frozen=True)
class ACGAN(Adversarial):
    """GAN with a discriminator that also classifies (Odena et al. 2017, https://arxiv.org/abs/1610.09585)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.acgan.ACGAN"
    NEEDS: ClassVar = {"generator": (ANY_NOISE,)}  # the class joins the noise
    WATCHES: ClassVar = {"d": "g"}
    TAKES: ClassVar = ("image", "label")

    class_weight: Weight = 1.0  # weight of the classification loss in the losses of D and G


@dataclass(frozen=True)
class InfoGAN(Adversarial):
    """GAN with codes that can be recognised in its images (Chen et al. 2016, https://arxiv.org/abs/1606.03657)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.infogan.InfoGAN"
    NEEDS: ClassVar = {"generator": (ANY_NOISE,)}  # the codes join the noise
    WATCHES: ClassVar = {"d": "g"}

    z_dim: Width = 62  # length of the noise vector, without the codes
    noise: Literal["normal", "uniform"] = "normal"  # distribution of its numbers: N(0, 1), or in [-1, 1] as in the code
    categories: Annotated[int, Range(2, 1000)] = 10  # number of values of the categorical code
    codes: Annotated[int, Range(1, 100)] = 2  # number of continuous codes, uniform in [-1, 1]
    info_weight: Weight = 1.0  # weight of the categorical code's mutual information (lambda of the paper)
    codes_weight: Weight = 1.0  # weight of the continuous codes' mutual information; the paper (section 6) advises < 1


@dataclass(frozen=True)
class BEGAN(Adversarial):
    """Boundary equilibrium GAN: D is an autoencoder (Berthelot et al. 2017, https://arxiv.org/abs/1703.10717)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.began.BEGAN"
    NETWORKS: ClassVar = {"generator": GENERATORS, "autoencoder": AUTOENCODERS}

    z_dim: Width = 64  # length of the noise vector, uniform in [-1, 1], and of the autoencoder's code
    gamma: Annotated[float, Range(0, 1, open_ends="low")] = 0.5  # diversity ratio E[L(G(z))] / E[L(x)] to aim at
    k_rate: Positive = 0.001  # step size of k, the weight of L(G(z)) in D's loss (lambda_k of the paper)
    patience: Count | None = None  # steps without a new lowest M, smoothed, that halve the learning rates; null: never

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        super().check()
        if self.augment_target is not None:
            raise ConfigError(
                "method.augment_target: D of began rebuilds pictures and does not judge them; set it to null"
            )


@dataclass(frozen=True)
class SNGAN(Adversarial):
    """SNGAN with a projection discriminator (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.sngan.SNGAN"
    NEEDS: ClassVar = {"generator": (CLASSES,), "discriminator": (CLASSES,)}
    TAKES: ClassVar = ("image", "label")

    z_dim: Width = 128  # length of the noise vector
    d_updates: Repeats = 5  # updates of D per step (n_dis of the papers), each on a fresh batch


@dataclass(frozen=True)
class SAGAN(SNGAN):
    """Self-attention GAN (Zhang et al. 2019, https://arxiv.org/abs/1805.08318)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.sagan.SAGAN"

    d_updates: Repeats = 1  # updates of D per step, each on a fresh batch; the paper has one, and a higher rate for D


@dataclass(frozen=True)
class BigGAN(SNGAN):
    """BigGAN (Brock et al. 2019, https://arxiv.org/abs/1809.11096)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.biggan.BigGAN"

    z_dim: Width = 120  # length of the noise vector; generator biggan splits it: 4, 5, 6 chunks at 32, 64, 128 pixels
    d_updates: Repeats = 2  # updates of D per step, each on a fresh batch; the paper has 2, and 4 for CIFAR-10
    orthogonal_weight: Weight = 1.0e-4  # weight of the penalty on G's filters that are not orthogonal (beta of eq. 3)


@dataclass(frozen=True)
class StyleGAN2(Adversarial):
    """StyleGAN2 (Karras et al. 2020, https://arxiv.org/abs/1912.04958); with `augment_target` StyleGAN2-ADA."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.stylegan2.StyleGAN2"
    NETWORKS: ClassVar = {"generator": STYLE_GENERATORS, "discriminator": STYLE_DISCRIMINATORS}
    WATCHES: ClassVar = {"d": "g"}

    z_dim: Width = 512  # length of the noise vector z and of the style vector w
    r1_gamma: Weight = 10.0  # weight of the penalty R1, which counts half; ADA: 0.0002 size^2 / batch size
    r1_every: Repeats = 16  # steps from one penalty R1 to the next, which counts as many times
    path_weight: Weight = 2.0  # weight of the path length penalty; 0: none
    path_every: Repeats = 4  # steps from one path length penalty to the next, which counts as many times
    mixing: Share = 0.9  # probability that the pictures of an update have the styles of two noise vectors


@dataclass(frozen=True)
class ProGAN(Adversarial):
    """Progressive growing (Karras et al. 2018, https://arxiv.org/abs/1710.10196)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.progan.ProGAN"
    NETWORKS: ClassVar = {"generator": GROWING_GENERATORS, "discriminator": GROWING_DISCRIMINATORS}

    z_dim: Width = 512  # length of the noise vector
    hold: Count = 37_500  # steps at each size before the next; the paper: 600,000 pictures, here in batches of 16
    fade: Count = 37_500  # steps in which the next size fades in; the paper: 600,000 pictures
    gp_weight: Weight = 10.0  # weight of the gradient penalty (lambda of WGAN-GP)
    drift_weight: Weight = 1.0e-3  # weight of D(x)^2, which keeps the scores near 0 (epsilon_drift of the paper)

    def too_short(self, steps: int, size: int) -> str | None:
        """A warning, if the networks do not grow to the full size within the run."""
        doublings = (size // SMALLEST).bit_length() - 1
        needed = doublings * (self.hold + self.fade)
        if steps >= needed:
            return None
        return (
            f"progan reaches {size}x{size} pixels in step {needed}, but the run has {steps}; raise train.steps, or "
            "lower method.hold and method.fade"
        )


@dataclass(frozen=True)
class MSGGAN(Adversarial):
    """Multi-scale gradients (Karnewar and Wang 2020, https://arxiv.org/abs/1903.06048)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.msggan.MSGGAN"
    NETWORKS: ClassVar = {"generator": MULTI_SCALE_GENERATORS, "discriminator": MULTI_SCALE_DISCRIMINATORS}
    ONLY_WITH: ClassVar = {"gp_weight": ("loss", ("wgan_gp",)), "r1_gamma": ("loss", ("logistic",))}

    z_dim: Width = 512  # length of the noise vector
    loss: Literal["wgan_gp", "hinge", "logistic"] = "wgan_gp"  # loss of ProGAN, of the released code, or of StyleGAN
    r1_gamma: Weight = 10.0  # weight of R1, the penalty of the logistic loss (gamma of Mescheder et al. 2018)
    gp_weight: Weight = 10.0  # weight of the gradient penalty (lambda of WGAN-GP)

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        super().check()
        if self.augment:
            raise ConfigError("method.augment: D of msggan sees a picture at all sizes at once; set it to []")


@dataclass(frozen=True)
class VAE(Method):
    """Variational autoencoder (Kingma and Welling 2014, https://arxiv.org/abs/1312.6114)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.vae.VAE"
    ONLY_WITH: ClassVar = {"noise_std": ("likelihood", ("gaussian",))}
    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"generator": GENERATORS, "encoder": DISCRIMINATORS}
    NEEDS: ClassVar = {"generator": (BOUNDED,)}  # a pixel may be a probability
    TRAINS: ClassVar = {"g": ("g",), "e": ("e",)}
    DIAGNOSES: ClassVar = ("collapse",)

    z_dim: Width = 20  # length of the latent code
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"  # p(pixel | z): G gives P(white), or the mean
    noise_std: Positive | None = 0.1  # for gaussian: deviation of a pixel in [-1, 1]; null: from G, for each pixel

    @property
    def learns_deviations(self) -> bool:
        """Whether G gives each pixel's deviation."""
        return self.likelihood == "gaussian" and self.noise_std is None


@dataclass(frozen=True)
class PixelCNN(Method):
    """Gated PixelCNN, an autoregressive model (van den Oord et al. 2016, https://arxiv.org/abs/1606.05328)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.pixelcnn.PixelCNN"
    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"density": DENSITIES}
    TRAINS: ClassVar = {"p": ("p",)}
    AVERAGES: ClassVar = ("p",)
    DIAGNOSES: ClassVar = ("collapse",)

    classes: bool = False  # whether pictures are of a class that is asked for
    num_mixtures: Width = 5  # logistics of a pixel in colour (PixelCNN++: 10); grey pixels have a probability per level

    @property
    def takes(self) -> tuple[str, ...]:
        """The fields of the data that training needs."""
        return ("image", "label") if self.classes else ("image",)


@dataclass(frozen=True)
class Flow(Method):
    """A normalising flow: RealNVP (https://arxiv.org/abs/1605.08803) or Glow (https://arxiv.org/abs/1807.03039)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.flow.Flow"
    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"flow": FLOWS}
    TRAINS: ClassVar = {"f": ("f",)}
    AVERAGES: ClassVar = ("f",)
    DIAGNOSES: ClassVar = ("collapse",)

    dequantisation: Literal["uniform", "variational"] = "uniform"  # noise in the steps of values; variational: Flow++


@dataclass(frozen=True)
class DDPM(Method):
    """Denoising diffusion (Ho et al. 2020, https://arxiv.org/abs/2006.11239), with DDIM's sampler."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.ddpm.DDPM"
    KIND: ClassVar = "generator"
    NETWORKS: ClassVar = {"denoiser": DENOISERS}
    TRAINS: ClassVar = {"u": ("u",)}
    AVERAGES: ClassVar = ("u",)
    DIAGNOSES: ClassVar = ("collapse",)

    levels: Annotated[int, Range(2, 10_000)] = 1000  # steps from a picture to noise (T of the paper)
    schedule: Literal["cosine", "linear"] = "cosine"  # how the noise grows: Nichol and Dhariwal 2021; linear: DDPM
    sampling_steps: Annotated[int, Range(1, 10_000)] = 50  # steps from noise to a picture, evenly over the levels

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        if self.sampling_steps > self.levels:
            raise ConfigError(
                f"method.sampling_steps: at most method.levels, which is {self.levels}; got {self.sampling_steps}"
            )


@dataclass(frozen=True)
class Translator(Method):
    """What methods share that translate pictures: one or two generators, and discriminators of patches."""

    KIND: ClassVar = "translator"
    NETWORKS: ClassVar = {"generator": TRANSLATORS, "discriminator": PATCH_DISCRIMINATORS}
    TRAINS: ClassVar = {"g": ("g",), "d": ("d",)}
    AVERAGES: ClassVar = ("g",)
    TAKES: ClassVar = ("a", "b")
    DIAGNOSES: ClassVar = ("collapse", "copies_input", "inverted")


@dataclass(frozen=True)
class Pix2Pix(Translator):
    """Translation learned from pairs of pictures (Isola et al. 2017, https://arxiv.org/abs/1611.07004)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.pix2pix.Pix2Pix"
    NEEDS_PAIRS: ClassVar = True

    direction: Literal["a_to_b", "b_to_a"] = "a_to_b"  # a_to_b: pictures a are translated into pictures b
    l1_weight: Weight = 100.0  # weight of the L1 distance to the true picture in G's loss (lambda of the paper)
    gan_weight: Weight = 1.0  # weight of the adversarial loss in G's loss; 0: L1 alone, and D is not trained

    def check(self):
        """Refuse options that do not go together. Raises ConfigError."""
        if not self.l1_weight and not self.gan_weight:
            raise ConfigError("method.l1_weight and method.gan_weight: both are 0, so there is nothing to learn")


@dataclass(frozen=True)
class CycleGAN(Translator):
    """Translation both ways, learned without pairs (Zhu et al. 2017, https://arxiv.org/abs/1703.10593)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.cyclegan.CycleGAN"
    TRAINS: ClassVar = {"g": ("g_ab", "g_ba"), "d": ("d_a", "d_b")}
    AVERAGES: ClassVar = ("g_ab", "g_ba")
    DIAGNOSES: ClassVar = (*Translator.DIAGNOSES, "cycle_stuck")

    cycle_weight: Weight = 10.0  # weight of the cycle loss: a picture translated there and back (lambda of the paper)
    identity_weight: Weight = 5.0  # weight of the loss that leaves pictures of the target domain as they are; 0: none
    pool_size: Annotated[int, Range(0, 1000)] = 50  # translated pictures kept of each domain, to train D on; 0: none


@dataclass(frozen=True)
class StarGAN(Translator):
    """Pictures with other attributes, by one network (Choi et al. 2018, https://arxiv.org/abs/1711.09020)."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.stargan.StarGAN"
    NETWORKS: ClassVar = {"generator": ATTRIBUTE_TRANSLATORS, "discriminator": ATTRIBUTE_DISCRIMINATORS}
    TAKES: ClassVar = ("image", "attributes")
    DIAGNOSES: ClassVar = ("collapse", "copies_input")

    d_updates: Repeats = 5  # updates of D per step (n_critic of the paper), each on a fresh batch
    class_weight: Weight = 1.0  # weight of the attributes' classification losses (lambda_cls of the paper)
    rec_weight: Weight = 10.0  # weight of the loss of pictures translated there and back (lambda_rec of the paper)
    gp_weight: Weight = 10.0  # weight of the gradient penalty (lambda_gp of the paper)

    def batches_in(self, steps: int) -> int:
        """Number of batches of data in the first `steps` steps."""
        return steps * self.d_updates


@dataclass(frozen=True)
class Classifier(Method):
    """A classifier of images, trained by cross entropy."""

    BUILT_BY: ClassVar = "ppgan_lite.methods.classifier.Classifier"
    KIND: ClassVar = "classifier"
    NETWORKS: ClassVar = {"classifier": CLASSIFIERS}
    TRAINS: ClassVar = {"c": ("c",)}
    TAKES: ClassVar = ("image", "label")

    augment: Augmentation = ()  # random changes of the training images, in addition to data.flip
    label_smoothing: Share = 0.0  # share of each target that is spread evenly over all classes


METHODS = {
    "acgan": ACGAN,
    "began": BEGAN,
    "biggan": BigGAN,
    "cgan": CGAN,
    "classifier": Classifier,
    "cyclegan": CycleGAN,
    "ddpm": DDPM,
    "dragan": DRAGAN,
    "flow": Flow,
    "gan": GAN,
    "hinge": Hinge,
    "infogan": InfoGAN,
    "lsgan": LSGAN,
    "msggan": MSGGAN,
    "pix2pix": Pix2Pix,
    "pixelcnn": PixelCNN,
    "progan": ProGAN,
    "r3gan": R3GAN,
    "ragan": RaGAN,
    "sagan": SAGAN,
    "sngan": SNGAN,
    "stargan": StarGAN,
    "stylegan2": StyleGAN2,
    "vae": VAE,
    "wgan": WGAN,
    "wgan_gp": WGANGP,
}
