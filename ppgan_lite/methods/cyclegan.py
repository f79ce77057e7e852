"""CycleGAN: pictures of two domains translated into each other, learned without pairs."""

import paddle

from ppgan_lite.losses.adversarial import least_squares
from ppgan_lite.losses.reconstruction import l1
from ppgan_lite.methods.base import Method
from ppgan_lite.methods.image_pool import exchange
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.modes import frozen
from ppgan_lite.methods.samplers import Sampler

SCORES = Port("scores", (1, None, None), "one per patch; 1: real, 0: translated")


class CycleGAN(Method):
    """CycleGAN (Zhu, Park, Isola and Efros 2017, eq. 1 to 3 and section 5.2, https://arxiv.org/abs/1703.10593).

        loss_G = E[(D_B(G(a)) - 1)^2] + E[(D_A(F(b)) - 1)^2]
                 + lambda (E|F(G(a)) - a| + E|G(F(b)) - b|)
                 + identity_weight (E|G(b) - b| + E|F(a) - a|)
        loss_D = (E[(D(real) - 1)^2] + E[D(fake)^2]) / 2     for each D, on fakes from a pool of earlier ones

    As in the authors' code, both generators are updated first, together; then both discriminators, on the same
    translations, exchanged with the pools. There the identity loss has weight 5 by default (half of lambda); the paper
    uses it for paintings only.

    Generators `g_ab(a)` (G of the paper) and `g_ba(b)` (F), and discriminators of patches `d_a(a)` and `d_b(b)`.
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self.state = {f"pool_{x}": paddle.zeros([options.pool_size, *spec[x].shape]) for x in ("a", "b")}

    @staticmethod
    def make_networks(options, make, spec):
        a, b = spec["a"].shape, spec["b"].shape
        return {
            "g_ab": make("generator", a, b),
            "g_ba": make("generator", b, a),
            "d_a": make("discriminator", a),
            "d_b": make("discriminator", b),
        }

    def train_step(self, batches, step):
        g_ab, g_ba, d_a, d_b = (self.networks[name] for name in ("g_ab", "g_ba", "d_a", "d_b"))
        a, b = batches[0]["a"], batches[0]["b"]  # [N, C, H, W] in [-1, 1]
        with frozen(d_a), frozen(d_b):
            (fake_b, same_b), (fake_a, same_a) = self._translate(g_ab, a, b), self._translate(g_ba, b, a)
            loss_g = 2 * (least_squares(d_b(fake_b), 1) + least_squares(d_a(fake_a), 1))  # 2: it halves the squares
            loss_cycle = l1(g_ba(fake_b), a) + l1(g_ab(fake_a), b)
            loss_same = l1(same_b, b) + l1(same_a, a)
            weights = self.options.cycle_weight, self.options.identity_weight
            self.update("g", loss_g + weights[0] * loss_cycle + weights[1] * loss_same)
        fake_a, fake_b = (self._exchange(name, x, step) for name, x in (("pool_a", fake_a), ("pool_b", fake_b)))
        loss_d_a = least_squares(d_a(a), 1) + least_squares(d_a(fake_a), 0)
        loss_d_b = least_squares(d_b(b), 1) + least_squares(d_b(fake_b), 0)
        self.update("d", loss_d_a + loss_d_b)
        scalars = {"loss/g": loss_g, "loss/cycle": loss_cycle, "loss/d_a": loss_d_a, "loss/d_b": loss_d_b}
        return scalars | ({"loss/identity": loss_same} if self.options.identity_weight else {})

    def _translate(self, g, images, of_target):
        """Translations of images, and of images of the target domain, which without identity loss are not translated.

        One pass for both is faster. A batch norm, which no published CycleGAN has, takes its statistics from both.
        """
        if not self.options.identity_weight:
            return g(images), of_target
        return g(paddle.concat([images, of_target])).split(2)

    def _exchange(self, name: str, images, step: int):
        """Translations [N, C, H, W] exchanged with a pool, which has had all of the steps before."""
        with paddle.no_grad():
            return exchange(self.state[name], images.detach(), filled=len(images) * (step - 1))

    def interfaces(self):
        multiple = self.networks["g_ab"].multiple
        a, b = (picture_port(self.spec[name], name, multiple) for name in ("a", "b"))
        any_a, any_b = (picture_port(self.spec[name], name, 1) for name in ("a", "b"))
        return {
            "g_ab": Interface("translator: a to b", (a,), (b,)),
            "g_ba": Interface("translator: b to a", (b,), (a,)),
            "d_a": Interface("discriminator: is it a real a?", (any_a,), (SCORES,)),
            "d_b": Interface("discriminator: is it a real b?", (any_b,), (SCORES,)),
        }

    def samplers(self):
        interfaces, networks = self.interfaces(), self.deployed()
        names = {"a_to_b": "g_ab", "b_to_a": "g_ba"}
        return {direction: Sampler(networks[name], interfaces[name]) for direction, name in names.items()}
