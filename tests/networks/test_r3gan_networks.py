import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from conftest import ROOT
from paddle import nn

from ppgan_lite.config.load import load_config, usable_networks
from ppgan_lite.errors import ConfigError
from ppgan_lite.methods.options import METHODS
from ppgan_lite.networks import options
from ppgan_lite.networks.r3gan import FULL_WIDTH, Discriminator, Generator
from ppgan_lite.networks.stages import widths_of

SHAPE = (3, 32, 32)
LABELS = paddle.to_tensor([2, 0, 1])
GAIN = (2 / 1.04) ** 0.5


def generator(num_classes=None, shape=SHAPE, z_dim=6, **keys):
    keys = {"ngf": 16, "blocks": 1} | keys
    return Generator(options.R3GANGenerator(name="r3gan", **keys), z_dim, shape, num_classes)


def discriminator(num_classes=None, shape=SHAPE, outputs=(1,), **keys):
    keys = {"ndf": 16, "blocks": 1} | keys
    return Discriminator(options.R3GANDiscriminator(name="r3gan", **keys), shape, outputs, num_classes)


def with_random_weights(network):
    """Without zeros: the last layer of each branch and all biases start at 0."""
    paddle.seed(0)
    for p in network.parameters():
        p.set_value(paddle.randn(p.shape) * p.shape[-1] ** -0.5)
    return network


def count(network):
    return sum(p.size for p in network.parameters())


def images(num=3, shape=SHAPE, dtype="float32"):
    return paddle.to_tensor(np.random.default_rng(0).uniform(-1, 1, [num, *shape]).astype(dtype))


def block(width):
    """Parameters of a block: two 1x1 convolutions, one 3x3 in groups of 16 channels, two biases."""
    return 2 * width * 2 * width + 2 * width * 16 * 9 + 2 * 2 * width


def test_both_networks_have_the_papers_parameters_for_cifar10():
    """brownvc/R3GAN, train.py, preset CIFAR10: 768 maps in four stages of two blocks, ten classes, z of 64 numbers."""
    blocks = 4 * 2 * block(768)
    assert blocks == 20_668_416
    g = blocks + 10 * 64 + (64 + 64) * 768 + 768 * 16 + 768 * 3
    d = blocks + 3 * 768 + 768 * 16 + 768 * 768 + 10 * 768
    assert (g, d) == (20_781_952, 21_280_512)
    assert count(generator(10, z_dim=64, ngf=768, blocks=2)) == g
    assert count(discriminator(10, ndf=768, blocks=2)) == d


def test_small_networks_without_classes_and_with_fewer_maps_at_64_pixels():
    assert count(generator(z_dim=64, ngf=64)) == 4 * block(64) + 64 * 64 + 64 * 16 + 64 * 3  # 0.15 million
    assert count(discriminator(ndf=64)) == 4 * block(64) + 3 * 64 + 64 * 16 + 64  # 0.14 million
    g, d = generator(shape=(3, 64, 64), z_dim=64, ngf=64), discriminator(shape=(3, 64, 64), ndf=64)
    assert count(g) == 4 * block(64) + block(32) + 64 * 32 + 64 * 64 + 64 * 16 + 32 * 3
    assert count(d) == 4 * block(64) + block(32) + 64 * 32 + 3 * 32 + 64 * 16 + 64


def test_the_widths_are_the_papers():
    """The presets CIFAR10, FFHQ-64 and FFHQ-256."""
    assert widths_of(768, FULL_WIDTH, 32) == [768, 768, 768, 768]
    assert widths_of(768, FULL_WIDTH, 64) == [768, 768, 768, 768, 384]
    assert widths_of(768, FULL_WIDTH, 256) == [768, 768, 768, 768, 384, 192, 96]


def block_written_out(x, residual):
    first, _, grouped, _, last = residual
    y = F.leaky_relu(F.conv2d(x, first.weight, first.bias), 0.2)
    channels = [
        F.conv2d(y[:, i : i + 16], grouped.weight[i : i + 16], grouped.bias[i : i + 16], padding=1)
        for i in range(0, y.shape[1], 16)
    ]
    return x + F.conv2d(F.leaky_relu(paddle.concat(channels, 1), 0.2), last.weight)


