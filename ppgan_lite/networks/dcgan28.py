"""The networks of the tutorial "Understand GANs in four days": a DCGAN for 28x28 images.

Two departures save time and compute the same: there is no bias before a batch norm (which subtracts it), and ReLU comes
after the max-pool instead of before it (both are monotone, so they commute).
"""

import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import (
    BatchNorm2D,
    BilinearUpsampleConv2D,
    Conv2D,
    Conv2DTranspose,
    MaxPool2x2,
    OutputHeads,
    ReLU,
    as_stored,
)

ACTIVATIONS = {"relu": ReLU, "tanh": nn.Tanh}


class Generator(nn.Layer):
    """Noise [N, z_dim] -> images [N, C, 28, 28] in [-1, 1].

    Linear to 16 ngf; linear to 2 ngf x 7 x 7; twice: upsampling to double size with a convolution. Batch norm and the
    activation follow each layer but the last, which ends in tanh. `upsample: bilinear` is the tutorial's bilinear
    upsampling (align_corners=True) and 5x5 convolution; `transposed` is its second form, a transposed convolution, here
    4x4 with stride 2: the kernel is a multiple of the stride, so every output pixel is a sum of equally many terms.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        channels, size = image_shape[0], image_shape[1] // 4
        ngf, activation = options.ngf, ACTIVATIONS[options.activation]
        self.feature_shape = [2 * ngf, size, size]
        self.project = nn.Sequential(
            nn.Linear(z_dim, 16 * ngf, bias_attr=False),
            nn.BatchNorm1D(16 * ngf),
            activation(),
            nn.Linear(16 * ngf, 2 * ngf * size**2, bias_attr=False),
            nn.BatchNorm1D(2 * ngf * size**2),
            activation(),
        )
        self.upsample = nn.Sequential(
            _double_size(options.upsample, 2 * ngf, ngf, bias=False),
            BatchNorm2D(ngf),
            activation(),
            _double_size(options.upsample, ngf, channels, bias=True),
            nn.Tanh(),
        )
        if options.init == "normal_0.02":
            normal_002(self)

    def forward(self, z):
        return self.upsample(self.project(z).reshape([-1, *self.feature_shape]))  # [N, 2 ngf, 7, 7]


class Discriminator(nn.Layer):
    """Images [N, C, 28, 28] in [-1, 1] -> logits [N, 1], positive for real, or several outputs.

    Twice: 3x3 convolution without padding (ndf and 2 ndf feature maps), batch norm, max-pool 2, ReLU; then linear to
    16 ndf with batch norm and ReLU, and linear to the outputs.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        super().__init__()
        ndf = options.ndf
        pooled = ((image_shape[1] - 2) // 2 - 2) // 2  # 28 -> 26 -> 13 -> 11 -> 5
        self.conv1 = Conv2D(image_shape[0], ndf, 3)
        self.norm1 = BatchNorm2D(ndf)
        self.conv2 = Conv2D(ndf, 2 * ndf, 3)
        self.norm2 = BatchNorm2D(2 * ndf)
        self.pool = MaxPool2x2()
        self.linear1 = nn.Linear(2 * ndf * pooled**2, 16 * ndf, bias_attr=False)
        self.norm3 = nn.BatchNorm1D(16 * ndf)
        self.heads = OutputHeads(16 * ndf, outputs)

    def forward(self, x):
        x = as_stored(F.relu, self.pool(self.norm1(self.conv1(x))))
        x = as_stored(F.relu, self.pool(self.norm2(self.conv2(x))))
        x = x.reshape([x.shape[0], -1])  # [N, 2 ndf * 5 * 5]
        return self.heads(F.relu(self.norm3(self.linear1(x))))


def _double_size(form: str, in_channels: int, out_channels: int, bias: bool) -> nn.Layer:
    """A layer from [N, in_channels, S, S] to [N, out_channels, 2 S, 2 S]."""
    if form == "bilinear":
        return BilinearUpsampleConv2D(in_channels, out_channels, 5, bias=bias)
    return Conv2DTranspose(in_channels, out_channels, 4, stride=2, padding=1, bias=bias)
