"""The training steps of two of our configs as people write them in Paddle: the tutorial's, and PyTorch's example's.

  echo 5 | python benchmarks/paddle_twin.py --step dcgan28

`--step` as in torch_twin.py, and the same networks, losses and optimizers as there without `--algebra`. Nothing of
ppgan_lite is imported, so Paddle runs with its own settings. Speaks the protocol of ppgan_lite/benchmark.py.
"""

import argparse
import itertools

import paddle
import protocol
from paddle import nn

Z_DIM = 100


def dcgan28(transposed: bool) -> tuple[nn.Layer, nn.Layer]:
    """G and D of the tutorial "Understand GANs in four days", 64 feature maps wide."""

    def double_size(channels, out_channels):
        if transposed:
            return [nn.Conv2DTranspose(channels, out_channels, 4, 2, 1)]
        upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        return [upsample, nn.Conv2D(channels, out_channels, 5, padding=2)]

    g = nn.Sequential(
        *[nn.Linear(Z_DIM, 1024), nn.BatchNorm1D(1024), nn.ReLU()],
        *[nn.Linear(1024, 6272), nn.BatchNorm1D(6272), nn.ReLU(), nn.Unflatten(1, [128, 7, 7])],
        *[*double_size(128, 64), nn.BatchNorm2D(64), nn.ReLU()],
        *[*double_size(64, 1), nn.Tanh()],
    )
    d = nn.Sequential(
        *[nn.Conv2D(1, 64, 3), nn.BatchNorm2D(64), nn.ReLU(), nn.MaxPool2D(2)],
        *[nn.Conv2D(64, 128, 3), nn.BatchNorm2D(128), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten()],
        *[nn.Linear(128 * 5 * 5, 1024), nn.BatchNorm1D(1024), nn.ReLU()],
        nn.Linear(1024, 1),
    )
    return g, d


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


def loss(logits, target: float):
    """Binary cross entropy of logits against a constant target."""
    return nn.functional.binary_cross_entropy_with_logits(logits, paddle.full_like(logits, target))


def update(optimizer, *losses):
    """One step of an optimizer down the gradient of the losses."""
    optimizer.clear_grad()
    for value in losses:
        value.backward()
    optimizer.step()


def tutorial_step(g, d):
    """The tutorial's step: D on real, D on fake, and G on fresh noise, an Adam each."""
    adam_g, adam_real, adam_fake = (paddle.optimizer.Adam(2e-4, parameters=net.parameters()) for net in (g, d, d))

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
    """The step of PyTorch's example: one Adam for D, and G's update on the fakes that D has just seen."""
    adam_g, adam_d = (paddle.optimizer.Adam(2e-4, 0.5, 0.999, parameters=net.parameters()) for net in (g, d))

    def step(real):
        fake = g(paddle.randn([len(real), Z_DIM]))
        loss_real, loss_fake = loss(d(real), 1), loss(d(fake.detach()), 0)
        update(adam_d, loss_real, loss_fake)
        loss_g = loss(d(fake), 1)
        update(adam_g, loss_g)
        return loss_real, loss_fake, loss_g

    return step


def main():
    """Serve the steps of the networks that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", choices=["dcgan28", "dcgan28_transposed", "dcgan64"], required=True)
    args = parser.parse_args()
    if args.step == "dcgan64":
        step, shape = example_step(*dcgan64()), (64, 3, 64, 64)
    else:
        step, shape = tutorial_step(*dcgan28(args.step == "dcgan28_transposed")), (128, 1, 28, 28)
    real = paddle.uniform(shape, min=-1.0, max=1.0)
    protocol.serve(lambda: step(real))


if __name__ == "__main__":
    main()
