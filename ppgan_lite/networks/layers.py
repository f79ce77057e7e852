"""Layers that compute the same as Paddle's, faster in training on a CPU.

On a CPU Paddle's convolutions copy patches on one thread and multiply image by image, so there the layers train with
the matrix products of fast_conv.py, from FEWEST_IMAGES on. Everywhere else (GPU, static graphs, types other than
float32, few channels), with PPGAN_LAYERS=plain, and in evaluation mode, where rounding errors matter more than time,
they are Paddle's own operations. Exceptions are operations that cannot be exported, or are not exact enough to be
compared with the export: see BilinearUpsampleConv2D and LeakyReLU.

The fast convolutions have double gradients. Among Paddle's operations `F.conv2d_transpose`, `F.interpolate` and all
max-pools have none, so a discriminator under a gradient penalty cannot use them.
"""

import functools

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn

from ppgan_lite import runtime
from ppgan_lite.networks import fast_conv

CANCELLED = "cancelled"  # a bias in front of a norm without shift: it has no effect, stays 0 and is not trained
FEW_CHANNELS = 4  # with fewer channels on the side of the larger pictures, Paddle's own form is faster
FEWEST_IMAGES = 16  # per batch; with fewer, Paddle's own convolutions are faster than fast_conv.py's

# A convolution with three taps, then sums of two neighbours, is one with four taps: the matrix from three to four taps.
_PAIRS = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]], "float32")


# The blur [1, 3, 3, 1] / 8 and a convolution with three taps are one with six: the matrix from three to six taps.
_BLUR = np.array([[([1, 3, 3, 1][i - j] if 0 <= i - j < 4 else 0) / 8 for j in range(3)] for i in range(6)], "float32")
# As a transposed convolution of stride 2 these six taps are two of three, one for each phase: [(phase, tap), 3].
_PHASES = np.concatenate([_BLUR[4::-2], _BLUR[5::-2]])


class Conv2D(nn.Conv2D):
    """`nn.Conv2D` with zero padding. No bias by default: a following batch norm cancels it.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H', W'].

    Args:
        kernel_size: a number, or [height, width], with which the convolution itself is Paddle's.
        bias: True, False or CANCELLED: with the last there are as many parameters as the authors have, but the fast
            form adds no bias.
        groups: the channels are split into as many groups, and each output sees one. Without fast form: 16 channels in
            a group are so few that transforming them takes longer than Paddle's own form.
        dilation: distance of the kernel's taps; for a kernel [height, width].
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=False, groups=1, dilation=1):
        bias_attr = _bias_attr(bias)
        geometry = stride, padding, dilation, groups
        super().__init__(in_channels, out_channels, kernel_size, *geometry, bias_attr=bias_attr)
        self.geometry, self.is_cancelled = (stride, padding), bias == CANCELLED
        self.has_fast_form = groups == 1 and isinstance(kernel_size, int)

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return super().forward(x)
        if not self.has_fast_form:
            return _biased(self, F.conv2d(x, self.weight, None, *self.geometry, self._dilation, self._groups))
        if self.geometry[1] == 0 and x.shape[2:] == self.weight.shape[2:]:  # one output: a linear layer
            y = F.linear(x.reshape([x.shape[0], -1]), self.weight.reshape([self.weight.shape[0], -1]).t())
            return _biased(self, y.reshape([*y.shape, 1, 1]))
        return _biased(self, _conv2d(x, self.weight, *self.geometry))


class Conv2DTranspose(nn.Conv2DTranspose):
    """`nn.Conv2DTranspose` with a square kernel and zero padding. No bias by default, as `Conv2D`.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H', W']; `output_padding` adds to H' and W'.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, bias=False):
        geometry = stride, padding, output_padding
        super().__init__(in_channels, out_channels, kernel_size, *geometry, bias_attr=_bias_attr(bias))
        self.geometry, self.is_cancelled = geometry, bias == CANCELLED

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return super().forward(x)
        if self.geometry[2]:
            return _biased(self, F.conv2d_transpose(x, self.weight, None, *self.geometry))
        if self.geometry[1] == 0 and x.shape[2:] == [1, 1]:  # one input: a linear layer
            y = F.linear(x.reshape([x.shape[0], -1]), self.weight.reshape([self.weight.shape[0], -1]))
            return _biased(self, y.reshape([x.shape[0], *self.weight.shape[1:]]))
        return _biased(self, _conv2d_transpose(x, self.weight, *self.geometry[:2]))


