import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppgan_lite import runtime
from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.attention import SelfAttention
from ppgan_lite.networks.conditional import ConditionalBatchNorm2D
from ppgan_lite.networks.resnet32 import Discriminator, Generator

SHAPE = (3, 32, 32)
LABELS = paddle.to_tensor([2, 0, 1])


def generator(num_classes=None, shape=SHAPE, ngf=4, **keys):
    return Generator(options.ResNet32Generator(name="resnet32", ngf=ngf, **keys), 128, shape, num_classes)


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


@pytest.mark.parametrize(("ngf", "ndf", "expected"), [(256, 128, (4_384_004, 1_075_586)), (64, 64, (380_228, 270_530))])
def test_sagans_networks_have_the_released_codes_parameters_except_biases_before_batch_norms(ngf, ndf, expected):
    """Published: 4.39 and 1.08 million; G lacks 9 ngf biases, which batch norms cancel."""

    def attention(width):
        return 2 * width * width // 8 + 2 * width * width // 2 + 1

    g = generator(10, ngf=ngf, norm="spectral", attention=16)
    d = discriminator(10, ndf=ndf, norm="spectral", attention=16)
    assert trainable(g) == trainable(generator(10, ngf=ngf)) + attention(ngf) == expected[0]
    assert trainable(d) == trainable(discriminator(10, ndf=ndf)) + attention(ndf) == expected[1]
    assert (trainable(discriminator(10, ndf=256)), trainable(discriminator(10, ndf=64))) == (
        4_207_361,
        265_409,
    )  # BigGAN


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


@pytest.mark.parametrize("size", [64, 128])
def test_larger_images_have_one_block_more_for_each_doubling(size):
    shape, doublings = (3, size, size), {64: 1, 128: 2}[size]
    g, d = generator(3, shape), discriminator(3, shape)
    assert g(paddle.randn([3, 128]), LABELS).shape == [3, *shape]
    assert d(images(shape=shape), LABELS).shape == [3, 1]
    assert [len(network.blocks) for network in (g, d)] == [3 + doublings, 4 + doublings]
    assert d.blocks(images(shape=shape)).shape == [3, 4, 8, 8]


def test_without_new_options_the_weights_have_the_names_of_earlier_runs():
    norms = [f"norms.{i}.{name}" for i in (0, 1) for name in ("weight", "bias", "_mean", "_variance")]
    layers = [*norms, "enlarge.weight", "keep.weight", "shortcut.0.weight"]
    ends = [f"to_images.0.{name}" for name in ("weight", "bias", "_mean", "_variance")]
    ends += ["to_images.2.weight", "to_images.2.bias", "linear.weight", "linear.bias"]
    assert set(generator().state_dict()) == {*ends, *(f"blocks.{i}.{name}" for i in range(3) for name in layers)}
    convolutions = ["0.residual.0", "0.residual.2", "0.shortcut.1", "1.residual.1", "1.residual.3", "1.shortcut.1"]
    convolutions += [f"{i}.residual.{j}" for i in (2, 3) for j in (1, 3)]
    layers = [*(f"blocks.{name}" for name in convolutions), "heads.0"]
    expected = {"of_classes.weight", *(f"{layer}.{name}" for layer in layers for name in ("weight", "bias"))}
    assert set(discriminator(3).state_dict()) == expected


@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_attention_follows_the_first_block_with_feature_maps_of_its_size(size):
    shape, seen = (3, 64, 64), []
    networks = [(generator(shape=shape, attention=size), paddle.randn([2, 128]))]
    if size < 64:  # D's first block halves the image
        networks.append((discriminator(shape=shape, attention=size), images(2, shape)))
    for network, inputs in networks:
        (attention,) = (layer for layer in network.sublayers() if isinstance(layer, SelfAttention))
        attention.register_forward_post_hook(lambda layer, inputs, output: seen.append(output.shape))
        plain = network(inputs).numpy()
        attention.gamma.set_value(paddle.to_tensor([5.0]))
        assert abs(network(inputs).numpy() - plain).max() > 1e-3
    assert seen == [[2, 4, size, size]] * 2 * len(networks)
    if size < 64:
        kinds = [type(block) for block in networks[1][0].blocks]
        assert kinds.index(SelfAttention) == {32: 1, 16: 2, 8: 3}[size]


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


def test_spectral_norms_of_the_generator_leave_out_what_batch_norms_have():
    g = generator(3, norm="spectral", attention=8)
    normalised = [layer for layer in g.sublayers() if hasattr(layer, "weight_orig")]
    assert len(normalised) == 1 + 3 * 3 + 1 + 4
    assert not any(isinstance(layer, nn.Embedding) for layer in normalised)
    for _ in range(60):
        g(paddle.randn([2, 128]), LABELS[:2])
    for layer in normalised:
        matrix = layer.weight.numpy().reshape(layer.weight.shape[0], -1)
        assert np.linalg.norm(matrix, 2) == pytest.approx(1, abs=0.01)


def test_orthogonal_weights_of_the_discriminator_are_chosen_before_the_spectral_norms():
    d = discriminator(3, norm="spectral", init="orthogonal", attention=8)
    layers = [layer for layer in d.sublayers() if hasattr(layer, "weight_orig")]
    assert len(layers) == 2 * 3 + 2 * 2 + 2 + 4
    for layer in layers:
        matrix = layer.weight_orig.numpy().reshape(layer.weight_orig.shape[0], -1)
        rows = matrix if len(matrix) <= matrix.shape[1] else matrix.T
        np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5)


@pytest.mark.parametrize(
    ("section", "cls", "sizes"),
    [
        ("generator", options.ResNet32Generator, "8, 16, 32"),
        ("discriminator", options.ResNet32Discriminator, "8, 16"),
    ],
)
def test_attention_without_feature_maps_is_refused(section, cls, sizes):
    with pytest.raises(ConfigError) as caught:
        cls(name="resnet32", attention=64).check_fit(section, None, 32)
    assert str(caught.value) == (
        f"{section}.attention: resnet32 has no feature maps of 64x64 pixels for images of 32x32; "
        f"allowed: {sizes} or null"
    )
    cls(name="resnet32", attention=16).check_fit(section, None, 32)


@pytest.mark.parametrize("network", [options.ResNet32Generator, options.ResNet32Discriminator])
@pytest.mark.parametrize("size", [(28, 28), (256, 256), (32, 64)])
def test_other_sizes_are_refused(network, size):
    with pytest.raises(ConfigError, match=rf"^resnet32 takes .*but the data has {size[0]}x{size[1]}"):
        network(name="resnet32").check_size(*size)
