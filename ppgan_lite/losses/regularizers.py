"""Penalties to add to a loss, without their weights."""

import paddle
from paddle import nn

TINY = 1e-12  # added under the root, which has an infinite slope at 0


def gradient_penalty(d, points):
    """mean((|grad_x d(x)| - 1)^2) over points [N, ...] (Gulrajani et al. 2017, eq. 3; Kodali et al. 2017, eq. 1).

    Args:
        d: a network or function from points to values [N, 1]; its operations must have double gradients.
        points: the tensor x, or a list of tensors that are a point together; they are detached first.
    """
    parts = [part.detach() for part in (points if isinstance(points, list) else [points])]
    for part in parts:
        part.stop_gradient = False
    outputs = d(parts if isinstance(points, list) else parts[0])
    gradients = paddle.grad(outputs.sum(), parts, create_graph=True)
    squares = sum((gradient.reshape([len(gradient), -1]) ** 2).sum(1) for gradient in gradients)  # [N, ...] -> [N]
    norms = (squares + TINY).sqrt()
    return ((norms - 1) ** 2).mean()


def zero_centred(outputs, points):
    """E[|grad_x d(x)|^2], the gradient of each output by its own point: R1 on real, R2 on generated points.

    Mescheder, Geiger and Nowozin 2018, eq. 9 and 10 without gamma / 2, https://arxiv.org/abs/1801.04406.

    Args:
        outputs: d(points), [N, 1]; each depends on its own point only.
        points: [N, ...], or a list of tensors that are a point together; with `stop_gradient` false.
    """
    gradients = paddle.grad(outputs.sum(), points, create_graph=True)
    return sum((gradient.reshape([len(gradient), -1]) ** 2).sum(1) for gradient in gradients).mean()


def path_lengths(images, styles):
    """|J^T y| of each picture: how far random changes y of its pixels move the styles, [N].

    Karras et al. 2020, section 3.2, https://arxiv.org/abs/1912.04958: J is the derivative of the picture by w, and
    y ~ N(0, I), here divided by the square root of the number of pixels, as in the authors' code.

    Args:
        images: g(styles), [N, C, H, W]; g must have double gradients.
        styles: a w for each layer, tensors [N, W] with `stop_gradient` false.
    """
    noise = paddle.randn(images.shape) / (images.shape[2] * images.shape[3]) ** 0.5
    gradients = paddle.grad((images * noise).sum(), styles, create_graph=True)
    squares = sum((gradient * gradient).sum(1) for gradient in gradients) / len(styles)
    return (squares + TINY).sqrt()


def between(real, fake):
    """Random points on the straight lines between real and fake images [N, C, H, W] (Gulrajani et al. 2017).

    Images may also be lists of the same images at several sizes.
    """
    first = real[0] if isinstance(real, list) else real
    share = paddle.rand([len(first), *[1] * (first.ndim - 1)])
    if isinstance(real, list):
        return [f + share * (r - f) for r, f in zip(real, fake, strict=True)]
    return fake + share * (real - fake)


def around(real, noise: float):
    """Random points on the straight lines between real images [N, C, H, W] and noisy copies of them, uniform.

    The noise of each pixel is U(0, noise) times the standard deviation of the batch's pixels, as in the DRAGAN authors'
    code; Algorithm 1 of the paper (https://arxiv.org/abs/1705.07215) has N(0, cI).
    """
    deviation = ((real - real.mean()) ** 2).mean().sqrt()  # Paddle's own std emits a warning about types
    return between(real, real + noise * deviation * paddle.rand(real.shape))


def orthogonal(network: nn.Layer):
    """The sum over weights W of |W W^T * (1 - I)|^2, each row of W being a filter (Brock et al. 2019, eq. 3).

    https://arxiv.org/abs/1809.11096: the products of different filters; their lengths are free. W runs over the kernels
    of the network's convolutions and the matrices of its linear layers, before division by a spectral norm; embeddings
    and biases are left out. The gradient is 4 (W W^T * (1 - I)) W; the authors' PyTorch code has half of it.
    """
    total = 0.0
    for layer in network.sublayers():
        if isinstance(layer, nn.Conv2D | nn.Linear):
            weight = getattr(layer, "weight_orig", layer.weight)
            filters = weight.t() if isinstance(layer, nn.Linear) else weight.reshape([weight.shape[0], -1])
            products = paddle.matmul(filters, filters, transpose_y=True)
            total += ((products * (1 - paddle.eye(len(filters), dtype=products.dtype))) ** 2).sum()
    return total
