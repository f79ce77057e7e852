"""Normalising flows: a picture's probability from the noise that an invertible network makes of it."""

import math

import paddle

from ppgan_lite.losses.likelihood import bits_per_dim, log_mean_exp
from ppgan_lite.methods.base import Likelihood
from ppgan_lite.methods.interface import Interface, Port, picture_port
from ppgan_lite.methods.samplers import TRUNCATION, Sampler
from ppgan_lite.networks.flow import Pictures


class Flow(Likelihood):
    """RealNVP (Dinh, Sohl-Dickstein and Bengio 2017) and Glow (Kingma and Dhariwal 2018), by the network.

        z = f(x, u),  log p(x, u) = log N(z; 0, I) + log |det dz/du|    (RealNVP, eq. 3)
        log p(x) >= E[log of the mean over k of p(x, u_k) / q(u_k | x)],  u_1 to u_K drawn from q(u | x)
        loss = -log2(p(x, u) / q(u | x)) / (C H W), bits per dimension, with one draw

    https://arxiv.org/abs/1605.08803, https://arxiv.org/abs/1807.03039. A pixel's value is one of a finite number, and u
    in [0, 1] is where within its step it is put, so that there is a density. `uniform`: q = 1, as in both papers.
    `variational`: q is a flow that sees x, trained by the same loss (Flow++, Ho, Chen, Srinivas, Duan and Abbeel 2019,
    section 3.1, https://arxiv.org/abs/1902.00275). The bound of K draws: Hoogeboom, Cohen and Tomczak 2020,
    https://arxiv.org/abs/2001.11235.

    A network `f(images, u)` -> (z, bits), with `log_density(images, u)`, `dequantise(images)`, `inverse(z)` and
    `initialise(images)`.
    """

    num_draws = 8

    @property
    def likelihood(self):
        """See `Likelihood`."""
        return f"bound: {self.options.dequantisation} dequantisation"

    @staticmethod
    def make_networks(options, make, spec):
        image = spec["image"]
        return {"f": make("flow", image.shape, image.levels, options.dequantisation == "variational")}

    def train_step(self, batches, step):
        if step == 1:
            self.networks["f"].initialise(batches[0]["image"])
        bits = bits_per_dim(self.log_probability(self.networks, batches[0], 1), self.spec["image"].shape).mean()
        self.update("f", bits)
        return {"loss/bits": bits}

    def log_probability(self, networks, batch, num_draws):
        f, images = networks["f"], batch["image"]  # [N, C, H, W] in [-1, 1]
        log_weights = []
        for _ in range(num_draws):
            u, log_q = f.dequantise(images)
            log_weights.append(f.log_density(images, u) - log_q)
        return log_mean_exp(paddle.stack(log_weights))

    def deployed(self):
        networks = super().deployed()
        return networks | {"g": Pictures(networks["f"])}

    def samplers(self):
        return {"g": Sampler(self.deployed()["g"], self.interfaces()["g"])}

    def interfaces(self):
        images, shape = picture_port(self.spec["image"]), self.spec["image"].shape
        z = Port("z", (math.prod(shape),), "noise", distribution="normal")
        u = Port("u", shape, "place of each value within its step", range=(0, 1), value=0.5)
        bits = Port("bits", (), "bits per dimension, -log2 p(x, u) / (C H W)")
        temperature = Port(TRUNCATION, (1,), "temperature; below 1: likelier, less varied", range=(0, 1), value=1.0)
        return {
            "f": Interface("pictures to noise, and their likelihood", (images, u), (z, bits)),
            "g": Interface("noise to pictures", (z, temperature), (images,)),
        }