def resampled(x, layer):
    """By the kernel [1, 3, 3, 1] of [1, 2, 1] and pairs of pixels, one channel at a time."""
    kernel = paddle.to_tensor(np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype("float32").reshape([1, 1, 4, 4]))
    one = x.reshape([-1, 1, *x.shape[2:]])
    if type(layer).__name__ == "SmoothUpsample":
        y = F.conv2d_transpose(one, kernel / 16, stride=2, padding=1)
    else:
        y = F.conv2d(one, kernel / 64, stride=2, padding=1)
    return y.reshape([*x.shape[:2], *y.shape[2:]])


def stages_written_out(x, stages):
    for layer in stages:
        if isinstance(layer, nn.Conv2D):
            x = F.conv2d(x, layer.weight)
        else:
            x = block_written_out(x, layer.residual) if hasattr(layer, "residual") else resampled(x, layer)
    return x


KINDS = {32: ["block", "up", "block", "up", "block", "up", "block"]}
KINDS[64] = [*KINDS[32], "conv", "up", "block"]


def kinds(stages):
    names = {"_Block": "block", "SmoothUpsample": "up", "SmoothPool": "down", "Conv2D": "conv"}
    return [names[type(layer).__name__] for layer in stages]


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_the_generator_is_the_papers_written_out(size, num_classes):
    g, z = with_random_weights(generator(num_classes, (3, size, size))), paddle.randn([3, 6])
    assert kinds(g.stages) == KINDS[size]
    labels = [] if num_classes is None else [LABELS]
    joined = z if num_classes is None else paddle.concat([z, g.of_classes.weight[LABELS]], 1)
    x = paddle.matmul(joined, g.linear.weight).reshape([3, 16, 1, 1]) * g.basis
    theirs = F.conv2d(stages_written_out(x, g.stages), g.to_images.weight).numpy()
    largest = np.abs(theirs).max()
    assert largest > 1
    np.testing.assert_allclose(g(z, *labels).numpy(), theirs, atol=1e-5 * largest)
    g.eval()
    np.testing.assert_allclose(g(z, *labels).numpy(), theirs.clip(-1, 1), atol=1e-5 * largest)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_the_discriminator_is_the_papers_written_out(size, num_classes):
    d, x = with_random_weights(discriminator(num_classes, (3, size, size))), images(shape=(3, size, size))
    mirrored = [{"up": "down"}.get(kind, kind) for kind in KINDS[size][::-1]]
    assert kinds(d.stages) == ["conv", *mirrored]
    features = F.conv2d(stages_written_out(x, d.stages), d.basis.unsqueeze(1), groups=16).reshape([3, 16])
    outputs = paddle.matmul(features, d.heads[0].weight)
    if num_classes:
        labels = [LABELS]
        outputs = (outputs.numpy() * d.of_classes.weight.numpy()[[2, 0, 1]]).sum(1, keepdims=True)
    else:
        labels, outputs = [], outputs.numpy()
    assert outputs.shape == (3, 1)
    np.testing.assert_allclose(d(x, *labels).numpy(), outputs, rtol=1e-4, atol=1e-5 * np.abs(outputs).max())


