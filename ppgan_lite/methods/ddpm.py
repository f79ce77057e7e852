"""Denoising diffusion: noise is added to pictures level by level, and a network learns to see it."""

import itertools
import math

import numpy as np
import paddle
from paddle import nn

from ppgan_lite.losses.likelihood import log_of_level_normal
from ppgan_lite.methods.base import Likelihood
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.samplers import Sampler

MOST_BETA = 0.999  # share of noise that a level adds at most (Nichol and Dhariwal 2021)


class DDPM(Likelihood):
    """Denoising diffusion probabilistic models (Ho, Jain and Abbeel 2020, https://arxiv.org/abs/2006.11239).

        x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) epsilon, epsilon ~ N(0, I)   (eq. 4)
        loss = E |epsilon - u(x_t, t)|^2, t uniform in 1, ..., T   (eq. 14)

    with a_t the product of 1 - beta_s over s = 1, ..., t. Pictures are made by `DDIM`. The likelihood is the bound of
    eq. 5. There p(x_{t-1} | x_t) has the variance of q(x_{t-1} | x_t, x_0), for t = 1 level 2's, as in their code:

        log p(x_0) >= E[log p(x_0 | x_1) - sum over t > 1 of KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t))]
                      - KL(q(x_T | x_0) || N(0, I))

    A network `u(pictures, levels)` -> the noise in them, [N, C, H, W].
    """

    num_draws = 10

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.schedule = Schedule(options.schedule, options.levels)

    @property
    def likelihood(self):
        """See `Likelihood`; None for black and white images, as p(x_0 | x_1) is of 256 levels."""
        return None if self.spec["image"].levels == 2 else "bound: random levels"

    @staticmethod
    def make_networks(options, make, spec):
        return {"u": make("denoiser", spec["image"].shape)}

    def train_step(self, batches, step):
        images = batches[0]["image"]  # [N, C, H, W] in [-1, 1]
        levels = paddle.randint(1, self.options.levels + 1, [len(images)])
        noise = paddle.randn(images.shape)
        seen = self.networks["u"](self.schedule.noised(images, levels, noise), levels)
        loss = ((noise - seen) ** 2).mean()
        self.update("u", loss)
        return {"loss/noise": loss}

    def log_probability(self, networks, batch, num_draws):
        images, u, schedule, last = batch["image"], networks["u"], self.schedule, self.options.levels
        mean = self._denoised(u, images, paddle.ones([len(images)], "int64"))
        log_probability = log_of_level_normal(images, mean, schedule.deviation.log()).flatten(1).sum(1)
        log_probability -= schedule.divergence_at_the_end(images)
        for draw in range(num_draws):
            levels, counts = _random_levels(draw, num_draws, len(images), last)
            error = ((images - self._denoised(u, images, levels)) ** 2).flatten(1).sum(1)
            log_probability -= counts * schedule.weights[levels] * error
        return log_probability

    def _denoised(self, u, images, levels):
        """Images as the network sees them through fresh noise."""
        noisy = self.schedule.noised(images, levels, paddle.randn(images.shape))
        return self.schedule.denoised(noisy, levels, u(noisy, levels))

    def samplers(self):
        image = self.spec["image"]
        sampler = DDIM(self.deployed()["u"], self.schedule, image.shape, self.options.sampling_steps)
        z = Port("z", (math.prod(image.shape),), "noise: the pictures at the last level", distribution="normal")
        return {"u": Sampler(sampler, Interface("noise to pictures, step by step", (z,), (picture_port(image),)))}

    def interfaces(self):
        shape, last = self.spec["image"].shape, self.options.levels
        pictures = Port("pictures", shape, "noisy pictures", distribution="normal")
        levels = Port("levels", (), "how noisy: level 1, 2, ...", range=(1, last), distribution="uniform")
        noise = Port("noise", shape, "the noise in the pictures")
        return {"u": Interface("denoiser: noisy pictures to the noise in them", (pictures, levels), (noise,))}


