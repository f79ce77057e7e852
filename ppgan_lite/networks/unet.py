"""The U-Net of pix2pix (Isola et al. 2017, section 6.1.1, https://arxiv.org/abs/1611.07004)."""

import itertools
import math

import paddle
from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import Conv2D, Conv2DTranspose, LeakyReLU


class Translator(nn.Layer):
    """Images [N, C, S, S] in [-1, 1] -> images [N, C', S, S] in [-1, 1].

    4x4 convolutions with stride 2 down to one pixel, with ngf, 2, 4 and then always 8 ngf feature maps, and transposed
    ones back; each stage's output is joined with the output of the stage down of the same size. LeakyReLU 0.2 on the
    way down, ReLU on the way up, tanh at the end. Larger images may have any height and width that are multiples of S.

    As in the authors' PyTorch code there is no norm after the first convolution and none at one pixel, which it would
    set to 0, and dropout only where both sides have 8 ngf feature maps: in 3 stages at 256 pixels, 2 at 128, 1 at 64.
    Departures: the norm is an instance norm with gain and shift, which the paper's batch norm is at its batch size of
    1; here at any batch size, and after training, too. And dropout ends with training: a translation can be repeated.

    Attributes:
        multiple: height and width of an image must be multiples of it.
    """

    def __init__(self, options, in_shape: tuple[int, int, int], out_shape: tuple[int, int, int]):
        super().__init__()
        self.multiple = in_shape[1]
        stages = int(math.log2(self.multiple))
        widths = [options.ngf * min(2**i, 8) for i in range(stages)]
        norm = nn.InstanceNorm2D if options.norm == "affine_instance" else nn.BatchNorm2D
        downs = [Conv2D(in_shape[0], widths[0], 4, stride=2, padding=1)]
        for i, (narrow, wide) in enumerate(itertools.pairwise(widths)):
            is_last = i == stages - 2
            down = [LeakyReLU(0.2), Conv2D(narrow, wide, 4, stride=2, padding=1)]
            downs.append(nn.Sequential(*down, *([] if is_last else [norm(wide)])))
        ups = []
        for i in reversed(range(1, stages)):
            inputs = widths[i] * (1 if i == stages - 1 else 2)  # joined with a stage down, but not at one pixel
            up = [nn.ReLU(), Conv2DTranspose(inputs, widths[i - 1], 4, stride=2, padding=1), norm(widths[i - 1])]
            is_inner = 4 <= i < stages - 1
            ups.append(nn.Sequential(*up, *([nn.Dropout(options.dropout)] if is_inner else [])))
        last = Conv2DTranspose(2 * widths[0], out_shape[0], 4, stride=2, padding=1, bias=True)
        ups.append(nn.Sequential(nn.ReLU(), last, nn.Tanh()))
        self.downs, self.ups = nn.LayerList(downs), nn.LayerList(ups)
        normal_002(self)

    def forward(self, x):
        outputs = []
        for down in self.downs:
            x = down(x)
            outputs.append(x)
        x = self.ups[0](outputs.pop())
        for up in self.ups[1:]:
            x = up(paddle.concat([x, outputs.pop()], 1))
        return x
