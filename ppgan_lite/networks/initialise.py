"""First weights of networks, as published code has them."""

import math

import paddle
from paddle import nn


def normal_002(network: nn.Layer):
    """Weights from N(0, 0.02^2), gains of norms from N(1, 0.02^2), as in DCGAN, pix2pix and InfoGAN's code."""
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D | nn.Conv2DTranspose | nn.Linear):
            layer.weight.set_value(paddle.normal(0.0, 0.02, layer.weight.shape))
        elif isinstance(layer, nn.BatchNorm1D | nn.BatchNorm2D | nn.InstanceNorm2D) and _gain(layer) is not None:
            _gain(layer).set_value(paddle.normal(1.0, 0.02, _gain(layer).shape))


def _gain(norm: nn.Layer):
    """A norm's gain [C], which Paddle calls `weight` or `scale`; None if it has none."""
    return norm.scale if isinstance(norm, nn.InstanceNorm2D) else norm.weight


def he_gain(slope: float) -> float:
    """The gain of `normal_by_fan_in` that keeps the variance of features between leaky ReLUs of this slope.

    He et al. 2015, https://arxiv.org/abs/1502.01852.
    """
    return (2 / (1 + slope**2)) ** 0.5


def he_normal(network: nn.Layer, slope: float):
    """Weights of convolutions by `normal_by_fan_in` with `he_gain`: for networks without norms."""
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D):
            normal_by_fan_in(layer, he_gain(slope))


def normal_by_fan_in(layer: nn.Layer, gain: float = 1.0) -> nn.Layer:
    """Initialise a layer's weight: N(0, gain^2 / number of inputs). An embedding has an input for each class."""
    shape = layer.weight.shape  # convolution: [outputs, inputs per group, height, width], else [inputs, outputs]
    inputs = math.prod(shape[1:]) if len(shape) == 4 else shape[0]
    layer.weight.set_value(paddle.randn(shape) * (gain * inputs**-0.5))
    return layer


def uniform_by_fan_in(network: nn.Layer):
    """Weights and biases of convolutions from U(-k, k), k = 1 / sqrt(fan-in): PyTorch's default, as StarGAN has it.

    The fan-in is the number of taps times the second dimension of the weight, also for transposed convolutions.
    """
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D | nn.Conv2DTranspose):
            limit = 1 / math.sqrt(math.prod(layer.weight.shape[1:]))
            for parameter in filter(lambda p: p is not None, (layer.weight, layer.bias)):
                parameter.set_value(paddle.uniform(parameter.shape, min=-limit, max=limit))


def glorot(layer: nn.Layer, gain: float = 1.0) -> nn.Layer:
    """Initialise a layer's weight [A, B, ...]: uniform, variance 2 gain^2 / ((A + B) ...) (Glorot and Bengio 2010)."""
    first, second, *taps = layer.weight.shape
    limit = gain * (6 / ((first + second) * math.prod(taps))) ** 0.5
    layer.weight.set_value(paddle.uniform(layer.weight.shape, min=-limit, max=limit))
    return layer


def orthogonal(network: nn.Layer):
    """Weights of convolutions, linear layers and embeddings orthogonal (Saxe, McClelland and Ganguli 2014).

    A kernel [O, I, ...] is a matrix with O rows. https://arxiv.org/abs/1312.6120.
    """
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D | nn.Linear | nn.Embedding):
            nn.initializer.Orthogonal()(layer.weight)
