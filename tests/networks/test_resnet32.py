import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppgan_lite import runtime
from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.conditional import ConditionalBatchNorm2D
from ppgan_lite.networks.resnet32 import Discriminator, Generator

SHAPE = (3, 32, 32)
LABELS = paddle.to_tensor([2, 0, 1])


def generator(num_classes=None, shape=SHAPE, ngf=4):
    return Generator(options.ResNet32Generator(name="resnet32", ngf=ngf), 128, shape, num_classes)


def discriminator(num_classes=None, shape=SHAPE, outputs=(1,), **keys):
    keys = {"ndf": 4, "norm": "none"} | keys
    return Discriminator(options.ResNet32Discriminator(name="resnet32", **keys), shape, outputs, num_classes)


def trainable(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if not p.stop_gradient)


def images(num=3, shape=SHAPE):
    return paddle.to_tensor(np.random.default_rng(0).uniform(-1, 1, [num, *shape]).astype("float32"))


def conv(inputs, outputs, kernel=3):
    return kernel**2 * inputs * outputs + outputs


@pytest.mark.parametrize("ngf", [128, 256], ids=["WGAN-GP", "SNGAN"])
def test_the_generator_has_the_papers_parameters_except_biases_before_batch_norms(ngf):
    block = 2 * (2 * ngf + conv(ngf, ngf)) + conv(ngf, ngf, 1)
    papers = (128 + 1) * 16 * ngf + 3 * block + 2 * ngf + conv(ngf, 3)
    assert papers == {128: 1_204_483, 256: 4_276_739}[ngf]
    without_effect = 3 * 3 * ngf
    assert trainable(generator(ngf=ngf)) == papers - without_effect
    others = 6 * (10 - 1) * 2 * ngf  # gains and shifts of nine more classes
    assert trainable(generator(10, ngf=ngf)) == papers - without_effect + others


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_the_discriminator_has_the_papers_parameters(norm):
    first = conv(3, 128) + conv(128, 128) + conv(3, 128, 1)
    second = 2 * conv(128, 128) + conv(128, 128, 1)
    papers = first + second + 2 * 2 * conv(128, 128) + 128 + 1
    assert papers == 1_053_825
    assert trainable(discriminator(ndf=128, norm=norm)) == papers
    assert trainable(discriminator(10, ndf=128, norm=norm)) == papers + 10 * 128


def weights(layer):
    return layer.weight, layer.bias


