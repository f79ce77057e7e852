"""Boundary equilibrium GAN: the discriminator is an autoencoder."""

import math

import paddle

from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.interface import Interface, picture_port
from ppgan_lite.methods.modes import frozen

SMOOTHING = 0.99  # decay of the average of M: single batches say little
LEAST_RATE = 1 / 8  # lowest share of the learning rates in the config


class BEGAN(Adversarial):
    """BEGAN (Berthelot, Schumm and Metz 2017, section 3.3, https://arxiv.org/abs/1703.10717).

        L(v) = |v - D(v)|
        loss_D = L(x) - k L(G(z_D))
        loss_G = L(G(z_G))
        k <- k + lambda_k (gamma L(x) - L(G(z_G))), kept in [0, 1]

    k balances D's two aims, so that E[L(G(z))] = gamma E[L(x)]. The convergence measure, lower is better,
    M = L(x) + |gamma L(x) - L(G(z))|, is logged as `score/convergence`. |v| is a mean over pixels (eta = 1). With
    `patience` the learning rates are halved when M stalls (section 4.1).

    A generator `g(z)` and an autoencoder `d(images)` -> images.
    """

    noise = "uniform"

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.state["k"] = paddle.zeros([])
        if options.patience:
            first = {"convergence": 0.0, "lowest": math.inf, "stalled": 0.0, "rate": 1.0}
            self.state |= {name: paddle.full([], value) for name, value in first.items()}

    @staticmethod
    def make_networks(options, make, spec):
        return {
            "g": make("generator", options.z_dim, spec["image"].shape),
            "d": make("autoencoder", options.z_dim, spec["image"].shape),
        }

    def train_step(self, batches, step):
        g, d, k, gamma = self.networks["g"], self.networks["d"], self.state["k"], self.options.gamma
        if self.options.patience:
            for optimizer in self.optimizers.values():
                optimizer.scale(self.state["rate"].item())
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
        convergence = loss_real.detach() + balance.abs()
        halved = self._halve_rates(convergence) if self.options.patience else {}
        return halved | {
            "loss/d_real": loss_real,
            "loss/d_fake": loss_fake,
            "loss/g": loss_g,
            "score/k": k.clone(),
            "score/convergence": convergence,
        }

    def _halve_rates(self, convergence) -> dict:
        """Halve the rates after `patience` steps without a new lowest M. Returns the scalars to log."""
        smooth, lowest, stalled, rate = (self.state[name] for name in ("convergence", "lowest", "stalled", "rate"))
        is_first = bool(lowest.isinf())
        smooth.set_value(convergence if is_first else smooth + (1 - SMOOTHING) * (convergence - smooth))
        stalled.set_value(paddle.zeros([]) if smooth < lowest else stalled + 1)
        lowest.set_value(lowest.minimum(smooth))
        if stalled >= self.options.patience and rate > LEAST_RATE:
            rate.set_value(rate / 2)
            stalled.set_value(paddle.zeros([]))
        return {"schedule/rate": rate.clone()}

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
