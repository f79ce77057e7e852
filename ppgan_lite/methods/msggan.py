"""Multi-scale gradients: D sees G's pictures of all sizes at once, so that gradients reach all of G's stages."""

import paddle

from ppgan_lite.losses.adversarial import hinge_fake, hinge_real
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.ragan import RaGAN
from ppgan_lite.networks.msggan import pyramid


class MSGGAN(Adversarial):
    """MSG-GAN (Karnewar and Wang 2020, https://arxiv.org/abs/1903.06048), with the loss of the authors' code.

        loss_D = E[max(0, 1 - (D(x) - E[D(G(z))]))] + E[max(0, 1 + (D(G(z)) - E[D(x)]))]
        loss_G = E[max(0, 1 - (D(G(z)) - E[D(x)]))] + E[max(0, 1 + (D(x) - E[D(G(z))]))]

    The relativistic average hinge loss (Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734); the paper's
    experiments have WGAN-GP. G(z) and x are pictures of every size from 4x4 on, x's by means of 2x2 pixels.

    A generator `g(z)` with `scales(z)` and a discriminator `d(pictures)` -> scores.
    """

    d_output = RaGAN.d_output

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = pyramid(batch["image"])  # [N, C, 4, 4], [N, C, 8, 8], ..., in [-1, 1]
            with paddle.no_grad():
                fake = g.scales(self.draw_z(len(real[0])))
            real_scores, fake_scores = d(real), d(fake)
            loss_d = hinge_real(real_scores - fake_scores.mean()) + hinge_fake(fake_scores - real_scores.mean())
            self.update("d", loss_d)
        with frozen(d):
            real_scores, fake_scores = d(real), d(g.scales(self.draw_z(len(real[0]))))
            loss_g = hinge_real(fake_scores - real_scores.mean()) + hinge_fake(real_scores - fake_scores.mean())
            self.update("g", loss_g)
        lead = real_scores.mean() - fake_scores.mean()
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": lead.detach()}