def usual_convolution(x, layer):
    return F.conv2d(x, *weights(layer), padding=layer.weight.shape[2] // 2)


def test_the_generator_is_the_papers_written_out(monkeypatch):
    """Upsampling before the convolutions of the residual branch and of the shortcut, as the authors do it."""
    g, z = generator(), paddle.randn([3, 128])
    ours = g(z)
    monkeypatch.setenv(runtime.LAYERS, "plain")

    def double(x):
        return F.interpolate(x, scale_factor=2, mode="nearest")

    x = g.linear(z).reshape([3, 4, 4, 4])
    for block in g.blocks:
        y = usual_convolution(double(F.relu(block.norms[0](x))), block.enlarge)
        y = usual_convolution(F.relu(block.norms[1](y)), block.keep)
        x = y + usual_convolution(double(x), block.shortcut[0])
    norm, _, last, _ = g.to_images
    theirs = paddle.tanh(usual_convolution(F.relu(norm(x)), last))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_the_discriminator_is_the_papers_written_out(pooling):
    """Pooling after the convolutions, except in the first shortcut; no ReLU before the first block."""
    d, x = discriminator(3, pooling=pooling), images()
    for p in d.parameters():
        p.set_value(0.3 * paddle.randn(p.shape))  # biases too, which start at 0
    first, second, *others = d.blocks

    def half(x):
        return F.avg_pool2d(x, 2)

    def residual(x, block):
        layers = [layer for layer in block.residual if isinstance(layer, nn.Conv2D)]
        return usual_convolution(F.relu(usual_convolution(x, layers[0])), layers[1])

    y = half(residual(x, first)) + usual_convolution(half(x), first.shortcut[1])
    y = half(residual(F.relu(y), second)) + half(usual_convolution(y, second.shortcut[1]))
    for block in others:
        y = residual(F.relu(y), block) + y
    features = F.relu(y).reshape([3, 4, 64])
    features = features.sum(2) if pooling == "sum" else features.mean(2)
    scores = F.linear(features, *weights(d.heads[0]))
    np.testing.assert_allclose(d(x).numpy(), scores.numpy(), rtol=1e-4, atol=1e-4)
    projected = (d.of_classes.weight.numpy()[[2, 0, 1]] * features.numpy()).sum(1, keepdims=True)
    np.testing.assert_allclose(d(x, LABELS).numpy(), scores.numpy() + projected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [SHAPE, (1, 32, 32)])
@pytest.mark.parametrize("num_classes", [None, 3])
def test_shapes_and_range(shape, num_classes):
    labels = [] if num_classes is None else [LABELS]
    made = generator(num_classes, shape)(1000 * paddle.randn([3, 128]), *labels)
    assert made.shape == [3, *shape]
    assert 0.5 < float(made.abs().max()) <= 1
    assert discriminator(num_classes, shape)(made, *labels).shape == [3, 1]


def test_several_outputs_are_a_tuple():
    assert [y.shape for y in discriminator(outputs=(1, 10))(images())] == [[3, 1], [3, 10]]


def test_classes_are_where_the_papers_have_them():
    """In all batch norms of the generator but the last; in the discriminator in one embedding."""
    norms = [layer for layer in generator(10).sublayers() if isinstance(layer, nn.BatchNorm2D | ConditionalBatchNorm2D)]
    trained = [type(norm).__name__ for norm in norms if trainable(norm)]
    assert trained == ["ConditionalBatchNorm2D"] * 6 + ["BatchNorm2D"]
    assert discriminator().of_classes is None
    assert [layer for layer in generator().sublayers() if isinstance(layer, nn.Embedding)] == []


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_initialisation_is_glorots_wider_in_the_residual_branches(network):
    paddle.seed(0)
    built = generator(10, ngf=32) if network == "generator" else discriminator(10, ndf=32)
    for name, layer in built.named_sublayers():
        if isinstance(layer, nn.Conv2D | nn.Linear) or name == "of_classes":
            first, second, *taps = layer.weight.shape
            residual = 2 if any(part in name for part in ("residual", "enlarge", "keep")) else 1
            limit = (residual * 6 / ((first + second) * np.prod(taps))) ** 0.5
            largest = float(layer.weight.abs().max())
            assert 0.9 * limit < largest <= limit, name
            deviation = limit / 3**0.5
            assert abs(float(layer.weight.std()) / deviation - 1) < 5 / layer.weight.size**0.5, name


def test_spectral_norms_divide_all_weights_by_their_largest_singular_value():
    d = discriminator(3, norm="spectral")
    for _ in range(60):
        d(images(1), LABELS[:1])  # a step of the power iteration each
    layers = [layer for layer in d.sublayers() if isinstance(layer, nn.Conv2D | nn.Linear | nn.Embedding)]
    assert len(layers) == 2 * 3 + 2 * 2 + 2
    for layer in layers:
        matrix = layer.weight.numpy().reshape(layer.weight.shape[0], -1)
        assert np.linalg.norm(matrix, 2) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("network", [options.ResNet32Generator, options.ResNet32Discriminator])
@pytest.mark.parametrize("size", [(28, 28), (64, 64), (32, 64)])
def test_other_sizes_are_refused(network, size):
    with pytest.raises(ConfigError, match=rf"^resnet32 takes .*but the data has {size[0]}x{size[1]}"):
        network(name="resnet32").check_size(*size)
