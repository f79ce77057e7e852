"""The stages of ProGAN and MSG-GAN: from noise to feature maps of growing sizes, and back.

Karras et al. 2018, appendix A.1, https://arxiv.org/abs/1710.10196, as in the authors' code: all learning rates
equalised, weights scaled for leaky ReLUs, no tanh. D's means of 2x2 pixels come before the leaky ReLU, as they do
there at most sizes (`fused_scale`).
"""

from paddle import nn

from ppgan_lite.networks.equalised import ROOT_2, SLOPE, MinibatchDeviation, PixelNorm, Reshape, equalised, normalised
from ppgan_lite.networks.layers import Conv2D, Conv2DMeanPool, LeakyReLU, Linear, NearestUpsampleConv2D, OutputHeads
from ppgan_lite.networks.stages import SMALLEST


class FirstStage(nn.Layer):
    """Noise [N, z_dim] -> [N, width, 4, 4]: z normalised, a linear layer and a 3x3 convolution.

    Departure: the linear layer has a bias for each of its 16 pixels, not one for each feature map.
    """

    def __init__(self, z_dim: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            equalised(Linear(z_dim, width * SMALLEST**2), ROOT_2 / 4),  # a quarter, as in the authors' code
            Reshape(width, SMALLEST, SMALLEST),
            LeakyReLU(SLOPE),
            PixelNorm(),
            *_convolved(width, width),
            PixelNorm(),
        )

    def forward(self, z):
        return self.layers(normalised(z))


def doubling(inputs: int, outputs: int) -> nn.Sequential:
    """A stage of G, [N, inputs, H, W] -> [N, outputs, 2 H, 2 W]: nearest upsampling and two 3x3 convolutions."""
    return nn.Sequential(
        equalised(NearestUpsampleConv2D(inputs, outputs, bias=True), ROOT_2),
        LeakyReLU(SLOPE),
        PixelNorm(),
        *_convolved(outputs, outputs),
        PixelNorm(),
    )


def to_images(width: int, channels: int) -> nn.Layer:
    """[N, width, H, W] -> pictures [N, channels, H, W]."""
    return equalised(Conv2D(width, channels, 1, bias=True))


def from_images(channels: int, width: int) -> nn.Sequential:
    """Pictures [N, channels, H, W] -> [N, width, H, W]."""
    return nn.Sequential(equalised(Conv2D(channels, width, 1, bias=True), ROOT_2), LeakyReLU(SLOPE))


def halving(inputs: int, outputs: int) -> nn.Sequential:
    """A stage of D, [N, inputs, H, W] -> [N, outputs, H / 2, W / 2]: two 3x3 convolutions and means of 2x2 pixels."""
    return nn.Sequential(
        *_convolved(inputs, inputs),
        equalised(Conv2DMeanPool(inputs, outputs, bias=True), ROOT_2),
        LeakyReLU(SLOPE),
    )


class LastStage(nn.Layer):
    """[N, width, 4, 4] -> scores [N, 1], or several outputs: the deviation within the minibatch, and three layers.

    A 3x3 convolution, a linear layer of all pixels and a linear layer.
    """

    def __init__(self, width: int, outputs: tuple[int, ...]):
        super().__init__()
        self.layers = nn.Sequential(
            MinibatchDeviation(),
            *_convolved(width + 1, width),
            Reshape(width * SMALLEST**2),
            equalised(Linear(width * SMALLEST**2, width), ROOT_2),
            LeakyReLU(SLOPE),
        )
        self.heads = OutputHeads(width, outputs, lambda *shape: equalised(Linear(*shape)))

    def forward(self, x):
        return self.heads(self.layers(x))


def _convolved(inputs: int, outputs: int) -> list[nn.Layer]:
    """A 3x3 convolution and its leaky ReLU."""
    return [equalised(Conv2D(inputs, outputs, 3, padding=1, bias=True), ROOT_2), LeakyReLU(SLOPE)]
