"""DCGAN for images of 32, 64 or 128 pixels (Radford, Metz and Chintala 2016, https://arxiv.org/abs/1511.06434).

At 64 pixels they are the networks of PyTorch's DCGAN example; at 32 pixels the stage with the most feature maps is left
out, at 128 pixels there is one more. The initialisation is the example's: weights from N(0, 0.02^2), scales of batch
norms from N(1, 0.02^2).
"""

import itertools

from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import Conv2D, Conv2DTranspose, LeakyReLU, OutputHeads

STAGES = {32: 3, 64: 4, 128: 5}  # size in pixels -> number of doublings from 4x4


class Generator(nn.Layer):
    """Noise [N, z_dim] -> images [N, C, S, S] in [-1, 1].

    A 4x4 transposed convolution from one pixel to 4x4, then one with stride 2 for each doubling of the size. The number
    of feature maps halves from 8 ngf (at 64 pixels) to ngf. Batch norm and ReLU follow each but the last, which ends in
    tanh.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int]):
        super().__init__()
        widths = [options.ngf * 2**i for i in reversed(range(STAGES[image_shape[1]]))]
        layers = [Conv2DTranspose(z_dim, widths[0], 4), nn.BatchNorm2D(widths[0]), nn.ReLU()]
        for wide, narrow in itertools.pairwise(widths):
            layers += [Conv2DTranspose(wide, narrow, 4, stride=2, padding=1), nn.BatchNorm2D(narrow), nn.ReLU()]
        layers += [Conv2DTranspose(widths[-1], image_shape[0], 4, stride=2, padding=1), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        normal_002(self)

    def forward(self, z):
        return self.layers(z.reshape([*z.shape, 1, 1]))


class Discriminator(nn.Layer):
    """Images [N, C, S, S] in [-1, 1] -> logits [N, 1], positive for real, or several outputs.

    A 4x4 convolution with stride 2 for each halving of the size down to 4x4, and a last one to a single pixel. The
    number of feature maps doubles from ndf to 8 ndf (at 64 pixels). LeakyReLU 0.2 follows each but the last; batch norm
    follows each but the first and the last.
    """

    def __init__(self, options, image_shape: tuple[int, int, int], outputs: tuple[int, ...] = (1,)):
        super().__init__()
        widths = [options.ndf * 2**i for i in range(STAGES[image_shape[1]])]
        layers = [Conv2D(image_shape[0], widths[0], 4, stride=2, padding=1), LeakyReLU(0.2)]
        for narrow, wide in itertools.pairwise(widths):
            layers += [Conv2D(narrow, wide, 4, stride=2, padding=1), nn.BatchNorm2D(wide), LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.heads = OutputHeads(widths[-1], outputs, _head)
        normal_002(self)

    def forward(self, x):
        return self.heads(self.layers(x))


class _FromOnePixel(nn.Layer):
    """[N, size, 1, 1] -> [N, size]. `nn.Flatten` has no double gradient."""

    def forward(self, x):
        return x.reshape([-1, x.shape[1]])


def _head(features: int, size: int) -> nn.Layer:
    """[N, features, 4, 4] -> [N, size]."""
    return nn.Sequential(Conv2D(features, size, 4), _FromOnePixel())
