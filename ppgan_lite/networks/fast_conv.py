"""Convolutions for the CPU as a few large matrix products, Paddle's fastest operation there, which uses all threads.

Winograd's minimal filtering (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks",
https://arxiv.org/abs/1509.09308) computes m outputs of a filter of r taps with n = m + r - 1 products instead of m r:

    y = synthesis^T ((points w) * (analysis x))                 (their eq. 5, in one dimension)

In two dimensions and with channels, each of the n x n products is a matrix product over the channels. A stride s
splits the k taps into s phases of r = k / s taps, which add up like channels. The transposed convolution is the
adjoint: the same matrices, transposed, in the opposite order.

Every function here consists of linear functions and products, so all of them have double gradients. They compute in
float32, with errors of about 1e-6 of the largest output. Pictures are returned as views of tensors [C, N, H, W], the
layout in which the next convolution reads them; see `as_stored` in layers.py.
"""

import dataclasses
import functools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.autograd import PyLayer

# Number of points -> points of evaluation, without the one at infinity: the small fractions with the least growth of
# rounding errors among those tried.
POINTS = {0: "", 1: "0", 2: "0 -1", 3: "0 -1 1", 4: "0 -1 1/2 3/2", 5: "0 -2/3 2/3 -3/2 3/2"}


def supports(kernel: int, stride: int) -> bool:
    """Whether `conv2d` and `conv2d_transpose` take this kernel: a multiple of the stride, at most 5 taps per phase."""
    return kernel % stride == 0 and kernel // stride <= max(POINTS)


def conv2d(x, weight, stride: int, padding: int):
    """`F.conv2d(x, weight, stride=stride, padding=padding)`, for kernels that `supports` accepts.

    Shapes: x [N, I, H, W], weight [O, I, k, k] -> [N, O, H', W'], which is a view of a tensor [O, N, H', W'].
    """
    return _conv2d(x, weight, *(axis(size, weight.shape[2], stride, padding) for size in x.shape[2:]))


def halving_conv2d(x, weight):
    """[1, 3, 3, 1] / 8 along height and width, then a 3x3 convolution of stride 2. The blur costs nothing: see `axis`.

    Shapes: x [N, I, H, W], weight [O, I, 3, 3] -> [N, O, H / 2, W / 2], a view as `conv2d`'s. H and W even.
    """
    return _conv2d(x, weight, *map(blurred_axis, x.shape[2:]))


def doubling_conv2d(x, weight):
    """The adjoint of `halving_conv2d`, for x: a 3x3 transposed convolution of stride 2, then the blur.

    Shapes: x [N, I, H, W], weight [I, O, 3, 3] -> [N, O, 2 H, 2 W], a view as `conv2d`'s.
    """
    return _conv2d_transpose(x, weight, *(blurred_axis(2 * size) for size in x.shape[2:]))


def _conv2d(x, weight, *axes):
    plan = Plan(*axes)
    z = _Linear.apply(x.transpose([1, 0, 2, 3]), plan.analyse, plan.analyse_adjoint)
    y = product(plan, z=z, w=weight)
    return _Linear.apply(y, plan.synthesise, plan.synthesise_adjoint).transpose([1, 0, 2, 3])


def conv2d_transpose(x, weight, stride: int, padding: int):
    """`F.conv2d_transpose(x, weight, stride=stride, padding=padding)`, for kernels that `supports` accepts.

    Shapes: x [N, I, H, W], weight [I, O, k, k] -> [N, O, H', W'] with H' = (H - 1) stride - 2 padding + k, which is a
    view of a tensor [O, N, H', W'].
    """
    size = weight.shape[2]
    axes = (axis((s - 1) * stride - 2 * padding + size, size, stride, padding) for s in x.shape[2:])
    return _conv2d_transpose(x, weight, *axes)


def _conv2d_transpose(x, weight, *axes):
    plan = Plan(*axes)
    y = _Linear.apply(x.transpose([1, 0, 2, 3]), plan.synthesise_adjoint, plan.synthesise)
    z = product(plan, w=weight, y=y)
    return _Linear.apply(z, plan.analyse_adjoint, plan.analyse).transpose([1, 0, 2, 3])


