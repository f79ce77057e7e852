"""StarGAN: pictures with other attributes, all by one generator."""

import paddle

from ppgan_lite.data.spec import groups_of
from ppgan_lite.losses.reconstruction import attribute_loss, l1
from ppgan_lite.losses.regularizers import between, gradient_penalty
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.samplers import Sampler


class StarGAN(Method):
    """StarGAN (Choi et al. 2018, eq. 2 to 8, https://arxiv.org/abs/1711.09020).

        loss_D = E[D(G(x, c))] - E[D(x)] + gp_weight penalty + class_weight E[-log p(c' | x)]
        loss_G = -E[D(G(x, c))] + class_weight E[-log p(c | G(x, c))] + rec_weight E|x - G(G(x, c), c')|

    c' are the attributes of x, and c another item's of the batch, as in the authors' code. D is updated several
    times per step, each on a fresh batch, and G once, on the last.

    A generator `g(images, attributes)`, and a discriminator `d(images)` -> (scores of patches, attribute logits).
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self._groups = groups_of(spec["attributes"].names)

    @staticmethod
    def make_networks(options, make, spec):
        shape, num_attributes = spec["image"].shape, len(spec["attributes"].names)
        return {"g": make("generator", shape, num_attributes), "d": make("discriminator", shape, num_attributes)}

    def train_step(self, batches, step):
        g, d, options = self.networks["g"], self.networks["d"], self.options
        for batch in batches:
            real, own = batch["image"], batch["attributes"]  # [N, C, H, W] in [-1, 1], [N, A]
            wanted = own[paddle.randperm(len(own))]
            with paddle.no_grad():
                fake = g(real, wanted)
            real_scores, logits = d(real)
            fake_scores, _ = d(fake)
            loss_d = fake_scores.mean() - real_scores.mean()
            loss_class_real = attribute_loss(logits, own, self._groups)
            penalty = gradient_penalty(lambda points: d(points)[0], between(real, fake))
            self.update("d", loss_d + options.gp_weight * penalty + options.class_weight * loss_class_real)
        with frozen(d):
            fake = g(real, wanted)
            scores, logits = d(fake)
            loss_g, loss_class_fake = -scores.mean(), attribute_loss(logits, wanted, self._groups)
            loss_rec = l1(g(fake, own), real)
            self.update("g", loss_g + options.class_weight * loss_class_fake + options.rec_weight * loss_rec)
        return {
            "loss/d": loss_d,
            "loss/g": loss_g,
            "loss/rec": loss_rec,
            "loss/class_real": loss_class_real,
            "loss/class_fake": loss_class_fake,
            "score/penalty": penalty,
        }

    def interfaces(self):
        field, names = self.spec["image"], self.spec["attributes"].names
        images = picture_port(field, "image", self.networks["g"].multiple)
        attributes = Port("attributes", (len(names),), "1 for each wanted attribute, else 0", range=(0, 1), names=names)
        scores = Port("scores", self.networks["d"].score_shape, "one per patch; higher: rather real")
        logits = Port("attribute_logits", (len(names),), "the largest of its group, or above 0: it is there")
        return {
            "g": Interface("translator: pictures with other attributes", (images, attributes), (images,)),
            "d": Interface("discriminator: is it real? its attributes", (picture_port(field),), (scores, logits)),
        }

    def samplers(self):
        return {"to_attributes": Sampler(self.deployed()["g"], self.interfaces()["g"])}
