"""First weights of networks, as published code has them."""

import math

import paddle
from paddle import nn


def normal_002(network: nn.Layer):
    """Weights of convolutions from N(0, 0.02^2), gains of norms from N(1, 0.02^2), as in DCGAN and pix2pix."""
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D | nn.Conv2DTranspose):
            layer.weight.set_value(paddle.normal(0.0, 0.02, layer.weight.shape))
        elif isinstance(layer, nn.BatchNorm2D | nn.InstanceNorm2D) and _gain(layer) is not None:
            _gain(layer).set_value(paddle.normal(1.0, 0.02, _gain(layer).shape))


def _gain(norm: nn.Layer):
    """A norm's gain [C], which Paddle calls `weight` or `scale`; None if it has none."""
    return norm.scale if isinstance(norm, nn.InstanceNorm2D) else norm.weight


def uniform_by_fan_in(network: nn.Layer):
    """Weights and biases of convolutions from U(-k, k), k = 1 / sqrt(fan-in): PyTorch's default, as StarGAN has it.

    The fan-in is the number of taps times the second dimension of the weight, also for transposed convolutions.
    """
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D | nn.Conv2DTranspose):
            limit = 1 / math.sqrt(math.prod(layer.weight.shape[1:]))
            for parameter in filter(lambda p: p is not None, (layer.weight, layer.bias)):
                parameter.set_value(paddle.uniform(parameter.shape, min=-limit, max=limit))
