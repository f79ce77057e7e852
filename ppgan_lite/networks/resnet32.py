"""The residual networks of WGAN-GP (Gulrajani et al. 2017, appendix F) and SNGAN (Miyato et al. 2018, table 4).

For 32x32 images; https://arxiv.org/abs/1704.00028 and https://arxiv.org/abs/1802.05957. SNGAN has a wider generator,
spectral norms, and in D a sum in place of the mean. With classes, G's blocks have conditional batch norms and D is a
projection discriminator (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637). Both authors' code has the same
initialisation: Glorot's uniform, sqrt(2) times as wide for convolutions in residual branches.

SAGAN (Zhang et al. 2019, https://arxiv.org/abs/1805.08318) adds a self-attention layer to both networks, and spectral
norms to G. For 64x64 and 128x128 images both have one or two blocks more. Departure: all blocks are equally wide there,
too, while the papers' networks for such images double the feature maps with each halving of the size.

The generator's blocks have no biases: the following batch norms cancel them. SAGAN's code has them; attention, which
comes before such a batch norm, would not cancel them.
"""

import functools

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.attention import SelfAttention
from ppgan_lite.networks.conditional import ConditionalBatchNorm2D
from ppgan_lite.networks.initialise import glorot, orthogonal
from ppgan_lite.networks.layers import (
    AvgPool2D,
    BatchNorm2D,
    Conv2D,
    Conv2DMeanPool,
    NearestUpsample,
    NearestUpsampleConv2D,
    OutputHeads,
    ReLU,
    as_stored,
    spectral_norms,
)

RESIDUAL_GAIN = 2**0.5  # makes up for the ReLUs before the convolutions
DOUBLINGS = {32: 3, 64: 4, 128: 5}  # size of the images in pixels -> number of doublings from 4x4


class ResidualGenerator(nn.Layer):
    """What residual generators share: a linear layer to 4x4 pixels, blocks that double the size, and the last layers.

    The last layers are batch norm, ReLU, a 3x3 convolution and tanh. All have ngf feature maps. With `attention: s` a
    self-attention layer follows the block that makes feature maps of s x s pixels.

    Args:
        num_inputs: size of the linear layer's input.
        image_shape: (C, S, S) with S in DOUBLINGS.
        make_norm: `make_norm(width)` makes a batch norm of the blocks.
    """

    def __init__(self, options, num_inputs: int, image_shape: tuple[int, int, int], make_norm):
        super().__init__()
        ngf = options.ngf
        self.first_shape = [ngf, 4, 4]
        self.linear = glorot(nn.Linear(num_inputs, ngf * 4 * 4))
        self.blocks = nn.LayerList([_UpBlock(ngf, make_norm) for _ in range(DOUBLINGS[image_shape[1]])])
        last = glorot(Conv2D(ngf, image_shape[0], 3, padding=1, bias=True))
        self.to_images = nn.Sequential(BatchNorm2D(ngf), ReLU(), last, nn.Tanh())
        self.attention_size = options.attention
        self.attention = SelfAttention(ngf) if options.attention else None

    def generate(self, inputs, conditions: list[tuple]):
        """Images [N, C, S, S] in [-1, 1].

        Args:
            inputs: the linear layer's, [N, num_inputs].
            conditions: for each block the arguments of its batch norms after the feature maps.
        """
        x = self.linear(inputs).reshape([-1, *self.first_shape])  # [N, 16 ngf] -> [N, ngf, 4, 4]
        for i, block in enumerate(self.blocks):
            x = block(x, *conditions[i])
            if 8 * 2**i == self.attention_size:
                x = self.attention(x)
        return self.to_images(x)


