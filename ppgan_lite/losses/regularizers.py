"""Penalties to add to a loss, without their weights."""

import paddle

TINY = 1e-12  # added under the root, which has an infinite slope at 0


def gradient_penalty(d, points):
    """mean((|grad_x d(x)| - 1)^2) over points [N, ...] (Gulrajani et al. 2017, eq. 3; Kodali et al. 2017, eq. 1).

    Args:
        d: a network or function from points to values [N, 1]; its operations must have double gradients.
        points: the tensor x, which is detached first.
    """
    points = points.detach()
    points.stop_gradient = False
    (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
    squares = (gradient.reshape([len(points), -1]) ** 2).sum(1)  # [N, ...] -> [N]
    norms = (squares + TINY).sqrt()
    return ((norms - 1) ** 2).mean()


def between(real, fake):
    """Random points on the straight lines between real and fake images [N, C, H, W] (Gulrajani et al. 2017)."""
    share = paddle.rand([len(real), *[1] * (real.ndim - 1)])
    return fake + share * (real - fake)


def around(real, noise: float):
    """Random points on the straight lines between real images [N, C, H, W] and noisy copies of them, uniform.

    The noise of each pixel is U(0, noise) times the standard deviation of the batch's pixels, as in the DRAGAN authors'
    code; Algorithm 1 of the paper (https://arxiv.org/abs/1705.07215) has N(0, cI).
    """
    deviation = ((real - real.mean()) ** 2).mean().sqrt()  # Paddle's own std emits a warning about types
    return between(real, real + noise * deviation * paddle.rand(real.shape))
