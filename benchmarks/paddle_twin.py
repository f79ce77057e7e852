"""The training steps of some of our configs, as people write them in Paddle.

  echo 5 | python benchmarks/paddle_twin.py --step dcgan28

`--step`, networks, losses and optimizers are as in torch_twin.py without `--algebra`. Nothing of ppgan_lite is
imported, so Paddle runs with its default settings. Uses the protocol of ppgan_lite/commands/benchmark.py.
"""

import argparse
import itertools

import paddle
import protocol
from paddle import nn

Z_DIM = 100
WGAN_Z_DIM = 128


def generator28(transposed: bool, z_dim: int, ngf: int) -> nn.Layer:
    """G of the tutorial "Understand GANs in four days", with ngf feature maps before its last convolution."""

    def double_size(channels, out_channels):
        if transposed:
            return [nn.Conv2DTranspose(channels, out_channels, 4, 2, 1)]
        upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        return [upsample, nn.Conv2D(channels, out_channels, 5, padding=2)]

    features = 2 * ngf * 7 * 7
    return nn.Sequential(
        *[nn.Linear(z_dim, 16 * ngf), nn.BatchNorm1D(16 * ngf), nn.ReLU()],
        *[nn.Linear(16 * ngf, features), nn.BatchNorm1D(features), nn.ReLU(), nn.Unflatten(1, [2 * ngf, 7, 7])],
        *[*double_size(2 * ngf, ngf), nn.BatchNorm2D(ngf), nn.ReLU()],
        *[*double_size(ngf, 1), nn.Tanh()],
    )


def dcgan28(transposed: bool) -> tuple[nn.Layer, nn.Layer]:
    """G and D of the tutorial, 64 feature maps wide."""
    d = nn.Sequential(
        *[nn.Conv2D(1, 64, 3), nn.BatchNorm2D(64), nn.ReLU(), nn.MaxPool2D(2)],
        *[nn.Conv2D(64, 128, 3), nn.BatchNorm2D(128), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten()],
        *[nn.Linear(128 * 5 * 5, 1024), nn.BatchNorm1D(1024), nn.ReLU()],
        nn.Linear(1024, 1),
    )
    return generator28(transposed, Z_DIM, 64), d


def dcgan64() -> tuple[nn.Layer, nn.Layer]:
    """G and D of PyTorch's DCGAN example: ngf = ndf = 64, three channels."""
    g, d = [nn.Unflatten(1, [Z_DIM, 1, 1])], []
    for i, (wide, narrow) in enumerate(itertools.pairwise([Z_DIM, 512, 256, 128, 64])):
        g += [nn.Conv2DTranspose(wide, narrow, 4, 1 if i == 0 else 2, 0 if i == 0 else 1, bias_attr=False)]
        g += [nn.BatchNorm2D(narrow), nn.ReLU()]
    g += [nn.Conv2DTranspose(64, 3, 4, 2, 1, bias_attr=False), nn.Tanh()]
    for i, (narrow, wide) in enumerate(itertools.pairwise([3, 64, 128, 256, 512])):
        d += [nn.Conv2D(narrow, wide, 4, 2, 1, bias_attr=False)]
        d += [*([nn.BatchNorm2D(wide)] if i else []), nn.LeakyReLU(0.2)]
    d += [nn.Conv2D(512, 1, 4, bias_attr=False), nn.Flatten()]
    for layer in [*g, *d]:
        if isinstance(layer, nn.Conv2D | nn.Conv2DTranspose):
            layer.weight.set_value(paddle.normal(0.0, 0.02, layer.weight.shape))
        elif isinstance(layer, nn.BatchNorm2D):
            layer.weight.set_value(paddle.normal(1.0, 0.02, layer.weight.shape))
    return nn.Sequential(*g), nn.Sequential(*d)


def fully_connected() -> tuple[nn.Layer, nn.Layer]:
    """G and D of the Keras article."""
    g, d = [], []
    for narrow, wide in itertools.pairwise([Z_DIM, 256, 512, 1024]):
        g += [nn.Linear(narrow, wide), nn.LeakyReLU(0.2), nn.BatchNorm1D(wide, 0.8, 1e-3)]
    g += [nn.Linear(1024, 784), nn.Tanh(), nn.Unflatten(1, [1, 28, 28])]
    for wide, narrow in itertools.pairwise([784, 512, 256]):
        d += [nn.Linear(wide, narrow), nn.LeakyReLU(0.2)]
    return nn.Sequential(*g), nn.Sequential(nn.Flatten(), *d, nn.Linear(256, 1))


def wgan_gp() -> tuple[nn.Layer, nn.Layer]:
    """G and D of the InfoGAN paper at half their width, without norms in D."""
    d = nn.Sequential(
        *[nn.Conv2D(1, 32, 4, 2, 1), nn.LeakyReLU(0.1)],
        *[nn.Conv2D(32, 64, 4, 2, 1), nn.LeakyReLU(0.1), FlattenTwice()],
        *[nn.Linear(64 * 7 * 7, 512), nn.LeakyReLU(0.1)],
        nn.Linear(512, 1),
    )
    return generator28(True, WGAN_Z_DIM, 32), d


