"""Multi-scale gradients: D sees G's pictures of all sizes at once, so that gradients reach all of G's stages."""

import paddle

from ppgan_lite.losses.adversarial import bce_fake, bce_real, hinge_fake, hinge_real
from ppgan_lite.losses.regularizers import between, gradient_penalty, zero_centred
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.ragan import RaGAN
from ppgan_lite.networks.layers import pyramid
from ppgan_lite.networks.stages import SMALLEST


class MSGGAN(Adversarial):
    """MSG-GAN (Karnewar and Wang 2020, https://arxiv.org/abs/1903.06048).

        loss_D = E[D(G(z))] - E[D(x)] + lambda E[(|grad D(x')| - 1)^2], x' uniform on lines between x and G(z)
        loss_G = -E[D(G(z))]

    as the paper's MSG-ProGAN (section 3). With `loss: hinge` as the authors released it, the relativistic average hinge
    loss (Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734) without a penalty:

        loss_D = E[max(0, 1 - (D(x) - E[D(G(z))]))] + E[max(0, 1 + (D(G(z)) - E[D(x)]))]
        loss_G = E[max(0, 1 - (D(G(z)) - E[D(x)]))] + E[max(0, 1 + (D(x) - E[D(G(z))]))]

    With `loss: logistic` StyleGAN's, of which short trainings make the most here; s is the sigmoid:

        loss_D = E[-log s(D(x))] + E[-log(1 - s(D(G(z))))] + gamma / 2 E[|grad D(x)|^2]
        loss_G = E[-log s(D(G(z)))]

    G(z) and x are pictures of every size from 4x4 on, x's by means of 2x2 pixels. The optimizer is the config's; the
    paper has RMSprop, the authors' code Adam.

    A generator `g(z)` with `scales(z)` and a discriminator `d(pictures)` -> scores.
    """

    d_output = RaGAN.d_output

    def train_step(self, batches, step):
        for batch in batches:
            real = pyramid(batch["image"], SMALLEST)  # [N, C, 4, 4], [N, C, 8, 8], ..., in [-1, 1]
            with paddle.no_grad():
                fake = self.networks["g"].scales(self.draw_z(len(real[0])))
            scalars = self._train_d(real, fake)
        return scalars | self._train_g(real)

    def _train_d(self, real: list, fake: list) -> dict:
        """D's update. Returns the scalars to log."""
        d, options, penalties = self.networks["d"], self.options, {}
        real = [picture.detach() for picture in real]
        for picture in real:
            picture.stop_gradient = options.loss != "logistic"  # R1 differentiates by them
        real_scores, fake_scores = d(real), d(fake)
        if options.loss == "wgan_gp":
            loss = fake_scores.mean() - real_scores.mean()
            penalties["reg/gp"] = gradient_penalty(d, between(real, fake))
            self.update("d", loss + options.gp_weight * penalties["reg/gp"])
        elif options.loss == "logistic":
            loss = bce_real(real_scores) + bce_fake(fake_scores)
            penalties["reg/r1"] = zero_centred(real_scores, real)
            self.update("d", loss + options.r1_gamma / 2 * penalties["reg/r1"])
        else:
            loss = _average_hinge(real_scores, fake_scores)
            self.update("d", loss)
        lead = real_scores.mean() - fake_scores.mean()
        return {"loss/d": loss, "score/lead": lead.detach()} | penalties

    def _train_g(self, real: list) -> dict:
        """G's update. Returns the scalars to log."""
        g, d = self.networks["g"], self.networks["d"]
        with frozen(d):
            fake_scores = d(g.scales(self.draw_z(len(real[0]))))
            if self.options.loss == "wgan_gp":
                loss = -fake_scores.mean()
            elif self.options.loss == "logistic":
                loss = bce_real(fake_scores)
            else:
                loss = _average_hinge(fake_scores, d(real))
            self.update("g", loss)
        return {"loss/g": loss}


def _average_hinge(higher, lower):
    """The relativistic average hinge loss: scores [N, 1] should be above, and below, the others' mean by 1."""
    return hinge_real(higher - lower.mean()) + hinge_fake(lower - higher.mean())
