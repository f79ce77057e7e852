"""Self-attention between the pixels of feature maps (Zhang, Goodfellow, Metaxas and Odena 2019, SAGAN)."""

import paddle
from paddle import nn

from ppgan_lite.networks.initialise import glorot
from ppgan_lite.networks.layers import Conv2D


class SelfAttention(nn.Layer):
    """Feature maps [N, C, H, W] -> x + gamma o(x), the same shape; H and W even.

    https://arxiv.org/abs/1805.08318, eq. 1 to 3: o of a pixel is a mean over all pixels j of g(x_j), weighted by a
    softmax over j of theta(x) . phi(x_j). The learned gamma starts at 0, so that at first the layer changes nothing.

    As in the authors' code, which differs from the paper's text in the last two: theta and phi have C / 8 feature maps,
    g has C / 2, and phi and g are max-pooled 2x2, so that a pixel attends to a quarter of the positions. All are 1x1
    convolutions without biases.

    Paddle has no double gradients for softmax and max-pools, which R1 and gradient penalties need. So here the softmax
    is an exponential and a sum, and the pool the maximum of four pixels.
    """

    def __init__(self, channels: int):
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.theta, self.phi = glorot(Conv2D(channels, narrow, 1)), glorot(Conv2D(channels, narrow, 1))
        self.g, self.out = glorot(Conv2D(channels, half, 1)), glorot(Conv2D(half, channels, 1))
        self.gamma = self.create_parameter([1], default_initializer=nn.initializer.Constant(0.0))

    def forward(self, x):
        queries, keys, values = _flat(self.theta(x)), _flat(_pooled(self.phi(x))), _flat(_pooled(self.g(x)))
        products = paddle.matmul(queries, keys, transpose_x=True)  # [N, H W, H W / 4]
        weights = (products - products.detach().max(-1, keepdim=True)).exp()  # at most 1: no overflow
        sums = weights.sum(-1).reshape([-1, 1, products.shape[1]])  # [N, 1, H W]
        mean = paddle.matmul(values, weights, transpose_y=True) / sums  # [N, C / 2, H W]
        return x + self.gamma * self.out(mean.reshape([-1, mean.shape[1], *x.shape[2:]]))


def _pooled(x):
    """The maximum of each 2x2 pixels: [N, C, H, W] -> [N, C, H / 2, W / 2]."""
    channels, height, width = x.shape[1:]
    x = x.reshape([-1, channels, height // 2, 2, width // 2, 2])  # a slice with steps has no double gradient
    rows = paddle.maximum(x[:, :, :, 0], x[:, :, :, 1])  # [N, C, H / 2, W / 2, 2]
    return paddle.maximum(rows[:, :, :, :, 0], rows[:, :, :, :, 1])


def _flat(x):
    """[N, C, H, W] -> [N, C, H W]. `flatten` has no double gradient."""
    return x.reshape([-1, x.shape[1], x.shape[2] * x.shape[3]])
