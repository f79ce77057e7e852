"""Multi-scale gradients: D sees G's pictures of all sizes at once, so that gradients reach all of G's stages."""

import paddle

from ppgan_lite.losses.adversarial import hinge_fake, hinge_real
from ppgan_lite.losses.regularizers import between, gradient_penalty
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.ragan import RaGAN
from ppgan_lite.networks.layers import pyramid
from ppgan_lite.networks.stages import SMALLEST


class MSGGAN(Adversarial):
    """MSG-GAN (Karnewar and Wang 2020, https://arxiv.org/abs/1903.06048).

        loss_D = E[D(G(z))] - E[D(x)] + lambda E[(|grad D(x')| - 1)^2], x' uniform on lines between x and G(z)
        loss_G = -E[D(G(z))]

    as the paper's MSG-ProGAN (section 3), or with `loss: hinge` as the authors released it, the relativistic average
    hinge loss (Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734) without a penalty:

        loss_D = E[max(0, 1 - (D(x) - E[D(G(z))]))] + E[max(0, 1 + (D(G(z)) - E[D(x)]))]
        loss_G = E[max(0, 1 - (D(G(z)) - E[D(x)]))] + E[max(0, 1 + (D(x) - E[D(G(z))]))]

    G(z) and x are pictures of every size from 4x4 on, x's by means of 2x2 pixels. The optimizer is the config's; the
    paper has RMSprop, the authors' code Adam.

    A generator `g(z)` with `scales(z)` and a discriminator `d(pictures)` -> scores.
    """

    d_output = RaGAN.d_output

    def train_step(self, batches, step):
        g, d, penalties = self.networks["g"], self.networks["d"], {}
        for batch in batches:
            real = pyramid(batch["image"], SMALLEST)  # [N, C, 4, 4], [N, C, 8, 8], ..., in [-1, 1]
            with paddle.no_grad():
                fake = g.scales(self.draw_z(len(real[0])))
            real_scores, fake_scores = d(real), d(fake)
            if self.options.loss == "wgan_gp":
                loss_adv = fake_scores.mean() - real_scores.mean()
                penalty = gradient_penalty(d, between(real, fake))
                penalties = {"reg/gp": penalty}
                self.update("d", loss_adv + self.options.gp_weight * penalty)
            else:
                loss_adv = hinge_real(real_scores - fake_scores.mean()) + hinge_fake(fake_scores - real_scores.mean())
                self.update("d", loss_adv)
        with frozen(d):
            fake_scores = d(g.scales(self.draw_z(len(real[0]))))
            if self.options.loss == "wgan_gp":
                loss_g = -fake_scores.mean()
            else:
                real_scores = d(real)
                loss_g = hinge_real(fake_scores - real_scores.mean()) + hinge_fake(real_scores - fake_scores.mean())
            self.update("g", loss_g)
        lead = real_scores.mean() - fake_scores.mean()
        return {"loss/d": loss_adv, "loss/g": loss_g, "score/lead": lead.detach()} | penalties
