"""Wasserstein GAN with gradient penalty."""

import paddle

from ppgan_lite.losses.regularizers import between, gradient_penalty
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.wgan import WGAN


class WGANGP(WGAN):
    """WGAN-GP (Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, Algorithm 1, https://arxiv.org/abs/1704.00028).

        loss_D = E[D(G(z))] - E[D(x)] + lambda E[(|grad D(x')| - 1)^2], x' uniform on lines between x and G(z)
        loss_G = -E[D(G(z))]

    A generator `g(z)` and a critic `d(images)` -> scores.
    """

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:  # n_critic
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            # One pass for both: a picture's score does not depend on the rest of the batch.
            fake_scores, real_scores = d(paddle.concat([fake, real])).chunk(2)
            loss_adv = fake_scores.mean() - real_scores.mean()
            penalty = gradient_penalty(d, between(real, fake))
            self.update("d", loss_adv + self.options.gp_weight * penalty)
        with frozen(d):
            loss_g = -d(self.augment(g(self.draw_z(len(real))))).mean()
            self.update("g", loss_g)
        scalars = {"loss/d": loss_adv, "loss/g": loss_g, "reg/gp": penalty}
        return scalars | self.adapt(real_scores - fake_scores.mean())
