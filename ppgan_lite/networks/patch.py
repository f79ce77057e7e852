"""The PatchGAN discriminator (Isola et al. 2017, section 3.2.2, https://arxiv.org/abs/1611.07004)."""

import itertools

from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import CANCELLED, Conv2D, FewOutputsConv2D, LeakyReLU
from ppgan_lite.networks.resnet_translator import instance_norm

NORMS = {"instance": instance_norm, "affine_instance": nn.InstanceNorm2D, "batch": nn.BatchNorm2D}


class Discriminator(nn.Layer):
    """Images [N, C, H, W] in [-1, 1] -> a logit for each patch, [N, 1, H / 2^layers - 2, W / 2^layers - 2].

    4x4 convolutions: `layers` with stride 2 and ndf, 2, 4 and then always 8 ndf feature maps, one more with stride 1,
    and the last, to the logits. LeakyReLU 0.2 follows each but the last; a norm each but the first and the last. A
    patch has 16, 34, 70, 142 or 286 pixels for 1 to 5 layers.
    """

    def __init__(self, options, image_shape: tuple[int, int, int]):
        super().__init__()
        widths = [options.ndf * min(2**i, 8) for i in range(options.layers + 1)]
        bias = CANCELLED if options.norm == "instance" else False  # the other norms have a shift
        layers = [Conv2D(image_shape[0], widths[0], 4, stride=2, padding=1, bias=True), LeakyReLU(0.2)]
        for i, (narrow, wide) in enumerate(itertools.pairwise(widths), start=1):
            stride = 2 if i < options.layers else 1
            convolution = Conv2D(narrow, wide, 4, stride=stride, padding=1, bias=bias)
            layers += [convolution, NORMS[options.norm](wide), LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, FewOutputsConv2D(widths[-1], 1, 4, padding=1))
        normal_002(self)

    def forward(self, x):
        return self.layers(x)
