"""The normalising flows RealNVP and Glow: invertible networks from pictures to normal noise.

The papers: see invertible.py, which has their layers.
"""

import math

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.losses.likelihood import bits_per_dim
from ppgan_lite.networks.invertible import (
    ActNorm,
    Half,
    Mixing,
    Phases,
    ResidualNet,
    ShallowNet,
    SigmoidCoupling,
    TanhCoupling,
    squeezed,
    unsqueezed,
)
from ppgan_lite.networks.layers import Clip

CHECKERBOARD = (0, 3, 1, 2)  # order of a square's pixels: one diagonal, then the other
DEQUANTISER_COUPLINGS, DEQUANTISER_HIDDEN = 4, 32
TO_UNIFORM = 1.702  # the sigmoid of normal noise times this is nearly uniform in [0, 1]


class Flow(nn.Layer):
    """A flow of several levels (RealNVP, section 3.6; Glow, figure 2b).

    A picture's value is one of `num_values`, and u in [0, 1] says where within its step it is: (x, u) <-> noise z. Each
    level moves squares of 2x2 pixels to the channels and has invertible layers; then half of the channels leave as
    noise, except from the last.

    Args:
        options: see networks/options.py.
        image_shape: (C, H, W); height and width multiples of 2^levels.
        num_values: number of values that a number of a picture can have.
        variational: whether u is drawn given the picture, see `Dequantiser`, or uniformly.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_values: int, variational: bool):
        super().__init__()
        self.shape = image_shape
        channels, height, width = image_shape
        self.values = Values(num_values, options.alpha)
        self.dequantiser = Dequantiser(channels) if variational else None
        self.levels, self.shapes = nn.LayerList(), []  # the shapes of the noise
        for level in range(options.levels):
            channels, height, width = 4 * channels, height // 2, width // 2
            is_last = level == options.levels - 1
            self.levels.append(Level(self.make_layers(options, channels, is_last), None if is_last else Half(channels)))
            channels = channels if is_last else channels // 2
            self.shapes.append((channels, height, width))

    @staticmethod
    def make_layers(options, channels: int, is_last: bool) -> list[nn.Layer]:
        """The invertible layers of a level."""
        raise NotImplementedError

    def dequantise(self, images):
        """Draw u for images: [N, C, H, W], and log q(u|x), [N] or 0."""
        if self.dequantiser is None:
            return paddle.rand(images.shape), 0.0
        return self.dequantiser(images, paddle.randn(images.shape))

    def initialise(self, images):
        """Initialise the actnorms from a batch of images [N, C, H, W]."""
        with paddle.no_grad():
            x, _ = self.values(images, self.dequantise(images)[0])
            for level in self.levels:
                x = level.initialise(x)

    def forward(self, images, u):
        """Images and u [N, C, H, W] -> z [N, C H W], and -log2 p(x, u) / (C H W), [N]."""
        z, log_det = self._to_noise(images, u)
        return z, bits_per_dim(_log_normal(z) + log_det, self.shape)

    def log_density(self, images, u):
        """The logarithm of p(x, u), a probability of x and a density of u, [N]: log N(z; 0, I) + log |det dz/du|."""
        z, log_det = self._to_noise(images, u)
        return _log_normal(z) + log_det

    def inverse(self, z):
        """Noise [N, C H W] -> images [N, C, H, W], which may exceed [-1, 1] a little: see `Values`."""
        return self.values.inverse(self.unbounded(z))

    # In static graphs, too, these two run as they stand: converting the code of each layer would take half a minute.

    @paddle.jit.not_to_static
    def _to_noise(self, images, u):
        x, log_det = self.values(images, u)
        noise = []
        for level in self.levels:
            x, leaving, change = level(x)
            noise.append(leaving.flatten(1))
            log_det = log_det + change
        return paddle.concat(noise, 1), log_det

    @paddle.jit.not_to_static
    def unbounded(self, z):
        """Noise [N, C H W] -> the images before the sigmoid, [N, C, H, W]."""
        noise, x = z.split([math.prod(shape) for shape in self.shapes], 1), None
        for level, part, shape in reversed([*zip(self.levels, noise, self.shapes, strict=True)]):
            x = level.inverse(x, part.reshape([-1, *shape]))
        return x


class Glow(Flow):
    """Glow: steps of actnorm, 1x1 convolution and coupling (figure 2a)."""

    @staticmethod
    def make_layers(options, channels, is_last):
        def step():
            network = ShallowNet(channels // 2, options.hidden, channels)
            return ActNorm(channels), Mixing(channels), SigmoidCoupling(network)

        return [layer for _ in range(options.steps) for layer in step()]


class RealNVP(Flow):
    """RealNVP: couplings with masks like a checkerboard, then of channels.

    Departures: where the paper masks pixels, the halves here are the two diagonals of the squares of 2x2 pixels, which
    are the same masks; but the network sees squares as channels, at a quarter of the cost. Actnorm takes the place of
    the batch norm between couplings, and the noise that leaves has a learned mean and deviation, as in Glow.
    """

    @staticmethod
    def make_layers(options, channels, is_last):
        def couplings(num):
            for i in range(num):
                network = ResidualNet(channels // 2, options.hidden, options.blocks, channels)
                yield from (ActNorm(channels), TanhCoupling(channels, network, flipped=i % 2 == 1))

        if is_last:
            return [Phases(*CHECKERBOARD), *couplings(4)]
        to_checkerboard = Phases(*CHECKERBOARD)
        return [to_checkerboard, *couplings(3), Phases(*to_checkerboard.inverse_order), *couplings(3)]


class Level(nn.Layer):
    """Invertible layers on squares of 2x2 pixels; then half of the channels leave, if there is a `half`.

    forward(x) -> (the rest or None, noise, log_det), inverse(rest, noise) -> x, with x [N, C, 2 H, 2 W], noise and rest
    [N, 2 C, H, W], or without rest noise [N, 4 C, H, W].
    """

    def __init__(self, layers: list[nn.Layer], half: Half | None):
        super().__init__()
        self.layers, self.split = nn.LayerList(layers), half

    def initialise(self, x):
        """Initialise the actnorms from a batch; returns the rest."""
        x = squeezed(x)
        for layer in self.layers:
            if isinstance(layer, ActNorm):
                layer.initialise(x)
            x, _ = layer(x)
        return None if self.split is None else self.split(x)[0]

    def forward(self, x):
        x, log_det = squeezed(x), 0.0
        for layer in self.layers:
            x, change = layer(x)
            log_det = log_det + change
        if self.split is None:
            return None, x, log_det
        rest, noise, change = self.split(x)
        return rest, noise, log_det + change

    def inverse(self, rest, noise):
        x = noise if self.split is None else self.split.inverse(rest, noise)
        for layer in reversed(self.layers):
            x = layer.inverse(x)
        return unsqueezed(x)


class Values(nn.Layer):
    """Images in [-1, 1] and the places u within the steps of their values -> unbounded numbers y, all [N, C, H, W].

        y = logit(alpha + (1 - 2 alpha) (v + u) / V)    (RealNVP, section 4.1), for values v from 0 to V - 1

    The inverse gives the centres of the steps: u = 1/2.
    """

    def __init__(self, num_values: int, alpha: float):
        super().__init__()
        self.num_values, self.alpha = num_values, alpha

    def forward(self, images, u):
        inner = 1 - 2 * self.alpha
        x = ((images + 1) * ((self.num_values - 1) / 2) + u) / self.num_values
        log_p, log_q = (self.alpha + inner * x).log(), (self.alpha + inner * (1 - x)).log()
        log_det = math.log(inner / self.num_values) * math.prod(x.shape[1:]) - (log_p + log_q).sum([1, 2, 3])
        return log_p - log_q, log_det

    def inverse(self, y):
        x = (F.sigmoid(y) - self.alpha) / (1 - 2 * self.alpha)
        return (self.num_values * x - 0.5) * (2 / (self.num_values - 1)) - 1


class Dequantiser(nn.Layer):
    """Noise u within the steps of a picture's values, drawn given the picture (Ho et al. 2019, Flow++, section 3.1).

    https://arxiv.org/abs/1902.00275. A small flow: couplings that see the picture, and a sigmoid. At first u is nearly
    uniform.
    """

    def __init__(self, channels: int):
        super().__init__()
        channels = 4 * channels
        self.couplings = nn.LayerList(
            TanhCoupling(channels, ShallowNet(channels // 2 + channels, DEQUANTISER_HIDDEN, channels), i % 2 == 1)
            for i in range(DEQUANTISER_COUPLINGS)
        )

    def forward(self, images, noise):
        """Images and normal noise [N, C, H, W] -> u in [0, 1] of that shape, and log q(u|x), [N]."""
        seen, x = squeezed(images), squeezed(noise)
        log_q = _log_normal(x.flatten(1))
        for coupling in self.couplings:
            x, change = coupling(x, seen)
            log_q = log_q - change
        x = TO_UNIFORM * x
        log_slope = math.log(TO_UNIFORM) + F.log_sigmoid(x) + F.log_sigmoid(-x)
        return unsqueezed(F.sigmoid(x)), log_q - log_slope.sum([1, 2, 3])


class Pictures(nn.Layer):
    """Images [N, C, H, W] in [-1, 1] from noise z [N, C H W], which is multiplied with a temperature, [N, 1]."""

    def __init__(self, flow: Flow):
        super().__init__()
        self.flow, self.end = flow, End(flow.values)

    def forward(self, z, temperature):
        return self.end(self.flow.unbounded(temperature * z))


class End(Clip):
    """From unbounded numbers to pictures in [-1, 1]. Exports compare rounding errors with what enters a `Clip`."""

    def __init__(self, values: Values):
        super().__init__()
        self.values = values

    def forward(self, y):
        return super().forward(self.values.inverse(y))


def _log_normal(z):
    """The logarithm of N(z; 0, I) at z [N, D], [N]."""
    return -(z * z).sum(1) / 2 - z.shape[1] / 2 * math.log(2 * math.pi)
