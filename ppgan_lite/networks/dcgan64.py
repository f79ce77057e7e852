"""DCGAN for images of 32, 64 or 128 pixels (Radford, Metz and Chintala 2016, https://arxiv.org/abs/1511.06434).

At 64 pixels they are the networks of PyTorch's DCGAN example; at 32 pixels the stage with the most feature maps is left
out, at 128 pixels there is one more. The initialisation is the example's: weights from N(0, 0.02^2), scales of batch
norms from N(1, 0.02^2); for a discriminator without norms, where these would hardly pass any signal on, He's.

Beyond the example: G may enlarge its feature maps before 3x3 convolutions, which leaves no checkerboard (Odena,
Dumoulin and Olah 2016, https://distill.pub/2016/deconv-checkerboard); D may have spectral norms or none; both may take
classes.
"""

import itertools

import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite.networks.initialise import he_normal, normal_002
from ppgan_lite.networks.layers import (
    BatchNorm2D,
    Conv2D,
    Conv2DMeanPool,
    Conv2DTranspose,
    LeakyReLU,
    NearestUpsampleConv2D,
    OutputHeads,
    ReLU,
    spectral_norms,
)

SLOPE = 0.2  # leaky ReLUs: below 0
STAGES = {32: 3, 64: 4, 128: 5}  # size in pixels -> number of doublings from 4x4
DOUBLINGS = {
    "transposed": lambda inputs, outputs: Conv2DTranspose(inputs, outputs, 4, stride=2, padding=1),
    "nearest": NearestUpsampleConv2D,
}
HALVINGS = {
    "strided": lambda inputs, outputs, bias: Conv2D(inputs, outputs, 4, stride=2, padding=1, bias=bias),
    "mean": Conv2DMeanPool,
}


class Generator(nn.Layer):
    """Noise [N, z_dim] and optional labels [N] -> images [N, C, S, S] in [-1, 1].

    A 4x4 transposed convolution from one pixel to 4x4, then one with stride 2 for each doubling of the size. The number
    of feature maps halves from 8 ngf (at 64 pixels) to ngf. Batch norm and ReLU follow each but the last, which ends in
    tanh. With `upsample: nearest` each doubling is nearest upsampling and a 3x3 convolution, the last one to ngf / 2
    feature maps, and a 3x3 convolution of the full size follows.

    Args:
        num_classes: number of classes to condition on: the class is concatenated to the noise as a one-hot vector;
            None: unconditional, without labels.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int], num_classes: int | None = None):
        super().__init__()
        self.num_classes, double = num_classes, DOUBLINGS[options.upsample]
        widths = [options.ngf * 2**i for i in reversed(range(STAGES[image_shape[1]]))]
        first = Conv2DTranspose(z_dim + (num_classes or 0), widths[0], 4)
        layers = [first, BatchNorm2D(widths[0]), ReLU()]
        for wide, narrow in itertools.pairwise(widths):
            layers += [double(wide, narrow), BatchNorm2D(narrow), ReLU()]
        if options.upsample == "transposed":
            layers.append(double(widths[-1], image_shape[0]))
        else:  # details smaller than two pixels need a layer of the full size
            narrow = max(1, options.ngf // 2)
            last = Conv2D(narrow, image_shape[0], 3, padding=1, bias=True)
            layers += [double(widths[-1], narrow), BatchNorm2D(narrow), ReLU(), last]
        layers.append(nn.Tanh())
        self.layers = nn.Sequential(*layers)
        normal_002(self)

    def forward(self, z, labels=None):
        if labels is not None:
            z = paddle.concat([z, F.one_hot(labels, self.num_classes)], 1)
        return self.layers(z.reshape([*z.shape, 1, 1]))


class Discriminator(nn.Layer):
    """Images [N, C, S, S] in [-1, 1] and optional labels [N] -> logits [N, 1], positive for real, or several outputs.

    A 4x4 convolution with stride 2 for each halving of the size down to 4x4, and a last one to a single pixel. The
    number of feature maps doubles from ndf to 8 ndf (at 64 pixels). LeakyReLU 0.2 follows each but the last; batch norm
    follows each but the first and the last. With `norm: spectral` all weights are divided by their largest singular
    value instead; with `none` convolutions have biases and no norm. With `downsample: mean` each halving is a 3x3
    convolution and the mean of 2x2 pixels, which shows G no grid. That mean is blind to lines of one pixel, so a 3x3
    convolution of the full size to ndf / 4 feature maps and a LeakyReLU come first.

    Args:
        num_classes: number of classes to condition on: the score adds the inner product of the 4x4 features' sum and an
            embedding of the class (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637); None: without labels.
    """

    def __init__(
        self,
        options,
        image_shape: tuple[int, int, int],
        outputs: tuple[int, ...] = (1,),
        num_classes: int | None = None,
    ):
        super().__init__()
        widths = [options.ndf * 2**i for i in range(STAGES[image_shape[1]])]
        has_norms, halve = options.norm == "batch", HALVINGS[options.downsample]
        channels, layers = image_shape[0], []
        if options.downsample == "mean":
            channels = max(1, options.ndf // 4)
            layers = [Conv2D(image_shape[0], channels, 3, padding=1, bias=True), LeakyReLU(SLOPE)]
        layers += [halve(channels, widths[0], not has_norms), LeakyReLU(SLOPE)]
        for narrow, wide in itertools.pairwise(widths):
            layers.append(halve(narrow, wide, not has_norms))
            layers += [BatchNorm2D(wide), LeakyReLU(SLOPE)] if has_norms else [LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.heads = OutputHeads(widths[-1], outputs, _head)
        self.of_classes = nn.Embedding(num_classes, widths[-1]) if num_classes else None
        he_normal(self, SLOPE) if options.norm == "none" else normal_002(self)
        if options.norm == "spectral":
            spectral_norms(self, nn.Conv2D | nn.Embedding)

    def forward(self, x, labels=None):
        features = self.layers(x)
        logits = self.heads(features)
        if labels is None:
            return logits
        return logits + (self.of_classes(labels) * features.sum([2, 3])).sum(1, keepdim=True)


class _FromOnePixel(nn.Layer):
    """[N, size, 1, 1] -> [N, size]. `nn.Flatten` has no double gradient."""

    def forward(self, x):
        return x.reshape([-1, x.shape[1]])


def _head(features: int, size: int) -> nn.Layer:
    """[N, features, 4, 4] -> [N, size]."""
    return nn.Sequential(Conv2D(features, size, 4), _FromOnePixel())
