"""InfoGAN (Chen et al. 2016, eq. 5 and 6): codes beside the noise, which a part of D has to read off the images.

One categorical code, uniform, and continuous ones, uniform in [-1, 1]. Q(c|x) is a categorical distribution, and a
Gaussian around a mean with a deviation of 1, as in the authors' code; up to constants, the bound on the mutual
information L_I is then minus the cross entropy and half the squared error. As there, Q is trained with D, and by D's
optimizer. The authors' code weighs all codes by 1; the paper advises less for continuous ones, which `codes_weight`
can give them.
"""

import numpy as np
import paddle
import paddle.nn.functional as F

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Generative
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.interface import LOGITS, Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen, mode
from ppgan_lite.networks.conditional import ConditionalGenerator


class InfoGAN(Generative):
    """A generator `g(z, category, codes)` and a discriminator `d` that also gives what it takes the codes for."""

    @classmethod
    def make_networks(cls, options, make, spec):
        g = make("generator", options.z_dim + options.categories + options.codes, spec["image"].shape)
        return {
            "g": ConditionalGenerator(g, options.categories),
            "d": make("discriminator", spec["image"].shape, (1, options.categories, options.codes)),
        }

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = batch["image"]  # [N, C, H, W] in [-1, 1]
            category, codes = self._draw_category(len(real)), self._draw_codes(len(real))
            fake = self.fakes(self.draw_z(len(real)), category, codes)
            real_logits, _, _ = d(real)
            fake_logits, *recognised = d(fake)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            self.update("d", loss_d_real + loss_d_fake + self._loss_q(recognised, category, codes))
        category, codes = self._draw_category(len(real)), self._draw_codes(len(real))
        with frozen(d):
            logits, *recognised = d(g(self.draw_z(len(real)), category, codes))
            loss_g = bce_real(logits)
            self.update("g", loss_g + self._loss_q(recognised, category, codes))
        right = (recognised[0].argmax(1) == category).astype("float32").mean()
        of_category, of_codes = information(recognised, category, codes)
        of_q = {"score/category": of_category, "score/codes": of_codes, "accuracy/category": right}
        return d_scalars(real_logits, fake_logits) | {"loss/g": loss_g} | of_q

    def recognise(self, images):
        """What Q takes the codes of images [N, C, H, W] for: categories [N], and means of the codes [N, codes]."""
        d = self.networks["d"]
        with paddle.no_grad(), mode(d, training=False):
            _, category_logits, codes = d(images)
        return category_logits.argmax(1), codes

    def _loss_q(self, recognised, category, codes):
        """-lambda L_I(G, Q) of eq. 6, with a lambda of its own for the continuous codes."""
        of_category, of_codes = information(recognised, category, codes)
        return -self.options.info_weight * of_category - self.options.codes_weight * of_codes

    def _draw_category(self, num: int):
        return paddle.randint(0, self.options.categories, [num])

    def _draw_codes(self, num: int):
        return paddle.uniform([num, self.options.codes], min=-1.0, max=1.0)

    def interfaces(self):
        categories, codes = self.options.categories, self.options.codes
        images = picture_port(self.spec["image"])
        category = Port("category", (), "the categorical code", "int64", (0, categories - 1), distribution="uniform")
        code = Port("codes", (codes,), "the continuous codes", range=(-1, 1), distribution="uniform")
        of_category = Port("category_logits", (categories,), "the largest is that of the likeliest category")
        means = Port("code_means", (codes,), "the likeliest continuous codes")
        g = Interface("generator: noise and codes to pictures", (self.noise_port(), category, code), (images,))
        d = Interface("discriminator: is a picture real, and which codes?", (images,), (LOGITS, of_category, means))
        return {"g": g, "d": d}


def information(recognised, category, codes):
    """The bound L_I = E[log Q(c|x)] + H(c) in nats (eq. 5): of the category, and of the continuous codes.

    Of the category it is log K less the cross entropy, so at most log K. Of the continuous codes, without constants, it
    is -E[|c - mean|^2] / 2, at most 0.

    Args:
        recognised: logits [N, K] and means [N, M], by Q.
        category, codes: those that G was given, [N] and [N, M].
    """
    category_logits, means = recognised
    of_category = np.log(category_logits.shape[1]) - F.cross_entropy(category_logits, category)
    return of_category, -((codes - means) ** 2).sum(1).mean() / 2
