import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle import nn

from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import fast_conv, layers, options
from ppgan_lite.networks.dcgan28 import Generator
from ppgan_lite.networks.infogan import Discriminator

SHAPE = (1, 28, 28)


def discriminator(shape=SHAPE, outputs=(1,), **keys):
    return Discriminator(options.InfoGANDiscriminator(name="infogan", **keys), shape, outputs)


def count(network):
    return sum(int(np.prod(p.shape)) for p in network.parameters() if not p.stop_gradient)


def test_parameter_counts_follow_table_1_less_the_biases_before_norms():
    without_q = 16 * 64 + 64 + 16 * 64 * 128 + 2 * 128 + 128 * 49 * 1024 + 2 * 1024 + 1024 + 1
    q = 1024 * 128 + 2 * 128 + 129 * (10 + 2)
    assert count(discriminator()) == without_q
    assert count(discriminator(outputs=(1, 10, 2))) == without_q + q
    g = Generator(options.DCGAN28Generator(name="dcgan28", upsample="transposed"), 74, SHAPE)
    linear = 74 * 1024 + 2 * 1024 + 1024 * 128 * 49 + 2 * 128 * 49
    assert count(g) == linear + 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1


def test_the_first_weights_are_those_of_the_authors_code():
    paddle.seed(0)
    keys = options.DCGAN28Generator(name="dcgan28", ngf=16, upsample="transposed", init="normal_0.02")
    g, d = Generator(keys, 74, SHAPE), discriminator(outputs=(1, 10, 2), ndf=16, init="normal_0.02", slope=0.01)
    norms = [layer for layer in [*g.sublayers(), *d.sublayers()] if isinstance(layer, nn.BatchNorm1D | nn.BatchNorm2D)]
    gains = {layer.weight.name for layer in norms}
    for p in [*g.parameters(), *d.parameters()]:
        if p.stop_gradient:  # a batch norm's statistics
            continue
        values = p.numpy() - (p.name in gains)
        if p.ndim == 1 and p.name not in gains:
            assert not values.any(), p.name
        else:
            assert abs(values.mean()) < 5 * 0.02 / values.size**0.5, p.name
            assert values.std() == pytest.approx(0.02, rel=3 / values.size**0.5), p.name
    assert {layer._negative_slope for layer in d.sublayers() if isinstance(layer, nn.LeakyReLU)} == {0.01}


@pytest.mark.parametrize("norm", ["spectral", "none"])
def test_without_batch_norms_all_layers_have_a_bias(norm):
    layers = 17 * 4 + (16 * 4 + 1) * 8 + (8 * 49 + 1) * 64 + 65
    assert count(discriminator(ndf=4, norm=norm)) == layers
    assert count(discriminator(ndf=4, norm=norm, outputs=(1, 3, 2))) == layers + 65 * 128 + 129 * 5


@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_of_the_outputs(norm, channels):
    images = paddle.randn([5, channels, 28, 28])
    shape = (channels, 28, 28)
    assert discriminator(shape, ndf=4, norm=norm)(images).shape == [5, 1]
    assert [y.shape for y in discriminator(shape, (1, 7), ndf=4, norm=norm)(images)] == [[5, 1], [5, 7]]
    outputs = discriminator(shape, (1, 7, 2), ndf=4, norm=norm)(images)
    assert isinstance(outputs, tuple)
    assert [y.shape for y in outputs] == [[5, 1], [5, 7], [5, 2]]


def test_all_outputs_but_the_first_share_one_more_layer():
    d = discriminator(outputs=(1, 7, 2), ndf=4)
    d.eval()
    images = paddle.randn([5, *SHAPE])
    before = [y.numpy() for y in d(images)]
    weight = d.recognise[0].weight
    weight.set_value(weight + 1)
    changed = [not np.array_equal(y.numpy(), old) for y, old in zip(d(images), before, strict=True)]
    assert changed == [False, True, True]


