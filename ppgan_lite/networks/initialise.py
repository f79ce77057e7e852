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


def normal_by_fan_in(network: nn.Layer, slope: float):
    """Weights of convolutions from N(0, 2 / ((1 + slope^2) fan-in)) (He et al. 2015, https://arxiv.org/abs/1502.01852).

    With leaky ReLUs of this slope between them they keep the variance of the features, without norms.
    """
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D):
            deviation = math.sqrt(2 / ((1 + slope**2) * math.prod(layer.weight.shape[1:])))
            layer.weight.set_value(paddle.normal(0.0, deviation, layer.weight.shape))


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
