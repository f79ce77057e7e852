"""Boundary equilibrium GAN: the discriminator is an autoencoder."""

import paddle

from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.interface import Interface, picture_port
from ppgan_lite.methods.modes import frozen


class BEGAN(Adversarial):
    """BEGAN (Berthelot, Schumm and Metz 2017, section 3.3, https://arxiv.org/abs/1703.10717).

        L(v) = |v - D(v)|
        loss_D = L(x) - k L(G(z_D))
        loss_G = L(G(z_G))
        k <- k + lambda_k (gamma L(x) - L(G(z_G))), kept in [0, 1]

    k balances D's two aims, so that E[L(G(z))] = gamma E[L(x)]. The convergence measure, lower is better,
    M = L(x) + |gamma L(x) - L(G(z))|, is logged as `score/convergence`. |v| is a mean over pixels (eta = 1).
    A generator `g(z)` and an autoencoder `d(images)` -> images.
    """

    noise = "uniform"

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.state["k"] = paddle.zeros([])

    @staticmethod
    def make_networks(options, make, spec):
        return {
            "g": make("generator", options.z_dim, spec["image"].shape),
            "d": make("autoencoder", options.z_dim, spec["image"].shape),
        }

    def train_step(self, batches, step):
        g, d, k, gamma = self.networks["g"], self.networks["d"], self.state["k"], self.options.gamma
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            loss_real, loss_fake = _error(d, real), _error(d, fake)
            self.update("d", loss_real - k * loss_fake)
        with frozen(d):
            loss_g = _error(d, self.augment(g(self.draw_z(len(real)))))
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
            "d": Interface("autoencoder: pictures rebuilt; real ones with a smaller error", (images,), (rebuilt,)),
        }


def _error(autoencoder, images):
    """L(v) = |v - D(v)|, a mean over pixels and images."""
    return (images - autoencoder(images)).abs().mean()