class BilinearUpsampleConv2D(nn.Conv2D):
    """Bilinear upsampling to twice the size with align_corners=True (Fluid's default), then a size-keeping convolution.

    In evaluation mode it always has the form of fast_conv.py: `F.interpolate` rounds its weights to about 1e-6 even in
    float64, oneDNN refuses it, and paddle2onnx cannot convert it. Upsampling alone by matrix products is no way out:
    after a convolution oneDNN computes it wrong (Paddle 3.3.1: the product reads the convolution's blocked layout as a
    plain one).

    Shapes: [N, in_channels, S, S] -> [N, out_channels, 2 S, 2 S], S at least 2. kernel_size must be odd.
    """

    def __init__(self, in_channels, out_channels, kernel_size, bias=False):
        bias_attr = None if bias else False
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias_attr=bias_attr)

    def forward(self, x):
        if uses_fast_forms(self, x):
            return _add_bias(fast_conv.upsample_conv2d(x, self.weight), self.bias)
        if not self.training:
            y = fast_conv.upsample_conv2d(x, self.weight)
            return y if self.bias is None else y + self.bias.reshape([1, -1, 1, 1])
        return super().forward(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))


class NearestUpsampleConv2D(nn.Conv2D):
    """`NearestUpsample` and a 3x3 convolution that keeps the size, as one 4x4 transposed convolution with stride 2.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, 2 H, 2 W].
    """

    def __init__(self, in_channels, out_channels, bias=False):
        super().__init__(in_channels, out_channels, 3, padding=1, bias_attr=None if bias else False)

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return super().forward(NearestUpsample()(x))
        kernel = _combined(self.weight, np.kron(_PAIRS[:, ::-1], _PAIRS[:, ::-1])).transpose([1, 0, 2, 3])
        return _add_bias(_conv2d_transpose(x, kernel, 2, 1), self.bias)


class Conv2DMeanPool(nn.Conv2D):
    """A 3x3 convolution that keeps the size and the mean of 2x2 pixels, as one 4x4 convolution with stride 2.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H / 2, W / 2], H and W even.
    """

    def __init__(self, in_channels, out_channels, bias=False):
        super().__init__(in_channels, out_channels, 3, padding=1, bias_attr=None if bias else False)

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return F.avg_pool2d(super().forward(x), 2)
        kernel = _combined(self.weight, np.kron(_PAIRS, _PAIRS) / 4)
        return _add_bias(_conv2d(x, kernel, 2, 1), self.bias)


class ReflectPad2D(nn.Layer):
    """Reflect padding of height and width, by two products with matrices of zeros and ones, which round nothing.

    Shapes: [N, C, H, W] -> [N, C, H + 2 padding, W + 2 padding], H and W greater than the padding.
    """

    def __init__(self, padding: int):
        super().__init__()
        self.padding = padding

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return F.pad(x, [self.padding] * 4, mode="reflect")
        rows, columns = (fast_conv.reflection(size, self.padding) for size in x.shape[2:])
        return _resampled(x, rows, columns)


class FewInputsConv2D(nn.Conv2D):
    """`Conv2D` with stride 1 and without padding from an image to few channels.

    The fast form is a product of patches and kernel, and its kernel's gradient a product of patches and the gradient of
    the outputs. For 16 channels and 4096 pixels MKL computes that eight times as fast as the one in Paddle's own form,
    which has the patches on the other side. The fast form has no double gradient.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H - kernel_size + 1, W - kernel_size + 1].
    """

    def __init__(self, in_channels, out_channels, kernel_size, bias=True):
        super().__init__(in_channels, out_channels, kernel_size, bias_attr=_bias_attr(bias))
        self.is_cancelled = bias == CANCELLED

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return super().forward(x)
        channels, taps = self.weight.shape[0], self.weight.shape[2]
        patches = F.unfold(x, taps)  # [N, (I, ky, kx), (H', W')]
        kernel = self.weight.reshape([channels, -1]).t()  # [(I, ky, kx), O]
        y = paddle.matmul(patches, kernel, transpose_x=True).transpose([0, 2, 1])  # [N, O, (H', W')]
        return _biased(self, y.reshape([-1, channels, *(size - taps + 1 for size in x.shape[2:])]))


