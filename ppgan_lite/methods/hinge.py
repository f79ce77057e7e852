"""GAN with the hinge loss of Miyato et al. 2018 (eq. 16 and 17); with `norm: spectral` in D it is their SNGAN."""

from ppgan_lite.losses.adversarial import hinge_fake, hinge_real
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class Hinge(Generative):
    """A generator `g` and a discriminator `d`, whose loss asks for no more than a margin of 1 on either side."""

    judgement = Port("scores", (1,), "above 0: nearer to real; the loss asks for 1 and -1")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            real_logits, fake_logits = d(real), d(self.fakes(self.draw_z(len(real))))
            loss_d = hinge_real(real_logits) + hinge_fake(fake_logits)
            self.update("d", loss_d)
        with frozen(d):
            loss_g = -d(g(self.draw_z(len(real)))).mean()
            self.update("g", loss_g)
        return {
            "loss/d": loss_d,
            "loss/g": loss_g,
            "score/d_real": real_logits.mean(),
            "score/d_fake": fake_logits.mean(),
        }
