"""The GAN of Goodfellow et al. 2014 (Algorithm 1, k = 1) with the non-saturating generator loss.

With `d_optimizers: separate`, D's real and fake batches are two updates with an Adam each, as in the Paddle
tutorial. The tutorial's listing leaves gradients standing between updates: G's update also gets the fake-D loss's,
and D's next real update the G loss's. Here each update uses its own gradients only.

With `reuse_fakes`, G is updated on the fakes that D has just seen, as in PyTorch's DCGAN example: one pass through G
less, for a gradient that D has already taken a step against.
"""

import paddle

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Method, frozen


class GAN(Method):
    """A generator `g` and a discriminator `d`, trained in turn."""

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        real = batches[0]["image"]  # [N, C, H, W] in [-1, 1]
        reuse_fakes = self.options.reuse_fakes
        with paddle.set_grad_enabled(reuse_fakes):
            fake = g(self.draw_z(len(real)))
        fake_for_d = fake.detach()

        if self.options.d_optimizers == "separate":
            real_logits = d(real)
            loss_d_real = bce_real(real_logits)
            self.update("d_real", loss_d_real)
            fake_logits = d(fake_for_d)  # by the D that the real batch has just changed
            loss_d_fake = bce_fake(fake_logits)
            self.update("d_fake", loss_d_fake)
        else:
            real_logits, fake_logits = d(real), d(fake_for_d)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            self.update("d", loss_d_real + loss_d_fake)

        with frozen(d):
            fake_for_g = fake if reuse_fakes else g(self.draw_z(len(real)))
            loss_g = bce_real(d(fake_for_g))
            self.update("g", loss_g)

        return {
            "loss/d_real": loss_d_real,
            "loss/d_fake": loss_d_fake,
            "loss/g": loss_g,
            "accuracy/d_real": (real_logits > 0).astype("float32").mean(),
            "accuracy/d_fake": (fake_logits < 0).astype("float32").mean(),
        }
