"""What discriminators and generators minimise. Logits [N, 1] (any shape); each loss is a mean over all of them."""

import paddle.nn.functional as F


def bce(logits, target: float):
    """Binary cross entropy of logits x against a target t in [0, 1]: mean(-t log s(x) - (1 - t) log(1 - s(x)))."""
    return (target * F.softplus(-logits) + (1 - target) * F.softplus(logits)).mean()


def bce_real(logits):
    """Binary cross entropy of logits against target 1: mean(-log sigmoid(x)).

    As D's loss on real images it is the first half of the GAN objective (Goodfellow et al. 2014, eq. 1); as G's loss
    on D(G(z)) it is their non-saturating form (section 3).
    """
    return F.softplus(-logits).mean()


def bce_fake(logits):
    """Binary cross entropy of logits against target 0: mean(-log(1 - sigmoid(x))) (eq. 1, second half)."""
    return F.softplus(logits).mean()


def minimax_g(fake_logits):
    """G's part of eq. 1 as it stands: mean(log(1 - sigmoid(x))). Its gradient vanishes where D is sure."""
    return -bce_fake(fake_logits)


def least_squares(outputs, target: float):
    """mean((x - target)^2) / 2 (Mao et al. 2017, eq. 2; with targets 0, 1 and 1 it is their eq. 9)."""
    return ((outputs - target) ** 2).mean() / 2


def hinge_real(logits):
    """mean(max(0, 1 - x)): D's loss on real images (Miyato et al. 2018, eq. 16)."""
    return F.relu(1 - logits).mean()


def hinge_fake(logits):
    """mean(max(0, 1 + x)): D's loss on fakes (eq. 16)."""
    return F.relu(1 + logits).mean()
