"""Losses of a picture against the one that it should be, and of attributes against the wanted ones."""

import paddle.nn.functional as F


def l1(images, truth):
    """Mean of |x - y| over all pixels and images [N, C, H, W].

    It is the distance to the true picture of pix2pix (Isola et al. 2017, eq. 3, https://arxiv.org/abs/1611.07004), and
    of a picture to itself after a way there and back: the cycle loss of CycleGAN (Zhu et al. 2017, eq. 2,
    https://arxiv.org/abs/1703.10593) and the reconstruction loss of StarGAN (Choi et al. 2018, eq. 4,
    https://arxiv.org/abs/1711.09020).
    """
    return (images - truth).abs().mean()


def attribute_loss(logits, attributes, groups: tuple[tuple[int, ...], ...]):
    """-log p(attributes), a mean over images, in nats: StarGAN's classification loss (eq. 2 and 3).

    A group of several attributes is one choice among them: cross entropy, as in the authors' code for RaFD. A group of
    one is a choice of yes or no: binary cross entropy, as there for CelebA, summed over the attributes.

    Args:
        logits: [N, A].
        attributes: 0 or 1, [N, A].
        groups: the indices of the attributes in each group; see `groups_of` in data/spec.py.
    """
    losses = []
    for group in groups:
        x, target = logits[:, list(group)], attributes[:, list(group)]
        if len(group) > 1:
            losses.append(-(target * F.log_softmax(x)).sum(1))
        else:
            losses.append((F.softplus(x) - target * x).sum(1))
    return sum(losses).mean()
