"""The training steps of some of our configs, written in PyTorch: `make benchmark` compares ours with them.

python benchmarks/torch_twin.py --step dcgan28 < script

`--step`: dcgan28 (configs/dcgan_mnist.yml), dcgan28_transposed (the same with `generator.upsample=transposed`), dcgan64
(PyTorch's own example, configs/dcgan64_fake.yml), gan_keras (configs/gan_keras_mnist.yml) or wgan_gp
(configs/wgan_gp_mnist_cpu.yml). They are written as usual: biases before batch norms, ReLU before max-pool, and D's
gradients computed (and discarded) in G's update. `--algebra` leaves all of this out, like ours: the same functions with
less work. `--channels-last` stores pictures and kernels in PyTorch's other memory format. sngan is in torch_resnet.py,
r3gan in torch_r3gan.py, stylegan2 in torch_stylegan2.py, pix2pix and cyclegan are in torch_translation.py.

Uses the protocol of ppgan_lite/commands/benchmark.py: reads lines with a number of steps and answers each with a line
of JSON. Only the files torch_*.py here need torch.
"""

import argparse
import itertools

import protocol
import torch
import torch_r3gan
import torch_resnet
import torch_stylegan2
import torch_translation as translation
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

Z_DIM = 100
WGAN_Z_DIM = 128


def generator28(transposed: bool, algebra: bool, z_dim: int, ngf: int) -> nn.Module:
    """G of the tutorial "Understand GANs in four days", with ngf feature maps before its last convolution."""
    bias = not algebra  # before a batch norm

    def double_size(channels, out_channels, bias):
        if transposed:
            return [nn.ConvTranspose2d(channels, out_channels, 4, 2, 1, bias=bias)]
        upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        return [upsample, nn.Conv2d(channels, out_channels, 5, padding=2, bias=bias)]

    features = 2 * ngf * 7 * 7
    return nn.Sequential(
        *[nn.Linear(z_dim, 16 * ngf, bias=bias), nn.BatchNorm1d(16 * ngf), nn.ReLU()],
        *[nn.Linear(16 * ngf, features, bias=bias), nn.BatchNorm1d(features), nn.ReLU()],
        nn.Unflatten(1, (2 * ngf, 7, 7)),
        *[*double_size(2 * ngf, ngf, bias), nn.BatchNorm2d(ngf), nn.ReLU()],
        *[*double_size(ngf, 1, True), nn.Tanh()],
    )


def dcgan28(transposed: bool, algebra: bool) -> tuple[nn.Module, nn.Module]:
    """G and D of the tutorial, 64 feature maps wide."""
    bias = not algebra

    def relu_and_pool():
        return [nn.MaxPool2d(2), nn.ReLU()] if algebra else [nn.ReLU(), nn.MaxPool2d(2)]

    d = nn.Sequential(
        *[nn.Conv2d(1, 64, 3, bias=bias), nn.BatchNorm2d(64), *relu_and_pool()],
        *[nn.Conv2d(64, 128, 3, bias=bias), nn.BatchNorm2d(128), *relu_and_pool(), nn.Flatten()],
        *[nn.Linear(128 * 5 * 5, 1024, bias=bias), nn.BatchNorm1d(1024), nn.ReLU()],
        nn.Linear(1024, 1),
    )
    return generator28(transposed, algebra, Z_DIM, 64), d


def dcgan64() -> tuple[nn.Module, nn.Module]:
    """G and D of PyTorch's DCGAN example: ngf = ndf = 64, three channels, no biases before batch norms."""
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


def fully_connected() -> tuple[nn.Module, nn.Module]:
    """G and D of the Keras article. Its batch norms follow LeakyReLU, so the biases before it do matter."""
    g, d = [], []
    for narrow, wide in itertools.pairwise([Z_DIM, 256, 512, 1024]):
        g += [nn.Linear(narrow, wide), nn.LeakyReLU(0.2, True), nn.BatchNorm1d(wide, 1e-3, 0.2)]
    g += [nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))]
    for wide, narrow in itertools.pairwise([784, 512, 256]):
        d += [nn.Linear(wide, narrow), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(*g), nn.Sequential(nn.Flatten(), *d, nn.Linear(256, 1))


def wgan_gp(algebra: bool) -> tuple[nn.Module, nn.Module]:
    """G and D of the InfoGAN paper at half their width, without norms in D."""
    d = nn.Sequential(
        *[nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.1, True)],
        *[nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.1, True), nn.Flatten()],
        *[nn.Linear(64 * 7 * 7, 512), nn.LeakyReLU(0.1, True)],
        nn.Linear(512, 1),
    )
    return generator28(True, algebra, WGAN_Z_DIM, 32), d


