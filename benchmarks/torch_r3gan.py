"""R3GAN's loss on small networks in PyTorch, for torch_twin.py: same layers, losses and order as ours.

Networks and widths are those of configs/own_pictures.yml, without its augmentation and with the penalties in each
update. With `algebra` a 3x3 convolution with the upsampling before it or the mean after it is one convolution of stride
2, as in ours.
"""

import torch
from torch import nn
from torch.nn import functional as F
from torch_resnet import ConvMean, UpConv

NGF, NDF, Z_DIM, GAMMA = 32, 32, 64, 0.1


def r3gan(algebra: bool):
    """G and D for images of 64x64 pixels."""
    g = [nn.Unflatten(1, (Z_DIM, 1, 1)), nn.ConvTranspose2d(Z_DIM, 8 * NGF, 4, bias=False)]
    d = [ConvMean(3, NDF, algebra), nn.LeakyReLU(0.2, True)]
    for shift in range(4):
        wide = 8 * NGF >> shift
        g += [nn.BatchNorm2d(wide), nn.ReLU(True), UpConv(wide, wide // 2, algebra)]
    g += [nn.BatchNorm2d(NGF // 2), nn.ReLU(True), nn.Conv2d(NGF // 2, 3, 3, padding=1), nn.Tanh()]
    for narrow in (NDF, 2 * NDF, 4 * NDF):
        d += [ConvMean(narrow, 2 * narrow, algebra), nn.LeakyReLU(0.2, True)]
    d += [nn.Conv2d(8 * NDF, 1, 4, bias=False), nn.Flatten()]
    return nn.Sequential(*g), nn.Sequential(*d)


def r3gan_step(g, d, algebra: bool):
    """R3GAN's step: D on pairs, with R1 and R2 in one pass, then G."""
    adam_g, adam_d = (
        torch.optim.Adam(net.parameters(), lr, (0.0, 0.99), fused=True) for net, lr in ((g, 1.5e-4), (d, 5e-4))
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
