"""What keeps networks in bounds: penalties to be added to a loss, unweighted."""

import paddle

TINY = 1e-12  # under a root, whose slope at 0 is infinite


def gradient_penalty(d, points):
    """mean((|grad_x d(x)| - 1)^2) over points [N, ...] (Gulrajani et al. 2017, eq. 3; Kodali et al. 2017, eq. 1).

    Args:
        d: network, or any function, from points to values [N, 1]; its operations must have double gradients.
        points: the tensor x. No gradient leads back from it.
    """
    points = points.detach()
    points.stop_gradient = False
    (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
    squares = (gradient.reshape([len(points), -1]) ** 2).sum(1)  # [N, ...] -> [N]
    norms = (squares + TINY).sqrt()
    return ((norms - 1) ** 2).mean()


def between(real, fake):
    """Points on the straight lines from real to fake images [N, C, H, W], uniform (Gulrajani et al.)."""
    share = paddle.rand([len(real), *[1] * (real.ndim - 1)])
    return fake + share * (real - fake)


def around(real, noise: float):
    """Points on the way from real images [N, C, H, W] to noisy ones: one on each, uniform.

    The noise shifts each pixel up, by U(0, noise) times the batch's deviation. So it is in the code of the authors of
    DRAGAN; Algorithm 1 of the paper has N(0, cI).
    """
    deviation = ((real - real.mean()) ** 2).mean().sqrt()  # Paddle's own std warns of its types
    return between(real, real + noise * deviation * paddle.rand(real.shape))
