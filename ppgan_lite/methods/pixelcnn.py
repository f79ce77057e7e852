"""PixelCNN: a picture's probability is the product of its pixels', each given those before it."""

import math

from ppgan_lite.losses.likelihood import Categories, Logistics, bits_per_dim
from ppgan_lite.methods.base import Likelihood
from ppgan_lite.methods.interface import Interface, Port, label_port, picture_port
from ppgan_lite.methods.samplers import TRUNCATION, Sampler
from ppgan_lite.networks.pixelcnn import Pixels


class PixelCNN(Likelihood):
    """Gated PixelCNN (van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves and Kavukcuoglu 2016).

        log p(x) = sum over pixels i of log p(x_i | x_1, ..., x_{i-1})   (eq. 1, with a class eq. 3)
        loss = -log2 p(x) / (C H W), bits per dimension

    https://arxiv.org/abs/1606.05328. A grey pixel has one of 256 levels. A pixel in colour has a mixture of logistics,
    as in PixelCNN++ (Salimans et al. 2017, https://arxiv.org/abs/1701.05517; its network is larger).

    A network `p(images)`, with classes `p(images, labels)`, -> parameters [N, P, H, W] of each pixel's distribution.
    """

    def __init__(self, options, networks, optimizers, spec):
        super().__init__(options, networks, optimizers, spec)
        self._distribution = _distribution(options, spec)

    @staticmethod
    def make_networks(options, make, spec):
        num_classes = len(spec["label"].names) if options.classes else None
        return {"p": make("density", spec["image"].shape, _distribution(options, spec).num_parameters, num_classes)}

    def train_step(self, batches, step):
        bits = bits_per_dim(self.log_probability(self.networks, batches[0]), self.spec["image"].shape).mean()
        self.update("p", bits)
        return {"loss/bits": bits}

    def log_probability(self, networks, batch, num_draws=1):
        images = batch["image"]  # [N, C, H, W] in [-1, 1]
        parameters = networks["p"](images, *self._labels(batch))
        return self._distribution.log_probability(parameters, images).sum([1, 2])  # [N, H, W] -> [N]

    def samplers(self):
        pixels = Pixels(self.deployed()["p"], self._distribution)
        num_values = self._distribution.num_uniforms * math.prod(self.spec["image"].shape[1:])
        z = Port("z", (num_values,), "what the pixels are drawn with", range=(0, 1), distribution="uniform")
        temperature = Port(TRUNCATION, (1,), "temperature; below 1: likelier, less varied", range=(0, 1), value=1.0)
        inputs, outputs = (z, temperature, *self._label_ports()), (picture_port(self.spec["image"]),)
        return {"p": Sampler(pixels, Interface("random numbers to pictures", inputs, outputs))}

    def interfaces(self):
        images, size = picture_port(self.spec["image"]), self.spec["image"].shape[1:]
        parameters = Port("parameters", (self._distribution.num_parameters, *size), self._distribution.meaning)
        inputs = (images, *self._label_ports())
        return {"p": Interface("each pixel's distribution from the pixels before it", inputs, (parameters,))}

    def _labels(self, batch) -> tuple:
        """The labels [N] as the network's further argument: none without `classes`."""
        return (batch["label"],) if self.options.classes else ()

    def _label_ports(self) -> tuple[Port, ...]:
        return (label_port(self.spec["label"]),) if self.options.classes else ()


def _distribution(options, spec):
    """The distribution of a pixel: levels for grey pictures, logistics for colour."""
    image = spec["image"]
    return Categories(image.levels) if image.shape[0] == 1 else Logistics(options.num_mixtures)
