"""The U-Net of denoising diffusion: from noisy pictures, and the level of noise in them, to the noise.

Ho, Jain and Abbeel 2020, appendix B, https://arxiv.org/abs/2006.11239, in small: residual blocks that get the level as
sines and cosines, self-attention at the smallest size, and at all others the feature maps on the way down joined with
those on the way up. Departures, which halve the time of a training step on a CPU:

- sizes are halved and doubled by 2x2 convolutions of stride 2, which change the number of feature maps as well;
- there are as many blocks up as down, and one join at each size, where the paper has one for each block;
- the level's shift follows the group norm and replaces its bias, where the paper's precedes it; the norms have no gain,
  and the convolutions after them no bias.
"""

import itertools

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.initialise import glorot
from ppgan_lite.networks.layers import Conv2D, Conv2DTranspose, uses_fast_forms
from ppgan_lite.networks.options import GROUPS

LONGEST = 10_000  # wavelength of the slowest sine, in levels, divided by 2 pi


class Denoiser(nn.Layer):
    """Noisy pictures [N, C, H, W] and their levels [N] -> the noise in them, [N, C, H, W]; at first 0.

    Args:
        options: see networks/options.py.
        image_shape: (C, H, W); height and width are multiples of 2^(number of widths - 1).
    """

    def __init__(self, options, image_shape: tuple[int, int, int]):
        super().__init__()
        channels, widths, blocks = image_shape[0], options.widths, options.blocks
        self.level_size = size = widths[-1]
        self.embed = nn.Sequential(_linear(size, size), nn.Silu(), _linear(size, size), nn.Silu())
        self.first = glorot(Conv2D(channels, widths[0], 3, padding=1, bias=True))
        self.stages = Middle(widths[-1], blocks, size)
        for narrow, wide in reversed(list(itertools.pairwise(widths))):
            self.stages = Stage(narrow, wide, blocks, size, self.stages)
        self.last = LevelConv2D(widths[0], channels, size, bias=True)
        _set_to_zero(self.last.conv)

    def forward(self, pictures, levels):
        level = self.embed(sines(levels, self.level_size))
        return self.last(self.stages(self.first(pictures), level), level)


class Stage(nn.Layer):
    """A size of the feature maps, with all smaller ones inside: [N, narrow, H, W] and a level -> the same shape."""

    def __init__(self, narrow: int, wide: int, blocks: int, level_size: int, inside: nn.Layer):
        super().__init__()
        self.down = Blocks(narrow, narrow, blocks, level_size)
        self.halve = glorot(Conv2D(narrow, wide, 2, stride=2, bias=True))
        self.inside = inside
        self.enlarge = glorot(Conv2DTranspose(wide, narrow, 2, stride=2, bias=True))
        self.up = Blocks(2 * narrow, narrow, blocks, level_size)

    def forward(self, x, level):
        x = self.down(x, level)
        y = self.enlarge(self.inside(self.halve(x), level))
        return self.up(paddle.concat([x, y], 1), level)


class Middle(nn.Layer):
    """The smallest size: blocks, self-attention and blocks. [N, width, H, W] and a level -> the same shape."""

    def __init__(self, width: int, blocks: int, level_size: int):
        super().__init__()
        self.before, self.after = (Blocks(width, width, blocks, level_size) for _ in range(2))
        self.attention = Attention(width)

    def forward(self, x, level):
        return self.after(self.attention(self.before(x, level)), level)


class Blocks(nn.LayerList):
    """Residual blocks: [N, inputs, H, W] and a level [N, level_size] -> [N, outputs, H, W]."""

    def __init__(self, inputs: int, outputs: int, number: int, level_size: int):
        super().__init__([Block(outputs if i else inputs, outputs, level_size) for i in range(number)])

    def forward(self, x, level):
        for block in self:
            x = block(x, level)
        return x


