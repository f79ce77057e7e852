"""GAN with the hinge loss; with `norm: spectral` in D it is SNGAN without classes."""

from ppgan_lite.losses.adversarial import hinge_fake, hinge_real
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class Hinge(Adversarial):
    """Hinge GAN (Miyato, Kataoka, Koyama and Yoshida 2018, eq. 16 and 17, https://arxiv.org/abs/1802.05957).

        loss_D = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]
        loss_G = -E[D(G(z))]

    A generator `g(z)` and a discriminator `d(images)` -> scores.
    """

    d_output = Port("scores", (1,), "above 0: rather real; below: rather generated; trained towards 1 and -1")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            real_scores, fake_scores = d(real), d(fake)
            loss_d = hinge_real(real_scores) + hinge_fake(fake_scores)
            self.update("d", loss_d)
        with frozen(d):
            loss_g = -d(self.augment(g(self.draw_z(len(real))))).mean()
            self.update("g", loss_g)
        scores = {"score/d_real": real_scores.mean(), "score/d_fake": fake_scores.mean()}
        return {"loss/d": loss_d, "loss/g": loss_g} | scores | self.adapt(real_scores)
