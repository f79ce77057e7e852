"""The GAN of Goodfellow et al. 2014 (Algorithm 1), in the forms that the articles train it in.

- `d_optimizers`: `separate` updates D on real images, then on fakes, by an Adam each, as the Paddle tutorial does;
  `shared` does so by one Adam, as the Keras article; `joint` is one update by the sum of both losses. (Some articles
  halve that sum, which Adam does not see.)
- `reuse_fakes`: D and G are trained on one batch of fakes, as in PyTorch's DCGAN example: one pass through G less, for
  a gradient that D (or with `first: g` G) has already taken a step against.
- `first: g`: G's updates stand before D's, as in the PyTorch blog.
- `d_updates`, `g_updates`: how many of each a step has.
- `g_loss`: non-saturating (section 3 of the paper) or the minimax loss of its equation 1.
- `noise`: normal, or uniform in [-1, 1] as in the DCGAN paper (Radford et al. 2016).
- `real_target`: below 1 it is one-sided label smoothing (Salimans et al. 2016, section 3.4).

Logged are the losses against the targets 1 and 0, and G's non-saturating one, whatever is minimised: so they can be
compared, and health can judge by them.

The tutorial's listing leaves gradients standing between updates: G's update also gets the fake-D loss's, and D's next
real update the G loss's. Here each update uses its own gradients only. `gradients: as_listed` lets them leak as the
listing does. It is there to measure what the leak does, for nothing else.
"""

import paddle

from ppgan_lite.losses.adversarial import bce, bce_fake, bce_real, minimax_g
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.modes import frozen

G_LOSSES = {"non_saturating": bce_real, "minimax": minimax_g}


class GAN(Generative):
    """A generator `g` and a discriminator `d`, trained in turn."""

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.noise = options.noise
        if options.gradients == "as_listed":
            # What the last step left on D, which the next one adds to: saved, or a resumed run would lose it.
            self.state = {f"left/{name}": paddle.zeros_like(p) for name, p in optimizers["d_real"].parameters.items()}

    def train_step(self, batches, step):
        if self.options.gradients == "as_listed":
            return self._train_step_as_listed(batches[0]["image"])
        num = len(batches[0]["image"])
        shared = self.networks["g"](self.draw_z(num)) if self.options.reuse_fakes else None  # [N, C, H, W]
        if self.options.first == "d":
            return self._train_d(batches, shared) | self._train_g(num, shared)
        of_g = self._train_g(num, shared)
        return self._train_d(batches, shared) | of_g

    def _train_d(self, batches, shared) -> dict:
        """D's updates: on real images x and fakes G(z), down -log D(x) - log(1 - D(G(z)))."""
        d = self.networks["d"]
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            fake = self.fakes(self.draw_z(len(real))) if shared is None else shared.detach()
            if self.options.d_optimizers == "joint":
                real_logits, fake_logits = d(real), d(fake)
                self.update("d", bce(real_logits, self.options.real_target) + bce_fake(fake_logits))
            else:
                first, second = ("d_real", "d_fake") if self.options.d_optimizers == "separate" else ("d", "d")
                real_logits = d(real)
                self.update(first, bce(real_logits, self.options.real_target))
                fake_logits = d(fake)  # by the D that the real batch has just changed
                self.update(second, bce_fake(fake_logits))
        return d_scalars(real_logits, fake_logits)

    def _train_g(self, num: int, shared) -> dict:
        """G's updates: down -log D(G(z)), or log(1 - D(G(z)))."""
        g, d = self.networks["g"], self.networks["d"]
        with frozen(d):
            for _ in range(self.options.g_updates):
                fake = g(self.draw_z(num)) if shared is None else shared
                fake_logits = d(fake)
                self.update("g", G_LOSSES[self.options.g_loss](fake_logits))
        return {"loss/g": bce_real(fake_logits.detach())}

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
        self.updates.step("d_real")

        fake_logits = d(g(self.draw_z(len(real))))
        loss_d_fake = bce_fake(fake_logits)
        loss_d_fake.backward()
        self.updates.step("d_fake")  # G keeps its part, which is added to its own gradient

        loss_g = bce_real(d(g(self.draw_z(len(real)))))
        loss_g.backward()
        self.updates.step("g")
        for name, p in of_d.items():
            self.state[f"left/{name}"].set_value(p.grad)
        self.optimizers["d_real"].clear_grad()
        return d_scalars(real_logits, fake_logits) | {"loss/g": loss_g}


def d_scalars(real_logits, fake_logits) -> dict:
    """What is logged of a discriminator with logistic losses; health judges by it."""
    real_logits, fake_logits = real_logits.detach(), fake_logits.detach()
    return {
        "loss/d_real": bce_real(real_logits),
        "loss/d_fake": bce_fake(fake_logits),
        "accuracy/d_real": (real_logits > 0).astype("float32").mean(),
        "accuracy/d_fake": (fake_logits < 0).astype("float32").mean(),
    }
