"""Conditional GAN: generator and discriminator both take the label."""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Conditional
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.modes import frozen
from ppgan_lite.networks.conditional import ConditionalDiscriminator


class CGAN(Conditional):
    """CGAN (Mirza and Osindero 2014, eq. 2, https://arxiv.org/abs/1411.1784).

        min_G max_D  E[log D(x | y)] + E[log(1 - D(G(z | y)))]

    with the non-saturating loss for G. A generator `g(z, labels)`, which gets the label as a one-hot vector
    concatenated to the noise, and a discriminator `d(images, labels)`, which gets it as one more channel of the image:
    a learned embedding [H, W] of each class.
    """

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
            real, labels = self.augment(batch["image"]), batch["label"]  # [N, C, H, W] in [-1, 1], [N]
            fake = self.augment(self.fakes(self.draw_z(len(real)), labels))
            real_logits, fake_logits = d(real, labels), d(fake, labels)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            self.update("d", loss_d_real + loss_d_fake)
        with frozen(d):
            loss_g = bce_real(d(self.augment(g(self.draw_z(len(real)), labels)), labels))
            self.update("g", loss_g)
        return d_scalars(real_logits, fake_logits) | {"loss/g": loss_g} | self.adapt(real_logits)
