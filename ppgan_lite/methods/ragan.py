"""Relativistic average GAN (Jolicoeur-Martineau 2018, Algorithm 2): is a real image more real than fakes on average?"""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class RaGAN(Generative):
    """A generator `g` and a discriminator `d` whose logits count only beside the mean logit of the other kind."""

    judgement = Port("scores", (1,), "the higher the more real, beside other pictures")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            real_logits, fake_logits = d(real), d(self.fakes(self.draw_z(len(real))))
            loss_d = bce_real(real_logits - fake_logits.mean()) + bce_fake(fake_logits - real_logits.mean())
            self.update("d", loss_d)
        with frozen(d):
            real_logits, fake_logits = d(real), d(g(self.draw_z(len(real))))
            loss_g = bce_real(fake_logits - real_logits.mean()) + bce_fake(real_logits - fake_logits.mean())
            self.update("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": (real_logits.mean() - fake_logits.mean()).detach()}
