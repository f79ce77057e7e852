"""Conditional GAN (Mirza and Osindero 2014, eq. 2): the label goes into both networks.

The label joins the noise as a one-hot vector, which the generator's first layer embeds, and the image as one more
channel, a learned picture of each class.
"""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Conditional
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.modes import frozen
from ppgan_lite.networks.conditional import ConditionalDiscriminator


class CGAN(Conditional):
    """A generator `g(z, labels)` and a discriminator `d(images, labels)`."""

    @classmethod
    def make_networks(cls, options, make, spec):
        (channels, height, width), num_classes = spec["image"].shape, len(spec["label"].names)
        d = make("discriminator", (channels + 1, height, width))
        return {
            "g": cls.make_generator(options, make, spec),
            "d": ConditionalDiscriminator(d, num_classes, (height, width)),
        }

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real, labels = batch["image"], batch["label"]  # [N, C, H, W] in [-1, 1], [N]
            fake = self.fakes(self.draw_z(len(real)), labels)
            real_logits, fake_logits = d(real, labels), d(fake, labels)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            self.update("d", loss_d_real + loss_d_fake)
        with frozen(d):
            loss_g = bce_real(d(g(self.draw_z(len(real)), labels), labels))
            self.update("g", loss_g)
        return d_scalars(real_logits, fake_logits) | {"loss/g": loss_g}
