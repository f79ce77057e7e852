"""A normal distribution for each pixel, from a generator of twice as many feature maps."""

import math

from paddle import nn

SMALLEST, LARGEST = math.log(0.002), 0.0  # logarithms of deviations: a quarter of a level of 256, and half the range


class PixelNormals(nn.Layer):
    """Codes z [N, z_dim] -> the means of the pixels [N, C, H, W] in [-1, 1].

    Args:
        generator: a generator of images [N, 2 C, H, W] in [-1, 1]. The second half of the channels gives the logarithm
            of the standard deviations, from `SMALLEST` to `LARGEST`.
    """

    def __init__(self, generator: nn.Layer):
        super().__init__()
        self.generator = generator

    def forward(self, z):
        return self.distribution(z)[0]

    def distribution(self, z):
        """The means, and the logarithm of the standard deviations, [N, C, H, W] each."""
        mean, place = self.generator(z).chunk(2, 1)
        return mean, SMALLEST + (LARGEST - SMALLEST) * (place + 1) / 2
