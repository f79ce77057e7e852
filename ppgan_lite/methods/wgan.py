"""Wasserstein GAN with weight clipping."""

import paddle

from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class WGAN(Adversarial):
    """WGAN (Arjovsky, Chintala and Bottou 2017, Algorithm 1, https://arxiv.org/abs/1701.07875).

        loss_D = E[D(G(z))] - E[D(x)], then each weight of D is clipped to [-c, c]
        loss_G = -E[D(G(z))]

    -loss_D estimates the Wasserstein distance, up to a factor. As in the authors' code, all trained weights are
    clipped, the scales of batch norms too, and with `warm_up` the critic has 100 updates in each of the first 25 steps
    and in every 500th: see `batches_in` of the options. A generator `g(z)` and a critic `d(images)` -> scores.
    """

    d_output = Port("scores", (1,), "higher: more real; the scale has no meaning")

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:  # n_critic
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))))
            real_scores, fake_scores = d(real), d(fake)
            distance = real_scores.mean() - fake_scores.mean()
            self.update("d", -distance)
            self._clip()
        with frozen(d):
            loss_g = -d(self.augment(g(self.draw_z(len(real))))).mean()
            self.update("g", loss_g)
        return {"loss/d": -distance, "loss/g": loss_g} | self.adapt(real_scores - fake_scores.mean())

    def _clip(self):
        with paddle.no_grad():
            for parameter in self.optimizers["d"].parameters.values():
                parameter.clip_(-self.options.clip, self.options.clip)