class Schedule:
    """The noise of each level: x_t = signal[t] x_0 + noise[t] epsilon, with signal^2 + noise^2 = 1.

    Args:
        name: `cosine` (Nichol and Dhariwal 2021, eq. 17, https://arxiv.org/abs/2102.09672), or `linear`: beta_t grows
            from 1e-4 to 0.02 for 1000 levels, as in DDPM; with fewer levels each adds more noise.
        levels: number of levels T.

    Attributes:
        signal: sqrt(a_t), [T + 1]: 1 at level 0, and at level T nearly 0.
        noise: sqrt(1 - a_t), [T + 1].
        deviation: the standard deviation of p(x_0 | x_1), the one of q(x_1 | x_2, x_0) (eq. 7).
        weights: half of the fall of signal^2 / noise^2 from t - 1 to t, [T + 1]; 0 at levels 0 and 1. Times the squared
            error of the denoised x_t it is KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)): DDPM's eq. 8 as written by
            Kingma et al. 2021 (eq. 13 and 14, https://arxiv.org/abs/2107.00630).
    """

    def __init__(self, name: str, levels: int):
        left = np.cumprod(1 - (_cosine(levels) if name == "cosine" else _linear(levels)))  # a_t, float64
        ratios = left / (1 - left)
        self.signal = paddle.to_tensor(np.sqrt([1, *left]).astype("float32"))
        self.noise = paddle.to_tensor(np.sqrt([0, *(1 - left)]).astype("float32"))
        self.deviation = self.noise[1] * paddle.to_tensor(np.sqrt((1 - left[1] / left[0]) / (1 - left[1])), "float32")
        self.weights = paddle.to_tensor(np.array([0, 0, *(ratios[:-1] - ratios[1:]) / 2], "float32"))

    def noised(self, images, levels, noise):
        """Images [N, C, H, W] with noise of that shape, at levels [N] or one level."""
        return _each(self.signal, levels) * images + _each(self.noise, levels) * noise

    def denoised(self, noisy, levels, noise):
        """The images x_0 that are noisy by this noise, clipped to [-1, 1] (eq. 15)."""
        return ((noisy - _each(self.noise, levels) * noise) / _each(self.signal, levels)).clip(-1, 1)

    def divergence_at_the_end(self, images):
        """KL(q(x_T | x_0) || N(0, I)) of images, in nats, [N]."""
        left = self.signal[-1] ** 2
        return ((left * images**2 - left - (-left).log1p()) / 2).flatten(1).sum(1)


class DDIM(nn.Layer):
    """Noise [N, C H W] -> images [N, C, H, W] in [-1, 1], without further randomness.

    Denoising diffusion implicit models (Song, Meng and Ermon 2021, eq. 12 with sigma = 0,
    https://arxiv.org/abs/2010.02502). As the denoised picture is clipped, the noise is what it leaves of x_t.

    Args:
        denoiser: the network u.
        schedule: its levels.
        image_shape: (C, H, W).
        num_steps: number of steps, spread evenly over the levels.

    Attributes:
        num_frames: number of pictures that `frames` yields.
    """

    def __init__(self, denoiser: nn.Layer, schedule: Schedule, image_shape: tuple[int, int, int], num_steps: int):
        super().__init__()
        self.denoiser, self.schedule, self.shape, self.num_frames = denoiser, schedule, image_shape, num_steps
        last = len(schedule.signal) - 1
        self.levels = np.linspace(last, 0, num_steps + 1).round().astype("int64").tolist()

    def forward(self, z):
        for images in self._steps(z):  # noqa: B007
            pass
        return images

    def frames(self, z):
        """Yield the pictures after each step, [N, C, H, W], noisy until the last and clipped to [-1, 1]."""
        for pictures in self._steps(z):
            yield pictures.clip(-1, 1)

    def _steps(self, z):
        pictures, schedule = z.reshape([-1, *self.shape]), self.schedule  # x_T
        for level, following in itertools.pairwise(self.levels):
            levels = paddle.full([len(pictures)], level, "int64")
            images = schedule.denoised(pictures, level, self.denoiser(pictures, levels))
            noise = (pictures - schedule.signal[level] * images) / schedule.noise[level]
            pictures = schedule.noised(images, following, noise)
            yield pictures


def _cosine(levels: int) -> np.ndarray:
    """Nichol and Dhariwal's beta_t, [T]: a_t is nearly a squared cosine."""
    cosine = np.cos((np.arange(levels + 1) / levels + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.minimum(1 - cosine[1:] / cosine[:-1], MOST_BETA)


def _linear(levels: int) -> np.ndarray:
    """DDPM's beta_t, [T]."""
    return np.minimum(np.linspace(0.1, 20, levels) / levels, MOST_BETA)


def _random_levels(draw: int, num_draws: int, num: int, last: int):
    """Levels from 2 to `last` for a term of the bound, [num], and for how many levels each stands, [num].

    The larger a level, the smaller its term, about as 1 / t. So the logarithm of a level is uniform, each draw has an
    equal range of it, and within this the pictures are spread evenly with one random shift for all (Kingma et al. 2021,
    appendix I.1). Whatever the term, the expectation over all draws is its sum over the levels.
    """
    share = (paddle.rand([1], "float64") + paddle.arange(num, dtype="float64") / num) % 1
    levels = (2 * ((last + 1) / 2) ** ((draw + share) / num_draws)).floor().clip(max=last)
    probabilities = (1 + 1 / levels).log() / math.log((last + 1) / 2)
    return levels.astype("int64"), (1 / (num_draws * probabilities)).astype("float32")


def _each(values, levels):
    """The values [T + 1] of levels [N], [N, 1, 1, 1], or of one level, [1, 1, 1, 1]."""
    return values[levels].reshape([-1, 1, 1, 1])
