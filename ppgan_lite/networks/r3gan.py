"""The networks of R3GAN (Huang, Gokaslan, Kuleshov and Tompkin 2024, section 4, https://arxiv.org/abs/2501.05441).

For images of 32, 64, 128 or 256 pixels. One stage of residual blocks for each size from 4x4 on; no norms, no noise but
z, no tanh. Both networks have the same number of feature maps at a size: all of them up to 32x32 pixels, and half as
many at each larger size, as in the authors' code for CIFAR-10 and FFHQ.

Initial weights are the authors': N(0, gain^2 / number of inputs). The gain is 1 outside the residual branches, 0 in the
last layer of each branch, and in the others sqrt(2 / (1 + 0.2^2)) for the leaky ReLU, times B^(-1/4) for B blocks in
the network: with three layers in a branch this is what Fixup (Zhang, Dauphin and Ma 2019,
https://arxiv.org/abs/1901.09321) has in place of norms.

Departures: all is in float32, where the authors have bfloat16 at most sizes; pictures are clipped to [-1, 1] by the
generator in evaluation mode, not when they are saved.
"""

import itertools

import paddle
from paddle import nn

from ppgan_lite.networks.initialise import he_gain, normal_by_fan_in
from ppgan_lite.networks.layers import Clip, Conv2D, LeakyReLU, OutputHeads, SmoothPool, SmoothUpsample
from ppgan_lite.networks.stages import SMALLEST, widths_of

FULL_WIDTH = 32  # the largest size with all feature maps, in pixels
SLOPE = 0.2  # below 0, as everywhere in the paper
GROUP = 16  # feature maps that a 3x3 convolution mixes
EXPANSION = 2  # the layers within a residual branch have as many times more feature maps


class Generator(nn.Layer):
    """Noise [N, z_dim] and optional labels [N] -> images [N, C, S, S]; in evaluation mode clipped to [-1, 1].

    A linear layer weights learned 4x4 pictures, one for each feature map; a stage of residual blocks for each size; a
    1x1 convolution. The size doubles between stages, by bilinear interpolation.

    Args:
        num_classes: number of classes to condition on; None: unconditional, without labels. A class has an embedding of
            the size of the noise, which is joined to it.
    """

    def __init__(self, options, z_dim: int, image_shape: tuple[int, int, int], num_classes: int | None = None):
        super().__init__()
        widths = widths_of(options.ngf, FULL_WIDTH, image_shape[1])
        self.of_classes = normal_by_fan_in(nn.Embedding(num_classes, z_dim)) if num_classes else None
        self.linear = normal_by_fan_in(nn.Linear(2 * z_dim if num_classes else z_dim, widths[0], bias_attr=False))
        self.basis = self.create_parameter(
            [widths[0], SMALLEST, SMALLEST], default_initializer=nn.initializer.Normal(0.0, 1.0)
        )
        gain = _gain(options.blocks * len(widths))
        layers = [_Block(widths[0], gain) for _ in range(options.blocks)]
        for wide, narrow in itertools.pairwise(widths):
            layers += [*_changed(wide, narrow), SmoothUpsample()]
            layers += [_Block(narrow, gain) for _ in range(options.blocks)]
        self.stages = nn.Sequential(*layers)
        self.to_images, self.clip = normal_by_fan_in(Conv2D(widths[-1], image_shape[0], 1)), Clip()

    def forward(self, z, labels=None):
        if self.of_classes is not None:
            z = paddle.concat([z, self.of_classes(labels)], 1)
        x = self.linear(z).unsqueeze([2, 3]) * self.basis  # [N, ngf, 1, 1] * [ngf, 4, 4]
        return self.clip(self.to_images(self.stages(x)))


class Discriminator(nn.Layer):
    """Images [N, C, S, S] and optional labels [N] -> scores [N, 1], or without labels several outputs.

    The generator backwards: a 1x1 convolution; a stage of residual blocks for each size, halved between stages; each
    4x4 feature map is weighted by a learned picture and summed; a linear layer. It has double gradients.

    Args:
        num_classes: number of classes to condition on; None: unconditional, without labels. With labels, the linear
            layer has ndf outputs, and the score is their inner product with an embedding of the class: the projection
            of Miyato and Koyama 2018 (https://arxiv.org/abs/1802.05637) without the unconditional term.
    """

    def __init__(
        self,
        options,
        image_shape: tuple[int, int, int],
        outputs: tuple[int, ...] = (1,),
        num_classes: int | None = None,
    ):
        super().__init__()
        *others, last = widths = widths_of(options.ndf, FULL_WIDTH, image_shape[1])[::-1]  # from the full size to 4x4
        gain = _gain(options.blocks * len(widths))
        layers = [normal_by_fan_in(Conv2D(image_shape[0], widths[0], 1))]
        for narrow, wide in zip(others, widths[1:], strict=True):
            layers += [_Block(narrow, gain) for _ in range(options.blocks)]
            layers += [SmoothPool(), *_changed(narrow, wide)]
        layers += [_Block(last, gain) for _ in range(options.blocks)]
        self.stages = nn.Sequential(*layers)
        self.basis = self.create_parameter(
            [last, SMALLEST, SMALLEST], default_initializer=nn.initializer.Normal(0.0, 1 / SMALLEST)
        )
        sizes = (last,) if num_classes else outputs
        self.heads = OutputHeads(last, sizes, lambda *shape: normal_by_fan_in(nn.Linear(*shape, bias_attr=False)))
        self.of_classes = normal_by_fan_in(nn.Embedding(num_classes, last), last**-0.5) if num_classes else None

    def forward(self, x, labels=None):
        features = (self.stages(x) * self.basis).sum([2, 3])  # [N, ndf, 4, 4] -> [N, ndf]
        outputs = self.heads(features)
        return outputs if self.of_classes is None else (outputs * self.of_classes(labels)).sum(1, keepdim=True)


class _Block(nn.Layer):
    """[N, width, H, W] -> the same shape: x + a 1x1, a grouped 3x3 and a 1x1 convolution of x."""

    def __init__(self, width: int, gain: float):
        super().__init__()
        wide = EXPANSION * width
        self.residual = nn.Sequential(
            normal_by_fan_in(Conv2D(width, wide, 1, bias=True), gain),
            LeakyReLU(SLOPE),
            normal_by_fan_in(Conv2D(wide, wide, 3, padding=1, bias=True, groups=wide // GROUP), gain),
            LeakyReLU(SLOPE),
            normal_by_fan_in(Conv2D(wide, width, 1), 0),
        )

    def forward(self, x):
        return x + self.residual(x)


def _changed(inputs: int, outputs: int) -> list[nn.Layer]:
    """The layers between stages of these widths: a 1x1 convolution, or none."""
    return [] if inputs == outputs else [normal_by_fan_in(Conv2D(inputs, outputs, 1))]


def _gain(blocks: int) -> float:
    """The gain of the first two layers of a residual branch, in a network of as many blocks."""
    return he_gain(SLOPE) * blocks**-0.25
