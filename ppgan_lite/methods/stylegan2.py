"""StyleGAN2: styles instead of noise as G's input, two lazy penalties, and with `augment_target` ADA."""

import paddle

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.losses.regularizers import path_lengths, zero_centred
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.interface import Interface, Port
from ppgan_lite.methods.modes import frozen

W_DECAY = 0.995  # decay of the mean of w
PATH_DECAY = 0.01  # weight of a new path length in their mean
PATH_SHARE = 2  # the path length penalty has as many times fewer pictures


class StyleGAN2(Adversarial):
    """StyleGAN2 (Karras, Laine, Aittala, Hellsten, Lehtinen and Aila 2020, https://arxiv.org/abs/1912.04958).

        loss_G = E[-log s(D(G(z)))]
        loss_D = E[-log s(D(x))] + E[-log(1 - s(D(G(z))))]
        every `path_every` steps:  path_every path_weight E[(|J^T y| - a)^2]   (eq. 4), for G
        every `r1_every` steps:    r1_every gamma / 2 E[|grad_x D(x)|^2]       (section 3.1, lazy regularisation), for D

    s is the sigmoid, J the derivative of a picture by its w, a the mean of the path lengths |J^T y|. The penalties are
    updates of their own, as in the authors' code. With probability `mixing` the layers after a random one have the
    style of a second noise vector (Karras et al. 2019, section 3.1). The exponential moving average is `train.ema`.

    Departures: a picture's score must not depend on its neighbours for R1, but in the paper's D it does, through the
    deviation within the minibatch, and here too. Adam's rates for lazy regularisation (appendix B) stand in the config.

    A generator `g(z, truncation)` with `mapping` and `synthesise(w)`, and a discriminator `d(images)` -> logits.
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.state["path_length"] = paddle.zeros([])

    def train_step(self, batches, step):
        scalars = self._train_g(len(batches[0]["image"]))
        if self.options.path_weight and step % self.options.path_every == 0:
            scalars |= self._shorten_paths(len(batches[0]["image"]))
        for batch in batches:
            scalars |= self._train_d(batch["image"])
        if step % self.options.r1_every == 0:
            scalars |= self._smooth_d(batches[-1]["image"])
        return scalars

    def _styles(self, num: int) -> list:
        """A w [num, z_dim] for each layer, of one noise vector, or of two from a random layer on."""
        g = self.networks["g"]
        w = g.mapping(self.draw_z(num))
        g.follow_w(w, W_DECAY)
        if paddle.rand([]).item() >= self.options.mixing:
            return [w] * g.num_styles
        cut = paddle.randint(1, g.num_styles, []).item()
        return [w] * cut + [g.mapping(self.draw_z(num))] * (g.num_styles - cut)

    def _train_g(self, num: int) -> dict:
        """G's update. Returns the scalars to log."""
        g, d = self.networks["g"], self.networks["d"]
        with frozen(d):
            loss_g = bce_real(d(self.augment(g.synthesise(self._styles(num)))))
            self.update("g", loss_g)
        return {"loss/g": loss_g}

    def _shorten_paths(self, num: int) -> dict:
        """G's update by the path length penalty. Returns the scalars to log."""
        g, mean = self.networks["g"], self.state["path_length"]
        styles = [w + 0 for w in self._styles(max(1, num // PATH_SHARE))]  # each layer's own, to differentiate by
        lengths = path_lengths(g.synthesise(styles), styles)
        mean.set_value(mean + PATH_DECAY * (lengths.detach().mean() - mean))
        deviations = lengths - mean
        penalty = (deviations * deviations).mean()
        self.update("g", self.options.path_every * self.options.path_weight * penalty)
        return {"reg/path": penalty, "score/path_length": mean.clone()}

    def _train_d(self, real) -> dict:
        """D's update. Returns the scalars to log."""
        g, d = self.networks["g"], self.networks["d"]
        with paddle.no_grad():
            fake = g.synthesise(self._styles(len(real)))
        real_logits, fake_logits = d(self.augment(real)), d(self.augment(fake))
        self.update("d", bce_real(real_logits) + bce_fake(fake_logits))
        return d_scalars(real_logits, fake_logits) | self.adapt(real_logits)

    def _smooth_d(self, real) -> dict:
        """D's update by the penalty R1, by the pictures before their augmentation. Returns the scalars to log."""
        images = real.clone()
        images.stop_gradient = False
        penalty = zero_centred(self.networks["d"](self.augment(images)), images)
        self.update("d", self.options.r1_every * self.options.r1_gamma / 2 * penalty)
        return {"reg/r1": penalty}

    def deployed(self):
        networks = super().deployed()
        return networks | {"mapping": networks["g"].mapping}

    def interfaces(self):
        z, w = self.noise_port(), Port("w", (self.options.z_dim,), "style")
        truncation = Port("truncation", (), "0: all pictures alike; 1: none", range=(0, 1), value=1.0)
        adversarial = super().interfaces()
        return {
            "g": Interface("generator: noise to pictures", (z, truncation), adversarial["g"].outputs),
            "d": adversarial["d"],
            "mapping": Interface("mapping: noise to styles", (z,), (w,)),
        }
