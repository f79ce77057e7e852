"""Auxiliary classifier GAN (Odena et al. 2017, eq. 2 and 3): the discriminator also tells the class."""

import paddle.nn.functional as F

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Conditional
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.interface import LOGITS, Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen


class ACGAN(Conditional):
    """A generator `g(z, labels)` and a discriminator `d(images)` that gives logits and class logits."""

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
            real, labels = batch["image"], batch["label"]  # [N, C, H, W] in [-1, 1], [N]
            real_logits, real_classes = d(real)
            fake_logits, fake_classes = d(self.fakes(self.draw_z(len(real)), labels))
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            # L_S and L_C of the paper, negated
            loss_class = F.cross_entropy(real_classes, labels) + F.cross_entropy(fake_classes, labels)
            self.update("d", loss_d_real + loss_d_fake + self.options.class_weight * loss_class)
        with frozen(d):
            logits, classes = d(g(self.draw_z(len(real)), labels))
            loss_g, loss_g_class = bce_real(logits), F.cross_entropy(classes, labels)
            self.update("g", loss_g + self.options.class_weight * loss_g_class)
        of_d = d_scalars(real_logits, fake_logits)
        return of_d | {"loss/g": loss_g, "loss/d_class": loss_class, "loss/g_class": loss_g_class}

    def interfaces(self):
        images = picture_port(self.spec["image"])
        classes = Port("class_logits", (len(self.spec["label"].names),), "the largest is that of the likeliest class")
        g = Interface("generator: noise and a class to pictures", (self.noise_port(), self.label_port()), (images,))
        d = Interface("discriminator: is a picture real, and of what?", (images,), (LOGITS, classes))
        return {"g": g, "d": d}
