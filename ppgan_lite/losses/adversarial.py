"""Losses of discriminators and generators: means over logits, usually [N, 1]; any shape will do."""

import paddle.nn.functional as F


def bce(logits, target: float):
    """Binary cross entropy of logits x against a target t in [0, 1]: mean(-t log s(x) - (1 - t) log(1 - s(x)))."""
    return (target * F.softplus(-logits) + (1 - target) * F.softplus(logits)).mean()


def bce_real(logits):
    """Binary cross entropy of logits against target 1: mean(-log sigmoid(x)).

    On real images it is D's loss, the first half of the GAN objective (Goodfellow et al. 2014, eq. 1,
    https://arxiv.org/abs/1406.2661); on D(G(z)) it is G's non-saturating loss (section 3).
    """
    return F.softplus(-logits).mean()


def bce_fake(logits):
    """Binary cross entropy of logits against target 0: mean(-log(1 - sigmoid(x))). D's loss on fakes (eq. 1)."""
    return F.softplus(logits).mean()


def minimax_g(fake_logits):
    """G's minimax loss (eq. 1): mean(log(1 - sigmoid(x))). Its gradient vanishes where D is confident."""
    return -bce_fake(fake_logits)


def least_squares(outputs, target: float):
    """mean((x - target)^2) / 2 (Mao et al. 2017, eq. 2 and 9, https://arxiv.org/abs/1611.04076)."""
    return ((outputs - target) ** 2).mean() / 2


def relativistic(higher, lower):
    """mean(-log sigmoid(x - y)) over pairs of logits x and y (Jolicoeur-Martineau 2018, section 4.1).

    D's loss for x real and y fake, G's for x fake and y real (https://arxiv.org/abs/1807.00734).
    """
    return F.softplus(lower - higher).mean()


def hinge_real(logits):
    """mean(max(0, 1 - x)): D's loss on real images (Miyato et al. 2018, eq. 16, https://arxiv.org/abs/1802.05957)."""
    return F.relu(1 - logits).mean()


def hinge_fake(logits):
    """mean(max(0, 1 + x)): D's loss on fakes (eq. 16)."""
    return F.relu(1 + logits).mean()
