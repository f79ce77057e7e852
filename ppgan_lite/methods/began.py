"""Boundary equilibrium GAN (Berthelot et al. 2017, section 3.3): D is an autoencoder, and its error the loss.

k balances D's two aims, so that E[L(G(z))] = gamma E[L(x)]. The convergence measure M is logged as `score/convergence`:
lower is better. Losses are means over pixels of the absolute error (eta = 1).
"""

import paddle

from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Interface, picture_port
from ppgan_lite.methods.modes import frozen


class BEGAN(Generative):
    """A generator `g` and an autoencoder `d`."""

    noise = "uniform"

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.state = {"k": paddle.zeros([])}

    @staticmethod
    def make_networks(options, make, spec):
        return {
            "g": make("generator", options.z_dim, spec["image"].shape),
            "d": make("autoencoder", options.z_dim, spec["image"].shape),
        }

    def train_step(self, batches, step):
        g, d, k, gamma = self.networks["g"], self.networks["d"], self.state["k"], self.options.gamma
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            loss_real = _error(d, real)
            loss_fake = _error(d, self.fakes(self.draw_z(len(real))))
            self.update("d", loss_real - k * loss_fake)
        with frozen(d):
            loss_g = _error(d, g(self.draw_z(len(real))))
            self.update("g", loss_g)
        balance = (gamma * loss_real - loss_g).detach()
        k.set_value((k + self.options.k_rate * balance).clip(0, 1))
        return {
            "loss/d_real": loss_real,
            "loss/d_fake": loss_fake,
            "loss/g": loss_g,
            "score/k": k.clone(),
            "score/convergence": loss_real.detach() + balance.abs(),
        }

    def interfaces(self):
        images = picture_port(self.spec["image"])
        rebuilt = picture_port(self.spec["image"], "rebuilt")
        return {
            "g": Interface("generator: noise to pictures", (self.noise_port(),), (images,)),
            "d": Interface("autoencoder: pictures rebuilt, the better the more real", (images,), (rebuilt,)),
        }


def _error(autoencoder, images):
    """L(v) = |v - D(v)|, a mean over pixels and images."""
    return (images - autoencoder(images)).abs().mean()
