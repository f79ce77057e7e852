"""Convolutions for the CPU as a few large matrix products, Paddle's fastest operation there, which uses all threads.

Winograd's minimal filtering (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks",
https://arxiv.org/abs/1509.09308) computes m outputs of a filter of r taps with n = m + r - 1 products instead of m r:

    y = synthesis^T ((points w) * (analysis x))                 (their eq. 5, in one dimension)

In two dimensions and with channels, each of the n x n products is a matrix product over the channels. A stride s
splits the k taps into s phases of r = k / s taps, which add up like channels. The transposed convolution is the
adjoint: the same matrices, transposed, in the opposite order.

Every function here consists of matrix products, so all of them have double gradients. They compute in float32, with
errors of about 1e-6 of the largest output.
"""

import functools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import paddle

# Number of points -> points of evaluation, without the one at infinity: the small fractions with the least growth of
# rounding errors among those tried.
POINTS = {0: "", 1: "0", 2: "0 -1", 3: "0 -1 1", 4: "0 -1 1/2 3/2", 5: "0 -2/3 2/3 -3/2 3/2"}


def supports(kernel: int, stride: int) -> bool:
    """Whether `conv2d` and `conv2d_transpose` take this kernel: a multiple of the stride, at most 5 taps per phase."""
    return kernel % stride == 0 and kernel // stride <= max(POINTS)


def conv2d(x, weight, stride: int, padding: int):
    """`F.conv2d(x, weight, stride=stride, padding=padding)`, for kernels that `supports` accepts.

    Shapes: x [N, I, H, W], weight [O, I, k, k] -> [N, O, H', W'].
    """
    num, _, height, width = x.shape
    rows, columns = (axis(size, weight.shape[2], stride, padding) for size in (height, width))
    kernel = _kernel(weight, rows, columns)  # [b, tx, a, ty, (f, g, I), O]
    x = x.transpose([1, 0, 2, 3]).reshape([-1, width])  # [(I, N, H), W]
    x = paddle.matmul(columns.analysis, x, transpose_y=True)  # [(b, tx, g), (I, N, H)]
    x = x.reshape([columns.products, -1, height])  # [(b, tx), (g, I, N), H]
    x = paddle.matmul(rows.analysis, x, transpose_y=True)  # [(b, tx), (a, ty, f), (g, I, N)]
    x = x.reshape([columns.points, columns.tiles, rows.points, rows.tiles, -1, num])  # [b, tx, a, ty, (f, g, I), N]
    y = paddle.matmul(kernel, x, transpose_x=True)  # [b, tx, a, ty, O, N]
    y = y.reshape([columns.products, rows.products, -1])  # [(b, tx), (a, ty), (O, N)]
    y = paddle.matmul(y, rows.synthesis, transpose_x=True)  # [(b, tx), (O, N), H']
    y = y.reshape([columns.products, -1])  # [(b, tx), (O, N, H')]
    y = paddle.matmul(y, columns.synthesis, transpose_x=True)  # [(O, N, H'), W']
    return y.reshape([-1, num, rows.outputs, columns.outputs]).transpose([1, 0, 2, 3])


def conv2d_transpose(x, weight, stride: int, padding: int):
    """`F.conv2d_transpose(x, weight, stride=stride, padding=padding)`, for kernels that `supports` accepts.

    Shapes: x [N, I, H, W], weight [I, O, k, k] -> [N, O, H', W'] with H' = (H - 1) stride - 2 padding + k.
    """
    num, channels, height, width = x.shape
    size = weight.shape[2]
    rows, columns = (axis((s - 1) * stride - 2 * padding + size, size, stride, padding) for s in (height, width))
    kernel = _kernel(weight, rows, columns)  # [b, tx, a, ty, (f, g, O), I]
    x = x.transpose([1, 0, 2, 3]).reshape([-1, width])  # [(I, N, H), W]
    x = paddle.matmul(columns.synthesis, x, transpose_y=True)  # [(b, tx), (I, N, H)]
    x = x.reshape([columns.products, -1, height])  # [(b, tx), (I, N), H]
    x = paddle.matmul(rows.synthesis, x, transpose_y=True)  # [(b, tx), (a, ty), (I, N)]
    x = x.reshape([columns.points, columns.tiles, rows.points, rows.tiles, channels, num])
    y = paddle.matmul(kernel, x)  # [b, tx, a, ty, (f, g, O), N]
    y = y.reshape([columns.products, rows.products * stride, -1])  # [(b, tx), (a, ty, f), (g, O, N)]
    y = paddle.matmul(y, rows.analysis, transpose_x=True)  # [(b, tx), (g, O, N), H']
    y = y.reshape([columns.products * stride, -1])  # [(b, tx, g), (O, N, H')]
    y = paddle.matmul(y, columns.analysis, transpose_x=True)  # [(O, N, H'), W']
    return y.reshape([-1, num, rows.inputs, columns.inputs]).transpose([1, 0, 2, 3])


