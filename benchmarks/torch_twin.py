"""The training steps of two of our configs, written in PyTorch: what `make benchmark` measures ours against.

python benchmarks/torch_twin.py --step dcgan28 < script

`--step`: dcgan28 (configs/dcgan_mnist.yml), dcgan28_transposed (the same with `generator.upsample=transposed`) or
dcgan64 (PyTorch's own example, as configs/dcgan64_flowers.yml has it). As people write it: biases before batch norms,
ReLU before max-pool, and D's gradients computed (and thrown away) in G's update. With `--algebra` none of these, as in
ours: the same functions with less work.

Speaks the protocol of ppgan_lite/benchmark.py: reads lines with a number of steps, answers each with a line of JSON.
This is the only file here that needs torch.
"""

import argparse
import itertools

import protocol
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

Z_DIM = 100


def dcgan28(transposed: bool, algebra: bool) -> tuple[nn.Module, nn.Module]:
    """G and D of the tutorial "Understand GANs in four days", 64 feature maps wide."""
    bias = not algebra  # before a batch norm

    def double_size(channels, out_channels, bias):
        if transposed:
            return [nn.ConvTranspose2d(channels, out_channels, 4, 2, 1, bias=bias)]
        upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        return [upsample, nn.Conv2d(channels, out_channels, 5, padding=2, bias=bias)]

    def relu_and_pool():
        return [nn.MaxPool2d(2), nn.ReLU()] if algebra else [nn.ReLU(), nn.MaxPool2d(2)]

    g = nn.Sequential(
        *[nn.Linear(Z_DIM, 1024, bias=bias), nn.BatchNorm1d(1024), nn.ReLU()],
        *[
            nn.Linear(1024, 128 * 7 * 7, bias=bias),
            nn.BatchNorm1d(128 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (128, 7, 7)),
        ],
        *[*double_size(128, 64, bias), nn.BatchNorm2d(64), nn.ReLU()],
        *[*double_size(64, 1, True), nn.Tanh()],
    )
    d = nn.Sequential(
        *[nn.Conv2d(1, 64, 3, bias=bias), nn.BatchNorm2d(64), *relu_and_pool()],
        *[nn.Conv2d(64, 128, 3, bias=bias), nn.BatchNorm2d(128), *relu_and_pool(), nn.Flatten()],
        *[nn.Linear(128 * 5 * 5, 1024, bias=bias), nn.BatchNorm1d(1024), nn.ReLU()],
        nn.Linear(1024, 1),
    )
    return g, d


def dcgan64() -> tuple[nn.Module, nn.Module]:
    """G and D of PyTorch's DCGAN example: ngf = ndf = 64, three channels. It has no biases before its norms."""
    g, d = [nn.Unflatten(1, (Z_DIM, 1, 1))], []
    for i, (wide, narrow) in enumerate(itertools.pairwise([Z_DIM, 512, 256, 128, 64])):
        g += [nn.ConvTranspose2d(wide, narrow, 4, 1 if i == 0 else 2, 0 if i == 0 else 1, bias=False)]
        g += [nn.BatchNorm2d(narrow), nn.ReLU(True)]
    g += [nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh()]
    for i, (narrow, wide) in enumerate(itertools.pairwise([3, 64, 128, 256, 512])):
        d += [nn.Conv2d(narrow, wide, 4, 2, 1, bias=False)]
        d += [*([nn.BatchNorm2d(wide)] if i else []), nn.LeakyReLU(0.2, True)]
    d += [nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Flatten()]
    for layer in [*g, *d]:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
    return nn.Sequential(*g), nn.Sequential(*d)


def loss(logits, target: float):
    """Binary cross entropy of logits against a constant target."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def update(optimizer, *losses):
    """One step of an optimizer down the gradient of the losses."""
    optimizer.zero_grad()
    for value in losses:
        value.backward()
    optimizer.step()


def tutorial_step(g, d, algebra: bool):
    """The tutorial's step: D on real, D on fake, and G on fresh noise, an Adam each."""
    adam_g, adam_real, adam_fake = (torch.optim.Adam(net.parameters(), 2e-4) for net in (g, d, d))

    def step(real):
        loss_real = loss(d(real), 1)
        update(adam_real, loss_real)
        fake = g(torch.randn(len(real), Z_DIM)).detach()
        loss_fake = loss(d(fake), 0)
        update(adam_fake, loss_fake)
        d.requires_grad_(not algebra)
        loss_g = loss(d(g(torch.randn(len(real), Z_DIM))), 1)
        update(adam_g, loss_g)
        d.requires_grad_(True)
        return loss_real, loss_fake, loss_g

    return step


def example_step(g, d, algebra: bool):
    """The step of PyTorch's example: one Adam for D, and G's update on the fakes that D has just seen."""
    adam_g, adam_d = (torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (g, d))

    def step(real):
        fake = g(torch.randn(len(real), Z_DIM))
        loss_real, loss_fake = loss(d(real), 1), loss(d(fake.detach()), 0)
        update(adam_d, loss_real, loss_fake)
        d.requires_grad_(not algebra)
        loss_g = loss(d(fake), 1)
        update(adam_g, loss_g)
        d.requires_grad_(True)
        return loss_real, loss_fake, loss_g

    return step


def main():
    """Serve the steps of the networks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", choices=["dcgan28", "dcgan28_transposed", "dcgan64"], required=True)
    parser.add_argument("--algebra", action="store_true", help="leave out work that changes nothing, as ours does")
    args = parser.parse_args()
    torch.manual_seed(0)
    if args.step == "dcgan64":
        step, shape = example_step(*dcgan64(), args.algebra), (64, 3, 64, 64)
    else:
        networks = dcgan28(args.step == "dcgan28_transposed", args.algebra)
        step, shape = tutorial_step(*networks, args.algebra), (128, 1, 28, 28)
    real = torch.rand(shape) * 2 - 1
    protocol.serve(lambda: step(real))


if __name__ == "__main__":
    main()