@pytest.mark.parametrize("size", [(32, 32), (28, 32)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ConfigError, match=rf"infogan takes .*the data has {size[0]}x{size[1]}"):
        options.InfoGANDiscriminator(name="infogan").check_size(*size)


# ---- spectral normalisation ----


@pytest.fixture(scope="module")
def iterated():
    """The state of a discriminator with `norm: spectral` after many power iterations."""
    paddle.seed(0)
    d = discriminator(outputs=(1, 7, 2), ndf=4, norm="spectral")
    with paddle.no_grad():
        for _ in range(100):
            d(paddle.zeros([1, *SHAPE]))
    return state(d)


@pytest.fixture
def spectral(iterated):
    """A discriminator with the state `iterated`, after one more pass."""
    d = discriminator(outputs=(1, 7, 2), ndf=4, norm="spectral")
    d.set_state_dict(iterated)
    d(paddle.zeros([1, *SHAPE]))
    return d


def normalised(d):
    return {name: layer for name, layer in d.named_sublayers() if hasattr(layer, "weight_orig")}


def state(d):
    return {name: value.numpy() for name, value in d.state_dict().items()}


def test_every_weights_largest_singular_value_is_1(spectral):
    """Also in linear layers, which have the transposed matrix: [inputs, outputs]."""
    layers = normalised(spectral)
    assert len(layers) == 7  # two convolutions, a linear layer, the logit, Q's hidden layer and its two outputs
    for name, layer in layers.items():
        matrix = layer.weight.numpy()
        matrix = matrix.reshape(len(matrix), -1) if matrix.ndim == 4 else matrix
        assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1, abs=5e-3), name
        rows, columns = matrix.shape if layer.weight.ndim == 4 else matrix.shape[::-1]
        assert (layer.weight_u.shape, layer.weight_v.shape) == ([rows], [columns])


def test_the_fast_form_uses_the_normalised_weight(spectral, monkeypatch):
    monkeypatch.setattr(layers, "FEWEST_IMAGES", 1)
    calls = []
    plain = fast_conv.conv2d
    monkeypatch.setattr(fast_conv, "conv2d", lambda *arguments: calls.append(1) or plain(*arguments))
    layer = spectral.convolutions[2]
    layer.weight_orig.set_value(3 * layer.weight_orig)
    x = paddle.randn([3, 4, 14, 14])
    y = layer(x)
    assert calls == [1]
    weight, u, v = (tensor.numpy().astype("float64") for tensor in (layer.weight_orig, layer.weight_u, layer.weight_v))
    sigma = u @ weight.reshape(len(weight), -1) @ v
    expected = F.conv2d(x, paddle.to_tensor((weight / sigma).astype("float32")), layer.bias, stride=2, padding=1)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_evaluation_mode_changes_nothing_and_has_the_outputs_of_training_mode(spectral):
    images = paddle.randn([3, *SHAPE])
    trained = [y.numpy() for y in spectral(images)]
    before = state(spectral)
    spectral.eval()
    for y, expected in zip(spectral(images), trained, strict=True):
        np.testing.assert_allclose(y.numpy(), expected, rtol=1e-4, atol=1e-5)
    for name, value in state(spectral).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_each_pass_in_training_mode_is_a_power_iteration():
    d = discriminator(ndf=4, norm="spectral")
    before = state(d)
    d(paddle.zeros([1, *SHAPE]))
    after = state(d)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    vectors = {f"{name}.weight_{kind}" for name in normalised(d) for kind in "uv"}
    assert changed == vectors - {"judge.0.weight_u"}  # with a single output it is 1 or -1


def test_the_state_has_the_vectors_and_not_the_normalised_weight(spectral):
    own = {f"{name}.{key}" for name in normalised(spectral) for key in ("weight_orig", "weight_u", "weight_v", "bias")}
    assert state(spectral).keys() == own
    trained = {name for name, p in spectral.named_parameters() if not p.stop_gradient}
    assert trained == {name for name in own if name.endswith(("weight_orig", "bias"))}


def test_a_loaded_state_goes_on_as_the_saved_one(spectral, tmp_path):
    from safetensors.numpy import load_file, save_file

    save_file(state(spectral), tmp_path / "d.safetensors")
    twin = discriminator(outputs=(1, 7, 2), ndf=4, norm="spectral")
    assert twin.set_state_dict(load_file(tmp_path / "d.safetensors")) == ([], [])
    images = paddle.randn([3, *SHAPE])
    for _ in range(2):
        for y, expected in zip(twin(images), spectral(images), strict=True):
            np.testing.assert_array_equal(y.numpy(), expected.numpy())
    for name, value in state(spectral).items():
        np.testing.assert_array_equal(value, state(twin)[name], err_msg=name)