class Block(nn.Layer):
    """A residual block of two 3x3 convolutions, of which the second is 0 at first. Shapes: as `Blocks`."""

    def __init__(self, inputs: int, outputs: int, level_size: int):
        super().__init__()
        self.first = LevelConv2D(inputs, outputs, level_size)
        self.second = LevelConv2D(outputs, outputs, level_size)
        _set_to_zero(self.second.conv)
        self.skip = glorot(Conv2D(inputs, outputs, 1)) if inputs != outputs else nn.Identity()

    def forward(self, x, level):
        return self.skip(x) + self.second(self.first(x, level), level)


class LevelConv2D(nn.Layer):
    """Group norm, a shift of each feature map that depends on the level, SiLU, a 3x3 convolution. As `Blocks`."""

    def __init__(self, inputs: int, outputs: int, level_size: int, bias: bool = False):
        super().__init__()
        self.norm = GroupNorm()
        self.shift = _linear(level_size, inputs)
        self.conv = glorot(Conv2D(inputs, outputs, 3, padding=1, bias=bias))

    def forward(self, x, level):
        return self.conv(F.silu(self.norm(x) + self.shift(level).unsqueeze([2, 3])))


class GroupNorm(nn.Layer):
    """Each of GROUPS groups of a picture's feature maps to a mean of 0 and a variance of 1. [N, C, H, W] -> the same.

    The groups are channels of an instance norm: without gain `F.group_norm` has a wrong gradient (Paddle 3.3.1), and
    its conversion to ONNX computes something else. The fast form, which takes a third of the time, is a batch norm of
    one picture, with the groups of all pictures as its channels.
    """

    def forward(self, x):
        channels, height, width = x.shape[1:]
        groups = x.reshape([-1, GROUPS, channels // GROUPS * height, width])
        if not uses_fast_forms(self, x):
            return F.instance_norm(groups).reshape([-1, channels, height, width])
        number = x.shape[0] * GROUPS
        unused = paddle.zeros([number]), paddle.ones([number])  # running statistics
        return F.batch_norm(groups.reshape([1, number, -1, width]), *unused, training=True).reshape(x.shape)


class Attention(nn.Layer):
    """Self-attention with one head, added to its input [N, C, H, W]; its last layer is 0 at first."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = GroupNorm()
        self.queries_keys_values = glorot(Conv2D(channels, 3 * channels, 1, bias=True))
        self.last = Conv2D(channels, channels, 1, bias=True)
        _set_to_zero(self.last)

    def forward(self, x):
        channels, height, width = x.shape[1:]
        maps = self.queries_keys_values(self.norm(x)).reshape([-1, 3 * channels, height * width])
        queries, keys, values = maps.chunk(3, 1)  # [N, C, H W]
        weights = F.softmax(paddle.matmul(queries, keys, transpose_x=True) * channels**-0.5)  # [N, H W, H W]
        mean = paddle.matmul(values, weights, transpose_y=True)
        return x + self.last(mean.reshape([-1, channels, height, width]))


def sines(levels, size: int):
    """Sines and cosines of levels [N], with wavelengths in geometric progression, [N, size].

    A cosine is a shifted sine: of the sine and the cosine of one tensor oneDNN computes one wrong (Paddle 3.3.1).
    """
    frequencies = np.tile(LONGEST ** -np.linspace(0, 1, size // 2, endpoint=False), 2)
    phases = np.repeat([0, np.pi / 2], size // 2)
    frequencies, phases = (paddle.to_tensor(each.astype("float32")) for each in (frequencies, phases))
    return (levels.astype("float32").unsqueeze(1) * frequencies + phases).sin()


def _linear(inputs: int, outputs: int) -> nn.Linear:
    return glorot(nn.Linear(inputs, outputs))


def _set_to_zero(layer: nn.Layer):
    """Make a layer's weight 0, so that a block or the network begins as nothing that is added."""
    layer.weight.set_value(paddle.zeros_like(layer.weight))
