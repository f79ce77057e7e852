"""pix2pix: pictures translated into others, learned from pairs."""

from ppgan_lite.losses.adversarial import bce_fake, bce_real
from ppgan_lite.losses.reconstruction import l1
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.interface import PATCH_LOGITS, Interface, picture_port
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.samplers import Sampler
from ppgan_lite.networks.conditional import PairDiscriminator


class Pix2Pix(Method):
    """pix2pix (Isola et al. 2017, eq. 1 and 4, https://arxiv.org/abs/1611.07004).

        min_G max_D  E[log D(x, y)] + E[log(1 - D(x, G(x)))] + lambda E|y - G(x)|

    With the non-saturating loss for G, and D's loss halved, as in the authors' code. There D is updated first, and both
    updates use the same translation G(x); its noise is dropout. With `gan_weight: 0` there is no adversarial term, and
    D is not trained: the paper's L1 baseline.

    A generator `g(x)` and a discriminator of patches `d(x, y)`; x is the field `a` and y the field `b`, or the other
    way round, by `direction`.
    """

    @staticmethod
    def make_networks(options, make, spec):
        given, wanted = (spec[field].shape for field in fields(options.direction))
        d = make("discriminator", (given[0] + wanted[0], *wanted[1:]))
        return {"g": make("generator", given, wanted), "d": PairDiscriminator(d)}

    def train_step(self, batches, step):
        g, d, weight = self.networks["g"], self.networks["d"], self.options.gan_weight
        x, y = (batches[0][field] for field in fields(self.options.direction))  # [N, C, H, W] in [-1, 1]
        fake = g(x)
        loss_l1 = l1(fake, y)
        if not weight:
            self.update("g", self.options.l1_weight * loss_l1)
            return {"loss/l1": loss_l1}
        loss_d_real, loss_d_fake = bce_real(d(x, y)), bce_fake(d(x, fake.detach()))
        self.update("d", (loss_d_real + loss_d_fake) / 2)
        with frozen(d):
            loss_g = bce_real(d(x, fake))
            self.update("g", weight * loss_g + self.options.l1_weight * loss_l1)
        return {"loss/l1": loss_l1, "loss/g": loss_g, "loss/d_real": loss_d_real, "loss/d_fake": loss_d_fake}

    def interfaces(self):
        given, wanted = fields(self.options.direction)
        multiple = self.networks["g"].multiple
        x, y = picture_port(self.spec[given], given, multiple), picture_port(self.spec[wanted], wanted, multiple)
        pair = tuple(picture_port(self.spec[name], name, 1) for name in (given, wanted))
        return {
            "g": Interface(f"translator: {given} to {wanted}, without dropout", (x,), (y,)),
            "d": Interface(f"discriminator: is {wanted} the real picture for {given}?", pair, (PATCH_LOGITS,)),
        }

    def samplers(self):
        return {self.options.direction: Sampler(self.deployed()["g"], self.interfaces()["g"])}


def fields(direction: str) -> tuple[str, str]:
    """The field that is translated, and the one that it is translated into: of `a_to_b`, `a` and `b`."""
    given, _, wanted = direction.partition("_to_")
    return given, wanted
