"""Least squares GAN."""

from ppgan_lite.losses.adversarial import least_squares
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class LSGAN(Adversarial):
    """LSGAN (Mao, Li, Xie, Lau, Wang and Smolley 2017, eq. 9, https://arxiv.org/abs/1611.04076).

        loss_D = E[(D(x) - 1)^2] / 2 + E[D(G(z))^2] / 2
        loss_G = E[(D(G(z)) - 1)^2] / 2

    A generator `g(z)` and a discriminator `d(images)` -> scores, not logits: above 0.5 means rather real.
    """

    d_output = Port("scores", (1,), "1: real; 0: generated")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            real_scores, fake_scores = d(real), d(fake)
            loss_d = least_squares(real_scores, 1) + least_squares(fake_scores, 0)
            self.update("d", loss_d)
        with frozen(d):
            loss_g = least_squares(d(self.augment(g(self.draw_z(len(real))))), 1)
            self.update("g", loss_g)
        scores = {"score/d_real": real_scores.mean(), "score/d_fake": fake_scores.mean()}
        return {"loss/d": loss_d, "loss/g": loss_g} | scores | self.adapt(real_scores - 0.5)
