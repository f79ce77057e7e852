"""Layers that compute what Paddle's own compute, in a form that its CPU kernels run faster."""

import functools

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn


class NarrowingConv2D(nn.Conv2D):
    """A stride-1, size-keeping convolution that has fewer output than input channels, without bias by default.

    Paddle's CPU convolution copies each k x k patch of the wide input before it multiplies (im2col). Written as the
    transposed convolution with the flipped kernel, the same sum is scattered into the narrow output instead
    (col2im), which moves in_channels / out_channels times less. Weight [out, in, k, k], as nn.Conv2D's.

    It has no double gradient: not for a discriminator under a gradient penalty.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H, W]. kernel_size must be odd.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, bias: bool = False):
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias_attr=None if bias else False
        )
        self.side_padding = kernel_size // 2

    def forward(self, x):
        kernel = self.weight.transpose([1, 0, 2, 3]).flip([2, 3])  # [in, out, k, k], turned by 180 degrees
        return F.conv2d_transpose(x, kernel, self.bias, padding=self.side_padding)


class BilinearUpsample2x(nn.Layer):
    """Bilinear upsampling to twice the size with align_corners=True (Fluid's default), as two matrix products.

    Equal to `F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)`, whose CPU kernel runs on one
    thread, has no double gradient, and breaks oneDNN inference.

    Args:
        size: H and W of the input, at least 2.

    Shapes: [N, C, size, size] -> [N, C, 2 size, 2 size].
    """

    def __init__(self, size: int):
        super().__init__()
        matrix = paddle.to_tensor(_bilinear_matrix(size))  # [2 size, size]
        self.register_buffer("matrix", matrix, persistable=False)

    def forward(self, x):
        return paddle.matmul(paddle.matmul(self.matrix, x), self.matrix, transpose_y=True)


@functools.cache
def _bilinear_matrix(size: int) -> np.ndarray:
    """The [2 size, size] float32 matrix whose rows hold the two weights of each output position."""
    position = np.arange(2 * size) * (size - 1) / (2 * size - 1)  # of each output, in input pixels
    left = np.minimum(position.astype(int), size - 2)
    matrix = np.zeros((2 * size, size), "float32")
    matrix[np.arange(2 * size), left] = left + 1 - position
    matrix[np.arange(2 * size), left + 1] = position - left
    return matrix