def upsample_conv2d(x, weight):
    """Bilinear upsampling to twice the size (align_corners=True), then `F.conv2d(..., padding=k // 2)`, k odd.

    Both are linear and upsampling does not mix channels, so the channels are mixed first, on a quarter of the pixels:
    one product for all taps of the kernel. Then come upsampling, a shift by each tap, and the sum. It can be traced
    into a static graph with any batch size.

    Shapes: x [N, I, S, S], weight [O, I, k, k] -> [N, O, 2 S, 2 S].
    """
    _, channels, size, _ = x.shape  # the batch size is inferred: a static graph does not know it
    features, _, taps, _ = weight.shape
    place = x.place if paddle.in_dynamic_mode() else None
    shifted = paddle.to_tensor(_shifted_upsampling(size, taps), dtype=x.dtype, place=place)  # [2 S, (tap, S)]
    weight = weight.transpose([0, 3, 2, 1]).reshape([-1, channels])  # [(O, kx, ky), I]
    x = x.transpose([1, 2, 3, 0]).reshape([channels, -1])  # [I, (y, x, N)]
    y = paddle.matmul(weight, x).reshape([features * taps, taps * size, -1])  # [(O, kx), (ky, y), (x, N)]
    y = paddle.matmul(y, shifted, transpose_x=True, transpose_y=True)  # [(O, kx), (x, N), 2 S]
    y = y.reshape([features, taps * size, -1])  # [O, (kx, x), (N, 2 S)]
    y = paddle.matmul(y, shifted, transpose_x=True, transpose_y=True)  # [O, (N, 2 S), 2 S]
    return y.reshape([features, -1, 2 * size, 2 * size]).transpose([1, 0, 2, 3])


@dataclass(frozen=True, eq=False)
class Axis:
    """The algorithm for one dimension: `points` products for each of `tiles` tiles and each phase of the stride.

    Attributes:
        inputs: number of inputs in this dimension.
        outputs: number of outputs in this dimension.
        points: products per tile, n.
        tiles: number of tiles, T; a tile is m outputs.
        analysis: matrix from inputs to points, [(n, T, phase), inputs].
        synthesis: matrix from products to outputs, [(n, T), outputs].
        taps: the kernel's values at the points, from its taps, [n, phase, k]; numpy.
    """

    inputs: int
    outputs: int
    points: int
    tiles: int
    analysis: paddle.Tensor
    synthesis: paddle.Tensor
    taps: np.ndarray

    @property
    def products(self) -> int:
        """Number of products in this dimension: points times tiles."""
        return self.points * self.tiles


