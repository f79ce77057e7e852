"""DRAGAN: the GAN's losses, and a penalty on D's gradient around real images."""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.losses.regularizers import around, gradient_penalty
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.modes import frozen


class DRAGAN(Adversarial):
    """DRAGAN (Kodali, Abernethy, Hays and Kira 2017, Algorithm 1, https://arxiv.org/abs/1705.07215).

        loss_D = -E[log D(x)] - E[log(1 - D(G(z)))] + lambda E[(|grad D(x + delta)| - 1)^2]
        loss_G = -E[log D(G(z))]

    As in the authors' code, the points x + delta are drawn by `around`, and the gradient is the logit's. (Lucic et al.
    2018 take the probability's.) A generator `g(z)` and a discriminator `d(images)` -> logits.
    """

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            real_logits, fake_logits = d(real), d(fake)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            penalty = gradient_penalty(d, around(real, self.options.noise))
            self.update("d", loss_d_real + loss_d_fake + self.options.gp_weight * penalty)
        with frozen(d):
            loss_g = bce_real(d(self.augment(g(self.draw_z(len(real))))))
            self.update("g", loss_g)
        scalars = d_scalars(real_logits, fake_logits) | {"loss/g": loss_g, "reg/gp": penalty}
        return scalars | self.adapt(real_logits)
