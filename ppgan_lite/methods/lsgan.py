"""Least squares GAN (Mao et al. 2017, eq. 9): D's outputs are drawn to 1 for real images and 0 for fakes, G's to 1."""

from ppgan_lite.losses.adversarial import least_squares
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class LSGAN(Generative):
    """A generator `g` and a discriminator `d` whose outputs are no logits: above 0.5 is nearer to real."""

    judgement = Port("scores", (1,), "1: real; 0: generated")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            real_outputs, fake_outputs = d(real), d(self.fakes(self.draw_z(len(real))))
            loss_d = least_squares(real_outputs, 1) + least_squares(fake_outputs, 0)
            self.update("d", loss_d)
        with frozen(d):
            loss_g = least_squares(d(g(self.draw_z(len(real)))), 1)
            self.update("g", loss_g)
        return {
            "loss/d": loss_d,
            "loss/g": loss_g,
            "score/d_real": real_outputs.mean(),
            "score/d_fake": fake_outputs.mean(),
        }