@pytest.mark.parametrize(("num_classes", "size"), [(3, 32), (None, 64)])
def test_r1s_gradient_matches_finite_differences(num_classes, size):
    """E |grad D(x)|^2 in float64, with two groups up to 32 pixels; each parameter along one direction."""
    d = with_random_weights(discriminator(num_classes, (3, size, size))).to(dtype="float64")
    x, labels = images(2, (3, size, size), "float64"), [] if num_classes is None else [LABELS[:2]]
    x.stop_gradient = False

    def penalty():
        (gradient,) = paddle.grad(d(x, *labels).sum(), x, create_graph=True)
        return gradient.square().sum() / len(x)

    penalty().backward()
    rng, h = np.random.default_rng(1), 1e-8  # small: the penalty jumps where a leaky ReLU bends
    for name, p in d.named_parameters():
        gradient, value, direction = p.grad.numpy(), p.numpy(), rng.standard_normal(p.shape)
        assert np.abs(gradient).max() > 1e-6 or name.endswith("bias"), name
        numeric = []
        for sign in (1, -1):
            p.set_value(value + sign * h * direction)
            numeric.append(float(penalty()))
        p.set_value(value)
        tolerance = 1e-3 * np.linalg.norm(gradient) + 1e-6 * numeric[0]
        assert (gradient * direction).sum() == pytest.approx((numeric[0] - numeric[1]) / (2 * h), abs=tolerance), name


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_initial_weights_are_the_papers(network):
    """N(0, 1 / inputs), times the leaky ReLU's gain and B^(-1/4) in the branches of B = 8 blocks; last layers are 0."""
    paddle.seed(0)
    makers = {"generator": lambda: generator(10, z_dim=64, ngf=64, blocks=2)}
    makers["discriminator"] = lambda: discriminator(10, ndf=64, blocks=2)
    built, seen = makers[network](), []
    for name, p in built.named_parameters():
        values, kind = p.numpy(), name.split(".")[-2] if name.startswith("stages") and "residual" in name else None
        if name.endswith("bias") or kind == "4":
            assert not values.any(), name
            continue
        if kind:
            deviation = GAIN * 8**-0.25 * (values[0].size) ** -0.5
        elif name == "basis":
            deviation = 1 if network == "generator" else 1 / 4
        elif name == "of_classes.weight":
            deviation = 10**-0.5 * (1 if network == "generator" else 64**-0.5)
        else:
            deviation = (values[0].size if values.ndim == 4 else len(values)) ** -0.5
        seen.append(name)
        assert abs(values.std() / deviation - 1) < 5 / values.size**0.5, name
        assert abs(values.mean()) < 5 * deviation / values.size**0.5, name
    assert len(seen) == 8 * 2 + 4


@pytest.mark.parametrize("shape", [SHAPE, (1, 64, 64), (3, 128, 128)])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_shapes_and_the_range_of_trained_and_used_pictures(shape, num_classes):
    labels = [] if num_classes is None else [LABELS]
    g, d = generator(num_classes, shape, ngf=32), discriminator(num_classes, shape, ndf=32)
    z = 1000 * paddle.randn([3, 6])
    made = g(z, *labels)
    assert made.shape == [3, *shape]
    assert float(made.abs().max()) > 1
    assert d(made, *labels).shape == [3, 1]
    g.eval()
    assert float(g(z, *labels).abs().max()) == 1


def test_several_outputs_are_a_tuple():
    assert [y.shape for y in discriminator(outputs=(1, 10))(images())] == [[3, 1], [3, 10]]


def test_a_score_does_not_depend_on_the_rest_of_the_batch():
    d, x = with_random_weights(discriminator()), images()
    np.testing.assert_allclose(d(x[:1]).numpy(), d(x).numpy()[:1], rtol=1e-4)


@pytest.mark.parametrize("network", [options.R3GANGenerator, options.R3GANDiscriminator])
def test_sizes_and_widths_that_do_not_fit_are_refused(network):
    key = "ngf" if network is options.R3GANGenerator else "ndf"
    with pytest.raises(ConfigError, match=r"^r3gan takes .*but the data has 28x28$"):
        network(name="r3gan").check_size(28, 28)
    for size in (32, 64, 128, 256):
        network(name="r3gan").check_fit("s", None, size)
    network(name="r3gan", **{key: 8}).check_fit("s", None, 32)
    message = rf"^s.{key}: r3gan groups .* 64x64 pixels it must be a multiple of 16, such as 32; got 24$"
    with pytest.raises(ConfigError, match=message):
        network(name="r3gan", **{key: 24}).check_fit("s", None, 64)


def test_a_vae_refuses_it_as_its_pixels_are_no_probabilities():
    decoders, generators = (set(usable_networks(METHODS[name](name), "generator")) for name in ("vae", "hinge"))
    assert generators - decoders == {"r3gan"}
    with pytest.raises(ConfigError, match=r"^generator.name: vae needs .* within \[-1, 1\], but r3gan goes beyond"):
        load_config(ROOT / "configs" / "vae_mnist.yml", ["generator={name: r3gan}"])