class FlattenTwice(nn.Layer):
    """`nn.Flatten` as a reshape, which has a double gradient."""

    def forward(self, x):
        return x.reshape([len(x), -1])


def loss(logits, target: float):
    """Binary cross entropy of logits against a constant target."""
    return nn.functional.binary_cross_entropy_with_logits(logits, paddle.full_like(logits, target))


def update(optimizer, *losses):
    """One optimizer step on the sum of the losses."""
    optimizer.clear_grad()
    for value in losses:
        value.backward()
    optimizer.step()


def tutorial_step(g, d):
    """The tutorial's step: D on real, D on fake, and G on fresh noise, an Adam each."""
    return alternating_step(g, d, *(paddle.optimizer.Adam(2e-4, parameters=net.parameters()) for net in (g, d, d)))


def keras_step(g, d):
    """The Keras article's step: the tutorial's, with one Adam for D."""
    adam_g, adam_d = (paddle.optimizer.Adam(2e-4, 0.5, 0.999, parameters=net.parameters()) for net in (g, d))
    return alternating_step(g, d, adam_g, adam_d, adam_d)


def alternating_step(g, d, adam_g, adam_real, adam_fake):
    """D on real, D on fake, and G on fresh noise."""

    def step(real):
        loss_real = loss(d(real), 1)
        update(adam_real, loss_real)
        fake = g(paddle.randn([len(real), Z_DIM])).detach()
        loss_fake = loss(d(fake), 0)
        update(adam_fake, loss_fake)
        loss_g = loss(d(g(paddle.randn([len(real), Z_DIM]))), 1)
        update(adam_g, loss_g)
        return loss_real, loss_fake, loss_g

    return step


def example_step(g, d):
    """The step of PyTorch's example: one Adam for D, and G's update on the same fakes as D's."""
    adam_g, adam_d = (paddle.optimizer.Adam(2e-4, 0.5, 0.999, parameters=net.parameters()) for net in (g, d))

    def step(real):
        fake = g(paddle.randn([len(real), Z_DIM]))
        loss_real, loss_fake = loss(d(real), 1), loss(d(fake.detach()), 0)
        update(adam_d, loss_real, loss_fake)
        loss_g = loss(d(fake), 1)
        update(adam_g, loss_g)
        return loss_real, loss_fake, loss_g

    return step


def gradient_penalty(d, real, fake):
    """The mean of (|gradient of D| - 1)^2 at random points between real and fake images."""
    share = paddle.rand([len(real), 1, 1, 1])
    points = share * real + (1 - share) * fake
    points.stop_gradient = False
    (gradients,) = paddle.grad(d(points), points, create_graph=True)
    lengths = (gradients.reshape([len(real), -1]) ** 2).sum(1).sqrt()  # paddle.norm has no double gradient
    return ((lengths - 1) ** 2).mean()


def wgan_gp_step(g, d):
    """WGAN-GP's step: an update of D on each batch, then one of G."""
    adam_g, adam_d = (paddle.optimizer.Adam(1e-4, 0.5, 0.9, parameters=net.parameters()) for net in (g, d))

    def step(batches):
        for real in batches:
            fake = g(paddle.randn([len(real), WGAN_Z_DIM])).detach()
            loss_d = d(fake).mean() - d(real).mean()
            penalty = gradient_penalty(d, real, fake)
            update(adam_d, loss_d + 10 * penalty)
        loss_g = -d(g(paddle.randn([len(real), WGAN_Z_DIM]))).mean()
        update(adam_g, loss_g)
        return loss_d, loss_g, penalty

    return step


# name -> function that makes the networks, function that makes the step, shape of a step's real images
STEPS = {
    "dcgan28": (lambda: dcgan28(False), tutorial_step, (128, 1, 28, 28)),
    "dcgan28_transposed": (lambda: dcgan28(True), tutorial_step, (128, 1, 28, 28)),
    "dcgan64": (dcgan64, example_step, (64, 3, 64, 64)),
    "gan_keras": (fully_connected, keras_step, (128, 1, 28, 28)),
    "wgan_gp": (wgan_gp, wgan_gp_step, (5, 50, 1, 28, 28)),
}


def build(name: str):
    """G, D, the function that takes a step with them, and the shape of its real images."""
    make_networks, make_step, shape = STEPS[name]
    g, d = make_networks()
    return g, d, make_step(g, d), shape


def main():
    """Serve the chosen step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", choices=STEPS, required=True)
    args = parser.parse_args()
    _, _, step, shape = build(args.step)
    real = paddle.uniform(shape, min=-1.0, max=1.0)
    protocol.serve(lambda: step(real))


if __name__ == "__main__":
    main()
