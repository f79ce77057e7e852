"""CycleGAN's residual generator (Zhu et al. 2017, section 7.2, https://arxiv.org/abs/1703.10593)."""

from paddle import nn

from ppgan_lite.networks.initialise import normal_002
from ppgan_lite.networks.layers import (
    CANCELLED,
    Conv2D,
    Conv2DTranspose,
    FewInputsConv2D,
    FewOutputsConv2D,
    NearestUpsample,
    ReflectPad2D,
)


class Translator(nn.Layer):
    """Images [N, C, H, W] in [-1, 1] -> images [N, C', H, W] in [-1, 1], H and W multiples of 4.

    A 7x7 convolution to ngf feature maps, two 3x3 ones with stride 2 to 4 ngf, residual blocks, two transposed 3x3
    convolutions back to ngf, and a 7x7 convolution with tanh. Instance norm (without gain and shift) and ReLU follow
    each but the last; the 7x7 convolutions and the blocks reflect the image at its border. The convolutions have
    biases, as in the authors' code; the norms cancel all but the last one, so these are not trained.

    Attributes:
        multiple: height and width of an image must be multiples of it.
    """

    def __init__(self, options, in_shape: tuple[int, int, int], out_shape: tuple[int, int, int]):
        super().__init__()
        self.multiple = 4
        ngf = options.ngf
        layers = [ReflectPad2D(3), *_normed(FewInputsConv2D(in_shape[0], ngf, 7, bias=CANCELLED), ngf)]
        for width in (ngf, 2 * ngf):
            layers += _normed(Conv2D(width, 2 * width, 3, stride=2, padding=1, bias=CANCELLED), 2 * width)
        layers += [_Block(4 * ngf) for _ in range(options.blocks)]
        for width in (4 * ngf, 2 * ngf):
            layers += [*_enlarging(options.upsample, width), *_normed(None, width // 2)]
        layers += [ReflectPad2D(3), FewOutputsConv2D(ngf, out_shape[0], 7), nn.Tanh()]
        self.layers = nn.Sequential(*layers)
        normal_002(self)

    def forward(self, x):
        return self.layers(x)


class _Block(nn.Layer):
    """[N, width, H, W] -> the same shape."""

    def __init__(self, width: int):
        super().__init__()
        first, second = (Conv2D(width, width, 3, bias=CANCELLED) for _ in range(2))
        norm = instance_norm(width)
        self.residual = nn.Sequential(ReflectPad2D(1), *_normed(first, width), ReflectPad2D(1), second, norm)

    def forward(self, x):
        return x + self.residual(x)


def instance_norm(width: int) -> nn.Layer:
    """Instance norm of `width` channels without gain and shift."""
    return nn.InstanceNorm2D(width, weight_attr=False, bias_attr=False)


def _normed(layer: nn.Layer | None, width: int) -> list[nn.Layer]:
    """A layer, if there is one, with instance norm and ReLU."""
    return [*([] if layer is None else [layer]), instance_norm(width), nn.ReLU()]


def _enlarging(way: str, width: int) -> list[nn.Layer]:
    """Layers from [N, width, H, W] to [N, width / 2, 2 H, 2 W]."""
    if way == "nearest":
        return [NearestUpsample(), ReflectPad2D(1), Conv2D(width, width // 2, 3, bias=CANCELLED)]
    return [Conv2DTranspose(width, width // 2, 3, stride=2, padding=1, output_padding=1, bias=CANCELLED)]
