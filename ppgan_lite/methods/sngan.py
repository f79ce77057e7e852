"""SNGAN with a projection discriminator: hinge loss, spectral norms, and labels for both networks."""

from ppgan_lite.losses.adversarial import hinge_fake, hinge_real
from ppgan_lite.methods.base import Conditional
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class SNGAN(Conditional):
    """SNGAN (Miyato, Kataoka, Koyama and Yoshida 2018, eq. 16 and 17, https://arxiv.org/abs/1802.05957).

        loss_D = E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
        loss_G = -E[D(G(z, y), y)]

    With a projection discriminator (Miyato and Koyama 2018, eq. 5, https://arxiv.org/abs/1802.05637): it adds the inner
    product of its features with an embedding of the class. The generator's batch norms have a gain and a shift for each
    class. Both belong to the networks: see networks/resnet32.py. Without labels, use method `hinge` with
    `norm: spectral`.

    Departures: fakes get the labels of the real batch, so each class is as frequent in both; the authors' code draws
    labels uniformly, which on CIFAR-10 is the same. That code also updates G first, on twice as many images.

    A generator `g(z, labels)` and a discriminator `d(images, labels)` -> scores.
    """

    d_output = Port("scores", (1,), "above 0: rather a real picture of the class; trained towards 1 and -1")

    def train_step(self, batches, step):
        loss_d, real_scores, fake_scores = self._train_d(batches)
        losses = {"loss/d": loss_d} | self._train_g(batches[-1]["label"])
        scores = {"score/d_real": real_scores.mean(), "score/d_fake": fake_scores.mean()}
        return losses | scores | self.adapt(real_scores)

    def _train_d(self, batches) -> tuple:
        """D's updates. Returns the last one's loss, and the scores [N, 1] of its real and of its generated images."""
        d = self.networks["d"]
        for batch in batches:  # n_dis
            real, labels = self.augment(batch["image"]), batch["label"]  # [N, C, H, W] in [-1, 1], [N]
            fake = self.augment(self.fakes(self.draw_z(len(real)), labels))
            real_scores, fake_scores = d(real, labels), d(fake, labels)
            loss_d = hinge_real(real_scores) + hinge_fake(fake_scores)
            self.update("d", loss_d)
        return loss_d, real_scores, fake_scores

    def _train_g(self, labels) -> dict:
        """G's update, on images of classes [N]. Returns the scalars to log."""
        g, d = self.networks["g"], self.networks["d"]
        with frozen(d):
            loss_g = -d(self.augment(g(self.draw_z(len(labels)), labels)), labels).mean()
            self.update("g", loss_g)
        return {"loss/g": loss_g}
