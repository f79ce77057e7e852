"""Variational autoencoder."""

import math

import paddle

from ppgan_lite.losses.likelihood import log_mean_exp, log_of_level_normal
from ppgan_lite.methods.base import Generative, Likelihood
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.networks.pixel_normals import PixelNormals

MIN_PROBABILITY = 1e-6  # keeps log(p) finite: a float32 tanh is soon exactly 1


class VAE(Generative, Likelihood):
    """VAE (Kingma and Welling 2014, eq. 10 with one sample, https://arxiv.org/abs/1312.6114).

        z = mean(x) + std(x) * epsilon, epsilon ~ N(0, I)
        loss = -log p(x | z) + KL(N(mean(x), std(x)^2) || N(0, I))

    With `likelihood: bernoulli` the decoder's (output + 1) / 2 is the probability of a white pixel, as in the paper's
    experiments on MNIST; with `gaussian` the output is a pixel's mean, and its standard deviation is `noise_std`, or
    comes from the decoder, too (appendix C.2). Then the data's levels have the probability: the density of pixels that
    are all black would have no bound. A decoder `g(z)`, and an encoder `e(images)` -> (mean, log variance), both
    [N, z_dim].

    The likelihood of test images is bounded with K codes z_k of each (Burda, Grosse and Salakhutdinov 2016, eq. 8,
    https://arxiv.org/abs/1509.00519):

        log p(x) >= E[log of the mean over k of p(x | z_k) p(z_k) / q(z_k | x)]

    There `gaussian` is the probability of a pixel's level, not the density. `bernoulli` is a likelihood of black and
    white images only: see `data.binarize`.
    """

    num_draws = 64

    @property
    def likelihood(self):
        """See `Likelihood`; None for grey images with `bernoulli`."""
        is_binary = self.spec["image"].levels == 2
        return "bound: importance weights" if is_binary or self.options.likelihood == "gaussian" else None

    @staticmethod
    def make_networks(options, make, spec):
        (channels, height, width), learns = spec["image"].shape, options.learns_deviations
        g = make("generator", options.z_dim, (2 * channels if learns else channels, height, width))
        return {
            "g": PixelNormals(g) if learns else g,
            "e": make("encoder", spec["image"].shape, (options.z_dim, options.z_dim)),
        }

    def train_step(self, batches, step):
        g, e = self.networks["g"], self.networks["e"]
        real = batches[0]["image"]  # [N, C, H, W] in [-1, 1]
        mean, log_variance = e(real)  # [N, z_dim] each
        z = mean + (log_variance / 2).exp() * paddle.randn(mean.shape)
        loss_rebuild = -self._log_likelihood(real, *self._decode(g, z)).mean()
        divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean() / 2  # KL(q(z|x) || N(0, I))
        self.update("g e", loss_rebuild + divergence)
        return {"loss/rebuild": loss_rebuild, "loss/divergence": divergence}

    def log_probability(self, networks, batch, num_draws):
        images = batch["image"]
        mean, log_variance = networks["e"](images)
        weights = []
        for _ in range(num_draws):
            epsilon = paddle.randn(mean.shape)
            z = mean + (log_variance / 2).exp() * epsilon
            log_prior_to_posterior = (epsilon**2 + log_variance - z**2).sum(1) / 2  # log of p(z) / q(z|x)
            weights.append(self._log_of_levels(images, *self._decode(networks["g"], z)) + log_prior_to_posterior)
        return log_mean_exp(paddle.stack(weights))

    def _decode(self, g, z):
        """Codes [N, z_dim] -> what G gives and, where it is learned, the deviations' logarithm, [N, C, H, W] each."""
        return g.distribution(z) if self.options.learns_deviations else (g(z),)

    def _log_likelihood(self, images, decoded, log_deviation=None):
        """The logarithm of p(x|z), with `gaussian` and `noise_std` a density, [N]; arguments [N, C, H, W]."""
        if log_deviation is not None:
            return self._log_of_levels(images, decoded, log_deviation)
        if self.options.likelihood == "gaussian":
            variance = self.options.noise_std**2
            logs = -((images - decoded) ** 2) / (2 * variance) - math.log(2 * math.pi * variance) / 2
        else:
            white, p = (images + 1) / 2, MIN_PROBABILITY + (1 - 2 * MIN_PROBABILITY) * (decoded + 1) / 2
            logs = white * p.log() + (1 - white) * (1 - p).log()
        return logs.flatten(1).sum(1)

    def _log_of_levels(self, images, decoded, log_deviation=None):
        """As `_log_likelihood`, with `gaussian` of the levels of the data."""
        if self.options.likelihood == "bernoulli":
            return self._log_likelihood(images, decoded)
        if log_deviation is None:
            log_deviation = paddle.full_like(decoded, math.log(self.options.noise_std))
        return log_of_level_normal(images, decoded, log_deviation).flatten(1).sum(1)

    def interfaces(self):
        images, z_dim = picture_port(self.spec["image"]), self.options.z_dim
        code = (Port("mean", (z_dim,), "mean of the code"), Port("log_variance", (z_dim,), "log variance of the code"))
        return {
            "g": Interface("decoder: codes or noise to pictures", (self.noise_port(),), (images,)),
            "e": Interface("encoder: pictures to codes", (images,), code),
        }
