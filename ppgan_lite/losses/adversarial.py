"""What discriminators and generators minimise. Logits [N, 1] (any shape); each loss is a mean over all of them."""

import paddle.nn.functional as F


def bce_real(logits):
    """Binary cross entropy of logits against target 1: mean(-log sigmoid(x)).

    As D's loss on real images it is the first half of the GAN objective (Goodfellow et al. 2014, eq. 1); as G's loss
    on D(G(z)) it is their non-saturating form (section 3).
    """
    return F.softplus(-logits).mean()


def bce_fake(logits):
    """Binary cross entropy of logits against target 0: mean(-log(1 - sigmoid(x))) (eq. 1, second half)."""
    return F.softplus(logits).mean()
