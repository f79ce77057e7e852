"""The gated PixelCNN: the distribution of each pixel from those before it, which are above or left of it in its row.

van den Oord et al. 2016, https://arxiv.org/abs/1606.05328, section 2.3 and figure 2. Single masked convolutions do not
see some pixels above to the right. Here one stack sees the rows above, and one the pixels to the left and the first.
Two differences compute the same: the first stack is shifted by a row in its first layer and in none later; and there
are no masks, as the kernels have only the taps that they may see.

Two are departures: the convolutions are dilated (Yu and Koltun 2016, https://arxiv.org/abs/1511.07122), as without it
seven blocks see only 10 rows; and the first stack has residual connections, as the second.
"""

import math
from collections import deque

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.layers import Conv2D, ReLU

REACH = 3  # rows above and pixels to the left that the first layers see
DILATIONS = (1, 2, 4, 8)  # distances of the taps, for one block after the other


class PixelCNN(nn.Layer):
    """Images [N, C, H, W] in [-1, 1], and labels [N] with classes -> parameters [N, P, H, W] of their distributions.

    Args:
        options: see networks/options.py.
        image_shape: (C, H, W).
        num_parameters: P, for each pixel.
        num_classes: number of classes to condition on; None: without labels.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_parameters: int, num_classes: int | None = None):
        super().__init__()
        channels, features = image_shape[0], options.features
        self.shape = image_shape
        self.first_above = Conv2D(
            channels, features, [REACH, 2 * REACH + 1], padding=[REACH, 0, REACH, REACH], bias=True
        )
        self.first_left = Conv2D(channels, features, [1, REACH], padding=[0, 0, REACH, 0], bias=True)
        self.blocks = nn.LayerList(
            Block(features, DILATIONS[i % len(DILATIONS)], num_classes) for i in range(options.blocks)
        )
        self.head = nn.Sequential(
            ReLU(),
            Conv2D(features, options.head, 1, bias=True),
            ReLU(),
            Conv2D(options.head, num_parameters, 1, bias=True),
        )

    def forward(self, images, labels=None):
        above = self.first_above(images[:, :, :-1])  # without its own row: one row of padding more than it has taps
        left = self.first_left(images[:, :, :, :-1]) + above
        for block in self.blocks:
            above, left = block(above, left, labels)
        return self.head(left)


class Block(nn.Layer):
    """A layer of both stacks, [N, features, H, W] twice -> the same, with gates tanh(x) sigmoid(y)."""

    def __init__(self, features: int, dilation: int, num_classes: int | None):
        super().__init__()
        self.dilation = dilation
        rows, columns = [dilation, 0, dilation, dilation], [0, 0, dilation, 0]  # zeros above, below, left, right
        self.above = Conv2D(features, 2 * features, [2, 3], padding=rows, bias=True, dilation=dilation)
        self.link = Conv2D(2 * features, 2 * features, 1, bias=True)
        self.left = Conv2D(features, 2 * features, [1, 2], padding=columns, dilation=dilation)
        self.out = Conv2D(features, features, 1, bias=True)
        self.of_classes = nn.Embedding(num_classes, 4 * features) if num_classes else None

    def forward(self, above, left, labels=None):
        of_above, of_left = self.biases(labels)
        rows = self.above(above) + of_above
        pixels = self.left(left) + self.link(rows) + of_left
        return above + gate(rows), left + self.out(gate(pixels))

    def biases(self, labels):
        """What the class adds to each stack, [N, 2 features, 1, 1]; zeros without classes."""
        if self.of_classes is None:
            return 0, 0
        return self.of_classes(labels).unsqueeze([2, 3]).chunk(2, 1)


def gate(x):
    """[N, 2 C, ...] -> [N, C, ...]: tanh of one half times the sigmoid of the other (equation 2)."""
    first, second = x.chunk(2, 1)
    return first.tanh() * F.sigmoid(second)


class Pixels(nn.Layer):
    """A PixelCNN's pictures, pixel by pixel: uniform numbers [N, U H W] in [0, 1] -> images [N, C, H, W] in [-1, 1].

    A second input is the temperature, [N, 1]: below 1 pictures are likelier and less varied.

    Each layer computes one row, then one pixel at a time and keeps what later ones need, so that all pixels together
    cost about one pass through the network.

    Args:
        network: the PixelCNN.
        distribution: see losses/likelihood.py.
    """

    def __init__(self, network: PixelCNN, distribution):
        super().__init__()
        self.network, self.distribution = network, distribution
        self.num_frames = math.prod(network.shape[1:])

    def forward(self, *inputs):
        pixels = paddle.stack(list(self._pixels(*inputs)), 2)  # [N, C, H W]
        return pixels.reshape([-1, *self.network.shape])

    def frames(self, *inputs):
        """Yield the pictures after each pixel, [N, C, H, W]; the pixels to come are grey."""
        pictures = paddle.zeros([len(inputs[0]), *self.network.shape]).flatten(2)
        for number, pixel in enumerate(self._pixels(*inputs)):
            pictures[:, :, number] = pixel
            yield pictures.reshape([-1, *self.network.shape])

    def _pixels(self, uniforms, temperature, labels=None):
        """Yield each pixel, [N, C], from left to right and from top to bottom."""
        network = self.network
        channels, height, width = network.shape
        num, features = uniforms.shape[0], network.first_above.weight.shape[0]
        uniforms = uniforms.reshape([num, -1, height, width])
        biases = [block.biases(labels) for block in network.blocks]
        rows = [paddle.zeros([num, channels, 1, width])] * REACH
        before = _kept(network.blocks, paddle.zeros([num, features, 1, width]))  # each block's rows above this one
        for row in range(height):
            first = above = _of_rows(network.first_above, rows[-REACH:])
            links = []
            for i, (block, (of_above, of_left)) in enumerate(zip(network.blocks, biases, strict=True)):
                gated = _of_rows(block.above, [before[i][0], above]) + of_above
                links.append((block.link(gated) + of_left).squeeze(2).unbind(2))
                before[i].append(above)
                above = above + gate(gated)
            pixels = []
            for pixel in self._row(first.squeeze(2).unbind(2), links, uniforms[:, :, row].unbind(2), temperature):
                pixels.append(pixel)
                yield pixel
            rows.append(paddle.stack(pixels, 2).unsqueeze(2))  # [N, C, 1, W]

    def _row(self, first: list, links: list, uniforms: list, temperature):
        """Yield each pixel of a row, [N, C].

        Args:
            first: what the rows above give to the first layer, [N, features] for each pixel.
            links: what they give to each block, [N, 2 features] for each pixel.
            uniforms: the uniform numbers of each pixel, [N, U].
        """
        network = self.network
        pixels = [paddle.zeros([len(first[0]), network.shape[0]])] * REACH
        before = _kept(network.blocks, paddle.zeros_like(first[0]))  # each block's pixels to the left of this one
        for column, of_rows in enumerate(first):
            left = _of_pixels(network.first_left, pixels[-REACH:]) + of_rows
            for i, block in enumerate(network.blocks):
                gated = _of_pixels(block.left, [before[i][0], left]) + links[i][column]
                before[i].append(left)
                left = left + _of_pixels(block.out, [gate(gated)])
            for layer in network.head:
                left = _of_pixels(layer, [left]) if isinstance(layer, Conv2D) else F.relu(left)
            pixels.append(self.distribution.draw(left, uniforms[column], temperature))
            yield pixels[-1]


def _kept(blocks, zeros) -> list[deque]:
    """For each block its last `dilation` rows or pixels, zeros at first; the oldest is the one that its kernel sees."""
    return [deque([zeros] * block.dilation, maxlen=block.dilation) for block in blocks]


def _of_rows(layer: Conv2D, rows: list):
    """The last row of a convolution, [N, O, 1, W], from the rows that its kernel sees, [N, I, 1, W]."""
    dilation = layer._dilation[1]
    padding = layer.weight.shape[3] // 2 * dilation
    return F.conv2d(paddle.concat(rows, 2), layer.weight, layer.bias, padding=[0, padding], dilation=[1, dilation])


def _of_pixels(layer: Conv2D, pixels: list):
    """The last pixel of a convolution, [N, O], from the pixels of a row that its kernel sees, [N, I]."""
    return F.linear(paddle.stack(pixels, 2).flatten(1), layer.weight.flatten(1).t(), layer.bias)
