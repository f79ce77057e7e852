"""StarGAN's networks (Choi et al. 2018, tables 4 and 5, https://arxiv.org/abs/1711.09020)."""

import itertools

import paddle
from paddle import nn

from ppgan_lite.networks.initialise import uniform_by_fan_in
from ppgan_lite.networks.layers import Conv2D, Conv2DTranspose, FewOutputsConv2D, LeakyReLU


class Generator(nn.Layer):
    """Images [N, C, H, W] in [-1, 1] and wanted attributes [N, A] -> images of the same shape; H, W multiples of 4.

    The attributes are A more channels, each constant. A 7x7 convolution to ngf feature maps, two 4x4 ones with stride 2
    to 4 ngf, residual blocks, two transposed 4x4 convolutions back to ngf, and a 7x7 convolution with tanh. Instance
    norm with gain and shift and ReLU follow each but the last; there are no biases. The padding is zero: a reflected
    border would leave the constant channels constant, and the norm would remove them.

    Attributes:
        multiple: height and width of an image must be multiples of it.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_attributes: int):
        super().__init__()
        self.multiple = 4
        ngf = options.ngf
        layers = _normed(Conv2D(image_shape[0] + num_attributes, ngf, 7, padding=3), ngf)
        for width in (ngf, 2 * ngf):
            layers += _normed(Conv2D(width, 2 * width, 4, stride=2, padding=1), 2 * width)
        layers += [_Block(4 * ngf) for _ in range(options.blocks)]
        for width in (4 * ngf, 2 * ngf):
            layers += _normed(Conv2DTranspose(width, width // 2, 4, stride=2, padding=1), width // 2)
        layers += [FewOutputsConv2D(ngf, image_shape[0], 7, padding=3, bias=False), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        uniform_by_fan_in(self)

    def forward(self, images, attributes):
        planes = attributes.reshape([-1, attributes.shape[1], 1, 1]) + 0 * images[:, :1]  # [N, A, H, W]
        return self.layers(paddle.concat([images, planes], 1))


class Discriminator(nn.Layer):
    """Images [N, C, S, S] -> a score for each patch, [N, 1, S / 2^layers, S / 2^layers], and attribute logits [N, A].

    4x4 convolutions with stride 2, ndf feature maps and twice as many in each later one, LeakyReLU 0.01; then a 3x3
    convolution to the scores and one over the whole image to the logits. No norms.

    Attributes:
        score_shape: the shape of an image's scores.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], num_attributes: int):
        super().__init__()
        widths = [image_shape[0], *(options.ndf * 2**i for i in range(options.layers))]
        layers = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [Conv2D(inputs, outputs, 4, stride=2, padding=1, bias=True), LeakyReLU(0.01)]
        side = image_shape[1] // 2**options.layers
        self.score_shape = 1, side, side
        self.layers = nn.Sequential(*layers)
        self.to_scores = Conv2D(widths[-1], 1, 3, padding=1)
        self.to_attributes = Conv2D(widths[-1], num_attributes, side)
        uniform_by_fan_in(self)

    def forward(self, x):
        x = self.layers(x)
        logits = self.to_attributes(x)  # [N, A, 1, 1]
        return self.to_scores(x), logits.reshape([-1, logits.shape[1]])


class _Block(nn.Layer):
    """[N, width, H, W] -> the same shape."""

    def __init__(self, width: int):
        super().__init__()
        first, second = (Conv2D(width, width, 3, padding=1) for _ in range(2))
        self.residual = nn.Sequential(*_normed(first, width), second, nn.InstanceNorm2D(width))

    def forward(self, x):
        return x + self.residual(x)


def _normed(layer: nn.Layer, width: int) -> list[nn.Layer]:
    """A layer, instance norm with gain and shift, and ReLU."""
    return [layer, nn.InstanceNorm2D(width), nn.ReLU()]
