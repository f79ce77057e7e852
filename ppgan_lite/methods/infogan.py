"""InfoGAN: latent codes next to the noise, which a recognition network finds in the images."""

import numpy as np
import paddle
import paddle.nn.functional as F

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.methods.base import Adversarial
from ppgan_lite.methods.gan import d_scalars
from ppgan_lite.methods.interface import LOGITS, Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen, mode
from ppgan_lite.networks.conditional import ConditionalGenerator


class InfoGAN(Adversarial):
    """InfoGAN (Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel 2016, https://arxiv.org/abs/1606.03657).

        L_I(G, Q) = E[log Q(c | G(z, c))] + H(c)              (eq. 5)
        min_{G, Q} max_D  V(D, G) - lambda L_I(G, Q)          (eq. 6)

    The codes c are one category, uniform, and continuous codes, uniform in [-1, 1]. Q(c | x) is a categorical
    distribution and Gaussians with a standard deviation of 1, as in the authors' code, so up to constants L_I is minus
    the cross entropy and minus half the squared error. As there, Q shares D's layers and D's optimizer. The authors'
    code weighs all codes by lambda = 1; the paper advises less for continuous codes: `codes_weight`.

    A generator `g(z, category, codes)`, and a discriminator `d(images)` -> (logits, category logits, code means).
    """

    @classmethod
    def make_networks(cls, options, make, spec):
        g = make("generator", options.z_dim + options.categories + options.codes, spec["image"].shape)
        return {
            "g": ConditionalGenerator(g, options.categories),
            "d": make("discriminator", spec["image"].shape, (1, options.categories, options.codes)),
        }

    @property
    def noise(self):
        return self.options.noise

    def train_step(self, batches, step):
        g, d = self.networks["g"], self.networks["d"]
        for batch in batches:
            real = self.augment(batch["image"])  # [N, C, H, W] in [-1, 1]
            category, codes = self._draw_category(len(real)), self._draw_codes(len(real))
            fake = self.augment(self.fakes(self.draw_z(len(real)), category, codes))
            real_logits, _, _ = d(real)
            fake_logits, *q_outputs = d(fake)
            loss_d_real, loss_d_fake = bce_real(real_logits), bce_fake(fake_logits)
            self.update("d", loss_d_real + loss_d_fake + self._loss_q(q_outputs, category, codes))
        category, codes = self._draw_category(len(real)), self._draw_codes(len(real))
        with frozen(d):
            logits, *q_outputs = d(self.augment(g(self.draw_z(len(real)), category, codes)))
            loss_g = bce_real(logits)
            self.update("g", loss_g + self._loss_q(q_outputs, category, codes))
        accuracy = (q_outputs[0].argmax(1) == category).astype("float32").mean()
        category_info, codes_info = information(q_outputs, category, codes)
        q_scalars = {"score/category": category_info, "score/codes": codes_info, "accuracy/category": accuracy}
        return d_scalars(real_logits, fake_logits) | {"loss/g": loss_g} | q_scalars | self.adapt(real_logits)

    def recognise(self, images):
        """Q's predictions for images [N, C, H, W]: the likeliest categories [N], and the codes' means [N, codes]."""
        d = self.networks["d"]
        with paddle.no_grad(), mode(d, training=False):
            _, category_logits, codes = d(images)
        return category_logits.argmax(1), codes

    def _loss_q(self, q_outputs, category, codes):
        """-lambda L_I(G, Q) of eq. 6, with a lambda of its own for the continuous codes."""
        category_info, codes_info = information(q_outputs, category, codes)
        return -self.options.info_weight * category_info - self.options.codes_weight * codes_info

    def _draw_category(self, num: int):
        return paddle.randint(0, self.options.categories, [num])

    def _draw_codes(self, num: int):
        return paddle.uniform([num, self.options.codes], min=-1.0, max=1.0)

    def interfaces(self):
        categories, codes = self.options.categories, self.options.codes
        images = picture_port(self.spec["image"])
        category = Port("category", (), "the categorical code", "int64", (0, categories - 1), distribution="uniform")
        code = Port("codes", (codes,), "the continuous codes", range=(-1, 1), distribution="uniform")
        category_logits = Port("category_logits", (categories,), "one per category; the largest: likeliest")
        means = Port("code_means", (codes,), "the likeliest continuous codes")
        g = Interface("generator: noise and codes to pictures", (self.noise_port(), category, code), (images,))
        d = Interface("discriminator: is a picture real, and which codes?", (images,), (LOGITS, category_logits, means))
        return {"g": g, "d": d}


def information(q_outputs, category, codes):
    """The bound L_I = E[log Q(c|x)] + H(c) in nats (eq. 5): (for the category, for the continuous codes).

    For the category it is log K minus the cross entropy, so at most log K. For the continuous codes, without constants,
    it is -E[|c - mean|^2] / 2, at most 0.

    Args:
        q_outputs: Q's category logits [N, K] and code means [N, M].
        category: the category given to G, [N].
        codes: the continuous codes given to G, [N, M].
    """
    category_logits, means = q_outputs
    category_info = np.log(category_logits.shape[1]) - F.cross_entropy(category_logits, category)
    return category_info, -((codes - means) ** 2).sum(1).mean() / 2
