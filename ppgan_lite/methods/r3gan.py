"""R3GAN: a relativistic loss of pairs, and zero-centred penalties on D's gradient at real and generated images."""

import paddle

from ppgan_lite.losses.adversarial import relativistic
from ppgan_lite.losses.regularizers import zero_centred
from ppgan_lite.methods.base import Adversarial, Conditional
from ppgan_lite.methods.interface import Port
from ppgan_lite.methods.modes import frozen


class R3GAN(Conditional):
    """R3GAN (Huang, Gokaslan, Kuleshov and Tompkin 2024, section 2, https://arxiv.org/abs/2501.05441).

        loss_D = E[-log s(D(x) - D(G(z)))] + gamma / 2 (R1 + R2)
        loss_G = E[-log s(D(G(z)) - D(x))]
        R1 = E[|grad_x D(x)|^2], R2 = E[|grad D(G(z))|^2]

    s is the sigmoid; each real image x is paired with a generated one. As in the authors' code the gradients are by the
    images before their augmentation, and with `classes` a pair is of one class.

    Beyond the paper, `penalty_every` k adds the penalties to every k-th update of D only, k times as large (lazy
    regularisation: Karras et al. 2020, section 3.1, https://arxiv.org/abs/1912.04958). Departures: gamma, Adam's beta2
    and the strength of the augmentation are constant; the authors change them over the run.

    A generator `g(z)` and a discriminator `d(images)` -> logits; with `classes` both also take labels.
    """

    d_output = Port("scores", (1,), "higher: more real; only differences between pictures have a meaning")

    @staticmethod
    def make_networks(options, make, spec):
        return (Conditional if options.classes else Adversarial).make_networks(options, make, spec)

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        penalties = {}
        for update, batch in enumerate(batches, 1 + (step - 1) * len(batches)):
            real, labels = batch["image"], self._labels(batch)  # [N, C, H, W] in [-1, 1], [N]
            images = paddle.concat([real, self.fakes(self.draw_z(len(real)), *labels)])
            is_penalised = update % self.options.penalty_every == 0
            images.stop_gradient = not is_penalised
            # One pass for both: a picture's score does not depend on the rest of the batch.
            logits = d(self.augment(images), *(paddle.concat([y, y]) for y in labels))
            real_logits, fake_logits = logits.chunk(2)
            loss_d = loss_adv = relativistic(real_logits, fake_logits)
            if is_penalised:
                penalty = 2 * zero_centred(logits, images)  # R1 + R2: a mean over twice as many images
                loss_d = loss_adv + self.options.penalty_every * self.options.gamma / 2 * penalty
                penalties = {"reg/r1_r2": penalty}
            self.update("d", loss_d)
        with frozen(d):
            fake_logits = d(self.augment(g(self.draw_z(len(real)), *labels)), *labels)
            with paddle.no_grad():
                real_logits = d(self.augment(real), *labels)
            loss_g = relativistic(fake_logits, real_logits)
            self.update("g", loss_g)
        lead = real_logits - fake_logits.detach()
        scalars = {"loss/d": loss_adv, "loss/g": loss_g, "score/lead": lead.mean()}
        return scalars | penalties | self.adapt(lead)

    def _labels(self, batch) -> tuple:
        """The labels [N] as the networks' further arguments: none without `classes`."""
        return (batch["label"],) if self.options.classes else ()

    def interfaces(self):
        return (Conditional if self.options.classes else Adversarial).interfaces(self)