def conv2d_of_patches(x, weight, stride: int, padding: int):
    """`F.conv2d(x, weight, stride=stride, padding=padding)`, for few channels I: one product of all patches.

    Shapes: as `conv2d`, with any square kernel.
    """
    features, _, size, _ = weight.shape
    rows, columns = ((s + 2 * padding - size) // stride + 1 for s in x.shape[2:])
    patches = _Linear.apply(x, *_patches(x.shape[2:], size, stride, padding))  # [(I, ky, kx), (N, H', W')]
    y = paddle.matmul(weight.reshape([features, -1]), patches)
    return y.reshape([features, -1, rows, columns]).transpose([1, 0, 2, 3])


def conv2d_transpose_of_patches(x, weight, stride: int, padding: int):
    """`F.conv2d_transpose(x, weight, stride=stride, padding=padding)`, for few channels O: a product, then sums.

    Shapes: as `conv2d_transpose`, with any square kernel.
    """
    channels, _, size, _ = weight.shape
    shape = [(s - 1) * stride - 2 * padding + size for s in x.shape[2:]]
    x = x.transpose([1, 0, 2, 3]).reshape([channels, -1])
    patches = paddle.matmul(weight.reshape([channels, -1]), x, transpose_x=True)  # [(O, ky, kx), (N, H, W)]
    return _Linear.apply(patches, *reversed(_patches(shape, size, stride, padding)))


def conv2d_of_pixels(x, weight):
    """`F.conv2d(x, weight)` for a 1x1 kernel. [N, I, H, W], [O, I, 1, 1] -> [N, O, H, W], a view as `conv2d`'s."""
    num, channels, height, width = x.shape
    y = paddle.matmul(weight.reshape([-1, channels]), x.transpose([1, 0, 2, 3]).reshape([channels, -1]))
    return y.reshape([-1, num, height, width]).transpose([1, 0, 2, 3])


def _patches(shape, size: int, stride: int, padding: int):
    """The function from pictures [N, I, *shape] to their patches [(I, ky, kx), (N, H', W')], and its adjoint."""
    outputs = math.prod((s + 2 * padding - size) // stride + 1 for s in shape)
    geometry = {"kernel_sizes": size, "strides": stride, "paddings": padding}

    def unfold(x):
        return F.unfold(x, **geometry).transpose([1, 0, 2]).reshape([x.shape[1] * size**2, -1])

    def fold(patches):
        patches = patches.reshape([len(patches), -1, outputs]).transpose([1, 0, 2])
        return F.fold(patches, shape, **geometry)

    return unfold, fold


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
    r, outputs = -(-kernel // stride), (size + 2 * padding - kernel) // stride + 1
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
    for phase in range(stride):  # tap u of a phase is tap stride u + phase of the kernel, if there is one
        taps[:, phase, phase::stride] = w[:, : len(range(phase, kernel, stride))]
    return Axis(size, outputs, n, tiles, _tensor(analysis, size), _tensor(synthesis, outputs), taps)


@functools.cache
def blurred_axis(size: int) -> Axis:
    """The algorithm for [1, 3, 3, 1] / 8 and a kernel of 3 taps with stride 2, on an even number of inputs.

    The blur is linear, so the matrix to the points has it. As one kernel of 6 taps both would take 6 products for 4
    outputs, and not 5.
    """
    blur = np.zeros([size + 5, size])  # with two rows too many at each end
    for i in range(size):
        blur[i + 1 : i + 5, i] = np.array([1, 3, 3, 1]) / 8
    plain = axis(size + 1, 3, 2, 0)
    analysis = plain.analysis.numpy().astype("float64") @ blur[2:-2]
    return dataclasses.replace(plain, inputs=size, analysis=_tensor(analysis, size))


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


@dataclass(frozen=True)
class Plan:
    """The algorithm for both dimensions: linear functions from and to the points, where the convolution is a product.

    Shapes, with b and a for the points of columns and rows, and N last, the columns of the products:

    - pictures [I, N, H, W] and [O, N, H', W'], the convolution's inputs and outputs;
    - z [b, tx, a, ty, (f, g, I), N] and y [b, tx, a, ty, O, N], the same at the points of each tile (tx, ty); the
      phases f and g of the stride are further channels;
    - w [O, I, k, k], the kernel.
    """

    rows: Axis
    columns: Axis

    def analyse(self, x):
        """Inputs -> z."""
        rows, columns = self.rows, self.columns
        num, height, width = x.shape[1:]
        x = x.reshape([-1, width])  # [(I, N, H), W]
        x = paddle.matmul(columns.analysis, x, transpose_y=True)  # [(b, tx, g), (I, N, H)]
        x = x.reshape([columns.products, -1, height])  # [(b, tx), (g, I, N), H]
        x = paddle.matmul(rows.analysis, x, transpose_y=True)  # [(b, tx), (a, ty, f), (g, I, N)]
        return x.reshape([columns.points, columns.tiles, rows.points, rows.tiles, -1, num])

    def analyse_adjoint(self, z):
        """The adjoint of `analyse`: z -> inputs."""
        rows, columns = self.rows, self.columns
        num = z.shape[-1]
        z = z.reshape([columns.products, len(rows.analysis), -1])  # [(b, tx), (a, ty, f), (g, I, N)]
        z = paddle.matmul(z, rows.analysis, transpose_x=True)  # [(b, tx), (g, I, N), H]
        z = z.reshape([len(columns.analysis), -1])  # [(b, tx, g), (I, N, H)]
        z = paddle.matmul(z, columns.analysis, transpose_x=True)  # [(I, N, H), W]
        return z.reshape([-1, num, rows.inputs, columns.inputs])

    def synthesise(self, y):
        """Outputs from their points: y -> outputs."""
        rows, columns = self.rows, self.columns
        num = y.shape[-1]
        y = y.reshape([columns.products, rows.products, -1])  # [(b, tx), (a, ty), (O, N)]
        y = paddle.matmul(y, rows.synthesis, transpose_x=True)  # [(b, tx), (O, N), H']
        y = y.reshape([columns.products, -1])  # [(b, tx), (O, N, H')]
        y = paddle.matmul(y, columns.synthesis, transpose_x=True)  # [(O, N, H'), W']
        return y.reshape([-1, num, rows.outputs, columns.outputs])

    def synthesise_adjoint(self, x):
        """The adjoint of `synthesise`: outputs -> y."""
        rows, columns = self.rows, self.columns
        channels, num, height, width = x.shape
        x = x.reshape([-1, width])  # [(O, N, H'), W']
        x = paddle.matmul(columns.synthesis, x, transpose_y=True)  # [(b, tx), (O, N, H')]
        x = x.reshape([columns.products, -1, height])  # [(b, tx), (O, N), H']
        x = paddle.matmul(rows.synthesis, x, transpose_y=True)  # [(b, tx), (a, ty), (O, N)]
        return x.reshape([columns.points, columns.tiles, rows.points, rows.tiles, channels, num])

    def kernel(self, w):
        """The kernel w at all points, the same for all tiles: [b, 1, a, 1, (f, g, I), O]."""
        features, taps = w.shape[0], w.shape[2] * w.shape[3]
        w = w.transpose([1, 0, 2, 3]).reshape([-1, taps])  # [(I, O), (ky, kx)]
        kernel = paddle.matmul(_points_of_kernel(self.rows, self.columns, 1, 1), w, transpose_y=True)
        return kernel.reshape([self.columns.points, 1, self.rows.points, 1, -1, features])

    def kernel_adjoint(self, z, y):
        """The adjoint of `kernel`, of the products z y^T of all tiles: [O, I, k, k].

        The product with the points' matrix also sums over the tiles, faster than Paddle's sum.
        """
        features, taps = y.shape[4], self.rows.taps.shape[2]
        points = _points_of_kernel(self.rows, self.columns, self.rows.tiles, self.columns.tiles)
        products = paddle.matmul(z, y, transpose_y=True).reshape([len(points), -1])
        w = paddle.matmul(points, products, transpose_x=True)  # [(ky, kx), (I, O)]
        # Two transpositions: one that moves all dimensions takes Paddle more than twice as long as both.
        w = w.reshape([taps**2, -1, features]).transpose([0, 2, 1]).reshape([taps**2, -1]).t()
        return w.reshape([features, -1, taps, taps])


class _Linear(PyLayer):
    """A linear function, given with its adjoint. Unlike Paddle's operations it keeps nothing for the backward pass."""

    @staticmethod
    def forward(ctx, x, function, adjoint):
        ctx.functions = adjoint, function
        return function(x)

    @staticmethod
    def backward(ctx, gradient):
        return _Linear.apply(gradient, *ctx.functions)


def product(plan: Plan, kernel=None, **operands):
    """The derivative of t(z, w, y) = sum over points and tiles of z^T kernel(w) y by the operand that is not given.

    By y it is the convolution's product, by z the transposed convolution's, by w the gradient of the kernel. As t
    is linear in each, the derivatives of any of them are the other two: so all have gradients of any order, without the
    copies of the kernel for each tile that Paddle's gradient of a broadcast product makes.

    A PyLayer with two inputs will not do: where Paddle needs the gradient of one of them only, as a gradient penalty
    does, its backward pass must return None for the other, but is not informed. So each operand has a node of its own,
    `_Input`, which passes on a zero, and `_Output` returns the result. Backwards, `_Output` leaves the gradient with
    the product, and Paddle calls the nodes of the operands that need one.

    Args:
        kernel: kernel(w), if it is known.
    """
    made = _Product(plan, operands, kernel)
    inputs = [_Input.apply(x, made, name) for name, x in operands.items() if not x.stop_gradient]
    if not inputs or not paddle.is_grad_enabled():
        return made.value
    return _Output.apply(sum(inputs[1:], inputs[0]), made)


class _Product:
    """The result of `product`, and what its derivatives need."""

    def __init__(self, plan: Plan, operands: dict, kernel):
        self.plan, self.operands = plan, operands
        self.gradient = None  # the result's, during a backward pass
        (self.name,) = {"z", "w", "y"} - operands.keys()
        with paddle.no_grad():
            if self.name == "w":
                self.value, self.kernel = plan.kernel_adjoint(**operands), None
                return
            kernel = plan.kernel(operands["w"]) if kernel is None else kernel
            ((_, other),) = ((name, x) for name, x in operands.items() if name != "w")
            self.value = paddle.matmul(kernel, other, transpose_x=self.name == "y")
            # For the derivative by `other`. For few tiles it would take more memory than all else: there it is computed
            # once more.
            self.kernel = kernel if kernel.size <= other.size else None

    def derivative(self, name: str):
        """The gradient of the operand of this name."""
        others = {other: x for other, x in self.operands.items() if other != name}
        return product(self.plan, self.kernel if "w" in others else None, **others, **{self.name: self.gradient})

    def forget(self):
        """Let go of the gradient, which under a gradient penalty depends on the result: a cycle of references."""
        self.gradient = None


class _Input(PyLayer):
    @staticmethod
    def forward(ctx, x, made, name):
        ctx.made, ctx.name = made, name
        return paddle.zeros([1])

    @staticmethod
    def backward(ctx, _):
        return ctx.made.derivative(ctx.name)


class _Output(PyLayer):
    @staticmethod
    def forward(ctx, _, made):
        ctx.made, value = made, made.value
        made.value = None  # the result must not be kept for the backward pass
        return value

    @staticmethod
    def backward(ctx, gradient):
        ctx.made.gradient = gradient
        paddle.base.core.eager._add_backward_final_hook(ctx.made.forget)
        return paddle.zeros([1])


@functools.cache
def _points_of_kernel(rows: Axis, columns: Axis, row_tiles: int, column_tiles: int):
    """The matrix from a kernel to its values at the points of some tiles, [(b, tx, a, ty, f, g), (ky, kx)]."""
    matrix = np.einsum("bgx,afy->bafgyx", columns.taps, rows.taps)[:, None, :, None]  # [b, 1, a, 1, f, g, ky, kx]
    shape = [columns.points, column_tiles, rows.points, row_tiles, *matrix.shape[4:]]
    return _tensor(np.broadcast_to(matrix, shape), rows.taps.shape[2] ** 2)


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
