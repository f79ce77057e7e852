"""Variational autoencoder (Kingma and Welling 2014, eq. 10 with one sample): the other family that the articles name.

The decoder is a generator `g`. With `likelihood: bernoulli` a pixel (x + 1) / 2 is the chance of a white one, as the
paper has it for MNIST; with `gaussian` it is the mean, and its deviation `noise_std`.
"""

import math

import paddle

from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Interface, Port, picture_port

SURE = 1e-6  # no pixel is black or white with a greater chance than 1 - SURE: a float32 tanh is exactly 1 soon


class VAE(Generative):
    """A decoder `g`, and an encoder `e` from images to mean and log variance of the code."""

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
            each = (images - decoded) ** 2 / (2 * variance) + math.log(2 * math.pi * variance) / 2
        else:
            white, chance = (images + 1) / 2, SURE + (1 - 2 * SURE) * (decoded + 1) / 2
            each = -white * chance.log() - (1 - white) * (1 - chance).log()
        return each.reshape([len(images), -1]).sum(1).mean()

    def interfaces(self):
        images, z_dim = picture_port(self.spec["image"]), self.options.z_dim
        code = (Port("mean", (z_dim,), "of the code"), Port("log_variance", (z_dim,), "of the code"))
        return {
            "g": Interface("decoder: codes or noise to pictures", (self.noise_port(),), (images,)),
            "e": Interface("encoder: pictures to codes", (images,), code),
        }