class FewOutputsConv2D(nn.Conv2D):
    """`Conv2D` with stride 1 to an image or a map of scores, where the patches to copy are larger than the outputs.

    The fast form is the transposed convolution of the flipped kernel, which copies nothing; it has no double gradient.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H', W'] with H' = H + 2 padding - kernel_size + 1.
    """

    def __init__(self, in_channels, out_channels, kernel_size, padding=0, bias=True):
        bias_attr = None if bias else False
        super().__init__(in_channels, out_channels, kernel_size, padding=padding, bias_attr=bias_attr)
        self.cut = kernel_size - 1 - padding

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return super().forward(x)
        kernel = self.weight.flip([2, 3]).transpose([1, 0, 2, 3])
        return _add_bias(F.conv2d_transpose(x, kernel, padding=self.cut), self.bias)


class Linear(nn.Linear):
    """`nn.Linear` with a bias. [N, in_features] -> [N, out_features].

    The fast form repeats the bias by a product with ones, so that its gradient is a product, too: Paddle's sum over the
    batch takes up to a quarter of the layer's backward pass, on one thread.
    """

    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return super().forward(x)
        return paddle.matmul(x, self.weight) + paddle.matmul(paddle.ones([len(x), 1]), self.bias.unsqueeze(0))


class MaxPool2x2(nn.Layer):
    """Max-pool 2x2 with stride 2; a last odd row or column is dropped. [N, C, H, W] -> [N, C, H // 2, W // 2]."""

    def forward(self, x):
        return as_stored(_max_pool_with_mask, x) if uses_fast_forms(self, x) else F.max_pool2d(x, 2)


class AvgPool2D(nn.AvgPool2D):
    """`nn.AvgPool2D`, see `as_stored`."""

    def forward(self, x):
        return as_stored(super().forward, x)


class NearestUpsample(nn.Layer):
    """Nearest upsampling, [N, C, H, W] -> [N, C, 2 H, 2 W], without `F.interpolate`, which oneDNN refuses.

    The fast form is two products with matrices of zeros and ones, which round nothing.
    """

    def forward(self, x):
        return as_stored(_doubled_by_products if uses_fast_forms(self, x) else _doubled, x)


class SmoothUpsample(nn.Layer):
    """Twice the size by the kernel [1, 3, 3, 1] / 4: nearest upsampling and [1, 2, 1] / 4, which is bilinear.

    Beyond the border there are zeros, so border pixels are a quarter darker, as with StyleGAN's and R3GAN's resampling.
    It has double gradients. The fast form is two matrix products, about eight times as fast.

    Shapes: [N, C, H, W] -> [N, C, 2 H, 2 W].
    """

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return _smooth(NearestUpsample()(x))
        return _resampled(x, *map(_smooth_upsampling, x.shape[2:]))


