"""Variational autoencoder."""

import math

import paddle

from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Interface, Port, picture_port

MIN_PROBABILITY = 1e-6  # keeps log(p) finite: a float32 tanh is soon exactly 1


class VAE(Generative):
    """VAE (Kingma and Welling 2014, eq. 10 with one sample, https://arxiv.org/abs/1312.6114).

        z = mean(x) + std(x) * epsilon, epsilon ~ N(0, I)
        loss = -log p(x | z) + KL(N(mean(x), std(x)^2) || N(0, I))

    With `likelihood: bernoulli` the decoder's (output + 1) / 2 is the probability of a white pixel, as in the paper's
    experiments on MNIST; with `gaussian` the output is a pixel's mean, and its standard deviation is `noise_std`.
    A decoder `g(z)`, and an encoder `e(images)` -> (mean, log variance), [N, z_dim] each.
    """

    @staticmethod
    def make_networks(options, make, spec):
        return {
            "g": make("generator", options.z_dim, spec["image"].shape),
            "e": make("encoder", spec["image"].shape, (options.z_dim, options.z_dim)),
        }

    def train_step(self, batches, step):
        g, e = self.networks["g"], self.networks["e"]
        real = batches[0]["image"]  # [N, C, H, W] in [-1, 1]
        mean, log_variance = e(real)  # [N, z_dim] each
        z = mean + (log_variance / 2).exp() * paddle.randn(mean.shape)
        loss_rebuild = self._negative_log_likelihood(real, g(z))
        divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean() / 2  # KL(q(z|x) || N(0, I))
        self.update("g e", loss_rebuild + divergence)
        return {"loss/rebuild": loss_rebuild, "loss/divergence": divergence}

    def _negative_log_likelihood(self, images, decoded):
        """-log p(x|z) in nats, a mean over images; images and decoded [N, C, H, W] in [-1, 1]."""
        if self.options.likelihood == "gaussian":
            variance = self.options.noise_std**2
            losses = (images - decoded) ** 2 / (2 * variance) + math.log(2 * math.pi * variance) / 2
        else:
            white, p = (images + 1) / 2, MIN_PROBABILITY + (1 - 2 * MIN_PROBABILITY) * (decoded + 1) / 2
            losses = -white * p.log() - (1 - white) * (1 - p).log()
        return losses.reshape([len(images), -1]).sum(1).mean()

    def interfaces(self):
        images, z_dim = picture_port(self.spec["image"]), self.options.z_dim
        code = (Port("mean", (z_dim,), "mean of the code"), Port("log_variance", (z_dim,), "log variance of the code"))
        return {
            "g": Interface("decoder: codes or noise to pictures", (self.noise_port(),), (images,)),
            "e": Interface("encoder: pictures to codes", (images,), code),
        }
