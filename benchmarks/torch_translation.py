"""pix2pix's and CycleGAN's networks and steps in PyTorch, for torch_twin.py: same layers, losses and order as ours.

Written for speed: activations in place, D's weights without gradients in G's update, fused Adam. With `algebra`,
CycleGAN's convolutions have no biases where a norm cancels them, like ours, and independent pictures pass through a
network as one batch, which computes the same without batch norm. Channels-last tensors are not used: both steps are
slower with them. Widths and depths are those of configs/pix2pix_facades_cpu.yml and configs/cyclegan_flowers_cpu.yml.
"""

import itertools
import random

import torch
from torch import nn
from torch.nn import functional as F

NGF, NDF, STAGES, DROPOUT = 32, 32, 7, 0.5  # pix2pix_facades_cpu.yml
CYCLE_NGF, BLOCKS, POOL = 16, 4, 50  # cyclegan_flowers_cpu.yml


class UNet(nn.Module):
    """pix2pix's generator: [N, 3, S, S] -> [N, 3, S, S], halved down to one pixel and doubled back."""

    def __init__(self):
        super().__init__()
        widths = [NGF * min(2**i, 8) for i in range(STAGES)]
        downs = [nn.Conv2d(3, widths[0], 4, 2, 1, bias=False)]
        for i, (narrow, wide) in enumerate(itertools.pairwise(widths)):
            norm = [nn.InstanceNorm2d(wide, affine=True)] if i < STAGES - 2 else []
            downs.append(nn.Sequential(nn.LeakyReLU(0.2, True), nn.Conv2d(narrow, wide, 4, 2, 1, bias=False), *norm))
        ups = []
        for i in reversed(range(1, STAGES)):
            inputs = widths[i] * (1 if i == STAGES - 1 else 2)
            up = [nn.ReLU(True), nn.ConvTranspose2d(inputs, widths[i - 1], 4, 2, 1, bias=False)]
            dropout = [nn.Dropout(DROPOUT)] if 4 <= i < STAGES - 1 else []
            ups.append(nn.Sequential(*up, nn.InstanceNorm2d(widths[i - 1], affine=True), *dropout))
        ups.append(nn.Sequential(nn.ReLU(True), nn.ConvTranspose2d(2 * widths[0], 3, 4, 2, 1), nn.Tanh()))
        self.downs, self.ups = nn.ModuleList(downs), nn.ModuleList(ups)

    def forward(self, x):
        """The translation. LeakyReLU changes a skipped tensor in place, which the ReLU after the skip hides."""
        outputs = []
        for down in self.downs:
            x = down(x)
            outputs.append(x)
        x = self.ups[0](outputs.pop())
        for up in self.ups[1:]:
            x = up(torch.cat([x, outputs.pop()], 1))
        return x


class Block(nn.Module):
    """A residual block of CycleGAN's generator."""

    def __init__(self, width: int, bias: bool):
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, bias=bias) for _ in range(2))
        layers = [nn.ReflectionPad2d(1), first, nn.InstanceNorm2d(width), nn.ReLU(True)]
        self.layers = nn.Sequential(*layers, nn.ReflectionPad2d(1), second, nn.InstanceNorm2d(width))

    def forward(self, x):
        return x + self.layers(x)


