"""Invertible layers for normalising flows, and the networks within them.

RealNVP: Dinh, Sohl-Dickstein and Bengio 2017, https://arxiv.org/abs/1605.08803. Glow: Kingma and Dhariwal 2018,
https://arxiv.org/abs/1807.03039. An invertible layer has `forward(x) -> (y, log_det)` and `inverse(y) -> x`, with x and
y [N, C, H, W]. log_det is the logarithm of its Jacobian's absolute determinant: [N], or one number for all pictures.
"""

import math

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.layers import Conv2D, FewOutputsConv2D, ReLU

SMALLEST_DEVIATION = 1e-6  # a channel with less is constant, and not scaled to 1


class ActNorm(nn.Layer):
    """A scale and a shift for each channel, which give the first batch a mean of 0 and a deviation of 1 (Glow, 3.1)."""

    def __init__(self, channels: int):
        super().__init__()
        shape, zero = [1, channels, 1, 1], nn.initializer.Constant(0)
        self.shift = self.create_parameter(shape, default_initializer=zero)
        self.log_scale = self.create_parameter(shape, default_initializer=zero)

    def initialise(self, x):
        """Set scale and shift from a batch."""
        mean = x.mean([0, 2, 3], keepdim=True)
        deviation = ((x - mean) ** 2).mean([0, 2, 3], keepdim=True).sqrt()
        self.shift.set_value(-mean)
        self.log_scale.set_value(-deviation.clip(min=SMALLEST_DEVIATION).log())

    def forward(self, x):
        return (x + self.shift) * self.log_scale.exp(), self.log_scale.sum() * math.prod(x.shape[2:])

    def inverse(self, y):
        return y * (-self.log_scale).exp() - self.shift


class Mixing(nn.Layer):
    """An invertible 1x1 convolution, a random rotation at first (Glow, section 3.2, eq. 9)."""

    def __init__(self, channels: int):
        super().__init__()
        rotation, _ = np.linalg.qr(paddle.randn([channels, channels]).numpy())
        self.weight = self.create_parameter([channels, channels, 1, 1])
        self.weight.set_value(rotation[:, :, None, None])
        self._values = [self.weight]  # while a graph is traced, `weight` is a variable of it, and this still a tensor

    def forward(self, x):
        return F.conv2d(x, self.weight), self._log_det() * math.prod(x.shape[2:])

    def inverse(self, y):
        return F.conv2d(y, self._inverse())

    # Neither can be converted to ONNX, so in static graphs they are constants, and the inverse always is.

    def _log_det(self):
        if paddle.in_dynamic_mode():
            return paddle.linalg.slogdet(self.weight.squeeze([2, 3]))[1]
        return float(np.linalg.slogdet(self._matrix())[1])

    def _inverse(self):
        return paddle.to_tensor(np.linalg.inv(self._matrix())[:, :, None, None], self._values[0].dtype)

    def _matrix(self) -> np.ndarray:
        return self._values[0].numpy().astype("float64")[:, :, 0, 0]


class Phases(nn.Layer):
    """Another order of the four quarters of the channels, which `squeezed` made from the pixels of a square."""

    def __init__(self, *order: int):
        super().__init__()
        self.order, self.inverse_order = order, [order.index(i) for i in range(4)]

    def forward(self, x):
        return self._ordered(x, self.order), 0.0

    def inverse(self, y):
        return self._ordered(y, self.inverse_order)

    def _ordered(self, x, order):
        phases = x.chunk(4, 1)
        return paddle.concat([phases[i] for i in order], 1)


class Coupling(nn.Layer):
    """Half of the channels scaled and shifted by what a network sees in the other half.

        y_1 = x_1,  y_2 = x_2 exp(s(x_1)) + t(x_1)    (RealNVP, eq. 4 and 5)

    Args:
        network: half of the channels, with `seen` after them, [N, C / 2 + S, H, W] -> t and what `log_scale` takes,
            [N, C, H, W].
        flipped: the second half stays, and the first is changed.
    """

    def __init__(self, network: nn.Layer, flipped: bool = False):
        super().__init__()
        self.network, self.flipped = network, flipped

    def log_scale(self, x):
        """The scale's logarithm s, from the network's output."""
        raise NotImplementedError

    def forward(self, x, *seen):
        """Args: x: [N, C, H, W]; seen: what the network sees in addition, [N, S, H, W]."""
        kept, changed = self._halves(x)
        shift, log_scale = self._change(paddle.concat([kept, *seen], 1) if seen else kept)
        return self._joined(kept, changed * log_scale.exp() + shift), log_scale.sum([1, 2, 3])

    def inverse(self, y):
        kept, changed = self._halves(y)
        shift, log_scale = self._change(kept)
        return self._joined(kept, (changed - shift) * (-log_scale).exp())

    def _change(self, x):
        shift, scale = self.network(x).chunk(2, 1)
        return shift, self.log_scale(scale)

    def _halves(self, x):
        first, second = x.chunk(2, 1)
        return (second, first) if self.flipped else (first, second)

    def _joined(self, kept, changed):
        return paddle.concat([changed, kept] if self.flipped else [kept, changed], 1)