def loss(logits, target: float):
    """Binary cross entropy of logits against a constant target."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def update(optimizer, *losses):
    """One optimizer step on the sum of the losses."""
    optimizer.zero_grad()
    for value in losses:
        value.backward()
    optimizer.step()


def tutorial_step(g, d, algebra: bool):
    """The tutorial's step: D on real, D on fake, and G on fresh noise, an Adam each."""
    return alternating_step(g, d, algebra, *(torch.optim.Adam(net.parameters(), 2e-4) for net in (g, d, d)))


def keras_step(g, d, algebra: bool):
    """The Keras article's step: the tutorial's, with one Adam for D."""
    adam_g, adam_d = (torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (g, d))
    return alternating_step(g, d, algebra, adam_g, adam_d, adam_d)


def alternating_step(g, d, algebra: bool, adam_g, adam_real, adam_fake):
    """D on real, D on fake, and G on fresh noise."""

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
    """The step of PyTorch's example: one Adam for D, and G's update on the same fakes as D's."""
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


def gradient_penalty(d, real, fake):
    """The mean of (|gradient of D| - 1)^2 at random points between real and fake images."""
    share = torch.rand(len(real), 1, 1, 1)
    points = (share * real + (1 - share) * fake).requires_grad_()
    outputs = d(points)
    (gradients,) = torch.autograd.grad(outputs, points, torch.ones_like(outputs), create_graph=True)
    return ((gradients.flatten(1).norm(2, dim=1) - 1) ** 2).mean()


def wgan_gp_step(g, d, algebra: bool):
    """WGAN-GP's step: an update of D on each batch, then one of G."""
    adam_g, adam_d = (torch.optim.Adam(net.parameters(), 1e-4, (0.5, 0.9)) for net in (g, d))

    def step(batches):
        for real in batches:
            fake = g(torch.randn(len(real), WGAN_Z_DIM)).detach()
            loss_d = d(fake).mean() - d(real).mean()
            penalty = gradient_penalty(d, real, fake)
            update(adam_d, loss_d + 10 * penalty)
        d.requires_grad_(not algebra)
        loss_g = -d(g(torch.randn(len(real), WGAN_Z_DIM))).mean()
        update(adam_g, loss_g)
        d.requires_grad_(True)
        return loss_d, loss_g, penalty

    return step


# name -> function that makes the networks, function that makes the step, shape of a step's real images
STEPS = {
    "dcgan28": (lambda algebra: dcgan28(False, algebra), tutorial_step, (128, 1, 28, 28)),
    "dcgan28_transposed": (lambda algebra: dcgan28(True, algebra), tutorial_step, (128, 1, 28, 28)),
    "dcgan64": (lambda algebra: dcgan64(), example_step, (64, 3, 64, 64)),
    "gan_keras": (lambda algebra: fully_connected(), keras_step, (128, 1, 28, 28)),
    "wgan_gp": (wgan_gp, wgan_gp_step, (5, 50, 1, 28, 28)),
    "sngan": (torch_resnet.sngan, torch_resnet.sngan_step, (2, 64, 3, 32, 32)),
    "r3gan": (torch_r3gan.r3gan, torch_r3gan.r3gan_step, (32, 3, 64, 64)),
    "stylegan2": (torch_stylegan2.stylegan2, torch_stylegan2.stylegan2_step, (32, 3, 64, 64)),
    "pix2pix": (translation.pix2pix, translation.pix2pix_step, (2, 1, 3, 128, 128)),
    "cyclegan": (translation.cyclegan, translation.cyclegan_step, (2, 1, 3, 64, 64)),
}


def build(name: str, algebra: bool):
    """G, D, the function that takes a step with them, and the shape of its real images."""
    make_networks, make_step, shape = STEPS[name]
    g, d = make_networks(algebra)
    return g, d, make_step(g, d, algebra), shape


def main():
    """Serve the chosen step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", choices=STEPS, required=True)
    parser.add_argument("--algebra", action="store_true", help="leave out unnecessary work, like ours")
    parser.add_argument("--channels-last", action="store_true", help="pictures and kernels in memory as N, H, W, C")
    args = parser.parse_args()
    torch.manual_seed(0)
    g, d, step, shape = build(args.step, args.algebra)
    real = torch.rand(shape) * 2 - 1
    if args.channels_last:
        g.to(memory_format=torch.channels_last)
        d.to(memory_format=torch.channels_last)
        real = real.flatten(0, -4).contiguous(memory_format=torch.channels_last).unflatten(0, shape[:-3])
    protocol.serve(lambda: step(real))


if __name__ == "__main__":
    main()
