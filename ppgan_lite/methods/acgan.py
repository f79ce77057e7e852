"""Auxiliary classifier GAN: the discriminator also classifies."""

import paddle.nn.functional as F

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Conditional
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.interface import LOGITS, Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen


class ACGAN(Conditional):
    """AC-GAN (Odena, Olah and Shlens 2017, eq. 2 and 3, https://arxiv.org/abs/1610.09585).

        L_S = E[log P(real | x)] + E[log P(fake | G(z, c))]
        L_C = E[log P(c | x)] + E[log P(c | G(z, c))]

    D maximises L_S + w L_C, G maximises w L_C - L_S; w is `class_weight`, 1 in the paper. In place of -L_S G has the
    non-saturating loss. A generator `g(z, labels)`, and a discriminator `d(images)` -> (logits, class logits).
    """

    @classmethod
    def make_networks(cls, options, make, spec):
        num_classes = len(spec["label"].names)
        return {
            "g": cls.make_generator(options, make, spec),
            "d": make("discriminator", spec["image"].shape, (1, num_classes)),
        }

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real, labels = self.augment(batch["image"]), batch["label"]  # [N, C, H, W] in [-1, 1], [N]
            fake = self.augment(self.fakes(self.draw_z(len(real)), labels))
            (real_logits, real_class_logits), (fake_logits, fake_class_logits) = d(real), d(fake)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            loss_class = F.cross_entropy(real_class_logits, labels) + F.cross_entropy(fake_class_logits, labels)  # -L_C
            self.update("d", loss_d_real + loss_d_fake + self.options.class_weight * loss_class)
        with frozen(d):
            logits, class_logits = d(self.augment(g(self.draw_z(len(real)), labels)))
            loss_g, loss_g_class = bce_real(logits), F.cross_entropy(class_logits, labels)
            self.update("g", loss_g + self.options.class_weight * loss_g_class)
        losses = {"loss/g": loss_g, "loss/d_class": loss_class, "loss/g_class": loss_g_class}
        return d_scalars(real_logits, fake_logits) | losses | self.adapt(real_logits)

    def interfaces(self):
        images = picture_port(self.spec["image"])
        class_logits = Port("class_logits", (len(self.spec["label"].names),), "one per class; the largest: likeliest")
        g = Interface("generator: noise and a class to pictures", (self.noise_port(), self.label_port()), (images,))
        d = Interface("discriminator: is a picture real, and of which class?", (images,), (LOGITS, class_logits))
        return {"g": g, "d": d}
