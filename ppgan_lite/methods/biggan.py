"""BigGAN: the hinge loss, classes for both networks, and a penalty that keeps G's filters apart."""

from ppgan_lite.losses.adversarial import hinge_fake, hinge_real
from ppgan_lite.losses.regularizers import orthogonal
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.sagan import SAGAN


class BigGAN(SAGAN):
    """BigGAN (Brock, Donahue and Simonyan 2019, https://arxiv.org/abs/1809.11096).

        loss_D = E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
        loss_G = -E[D(G(z, y), y)] + beta sum over W |W W^T * (1 - I)|^2

    The networks are networks/biggan.py and networks/resnet32.py. The averaged generator is `train.ema`, and the
    truncation trick (section 3.1) `--truncation` of `sample` and `evaluate`.

    Departures: fakes get the labels of the real batch, as in SNGAN. The average starts in the first step, with a decay
    that grows, where the authors start it in step 1,000.
    """

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real, labels = self.augment(batch["image"]), batch["label"]  # [N, C, H, W] in [-1, 1], [N]
            fake = self.augment(self.fakes(self.draw_z(len(real)), labels))
            real_scores, fake_scores = d(real, labels), d(fake, labels)
            loss_d = hinge_real(real_scores) + hinge_fake(fake_scores)
            self.update("d", loss_d)
        with frozen(d):
            loss_g = -d(self.augment(g(self.draw_z(len(real)), labels)), labels).mean()
            penalty = orthogonal(g)
            self.update("g", loss_g + self.options.orthogonal_weight * penalty)
        scores = {"score/d_real": real_scores.mean(), "score/d_fake": fake_scores.mean()}
        losses = {"loss/d": loss_d, "loss/g": loss_g, "reg/orthogonal": penalty}
        return losses | scores | self.adapt(real_scores) | self.gammas()
