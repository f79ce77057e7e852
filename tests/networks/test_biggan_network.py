import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.attention import SelfAttention
from ppgan_lite.networks.biggan import ConditionedBatchNorm2D, Generator

LABELS = paddle.to_tensor([2, 0, 1])


def generator(num_classes=3, size=32, z_dim=None, **keys):
    paddle.seed(0)
    chosen = options.BigGANGenerator(name="biggan", **{"ngf": 4, "shared": 6} | keys)
    return Generator(chosen, z_dim or 5 * chosen.CHUNKS[size], (3, size, size), num_classes)


def trainable(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if not p.stop_gradient)


def weighted(network):
    """Convolutions and linear layers, with their weights as they are trained, a row for each output."""
    for name, layer in network.named_sublayers():
        if isinstance(layer, nn.Conv2D | nn.Linear):
            weight = layer.weight_orig.numpy()
            yield name, layer, weight.T if isinstance(layer, nn.Linear) else weight.reshape(len(weight), -1)


def conv(inputs, outputs, kernel=3):
    return kernel**2 * inputs * outputs


@pytest.mark.parametrize(
    ("ngf", "shared", "attention", "expected"),
    [(256, 128, None, 4_284_931), (256, 128, 16, 4_366_852), (64, 32, None, 297_091), (64, 32, 16, 302_212)],
)
def test_it_has_the_parameters_of_the_paper(ngf, shared, attention, expected):
    """Without the blocks' biases, which the batch norms cancel: 2,304 with 256 feature maps, 576 with 64.

    The authors' PyTorch code for CIFAR-10 has 4.30 million: its noise is not split and its classes share no embedding,
    so it has 528,384 numbers in the linear layer instead of 86,016, and 2,560 instead of 37,888 in each gain or shift.
    """
    block = 4 * (20 + shared) * ngf + 2 * conv(ngf, ngf) + conv(ngf, ngf, 1)
    own = 10 * shared + (20 + 1) * 16 * ngf + 3 * block + 2 * ngf + conv(ngf, 3) + 3
    own += conv(ngf, ngf, 1) + 1 if attention else 0  # in 1x1 convolutions: 2 C C / 8 + 2 C C / 2, and gamma
    own += conv(ngf, ngf, 1) // 4 if attention else 0
    assert trainable(generator(10, z_dim=80, ngf=ngf, shared=shared, attention=attention)) == own == expected


@pytest.mark.parametrize("size", [32, 64, 128])
def test_shapes_and_range(size):
    g = generator(size=size)
    z = 100 * paddle.randn([3, 5 * options.BigGANGenerator.CHUNKS[size]])
    images = g(z, LABELS)
    assert images.shape == [3, 3, size, size]
    assert 0.5 < float(images.abs().max()) <= 1
    assert generator(None, size)(z).shape == [3, 3, size, size]


def test_each_chunk_of_the_noise_goes_to_its_own_layer():
    """The first to the linear layer, the next ones with the class to the batch norms of one block each."""
    g = generator()
    g.eval()
    z = paddle.randn([3, 20])
    g(z, LABELS)  # computes the normalised weights
    parts = z.split(4, 1)
    x = g.linear(parts[0]).reshape([3, 4, 4, 4])
    for block, part in zip(g.blocks, parts[1:], strict=True):
        condition = paddle.concat([g.classes(LABELS), part], 1)
        x = block(x, condition)
    np.testing.assert_allclose(g(z, LABELS).numpy(), g.to_images(x).numpy(), rtol=1e-5, atol=1e-6)


def test_a_batch_norm_has_gains_around_1_and_shifts_around_0_of_its_condition():
    norm = ConditionedBatchNorm2D(4, 5)
    x, condition = paddle.randn([8, 4, 3, 3]), paddle.randn([8, 5])
    gains, shifts = (F.linear(condition, layer.weight).reshape([8, 4, 1, 1]) for layer in (norm.gains, norm.shifts))
    deviation = ((x - x.mean([0, 2, 3], keepdim=True)) ** 2).mean([0, 2, 3], keepdim=True).sqrt()
    expected = (1 + gains) * (x - x.mean([0, 2, 3], keepdim=True)) / deviation + shifts
    np.testing.assert_allclose(norm(x, condition).numpy(), expected.numpy(), rtol=1e-3, atol=1e-4)
    assert trainable(norm) == 2 * 4 * 5


def test_all_weights_are_orthogonal_at_first():
    g = generator(attention=16)
    names = []
    for name, _, matrix in weighted(g):
        rows = matrix if len(matrix) <= matrix.shape[1] else matrix.T
        np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5, err_msg=name)
        names.append(name)
    assert len(names) == 1 + 3 * (2 * 2 + 3) + 1 + 4
    embedding = g.classes.weight.numpy()
    np.testing.assert_allclose(embedding @ embedding.T, np.eye(3), atol=1e-5)


def test_spectral_norms_are_on_all_weights_but_the_embedding():
    g = generator()
    for _, layer, _ in weighted(g):
        layer.weight_orig.set_value(3 * layer.weight_orig)
    for _ in range(5):
        g(paddle.randn([2, 20]), LABELS[:2])
    for name, layer, _ in weighted(g):
        assert np.linalg.norm(layer.weight.numpy().reshape(layer.weight.shape[0], -1), 2) == pytest.approx(1, 0.01), (
            name
        )
    assert not hasattr(g.classes, "weight_orig")


def test_attention_follows_the_block_of_its_size():
    plain, attending = generator(size=64), generator(size=64, attention=32)
    assert not any(isinstance(layer, SelfAttention) for layer in plain.sublayers())
    seen = []
    attending.attention.register_forward_post_hook(lambda layer, inputs, output: seen.append(output.shape))
    attending(paddle.randn([2, 25]), LABELS[:2])
    assert seen == [[2, 4, 32, 32]]


def tree(**keys):
    return {
        "method": {"name": "biggan", "z_dim": keys.pop("z_dim", 80)},
        "generator": {"name": "biggan", **keys},
        "discriminator": {"name": "resnet32"},
        "optim": {name: {"name": "adam", "lr": 1e-3} for name in ("g", "d")},
        "data": {"name": "folder", "batch_size": 4, "size": 64},
        "train": {"steps": 1, "seed": 0},
    }


@pytest.mark.parametrize(("z_dim", "nearest"), [(64, 65), (81, 80), (1, 5), (102, 100), (103, 105)])
def test_noise_that_has_no_equal_chunks_is_refused(z_dim, nearest):
    with pytest.raises(ConfigError) as caught:
        check_config(tree(z_dim=z_dim))
    assert str(caught.value) == (
        "method.z_dim: biggan splits the noise into 5 equal chunks for images of 64x64 pixels, so z_dim must be a "
        f"multiple of 5, such as {nearest}; got {z_dim}"
    )
    check_config(tree(z_dim=nearest))


def test_attention_without_feature_maps_is_refused():
    with pytest.raises(ConfigError) as caught:
        check_config(tree(attention=128))
    assert str(caught.value) == (
        "generator.attention: biggan has no feature maps of 128x128 pixels for images of 64x64; "
        "allowed: 8, 16, 32, 64 or null"
    )
    check_config(tree(attention=64))


@pytest.mark.parametrize("method", ["cgan", "acgan", "infogan"])
def test_methods_that_join_something_to_the_noise_refuse_it(method):
    chosen = tree()
    chosen["method"] = {"name": method}
    with pytest.raises(ConfigError, match="needs a generator that takes noise of any length, but biggan splits it"):
        check_config(chosen)
