"""Relativistic average GAN: is a real image more real than fakes are on average, and a fake less than real images?"""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class RaGAN(Adversarial):
    """RaGAN (Jolicoeur-Martineau 2018, Algorithm 2, https://arxiv.org/abs/1807.00734).

        loss_D = -E[log s(C(x) - E[C(G(z))])] - E[log(1 - s(C(G(z)) - E[C(x)]))]
        loss_G = -E[log s(C(G(z)) - E[C(x)])] - E[log(1 - s(C(x) - E[C(G(z))]))]

    C is D's logit, s the sigmoid. A generator `g(z)` and a discriminator `d(images)` -> logits.
    """

    d_output = Port("scores", (1,), "higher: more real; only differences between pictures have a meaning")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            real_logits, fake_logits = d(real), d(fake)
            loss_d = bce_real(real_logits - fake_logits.mean()) + bce_fake(fake_logits - real_logits.mean())
            self.update("d", loss_d)
        with frozen(d):
            real_logits, fake_logits = d(real), d(self.augment(g(self.draw_z(len(real)))))
            loss_g = bce_real(fake_logits - real_logits.mean()) + bce_fake(real_logits - fake_logits.mean())
            self.update("g", loss_g)
        lead = real_logits - fake_logits.mean()
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": lead.mean().detach()} | self.adapt(lead)