def resnet(bias: bool) -> nn.Module:
    """CycleGAN's generator, with or without biases before its norms: [N, 3, H, W] -> [N, 3, H, W]."""
    ngf = CYCLE_NGF
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, ngf, 7, bias=bias), nn.InstanceNorm2d(ngf), nn.ReLU(True)]
    for width in (ngf, 2 * ngf):
        layers += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), nn.InstanceNorm2d(2 * width), nn.ReLU(True)]
    layers += [Block(4 * ngf, bias) for _ in range(BLOCKS)]
    for width in (4 * ngf, 2 * ngf):
        layers += [nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=bias)]
        layers += [nn.InstanceNorm2d(width // 2), nn.ReLU(True)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(ngf, 3, 7), nn.Tanh())


def patch_discriminator(channels: int, affine: bool, bias: bool) -> nn.Module:
    """Two layers with stride 2: patches of 34 pixels. With or without biases before its norms."""
    layers = [nn.Conv2d(channels, NDF, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    for narrow, stride in ((NDF, 2), (2 * NDF, 1)):
        layers += [nn.Conv2d(narrow, 2 * narrow, 4, stride, 1, bias=bias)]
        layers += [nn.InstanceNorm2d(2 * narrow, affine=affine), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*layers, nn.Conv2d(4 * NDF, 1, 4, 1, 1))


def pix2pix(algebra: bool) -> tuple[nn.Module, nn.Module]:
    """G and D of pix2pix."""
    return initialised(UNet()), initialised(patch_discriminator(6, affine=True, bias=False))


def cyclegan(algebra: bool) -> tuple[nn.Module, nn.Module]:
    """Both G (a to b, b to a) and both D (of a, of b) of CycleGAN."""
    bias = not algebra
    g, d = [resnet(bias), resnet(bias)], [patch_discriminator(3, affine=False, bias=bias) for _ in range(2)]
    return initialised(nn.ModuleList(g)), initialised(nn.ModuleList(d))


def initialised(network: nn.Module) -> nn.Module:
    """The network with weights of convolutions from N(0, 0.02^2)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
    return network


def adam(network: nn.Module):
    """Adam as both papers have it."""
    return torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999), fused=True)


def update(optimizer, loss):
    """One optimizer step on a loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def outputs(network, inputs: list, in_one_batch: bool):
    """The network's output for each input."""
    return network(torch.cat(inputs)).chunk(len(inputs)) if in_one_batch else [network(x) for x in inputs]


def pix2pix_step(g, d, algebra: bool):
    """D on the true and the translated picture, then G on the same translation; from b to a."""
    adam_g, adam_d = adam(g), adam(d)

    def step(pictures):
        y, x = pictures
        fake = g(x)
        pairs = [torch.cat([x, y], 1), torch.cat([x, fake.detach()], 1)]
        real_logits, fake_logits = outputs(d, pairs, algebra)
        loss_real, loss_fake = F.softplus(-real_logits).mean(), F.softplus(fake_logits).mean()
        update(adam_d, (loss_real + loss_fake) / 2)
        d.requires_grad_(False)
        loss_l1, loss_g = F.l1_loss(fake, y), F.softplus(-d(torch.cat([x, fake], 1))).mean()
        update(adam_g, loss_g + 100 * loss_l1)
        d.requires_grad_(True)
        return loss_l1, loss_g, loss_real, loss_fake

    return step


def cyclegan_step(g, d, algebra: bool):
    """Both G together, then both D on translations from pools."""
    (g_ab, g_ba), (d_a, d_b), adam_g, adam_d = g, d, adam(g), adam(d)
    pools = [], []

    def loss_of(critic, real, fake):
        on_real, on_fake = outputs(critic, [real, fake], algebra)
        return (squares(on_real, 1) + squares(on_fake, 0)) / 2

    def step(pictures):
        a, b = pictures
        d.requires_grad_(False)
        (fake_b, same_b), (fake_a, same_a) = outputs(g_ab, [a, b], algebra), outputs(g_ba, [b, a], algebra)
        loss_g = squares(d_b(fake_b), 1) + squares(d_a(fake_a), 1)
        loss_cycle = F.l1_loss(g_ba(fake_b), a) + F.l1_loss(g_ab(fake_a), b)
        loss_identity = F.l1_loss(same_b, b) + F.l1_loss(same_a, a)
        update(adam_g, loss_g + 10 * loss_cycle + 5 * loss_identity)
        d.requires_grad_(True)
        fake_a, fake_b = (exchanged(pool, fake.detach()) for pool, fake in zip(pools, (fake_a, fake_b), strict=True))
        loss_a, loss_b = loss_of(d_a, a, fake_a), loss_of(d_b, b, fake_b)
        update(adam_d, loss_a + loss_b)
        return loss_g, loss_cycle, loss_a, loss_b, loss_identity

    return step


def squares(scores, target: float):
    """The mean squared distance to a target."""
    return ((scores - target) ** 2).mean()


def exchanged(pool: list, image):
    """The image, or once the pool is full with probability 1/2 an earlier one, which it replaces."""
    if len(pool) < POOL:
        pool.append(image)
    elif random.random() < 0.5:  # noqa: S311 (no secret)
        place = random.randrange(POOL)  # noqa: S311
        pool[place], image = image, pool[place]
    return image
