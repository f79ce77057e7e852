"""Progressive growing: WGAN-GP on pictures of 4x4 pixels, then 8x8, and so on up to the full size."""

import paddle

from ppgan_lite.losses.regularizers import between, gradient_penalty
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.wgan import WGAN


class ProGAN(Adversarial):
    """Progressive growing of GANs (Karras, Aila, Laine and Lehtinen 2018, https://arxiv.org/abs/1710.10196).

        loss_D = E[D(G(z))] - E[D(x)] + lambda E[(|grad D(x')| - 1)^2] + epsilon_drift E[D(x)^2]
        loss_G = -E[D(G(z))]

    x' is uniform on lines between x and G(z) (WGAN-GP; appendix A.1). The level of both networks is a function of the
    step: `hold` steps at a size, then `fade` steps in which the next one fades in, in x as in G(z) (figure 2).

    Departures: batch size and learning rate are the same at all sizes. Adam keeps its state when a size is added;
    the authors clear it. New layers have none yet, and layers without gradients are left alone.

    A generator `g(z)` with `at_level(z)` and a discriminator `d(images)` -> scores; both with `set_level(level)`.
    """

    d_output = WGAN.d_output

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        level = level_at(step, self.options.hold, self.options.fade, g.largest)
        g.set_level(level)
        d.set_level(level)
        for batch in batches:
            real = self.augment(d.faded_in(batch["image"]))  # [N, C, s, s], s the size of the level
            with paddle.no_grad():
                fake = self.augment(g.at_level(self.draw_z(len(real))))
            real_scores, fake_scores = d(real), d(fake)
            loss_adv = fake_scores.mean() - real_scores.mean()
            penalty = gradient_penalty(d, between(real, fake))
            drift = real_scores.square().mean()
            self.update("d", loss_adv + self.options.gp_weight * penalty + self.options.drift_weight * drift)
        with frozen(d):
            loss_g = -d(self.augment(g.at_level(self.draw_z(len(real))))).mean()
            self.update("g", loss_g)
        scalars = {"loss/d": loss_adv, "loss/g": loss_g, "reg/gp": penalty, "schedule/level": paddle.full([], level)}
        return scalars | self.adapt(real_scores - fake_scores.mean())


def level_at(step: int, hold: int, fade: int, largest: int) -> float:
    """The level of the networks in step `step` (from 1): 0 for `hold` steps, to 1 in `fade` steps, and so on."""
    stage, steps = divmod(step - 1, hold + fade)
    return min(stage + max(0, steps + 1 - hold) / fade, largest)