class Generator(ResidualGenerator):
    """Noise [N, z_dim] and optional labels [N] -> images [N, C, S, S] in [-1, 1], S 32, 64 or 128.

    With `norm: spectral` the weights of convolutions and linear layers are divided by their largest singular value; the
    gains and shifts of batch norms, also those for each class, are not, as in SAGAN's code.

    Args:
        num_classes: number of classes to condition on; None: unconditional, without labels.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int], num_classes: int | None = None):
        conditional = functools.partial(ConditionalBatchNorm2D, num_classes=num_classes)
        super().__init__(options, z_dim, image_shape, conditional if num_classes else BatchNorm2D)
        self.num_classes = num_classes
        if options.norm == "spectral":
            spectral_norms(self, nn.Conv2D | nn.Linear)

    def forward(self, z, labels=None):
        condition = () if labels is None else (labels,)
        return self.generate(z, [condition] * len(self.blocks))


class Discriminator(nn.Layer):
    """Images [N, C, S, S] in [-1, 1], S 32, 64 or 128, and optional labels [N] -> scores [N, 1], or several outputs.

    Residual blocks that halve the size to 8x8 pixels, two that keep it, ReLU, the sum or mean of each feature map, and
    a linear layer; all have ndf feature maps. With `attention: s` a self-attention layer follows the first block that
    makes feature maps of s x s pixels. With `norm: spectral` all weights are divided by their largest singular value.

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
        sizes = [size for size in (64, 32, 16, 8) if size < image_shape[1]]
        blocks = [_DownBlock(ndf if i else image_shape[0], ndf, first=not i) for i in range(len(sizes))]
        blocks += [_Block(ndf), _Block(ndf)]
        if options.attention:
            blocks.insert(sizes.index(options.attention) + 1, SelfAttention(ndf))
        self.blocks = nn.Sequential(*blocks)
        self.heads = OutputHeads(ndf, outputs, lambda features, size: glorot(nn.Linear(features, size)))
        self.of_classes = glorot(nn.Embedding(num_classes, ndf)) if num_classes else None
        if options.init == "orthogonal":
            orthogonal(self)
        if options.norm == "spectral":
            spectral_norms(self, nn.Conv2D | nn.Linear | nn.Embedding)

    def forward(self, x, labels=None):
        x = as_stored(F.relu, self.blocks(x))  # [N, ndf, 8, 8]
        features = x.sum([2, 3]) if self.pooling == "sum" else x.mean([2, 3])
        scores = self.heads(features)
        return scores if labels is None else scores + (self.of_classes(labels) * features).sum(1, keepdim=True)


class _UpBlock(nn.Layer):
    """[N, width, H, W] and further arguments of its batch norms -> [N, width, 2 H, 2 W]."""

    def __init__(self, width: int, make_norm):
        super().__init__()
        self.norms = nn.LayerList([make_norm(width) for _ in range(2)])
        self.enlarge = glorot(NearestUpsampleConv2D(width, width), RESIDUAL_GAIN)
        self.keep = glorot(Conv2D(width, width, 3, padding=1), RESIDUAL_GAIN)
        # A 1x1 convolution commutes with the upsampling; before it, there are a quarter of the pixels.
        self.shortcut = nn.Sequential(glorot(Conv2D(width, width, 1)), NearestUpsample())

    def forward(self, x, *condition):
        y = self.enlarge(as_stored(F.relu, self.norms[0](x, *condition)))
        y = self.keep(as_stored(F.relu, self.norms[1](y, *condition)))
        return as_stored(paddle.add, y, self.shortcut(x))


class _DownBlock(nn.Layer):
    """[N, inputs, H, W] -> [N, outputs, H / 2, W / 2]. D's first block has no ReLU before it."""

    def __init__(self, inputs: int, outputs: int, first: bool = False):
        super().__init__()
        self.residual = nn.Sequential(
            *([] if first else [ReLU()]),
            glorot(Conv2D(inputs, outputs, 3, padding=1, bias=True), RESIDUAL_GAIN),
            ReLU(),
            glorot(Conv2DMeanPool(outputs, outputs, bias=True), RESIDUAL_GAIN),
        )
        # The papers pool before the 1x1 convolution in the first block only. The result is the same.
        self.shortcut = nn.Sequential(AvgPool2D(2), glorot(Conv2D(inputs, outputs, 1, bias=True)))

    def forward(self, x):
        return as_stored(paddle.add, self.residual(x), self.shortcut(x))


class _Block(nn.Layer):
    """[N, width, H, W] -> the same shape."""

    def __init__(self, width: int):
        super().__init__()
        self.residual = nn.Sequential(
            ReLU(),
            glorot(Conv2D(width, width, 3, padding=1, bias=True), RESIDUAL_GAIN),
            ReLU(),
            glorot(Conv2D(width, width, 3, padding=1, bias=True), RESIDUAL_GAIN),
        )

    def forward(self, x):
        return as_stored(paddle.add, self.residual(x), x)
