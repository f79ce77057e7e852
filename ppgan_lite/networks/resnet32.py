"""The residual networks of WGAN-GP (Gulrajani et al. 2017, appendix F) and SNGAN (Miyato et al. 2018, table 4).

For 32x32 images; https://arxiv.org/abs/1704.00028 and https://arxiv.org/abs/1802.05957. SNGAN has a wider generator,
spectral norms, and in D a sum in place of the mean. With classes, G's blocks have conditional batch norms and D is a
projection discriminator (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637). Both authors' code has the same
initialisation: Glorot's uniform, sqrt(2) times as wide for convolutions in residual branches.

The generator's blocks have no biases: the following batch norms cancel them.
"""

import math

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.conditional import ConditionalBatchNorm2D
from ppgan_lite.networks.layers import Conv2D, Conv2DMeanPool, NearestUpsample, NearestUpsampleConv2D, OutputHeads

RESIDUAL_GAIN = 2**0.5  # makes up for the ReLUs before the convolutions


class Generator(nn.Layer):
    """Noise [N, z_dim] and optional labels [N] -> images [N, C, 32, 32] in [-1, 1].

    Linear to 4x4 pixels; three residual blocks that double the size; batch norm, ReLU, a 3x3 convolution and tanh. All
    have ngf feature maps.

    Args:
        num_classes: number of classes to condition on; None: unconditional, without labels.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int], num_classes: int | None = None):
        super().__init__()
        ngf = options.ngf
        self.num_classes = num_classes
        self.first_shape = [ngf, 4, 4]
        self.linear = _glorot(nn.Linear(z_dim, ngf * 4 * 4))
        self.blocks = nn.LayerList([_UpBlock(ngf, num_classes) for _ in range(3)])
        last = _glorot(Conv2D(ngf, image_shape[0], 3, padding=1, bias=True))
        self.to_images = nn.Sequential(nn.BatchNorm2D(ngf), nn.ReLU(), last, nn.Tanh())

    def forward(self, z, labels=None):
        x = self.linear(z).reshape([-1, *self.first_shape])  # [N, 16 ngf] -> [N, ngf, 4, 4]
        for block in self.blocks:
            x = block(x, labels)
        return self.to_images(x)


class Discriminator(nn.Layer):
    """Images [N, C, 32, 32] in [-1, 1] and optional labels [N] -> scores [N, 1], or several outputs.

    Two residual blocks that halve the size, two that keep it, ReLU, the sum or mean of each feature map, and a linear
    layer; all have ndf feature maps. With `norm: spectral` all weights are divided by their largest singular value.

    Args:
        num_classes: number of classes to condition on; None: unconditional, without labels. With labels, the score adds
            the inner product of the features and an embedding of the class.
    """

    def __init__(
        self,
        options,
        image_shape: tuple[int, int, int],
        outputs: tuple[int, ...] = (1,),
        num_classes: int | None = None,
    ):
        super().__init__()
        ndf, self.pooling = options.ndf, options.pooling
        self.blocks = nn.Sequential(
            _DownBlock(image_shape[0], ndf, first=True), _DownBlock(ndf, ndf), _Block(ndf), _Block(ndf)
        )
        self.heads = OutputHeads(ndf, outputs, lambda features, size: _glorot(nn.Linear(features, size)))
        self.of_classes = _glorot(nn.Embedding(num_classes, ndf)) if num_classes else None
        if options.norm == "spectral":
            for layer in self.sublayers():
                if isinstance(layer, nn.Conv2D | nn.Linear | nn.Embedding):
                    nn.utils.spectral_norm(layer)

    def forward(self, x, labels=None):
        x = F.relu(self.blocks(x))  # [N, ndf, 8, 8]
        features = x.sum([2, 3]) if self.pooling == "sum" else x.mean([2, 3])
        scores = self.heads(features)
        return scores if labels is None else scores + (self.of_classes(labels) * features).sum(1, keepdim=True)


class _UpBlock(nn.Layer):
    """[N, width, H, W] and labels [N] or None -> [N, width, 2 H, 2 W]."""

    def __init__(self, width: int, num_classes: int | None):
        super().__init__()
        self.norms = nn.LayerList(
            [ConditionalBatchNorm2D(width, num_classes) if num_classes else nn.BatchNorm2D(width) for _ in range(2)]
        )
        self.enlarge = _glorot(NearestUpsampleConv2D(width, width), RESIDUAL_GAIN)
        self.keep = _glorot(Conv2D(width, width, 3, padding=1), RESIDUAL_GAIN)
        # A 1x1 convolution commutes with the upsampling; before it, there are a quarter of the pixels.
        self.shortcut = nn.Sequential(_glorot(Conv2D(width, width, 1)), NearestUpsample())

    def forward(self, x, labels):
        condition = () if labels is None else (labels,)
        y = self.enlarge(F.relu(self.norms[0](x, *condition)))
        return self.keep(F.relu(self.norms[1](y, *condition))) + self.shortcut(x)


class _DownBlock(nn.Layer):
    """[N, inputs, H, W] -> [N, outputs, H / 2, W / 2]. D's first block has no ReLU before it."""

    def __init__(self, inputs: int, outputs: int, first: bool = False):
        super().__init__()
        self.residual = nn.Sequential(
            *([] if first else [nn.ReLU()]),
            _glorot(Conv2D(inputs, outputs, 3, padding=1, bias=True), RESIDUAL_GAIN),
            nn.ReLU(),
            _glorot(Conv2DMeanPool(outputs, outputs, bias=True), RESIDUAL_GAIN),
        )
        # The papers pool before the 1x1 convolution in the first block only. The result is the same.
        self.shortcut = nn.Sequential(nn.AvgPool2D(2), _glorot(Conv2D(inputs, outputs, 1, bias=True)))

    def forward(self, x):
        return self.residual(x) + self.shortcut(x)


class _Block(nn.Layer):
    """[N, width, H, W] -> the same shape."""

    def __init__(self, width: int):
        super().__init__()
        self.residual = nn.Sequential(
            nn.ReLU(),
            _glorot(Conv2D(width, width, 3, padding=1, bias=True), RESIDUAL_GAIN),
            nn.ReLU(),
            _glorot(Conv2D(width, width, 3, padding=1, bias=True), RESIDUAL_GAIN),
        )

    def forward(self, x):
        return self.residual(x) + x


def _glorot(layer: nn.Layer, gain: float = 1.0) -> nn.Layer:
    """Initialise a layer's weight [A, B, ...]: uniform, variance 2 gain^2 / ((A + B) ...) (Glorot and Bengio 2010)."""
    first, second, *taps = layer.weight.shape
    limit = gain * (6 / ((first + second) * math.prod(taps))) ** 0.5
    layer.weight.set_value(paddle.uniform(layer.weight.shape, min=-limit, max=limit))
    return layer