@functools.cache
def axis(size: int, kernel: int, stride: int, padding: int) -> Axis:
    """The algorithm with the fewest products for a dimension of `size` inputs."""
    r, outputs = kernel // stride, (size + 2 * padding - kernel) // stride + 1
    m = min((m for m in range(1, 5) if m + r - 2 in POINTS), key=lambda m: ((m + r - 1) * -(-outputs // m), m))
    y, w, x = minimal_filter(m, r)  # [m, n], [n, r], [n, n]
    n, tiles = m + r - 1, -(-outputs // m)
    analysis = np.zeros([n, tiles, stride, size])
    synthesis = np.zeros([n, tiles, outputs])
    for tile in range(tiles):
        first = tile * m  # first output of the tile
        for phase in range(stride):
            for j in range(n):
                if 0 <= (i := stride * (first + j) + phase - padding) < size:
                    analysis[:, tile, phase, i] = x[:, j]
        last = min(first + m, outputs)
        synthesis[:, tile, first:last] = y[: last - first].T
    taps = np.zeros([n, stride, kernel])
    for phase in range(stride):
        taps[:, phase, phase::stride] = w  # tap u of a phase is tap stride u + phase of the kernel
    return Axis(size, outputs, n, tiles, _tensor(analysis, size), _tensor(synthesis, outputs), taps)


def minimal_filter(m: int, r: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices A [m, n], G [n, r], B [n, n] with sum_u w[u] x[t + u] = (A ((G w) * (B x)))[t] for t = 0 .. m - 1.

    It is the transpose of Toom-Cook's product of two polynomials of degrees m - 1 and r - 1: evaluation at n - 1 points
    and at infinity, product, interpolation. In float64.
    """
    points = [float(Fraction(point)) for point in POINTS[m + r - 2].split()]

    def evaluation(terms):
        at_infinity = [0.0] * (terms - 1) + [1.0]
        return np.array([[point**i for i in range(terms)] for point in points] + [at_infinity])

    kernel, signal = evaluation(r), np.linalg.inv(evaluation(m + r - 1)).T
    # A factor may move between a row of G and the same row of B; equal magnitudes keep float32 exact enough.
    scale = np.abs(kernel).max(axis=1, keepdims=True) / np.abs(signal).max(axis=1, keepdims=True)
    return evaluation(m).T, kernel / np.sqrt(scale), signal * np.sqrt(scale)


def _kernel(weight, rows: Axis, columns: Axis):
    """The kernel at all points: [B, A, k, k] -> [b, tx, a, ty, (f, g, A), B]; tx and ty are 1 if they can be broadcast.

    If the kernel needs a gradient, the matrix product also makes the copies for the tiles: summing their gradients is
    then one product too, several times faster than Paddle's sum over a broadcast dimension.
    """
    b, a = weight.shape[:2]
    per_tile = paddle.is_grad_enabled() and not weight.stop_gradient
    matrix = _points_of_kernel(rows, columns, per_tile)
    tiles = (columns.tiles, rows.tiles) if per_tile else (1, 1)
    # Two transpositions: one that moves all dimensions takes Paddle more than twice as long as both.
    weight = weight.transpose([2, 3, 0, 1]).reshape([-1, b, a]).transpose([0, 2, 1])  # [(ky, kx), A, B]
    kernel = paddle.matmul(matrix, weight.reshape([-1, a * b]))
    return kernel.reshape([columns.points, tiles[0], rows.points, tiles[1], -1, b])


@functools.cache
def _points_of_kernel(rows: Axis, columns: Axis, per_tile: bool):
    """The matrix from a kernel to its values at the points, [(b, tx, a, ty, f, g), (ky, kx)]; else tx = ty = 1."""
    matrix = np.einsum("bgx,afy->bafgyx", columns.taps, rows.taps)[:, None, :, None]  # [b, 1, a, 1, f, g, ky, kx]
    if per_tile:
        shape = [columns.points, columns.tiles, rows.points, rows.tiles, *matrix.shape[4:]]
        matrix = np.broadcast_to(matrix, shape)
    return _tensor(matrix, rows.taps.shape[2] ** 2)


@functools.cache
def _shifted_upsampling(size: int, taps: int) -> np.ndarray:
    """[2 size, (tap, size)]: bilinear upsampling seen through each tap of a kernel, 0 outside."""
    matrix = np.zeros([2 * size, taps, size])
    upsampling = bilinear_matrix(size)
    for tap in range(taps):
        for out in range(2 * size):
            if 0 <= (seen := out + tap - taps // 2) < 2 * size:
                matrix[out, tap] = upsampling[seen]
    return matrix.reshape(2 * size, -1)


def bilinear_matrix(size: int) -> np.ndarray:
    """[2 size, size]: the two weights of each output of bilinear upsampling with align_corners=True. size >= 2."""
    position = np.arange(2 * size) * (size - 1) / (2 * size - 1)  # the outputs' positions, in input pixels
    left = np.minimum(position.astype(int), size - 2)
    matrix = np.zeros([2 * size, size])
    matrix[np.arange(2 * size), left] = left + 1 - position
    matrix[np.arange(2 * size), left + 1] = position - left
    return matrix


@functools.cache
def reflection(size: int, padding: int):
    """[size + 2 padding, size]: the matrix of reflect padding in one dimension, size greater than padding."""
    return _tensor(np.pad(np.eye(size), [(padding, padding), (0, 0)], mode="reflect"), size)


def _tensor(matrix: np.ndarray, columns: int):
    return paddle.to_tensor(matrix.reshape(-1, columns).astype("float32"), place=paddle.CPUPlace())
