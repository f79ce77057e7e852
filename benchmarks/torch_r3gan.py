"""R3GAN's loss on small networks in PyTorch, for torch_twin.py: same layers, losses and order as ours.

Networks and widths are those of configs/own_pictures.yml, without its augmentation and with the penalties in each
update: a residual G, and a plain D. `algebra` is as in torch_resnet.py.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch_resnet import ConvMean, Generator, Norm

NGF, NDF, Z_DIM, GAMMA = 32, 32, 64, 0.1


def r3gan(algebra: bool):
    """G and D for images of 64x64 pixels."""
    stem = NDF // 4
    d = [nn.Conv2d(3, stem, 3, padding=1), nn.LeakyReLU(0.2, True)]
    for narrow, wide in ((stem, NDF), (NDF, 2 * NDF), (2 * NDF, 4 * NDF), (4 * NDF, 8 * NDF)):
        d += [ConvMean(narrow, wide, algebra), nn.LeakyReLU(0.2, True)]
    d += [nn.Conv2d(8 * NDF, 1, 4, bias=False), nn.Flatten()]
    return Generator(Z_DIM, NGF, 4, Norm, algebra), nn.Sequential(*d)


def r3gan_step(g, d, algebra: bool):
    """R3GAN's step: D on pairs, with R1 and R2 in one pass, then G."""
    adam_g, adam_d = (
        torch.optim.Adam(net.parameters(), lr, (0.0, 0.99), fused=True) for net, lr in ((g, 2e-4), (d, 1e-3))
    )

    def update(optimizer, value):
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    def step(real):
        with torch.no_grad():
            fake = g(torch.randn(len(real), Z_DIM))
        images = torch.cat([real, fake]).requires_grad_()
        scores = d(images)
        (gradient,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
        penalty = 2 * gradient.square().flatten(1).sum(1).mean()
        real_scores, fake_scores = scores.chunk(2)
        loss_d = F.softplus(fake_scores - real_scores).mean()
        update(adam_d, loss_d + GAMMA / 2 * penalty)
        d.requires_grad_(not algebra)
        fake_scores = d(g(torch.randn(len(real), Z_DIM)))
        with torch.no_grad():
            real_scores = d(real)
        loss_g = F.softplus(real_scores - fake_scores).mean()
        update(adam_g, loss_g)
        d.requires_grad_(True)
        return loss_d, loss_g, penalty

    return step
