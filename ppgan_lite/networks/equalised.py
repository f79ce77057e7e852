"""What ProGAN, MSG-GAN and StyleGAN2 share: equalised learning rates, and statistics over pixels and minibatches."""

import math

import paddle
from paddle import nn

from ppgan_lite.networks.layers import uses_fast_forms

SLOPE = 0.2  # leaky ReLUs: below 0
ROOT_2 = 2**0.5
TINY = 1e-8  # added to means of squares
GROUP = 4  # pictures in a group of which the deviation is taken


def equalised(layer: nn.Layer, gain: float = 1.0, bias_gain: float = 1.0, rate: float = 1.0) -> nn.Layer:
    """Give a convolution or linear layer an equalised learning rate; returns it.

    Karras et al. 2018, section 4.1, https://arxiv.org/abs/1710.10196: the weights are N(0, 1) and are scaled in each
    pass by gain / sqrt(number of inputs), so that Adam's steps are alike in all layers. The parameters are
    `weight_orig` and `bias_orig`; biases are 0 at first.

    Args:
        layer: any layer with a `weight`, and a `bias` or none.
        gain: factor of the weights.
        bias_gain: factor of the biases.
        rate: factor of the learning rate (`lrmul` in the authors' code).
    """
    shape = layer.weight.shape  # convolution: [outputs, inputs, height, width], linear: [inputs, outputs]
    inputs = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
    layer.weight.set_value(paddle.randn(shape) / rate)
    scales = {"weight": gain * rate * inputs**-0.5}
    if layer.bias is not None:
        layer.bias.set_value(paddle.zeros_like(layer.bias))
        scales["bias"] = bias_gain * rate
    equalise = _Equalise(scales)
    for name in scales:
        parameter = layer._parameters.pop(name)
        layer.add_parameter(f"{name}_orig", parameter)
    with paddle.no_grad():
        equalise(layer, None)
    layer.register_forward_pre_hook(equalise)
    return layer


class _Equalise:
    """Before each pass: scales a layer's parameters, name -> factor. As Paddle's own `nn.utils.spectral_norm` works."""

    def __init__(self, scales: dict[str, float]):
        self.scales = scales

    def __call__(self, layer, inputs):
        for name, scale in self.scales.items():
            setattr(layer, name, getattr(layer, f"{name}_orig") * scale)


def normalised(z):
    """Vectors [N, C] of mean square 1."""
    mean = (z * z).sum(1, keepdim=True) * (1 / z.shape[1])  # not `mean`: oneDNN prints a complaint about it
    return z * (mean + TINY).rsqrt()


class PixelNorm(nn.Layer):
    """Each pixel's vector of features divided by its root mean square: [N, C, H, W] -> the same shape.

    Karras et al. 2018, section 4.2. The fast form sums over features by products; so are its gradients.
    """

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return x * ((x * x).mean(1, keepdim=True) + TINY).rsqrt()
        num, channels, *size = x.shape
        pixels = x.transpose([1, 0, 2, 3]).reshape([channels, -1])  # [C, (N, H, W)]
        squares = paddle.matmul(paddle.full([1, channels], 1 / channels), pixels * pixels)
        factors = paddle.matmul(paddle.ones([channels, 1]), (squares + TINY).rsqrt())
        return (pixels * factors).reshape([channels, num, *size]).transpose([1, 0, 2, 3])


class MinibatchDeviation(nn.Layer):
    """A feature map more, the standard deviation within groups of pictures: [N, C, H, W] -> [N, C + 1, H, W].

    Karras et al. 2018, section 3: over a group of four pictures the deviation of each feature at each pixel, and their
    mean, which is the whole map of each picture of the group. Picture n is in group n mod N / 4, as in the authors'
    code. If four do not divide N, groups are smaller. In evaluation mode, where a static graph does not know N, all
    pictures are one group. It has double gradients.
    """

    def forward(self, x):
        num, channels, height, width = x.shape
        groups = num // next(size for size in range(GROUP, 0, -1) if num % size == 0) if self.training else 1
        y = x.reshape([-1, groups, channels * height * width])
        centred = y - y.mean(0, keepdim=True)
        deviation = ((centred * centred).mean(0) + TINY).sqrt().mean(1)  # [M, C H W] -> [M]
        # plus a feature times 0: as many as there are pictures, which a static graph does not know
        maps = 0 * y[:, :, :1] + deviation.reshape([1, -1, 1])
        maps = maps.reshape([-1, 1, 1, 1]).expand([-1, 1, height, width])
        return paddle.concat([x, maps], 1)


class Reshape(nn.Layer):
    """[N, ...] -> [N, *shape]. `nn.Flatten` has no double gradient."""

    def __init__(self, *shape: int):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape([-1, *self.shape])


def add_noise(layer: nn.Layer, x, noise, strength):
    """Feature maps [N, C, H, W] plus one map [N, 1, H, W] for all of them, times a learned strength [1].

    The fast form is a product, for the gradient of the strength.
    """
    if not uses_fast_forms(layer, x):
        return x + strength * noise
    channels = x.shape[1]

    def add(x):  # [C, N, H, W]
        maps = paddle.matmul(strength.expand([channels]).unsqueeze(1), noise.reshape([1, -1]))
        return x + maps.reshape(x.shape)

    return add(x.transpose([1, 0, 2, 3])).transpose([1, 0, 2, 3])
