"""BigGAN: the hinge loss, classes for both networks, and a penalty that keeps G's filters apart."""

from ppgan_lite.losses.regularizers import orthogonal
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.sagan import SAGAN


class BigGAN(SAGAN):
    """BigGAN (Brock, Donahue and Simonyan 2019, https://arxiv.org/abs/1809.11096).

        loss_D = E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]
        loss_G = -E[D(G(z, y), y)] + beta sum over W |W W^T * (1 - I)|^2

    The step is SNGAN's but for G's penalty. The networks are networks/biggan.py and networks/resnet32.py. The averaged
    generator is `train.ema`, and the truncation trick (section 3.1) `--truncation` of `sample` and `evaluate`.

    Departures: fakes get the labels of the real batch, as in SNGAN. The average starts in the first step, with a decay
    that grows, where the authors start it in step 1,000.
    """

    def _train_g(self, labels) -> dict:
        """As SNGAN's, with the penalty."""
        g, d = self.networks["g"], self.networks["d"]
        with frozen(d):
            loss_g = -d(self.augment(g(self.draw_z(len(labels)), labels)), labels).mean()
            penalty = orthogonal(g)
            self.update("g", loss_g + self.options.orthogonal_weight * penalty)
        return {"loss/g": loss_g, "reg/orthogonal": penalty}
