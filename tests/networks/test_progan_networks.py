import itertools

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from ppgan_lite.losses.regularizers import gradient_penalty
from ppgan_lite.networks import options
from ppgan_lite.networks.progan import Discriminator, Generator

SHAPE = (3, 32, 32)


def generator(shape=SHAPE, z_dim=6, **keys):
    return Generator(options.ProGANGenerator(name="progan", **{"ngf": 4} | keys), z_dim, shape)


def discriminator(shape=SHAPE, **keys):
    return Discriminator(options.ProGANDiscriminator(name="progan", **{"ndf": 4} | keys), shape)


def count(network):
    return sum(p.size for p in network.parameters())


def test_parameters_of_the_papers_stages():
    """Table 2 of the paper, up to 256 pixels: 512 maps up to 32, then half as many at each larger size."""
    widths = [512, 512, 512, 512, 256, 128, 64]
    convolution = lambda inputs, outputs: 9 * inputs * outputs + outputs  # noqa: E731
    g = (512 + 1) * 512 * 16 + convolution(512, 512) + sum(4 * width - width + 3 for width in widths)
    d = convolution(513, 512) + (16 * 512 + 1) * 512 + 513 + sum(4 * width for width in widths)
    for wide, narrow in itertools.pairwise(widths):
        g += convolution(wide, narrow) + convolution(narrow, narrow)
        d += convolution(narrow, narrow) + convolution(narrow, wide)
    # the paper's linear layer adds a bias for each map, not for each of the 16 pixels
    assert count(generator((3, 256, 256), 512, ngf=512)) == g
    assert count(discriminator((3, 256, 256), ndf=512)) == d


def test_the_small_networks_have_0_35_million_parameters():
    assert count(generator((3, 64, 64), 64, ngf=64)) / 1e6 == pytest.approx(0.35, abs=0.03)
    assert count(discriminator((3, 64, 64), ndf=64)) / 1e6 == pytest.approx(0.35, abs=0.03)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_at_a_whole_level_the_stages_up_to_it_make_the_picture(level):
    g, z = generator(), paddle.randn([2, 6])
    g.set_level(level)
    x = g.first(z)
    for stage in g.stages[:level]:
        x = stage(x)
    small = g.to_images[level](x)
    assert small.shape == [2, 3, 4 * 2**level, 4 * 2**level]
    np.testing.assert_allclose(g.at_level(z).numpy(), small.numpy(), atol=1e-6)
    full = small.numpy().repeat(2 ** (3 - level), 2).repeat(2 ** (3 - level), 3)
    np.testing.assert_allclose(g(z).numpy(), full, atol=1e-6)
    g.eval()
    np.testing.assert_allclose(g(z).numpy(), full.clip(-1, 1), atol=1e-3)


def test_while_a_size_fades_in_both_pictures_are_mixed():
    g, z = generator(), paddle.randn([2, 6])
    g.set_level(1.25)
    x = g.stages[0](g.first(z))
    coarse = g.to_images[1](x).numpy().repeat(2, 2).repeat(2, 3)
    fine = g.to_images[2](g.stages[1](x)).numpy()
    np.testing.assert_allclose(g.at_level(z).numpy(), 0.75 * coarse + 0.25 * fine, atol=1e-5)


def test_the_discriminator_mixes_features_and_makes_larger_pictures_smaller():
    d, x = discriminator(), paddle.randn([4, *SHAPE])
    d.set_level(1.25)
    small = F.avg_pool2d(x, 2)  # 16 pixels
    coarse = d.from_images[1](F.avg_pool2d(small, 2))
    features = 0.75 * coarse + 0.25 * d.stages[1](d.from_images[2](small))
    expected = d.last(d.stages[0](features)).numpy()
    for images in (x, small):
        np.testing.assert_allclose(d(images).numpy(), expected, rtol=1e-4, atol=1e-5)
    d.set_level(3)
    np.testing.assert_allclose(
        d(x).numpy(), d.last(d.stages[0](d.stages[1](d.stages[2](d.from_images[3](x))))).numpy(), rtol=1e-4, atol=1e-5
    )


def test_real_pictures_fade_in_like_generated_ones():
    d, x = discriminator(), paddle.randn([2, *SHAPE])
    d.set_level(1.25)
    small = F.avg_pool2d(x, 2).numpy()
    coarse = F.avg_pool2d(x, 4).numpy().repeat(2, 2).repeat(2, 3)
    np.testing.assert_allclose(d.faded_in(x).numpy(), 0.75 * coarse + 0.25 * small, atol=1e-5)
    d.set_level(1)
    np.testing.assert_allclose(d.faded_in(x).numpy(), F.avg_pool2d(x, 4).numpy(), atol=1e-6)


def test_layers_that_are_not_in_use_get_no_gradient():
    g, d = generator(), discriminator()
    for network in (g, d):
        network.set_level(1)
    d(g(paddle.randn([4, 6]))).mean().backward()
    used = {
        name.split(".")[0] + "." + name.split(".")[1]
        for network in (g, d)
        for name, p in network.named_parameters()
        if p.grad is not None
    }
    assert used == {"first.layers", "stages.0", "to_images.1", "from_images.1", "last.layers", "last.heads"}


@pytest.mark.parametrize("level", [2, 2.5])
def test_the_penaltys_gradient_matches_finite_differences(level):
    """In float64, which uses Paddle's own operations; each parameter along one direction."""
    paddle.seed(0)
    d = discriminator().to(dtype="float64")
    d.set_level(level)
    x = paddle.to_tensor(np.random.default_rng(0).standard_normal([4, *SHAPE]))
    gradient_penalty(d, x).backward()
    rng, h, tested = np.random.default_rng(1), 1e-7, 0
    for name, p in d.named_parameters():
        if p.grad is None:
            continue
        start, direction = p.numpy(), rng.standard_normal(p.shape)
        both = []
        for sign in (1, -1):
            p.set_value(start + sign * h * direction)
            both.append(float(gradient_penalty(d, x)))
        p.set_value(start)
        analytic = (p.grad.numpy() * direction).sum()
        np.testing.assert_allclose(analytic, (both[0] - both[1]) / (2 * h), rtol=2e-3, atol=1e-6, err_msg=name)
        tested += abs(analytic) > 1e-6
    assert tested > 8
