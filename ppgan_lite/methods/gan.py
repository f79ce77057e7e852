"""The GAN, in the forms in which the articles train it."""

import paddle

from ppgan_lite.losses.adversarial import bce, bce_fake, bce_real, minimax_g
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.modes import frozen

G_LOSSES = {"non_saturating": bce_real, "minimax": minimax_g}


class GAN(Adversarial):
    """GAN (Goodfellow, Pouget-Abadie, Mirza et al. 2014, Algorithm 1, https://arxiv.org/abs/1406.2661).

        loss_D = -E[log D(x)] - E[log(1 - D(G(z)))]
        loss_G = -E[log D(G(z))]                        (section 3; `g_loss: minimax`: E[log(1 - D(G(z)))], eq. 1)

    A generator `g(z)` and a discriminator `d(images)` -> logits. Options:

    - `d_optimizers`: `separate` updates D on real images, then on fakes, by an optimizer each, as the Paddle tutorial
      does; `shared` does so by one optimizer, as the Keras article; `joint` is one update by the sum of both losses.
      (Some articles halve that sum, which does not change Adam's steps.)
    - `reuse_fakes`: D and G are trained on one batch of fakes, as in PyTorch's DCGAN example. It saves one pass through
      G; the gradient of that batch comes after D (or with `first: g` G) has already taken a step on it.
    - `first: g`: G is updated before D, as in the PyTorch blog.
    - `d_updates`, `g_updates`: number of updates of each in a step.
    - `noise`: normal, or uniform in [-1, 1] as in the DCGAN paper (Radford, Metz and Chintala 2016,
      https://arxiv.org/abs/1511.06434).
    - `real_target`: a value below 1 is one-sided label smoothing (Salimans et al. 2016, section 3.4,
      https://arxiv.org/abs/1606.03498).
    - `gradients: as_listed` copies a fault of the tutorial's listing, to measure its effect: gradients are not cleared
      between updates, so G's update also has the gradient of D's loss on fakes, and D's next update on real images the
      gradient of G's loss. Otherwise each update has the gradient of its own loss only.

    Whatever is minimised, the logged losses are D's against the targets 1 and 0 and G's non-saturating one, so that
    runs can be compared and runs/health.py can judge them.
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.noise = options.noise
        if options.gradients == "as_listed":
            # Gradients that one step leaves on D for the next; in the state, so that a resumed run has them.
            parameters = optimizers["d_real"].parameters
            self.state |= {f"left/{name}": paddle.zeros_like(p) for name, p in parameters.items()}

    def train_step(self, batches, step):
        if self.options.gradients == "as_listed":
            return self._train_step_as_listed(batches[0]["image"])
        num = len(batches[0]["image"])
        shared = self.networks["g"](self.draw_z(num)) if self.options.reuse_fakes else None  # [N, C, H, W]
        if self.options.first == "d":
            return self._train_d(batches, shared) | self._train_g(num, shared)
        g_scalars = self._train_g(num, shared)
        return self._train_d(batches, shared) | g_scalars

    def _train_d(self, batches, shared) -> dict:
        """D's updates, down -log D(x) - log(1 - D(G(z))). Returns the scalars to log."""
        d = self.networks["d"]
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            fake = self.augment(self.fakes(self.draw_z(len(real))) if shared is None else shared.detach())
            if self.options.d_optimizers == "joint":
                real_logits, fake_logits = d(real), d(fake)
                self.update("d", bce(real_logits, self.options.real_target) + bce_fake(fake_logits))
            else:
                first, second = ("d_real", "d_fake") if self.options.d_optimizers == "separate" else ("d", "d")
                real_logits = d(real)
                self.update(first, bce(real_logits, self.options.real_target))
                fake_logits = d(fake)  # after D's update on the real batch
                self.update(second, bce_fake(fake_logits))
        return d_scalars(real_logits, fake_logits) | self.adapt(real_logits)

    def _train_g(self, num: int, shared) -> dict:
        """G's updates, down -log D(G(z)) or log(1 - D(G(z))). Returns the scalars to log."""
        g, d = self.networks["g"], self.networks["d"]
        with frozen(d):
            for _ in range(self.options.g_updates):
                fake = g(self.draw_z(num)) if shared is None else shared
                fake_logits = d(self.augment(fake))
                self.update("g", G_LOSSES[self.options.g_loss](fake_logits))
        return {"loss/g": bce_real(fake_logits.detach())}

    def _train_step_as_listed(self, real):
        """The tutorial's loop body: fakes are not detached, and only the network just updated is cleared."""
        g, d = self.networks["g"], self.networks["d"]
        d_parameters = self.optimizers["d_real"].parameters

        real_logits = d(real)
        loss_d_real = bce_real(real_logits)
        loss_d_real.backward()
        with paddle.no_grad():
            for name, p in d_parameters.items():
                p.grad.add_(self.state[f"left/{name}"])  # the gradient of the last step's loss_g
        self.updates.apply("d_real")

        fake_logits = d(g(self.draw_z(len(real))))
        loss_d_fake = bce_fake(fake_logits)
        loss_d_fake.backward()
        self.updates.apply("d_fake")  # G's gradient of loss_d_fake stays and adds to the next

        loss_g = bce_real(d(g(self.draw_z(len(real)))))
        loss_g.backward()
        self.updates.apply("g")
        for name, p in d_parameters.items():
            self.state[f"left/{name}"].set_value(p.grad)
        self.optimizers["d_real"].clear_grad()
        return d_scalars(real_logits, fake_logits) | {"loss/g": loss_g}


def d_scalars(real_logits, fake_logits) -> dict:
    """The scalars to log for a discriminator with logistic losses; runs/health.py reads them."""
    real_logits, fake_logits = real_logits.detach(), fake_logits.detach()
    return {
        "loss/d_real": bce_real(real_logits),
        "loss/d_fake": bce_fake(fake_logits),
        "accuracy/d_real": (real_logits > 0).astype("float32").mean(),
        "accuracy/d_fake": (fake_logits < 0).astype("float32").mean(),
    }