class TanhCoupling(Coupling):
    """A coupling with s = tanh times a learned factor for each of the changed channels (RealNVP, section 4.1)."""

    def __init__(self, channels: int, network: nn.Layer, flipped: bool = False):
        super().__init__(network, flipped)
        one = nn.initializer.Constant(1)
        self.factor = self.create_parameter([1, channels // 2, 1, 1], default_initializer=one)

    def log_scale(self, x):
        return self.factor * x.tanh()


class SigmoidCoupling(Coupling):
    """A coupling with the scale sigmoid(x + 2), as in Glow's code: it is below 1, and so cannot explode."""

    def log_scale(self, x):
        return F.log_sigmoid(x + 2)


class Half(nn.Layer):
    """Half of the channels leave as noise: their mean and deviation come from the other half (Glow's code).

    forward(x) -> (the rest, noise, log_det), inverse(rest, noise) -> x.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.guess = _zero(FewOutputsConv2D(channels // 2, channels, 3, padding=1))

    def forward(self, x):
        rest, leaving = x.chunk(2, 1)
        mean, log_deviation = self.guess(rest).chunk(2, 1)
        return rest, (leaving - mean) * (-log_deviation).exp(), -log_deviation.sum([1, 2, 3])

    def inverse(self, rest, noise):
        mean, log_deviation = self.guess(rest).chunk(2, 1)
        return paddle.concat([rest, noise * log_deviation.exp() + mean], 1)


class ShallowNet(nn.Layer):
    """Convolutions of 3x3, 1x1 and 3x3, [N, I, H, W] -> [N, O, H, W], 0 at first (Glow, section 3.3).

    A plane of ones joins the input: it is a bias that also shows where the padding begins, for which the authors' code
    has a plane, too. For so few channels in and out Paddle's own convolutions are the fastest, also in training.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int):
        super().__init__()
        self.first = nn.Conv2D(inputs + 1, hidden, 3, padding=1, bias_attr=False)
        self.second = nn.Conv2D(hidden, hidden, 1, bias_attr=False)
        self.last = _zero(FewOutputsConv2D(hidden, outputs, 3, padding=1))

    def forward(self, x):
        x = paddle.concat([x, paddle.ones_like(x[:, :1])], 1)
        return self.last(F.relu(self.second(F.relu(self.first(x)))))


class ResidualNet(nn.Layer):
    """A residual network of 3x3 convolutions, [N, I, H, W] -> [N, O, H, W], 0 at first (RealNVP, section 3.4).

    Departures: neither batch norm, with which a picture's probability would depend on the others of its batch, nor the
    weight norm that the paper has.
    """

    def __init__(self, inputs: int, hidden: int, blocks: int, outputs: int):
        super().__init__()
        self.first = Conv2D(inputs, hidden, 3, padding=1, bias=True)
        self.blocks = nn.LayerList(
            nn.Sequential(
                ReLU(),
                Conv2D(hidden, hidden, 3, padding=1, bias=True),
                ReLU(),
                Conv2D(hidden, hidden, 3, padding=1, bias=True),
            )
            for _ in range(blocks)
        )
        self.last = nn.Sequential(ReLU(), _zero(FewOutputsConv2D(hidden, outputs, 3, padding=1)))

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)


def squeezed(x):
    """[N, C, 2 H, 2 W] -> [N, 4 C, H, W]: channels of the upper left pixels, upper right, lower left, lower right."""
    channels, height, width = x.shape[1:]
    x = x.reshape([-1, channels, height // 2, 2, width // 2, 2]).transpose([0, 3, 5, 1, 2, 4])
    return x.reshape([-1, 4 * channels, height // 2, width // 2])


def unsqueezed(x):
    """The inverse of `squeezed`. Without a transposition, as oneDNN joins one wrongly with the reshapes around it."""
    channels, height, width = x.shape[1:]
    upper_left, upper_right, lower_left, lower_right = x.chunk(4, 1)
    rows = [paddle.stack([upper_left, upper_right], 4), paddle.stack([lower_left, lower_right], 4)]  # [N, C, H, W, 2]
    return paddle.stack(rows, 3).reshape([-1, channels // 4, 2 * height, 2 * width])  # [N, C, H, 2, W, 2]


def _zero(layer: nn.Layer) -> nn.Layer:
    """Set a convolution's weights and bias to 0; returns the layer."""
    for parameter in layer.parameters():
        parameter.set_value(paddle.zeros_like(parameter))
    return layer