class SmoothPool(nn.Layer):
    """Half the size by the kernel [1, 3, 3, 1] / 8: [1, 2, 1] / 4 and means of 2x2. See `SmoothUpsample`.

    Shapes: [N, C, H, W] -> [N, C, H / 2, W / 2], H and W even.
    """

    def forward(self, x):
        if not uses_fast_forms(self, x):
            return F.avg_pool2d(_smooth(x), 2)
        rows, columns = (_smooth_upsampling(size // 2) for size in x.shape[2:])  # the adjoint, times 4
        return paddle.matmul(paddle.matmul(rows, x, transpose_x=True), columns) / 4


class SmoothPoolConv2D(nn.Conv2D):
    """[1, 3, 3, 1] / 8 along height and width, then a 3x3 convolution of stride 2: as one 6x6 kernel.

    Karras et al. 2020, https://arxiv.org/abs/1912.04958, as in the authors' code. It has double gradients.

    Shapes: [N, in_channels, H, W] -> [N, out_channels, H / 2, W / 2], H and W even.
    """

    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        if uses_fast_forms(self, x) and len(x) >= FEWEST_IMAGES:
            return _add_bias(fast_conv.halving_conv2d(x, self.weight), self.bias)
        return F.conv2d(x, smoothed(self.weight), self.bias, stride=2, padding=2)


def fast_or_plain_conv2d(layer: nn.Layer, x, weight, padding: int):
    """`F.conv2d(x, weight, padding=padding)` for a weight that is computed, in the form that the layer uses."""
    return _conv2d(x, weight, 1, padding) if uses_fast_forms(layer, x) else F.conv2d(x, weight, padding=padding)


def smooth_doubling_conv2d(layer: nn.Layer, x, weight):
    """A 3x3 transposed convolution of stride 2, then [1, 3, 3, 1] / 4 along height and width.

    The adjoint of `SmoothPoolConv2D`, times 4. Paddle's transposed convolution has no double gradient, so the plain
    form computes the four pixels that come from each one as channels of a 3x3 convolution.

    Args:
        layer: the layer that asks, see `uses_fast_forms`.
        x: [N, I, H, W].
        weight: [O, I, 3, 3].

    Returns: [N, O, 2 H, 2 W].
    """
    if uses_fast_forms(layer, x) and len(x) >= FEWEST_IMAGES:
        return fast_conv.doubling_conv2d(x, 4 * weight.transpose([1, 0, 2, 3]))
    outputs, inputs = weight.shape[:2]
    height, width = x.shape[2:]
    kernel = 4 * _mapped_taps(weight, np.kron(_PHASES, _PHASES))  # [O, I, (py, ky, px, kx)]
    kernel = kernel.reshape([outputs, inputs, 2, 3, 2, 3]).transpose([0, 2, 4, 1, 3, 5]).reshape([-1, inputs, 3, 3])
    y = F.conv2d(x, kernel, padding=1).reshape([-1, outputs, 2, 2, height, width])
    return y.transpose([0, 1, 4, 2, 5, 3]).reshape([-1, outputs, 2 * height, 2 * width])


def smoothed(weight):
    """A 3x3 kernel after the blur [1, 3, 3, 1] / 8: [O, I, 3, 3] -> [O, I, 6, 6]."""
    return _mapped_taps(weight, np.kron(_BLUR, _BLUR)).reshape([*weight.shape[:2], 6, 6])


class Clip(nn.Layer):
    """Pictures of any shape, in evaluation mode clipped to [-1, 1]: the end of generators without tanh."""

    def forward(self, x):
        return x if self.training else x.clip(-1, 1)


class OutputHeads(nn.LayerList):
    """A linear layer for each output: [N, features] -> [N, size], or a tuple of them if there are several sizes.

    Args:
        features: size of the input.
        sizes: size of each output.
        make: `make(features, size)` makes the layer of one output.
    """

    def __init__(self, features: int, sizes: tuple[int, ...], make=nn.Linear):
        super().__init__([make(features, size) for size in sizes])

    def forward(self, x):
        outputs = tuple(head(x) for head in self)
        return outputs[0] if len(outputs) == 1 else outputs


class LeakyReLU(nn.LeakyReLU):
    """`nn.LeakyReLU`; in static graphs it is composed of two ReLUs.

    In Paddle 3.3 the slope is a double (PaddlePaddle/Paddle#75547). paddle2onnx 2.1 reads its bits as a float and
    writes a slope of about 0, and oneDNN's fusion with a convolution crashes the process.
    """

    def forward(self, x):
        if paddle.in_dynamic_mode():
            return as_stored(super().forward, x)
        return F.relu(x) - self._negative_slope * F.relu(-x)


class ReLU(nn.ReLU):
    """`nn.ReLU`, see `as_stored`."""

    def forward(self, x):
        return as_stored(super().forward, x)


class BatchNorm2D(nn.BatchNorm2D):
    """`nn.BatchNorm2D` without a copy of fast_conv.py's outputs: for Paddle they are one picture of N H rows."""

    def forward(self, x):
        if not (self.training and _has_view([x])):
            return super().forward(x)
        x = x.transpose([1, 0, 2, 3])  # [C, N, H, W]
        y = super().forward(x.reshape([1, len(x), -1, x.shape[3]]))
        return y.reshape(x.shape).transpose([1, 0, 2, 3])


def pyramid(images, smallest: int) -> list:
    """Images [N, C, S, S] at every size from `smallest` pixels to S, by means of 2x2: a list of [N, C, s, s]."""
    sizes = [images]
    while sizes[0].shape[2] >= 2 * smallest:
        sizes.insert(0, F.avg_pool2d(sizes[0], 2))
    return sizes


def spectral_norms(network: nn.Layer, kinds):
    """Divide the weights of a network's layers of these classes by their largest singular value, in each pass."""
    for layer in network.sublayers():
        if isinstance(layer, kinds):
            nn.utils.spectral_norm(layer)


def scaled(layer: nn.Layer, x, factors):
    """Feature maps [N, C, H, W] times a factor each, [N, C]. It has double gradients.

    The fast form is a product of matrices of one row for each map: the factors' gradients are products as well, three
    times as fast as Paddle's sums.

    Args:
        layer: the layer that asks, see `uses_fast_forms`.
    """
    if not uses_fast_forms(layer, x):
        return x * factors.unsqueeze([2, 3])
    return as_stored(_scaled_by_products, x, factors.unsqueeze([2, 3]))


def biased(layer: nn.Layer, x, bias):
    """Feature maps [N, C, H, W] plus a bias [C] that is computed, in the form that the layer uses."""
    return _add_bias(x, bias) if uses_fast_forms(layer, x) else x + bias.reshape([1, -1, 1, 1])


def _scaled_by_products(x, factors):
    maps = x.shape[0] * x.shape[1]
    return paddle.matmul(factors.reshape([maps, 1, 1]), x.reshape([maps, 1, -1])).reshape(x.shape)


def as_stored(function, *pictures):
    """An elementwise function of pictures [N, C, H, W], without copies of the views that fast_conv.py returns.

    They are views of tensors [C, N, H, W], which Paddle's operations would copy first. `function` must treat pictures
    and channels alike.
    """
    if not _has_view(pictures):
        return function(*pictures)
    return function(*(x.transpose([1, 0, 2, 3]) for x in pictures)).transpose([1, 0, 2, 3])


@paddle.jit.not_to_static
def _has_view(pictures) -> bool:
    return paddle.in_dynamic_mode() and any(x.ndim == 4 and not x.is_contiguous() for x in pictures)


@paddle.jit.not_to_static  # decided while a graph is traced, not part of it
def uses_fast_forms(layer: nn.Layer, x) -> bool:
    """Whether the layer uses its fast form: in training mode, for float32 on a CPU, not in static graphs."""
    if not layer.training or not paddle.in_dynamic_mode():
        return False
    return x.place.is_cpu_place() and x.dtype == paddle.float32 and not runtime.plain_layers()


def _conv2d(x, weight, stride: int, padding: int):
    """`F.conv2d` in its fastest form for the shapes, and for how x is stored."""
    features, channels, taps, _ = weight.shape
    if x.shape[0] >= FEWEST_IMAGES:
        if channels < FEW_CHANNELS:
            return fast_conv.conv2d_of_patches(x, weight, stride, padding)
        if taps == stride == 1 and padding == 0 and not x.is_contiguous():
            return fast_conv.conv2d_of_pixels(x, weight)
        if features < FEW_CHANNELS and stride == 1 and padding < taps:
            kernel = weight.flip([2, 3]).transpose([1, 0, 2, 3])
            return fast_conv.conv2d_transpose_of_patches(x, kernel, 1, taps - 1 - padding)
        if taps > 1 and fast_conv.supports(taps, stride):
            return fast_conv.conv2d(x, weight, stride, padding)
    return F.conv2d(x, weight, None, stride, padding)


def _conv2d_transpose(x, weight, stride: int, padding: int):
    """`F.conv2d_transpose` in its fastest form for the shapes."""
    features, taps = weight.shape[1:3]
    if x.shape[0] >= FEWEST_IMAGES:
        if features < FEW_CHANNELS:
            return fast_conv.conv2d_transpose_of_patches(x, weight, stride, padding)
        if fast_conv.supports(taps, stride):
            return fast_conv.conv2d_transpose(x, weight, stride, padding)
    return F.conv2d_transpose(x, weight, None, stride, padding)


def _doubled(x):
    """[N, C, H, W] -> [N, C, 2 H, 2 W], each pixel four times."""
    channels, height, width = x.shape[1:]
    x = x.reshape([-1, channels, height, 1, width, 1]).expand([-1, channels, height, 2, width, 2])
    return x.reshape([-1, channels, 2 * height, 2 * width])  # [N, C, H, 2, W, 2] -> [N, C, 2 H, 2 W]


def _doubled_by_products(x):
    """As `_doubled`."""
    return _resampled(x, *map(_nearest_upsampling, x.shape[2:]))


def _resampled(x, rows, columns):
    """[N, C, H, W] -> [N, C, H', W'] by matrices [H', H] and [W', W]."""
    return paddle.matmul(paddle.matmul(rows, x), columns, transpose_y=True)


@functools.cache
def _nearest_upsampling(size: int):
    """[2 size, size]: the matrix of `NearestUpsample` in one dimension."""
    return paddle.to_tensor(np.repeat(np.eye(size, dtype="float32"), 2, 0), place=paddle.CPUPlace())


def _smooth(x):
    """[1, 2, 1] / 4 along height and width, with zeros beyond the border: [N, C, H, W] -> the same shape."""
    return F.avg_pool2d(F.avg_pool2d(x, 2, 1, padding=1, exclusive=False), 2, 1)


@functools.cache
def _smooth_upsampling(size: int):
    """[2 size, size]: the matrix of `SmoothUpsample` in one dimension."""
    matrix = np.zeros([2 * size + 2, size], "float32")  # with a row beyond each border
    for pixel in range(size):
        matrix[2 * pixel : 2 * pixel + 4, pixel] = np.array([1, 3, 3, 1]) / 4
    return paddle.to_tensor(matrix[1:-1], place=paddle.CPUPlace())


def _max_pool_with_mask(x):
    """Max-pool 2x2 with a mask, so that the backward pass need not search the maxima again."""
    y, mask = F.max_pool2d(x, 2, return_mask=True)
    if int(mask.min()) >= 0:
        return y
    return F.max_pool2d(x, 2)  # the mask is -1 where all four are NaN: Paddle's backward would write there


def _combined(weight, matrix: np.ndarray):
    """A kernel [O, I, 3, 3] -> [O, I, 4, 4]: `matrix` [16, 9] times its taps."""
    return _mapped_taps(weight, matrix).reshape([*weight.shape[:2], 4, 4])


def _mapped_taps(weight, matrix: np.ndarray):
    """A kernel [O, I, 3, 3] -> [O I, T]: `matrix` [T, 9] times its taps."""
    place = weight.place if paddle.in_dynamic_mode() else None
    matrix = paddle.to_tensor(matrix, dtype=weight.dtype, place=place)
    return paddle.matmul(weight.reshape([-1, 9]), matrix, transpose_y=True)


def _bias_attr(bias: bool | str):
    """Paddle's `bias_attr` for True, False or CANCELLED."""
    return paddle.ParamAttr(trainable=False) if bias == CANCELLED else None if bias else False


def _biased(layer: nn.Layer, y):
    """The output of a layer that may have a CANCELLED bias, with its bias unless this is cancelled."""
    return y if layer.is_cancelled else _add_bias(y, layer.bias)


def _add_bias(x, bias):
    """Add a bias [C] to [N, C, H, W]. It is expanded to the batch, which makes Paddle's gradient ten times as fast."""
    if bias is None:
        return x
    num, channels = x.shape[:2]
    if not x.is_contiguous():  # a view of a tensor [C, N, H, W]
        return (x.transpose([1, 0, 2, 3]) + bias.reshape([channels, 1, 1, 1])).transpose([1, 0, 2, 3])
    if num > 1:
        bias = bias.expand([num, channels])
    return x + bias.reshape([num, channels, 1, 1])
