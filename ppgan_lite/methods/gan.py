"""The GAN of Goodfellow et al. 2014 (Algorithm 1, k = 1) with the non-saturating generator loss.

With `d_optimizers: separate`, D's real and fake batches are two updates with an Adam each, as in the Paddle
tutorial. The tutorial's listing leaves gradients standing between updates: G's update also gets the fake-D loss's,
and D's next real update the G loss's. Here each update uses its own gradients only.

With `reuse_fakes`, G is updated on the fakes that D has just seen, as in PyTorch's DCGAN example: one pass through G
less, for a gradient that D has already taken a step against.

`gradients: as_listed` lets them leak as the listing does. It is there to measure what the leak does, for nothing else.
"""

import paddle

from ppgan_lite.errors import ConfigError
from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Generative, frozen


class GAN(Generative):
    """A generator `g` and a discriminator `d`, trained in turn."""

    def __init__(self, options, networks, optimizers):
        super().__init__(options, networks, optimizers)
        if options.gradients == "as_listed":
            if options.d_optimizers != "separate" or options.reuse_fakes:
                raise ConfigError(
                    "method.gradients: as_listed is the tutorial's listing, which needs "
                    "method.d_optimizers: separate and method.reuse_fakes: false"
                )
            # What the last step left on D, which the next one adds to: saved, or a resumed run would lose it.
            self.state = {f"left/{name}": paddle.zeros_like(p) for name, p in optimizers["d_real"].parameters.items()}

    def train_step(self, batches, step):
        if self.options.gradients == "as_listed":
            return self._train_step_as_listed(batches[0]["image"])
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

        return _scalars(loss_d_real, loss_d_fake, loss_g, real_logits, fake_logits)

    def _train_step_as_listed(self, real):
        """The tutorial's loop body: fakes are not detached, and only the network just updated is cleared."""
        g, d = self.networks["g"], self.networks["d"]
        of_d = self.optimizers["d_real"].parameters

        real_logits = d(real)
        loss_d_real = bce_real(real_logits)
        loss_d_real.backward()
        with paddle.no_grad():
            for name, p in of_d.items():
                p.grad.add_(self.state[f"left/{name}"])  # of the last step's loss_g
        self.step("d_real")

        fake_logits = d(g(self.draw_z(len(real))))
        loss_d_fake = bce_fake(fake_logits)
        loss_d_fake.backward()
        self.step("d_fake")  # G keeps its part, which is added to its own gradient

        loss_g = bce_real(d(g(self.draw_z(len(real)))))
        loss_g.backward()
        self.step("g")
        for name, p in of_d.items():
            self.state[f"left/{name}"].set_value(p.grad)
        self.optimizers["d_real"].clear_grad()
        return _scalars(loss_d_real, loss_d_fake, loss_g, real_logits, fake_logits)


def _scalars(loss_d_real, loss_d_fake, loss_g, real_logits, fake_logits) -> dict:
    return {
        "loss/d_real": loss_d_real,
        "loss/d_fake": loss_d_fake,
        "loss/g": loss_g,
        "accuracy/d_real": (real_logits > 0).astype("float32").mean(),
        "accuracy/d_fake": (fake_logits < 0).astype("float32").mean(),
    }
