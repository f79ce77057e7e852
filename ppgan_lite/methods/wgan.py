"""Wasserstein GAN (Arjovsky et al. 2017, Algorithm 1): a critic without logarithm, kept Lipschitz by clipped weights.

With `warm_up` the critic is trained 100 times in each of the first 25 steps and in each 500th, as in the authors' code;
`options.batches_in` tells so. As there, all trained weights are clipped, the scales of batch norms too.
"""

import paddle

from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class WGAN(Generative):
    """A generator `g` and a critic `d`, whose mean outputs differ by the (scaled) Wasserstein distance."""

    judgement = Port("scores", (1,), "the higher the more real, without a scale")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:  # n_critic
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            fake = self.fakes(self.draw_z(len(real)))
            distance = d(real).mean() - d(fake).mean()
            self.update("d", -distance)
            self._clip()
        with frozen(d):
            loss_g = -d(g(self.draw_z(len(real)))).mean()
            self.update("g", loss_g)
        return {"loss/d": -distance, "loss/g": loss_g}

    def _clip(self):
        with paddle.no_grad():
            for parameter in self.optimizers["d"].parameters.values():
                parameter.clip_(-self.options.clip, self.options.clip)
