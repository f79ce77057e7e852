"""DRAGAN (Kodali et al. 2017, Algorithm 1): the GAN's losses, and a penalty on D's gradient around real images.

As in the authors' code, the points are those of `around`, and the gradient is that of D's logit (Lucic et al. 2018 take
that of its probability).
"""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.losses.regularizers import around, gradient_penalty
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.modes import frozen


class DRAGAN(Generative):
    """A generator `g` and a discriminator `d` without sharp slopes at the data."""

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            real_logits, fake_logits = d(real), d(self.fakes(self.draw_z(len(real))))
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            penalty = gradient_penalty(d, around(real, self.options.noise))
            self.update("d", loss_d_real + loss_d_fake + self.options.gp_weight * penalty)
        with frozen(d):
            loss_g = bce_real(d(g(self.draw_z(len(real)))))
            self.update("g", loss_g)
        of_d = d_scalars(real_logits, fake_logits)
        return of_d | {"loss/g": loss_g, "reg/gp": penalty}
