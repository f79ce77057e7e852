import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from blur import blurred

from ppgan_lite import runtime
from ppgan_lite.losses.regularizers import path_lengths, zero_centred
from ppgan_lite.networks import options
from ppgan_lite.networks.layers import FEWEST_IMAGES
from ppgan_lite.networks.stylegan2 import Discriminator, Generator, ModulatedConv2D, StyledConv2D

SHAPE = (3, 32, 32)
LEAKY = 0.2


def generator(shape=SHAPE, z_dim=6, **keys):
    keys = {"ngf": 4, "full_until": 32, "mapping_layers": 2} | keys
    return Generator(options.StyleGAN2Generator(name="stylegan2", **keys), z_dim, shape)


def discriminator(shape=SHAPE, outputs=(1,), **keys):
    keys = {"ndf": 4, "full_until": 32} | keys
    return Discriminator(options.StyleGAN2Discriminator(name="stylegan2", **keys), shape, outputs)


def with_noise_and_biases(network):
    """Strengths and biases, which start at 0, become random."""
    paddle.seed(1)
    for name, p in network.named_parameters():
        if "strength" in name or "bias" in name:
            p.set_value(p + 0.3 * paddle.randn(p.shape).astype(p.dtype))
    return network


def count(network):
    return sum(p.size for p in network.parameters())


def layer_counts(size, inputs, outputs, z_dim):
    """Parameters of a styled convolution: kernel, style, bias and the noise's strength."""
    return outputs * inputs * size**2 + (z_dim + 1) * inputs + outputs + 1


def test_parameters_of_the_authors_settings_for_cifar10():
    """ADA's preset `cifar`: 512 maps at all sizes, two mapping layers, D without residual blocks; without classes."""
    g = generator(z_dim=512, ngf=512)
    to_images = 3 * 512 + 3 + 513 * 512
    expected = 2 * 512 * 513 + 512 * 16 + 7 * layer_counts(3, 512, 512, 512) + 4 * to_images
    assert (count(g), expected) == (19_947_539, 19_947_539)  # 20.0 million
    d = discriminator(ndf=512, residual=False)
    convolution = 512 * 512 * 9 + 512
    last = 513 * 512 * 9 + 512 + (512 * 16 + 1) * 512 + 513
    assert (count(d), 4 * 512 + 6 * convolution + last) == (20_720_641, 20_720_641)  # 20.7 million
    assert count(discriminator(ndf=512)) == 20_720_641 + 3 * 512 * 512, "a 1x1 convolution for each block"


def test_parameters_of_the_small_networks():
    """0.31 and 0.34 million at 32 pixels, 0.35 and 0.37 at 64, where there are 32 maps."""
    small = {"ngf": 64, "z_dim": 64}
    g = 2 * 64 * 65 + 64 * 16 + 7 * layer_counts(3, 64, 64, 64) + 4 * (3 * 64 + 3 + 65 * 64)
    assert count(generator(**small)) == g
    g += layer_counts(3, 64, 32, 64) + layer_counts(3, 32, 32, 64) + 3 * 32 + 3 + 65 * 32
    assert (count(generator((3, 64, 64), **small)), g) == (350_520, 350_520)
    d = 3 * (2 * (64 * 64 * 9 + 64) + 64 * 64) + 65 * 64 * 9 + 64 + (16 * 64 + 1) * 64 + 65
    assert count(discriminator(ndf=64)) == d + 4 * 64
    d += 4 * 32 + 32 * 32 * 9 + 32 + 32 * 64 * 9 + 64 + 32 * 64
    assert (count(discriminator((3, 64, 64), ndf=64)), d) == (366_945, 366_945)


def test_the_styles_sizes_are_in_order():
    g = generator((3, 64, 64))
    assert g.style_sizes == (4, 8, 8, 16, 16, 32, 32, 64, 64, 64)
    assert g.num_styles == 10, "2 log2(64) - 2, as in the authors' code"


@pytest.mark.parametrize("is_plain", [False, True])
@pytest.mark.parametrize("up", [False, True])
def test_scaled_features_equal_kernels_of_each_picture(up, is_plain, monkeypatch):
    """Equations 1 and 3: picture by picture, with a kernel w s / |w s|."""
    if is_plain:
        monkeypatch.setenv(runtime.LAYERS, "plain")
    paddle.seed(0)
    layer = ModulatedConv2D(4, 6, 5, up=up, gain=1.3)
    x, w = paddle.randn([FEWEST_IMAGES, 4, 8, 8]), paddle.randn([FEWEST_IMAGES, 5])
    y = layer(x, w)
    style = (w @ (layer.style.weight_orig / 5**0.5) + layer.style.bias_orig).numpy()
    blur = paddle.to_tensor(np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype("float32") / 16).reshape([1, 1, 4, 4])
    for i in range(FEWEST_IMAGES):
        kernel = layer.weight.numpy() / 36**0.5 * style[i].reshape([1, 4, 1, 1])
        kernel = 1.3 * kernel / np.sqrt((kernel**2).sum((1, 2, 3), keepdims=True) + 1e-8)
        kernel = paddle.to_tensor(kernel)
        if up:
            features = F.conv2d_transpose(x[i : i + 1], kernel.transpose([1, 0, 2, 3]), stride=2)
            expected = F.conv2d(features.transpose([1, 0, 2, 3]), blur, padding=1).transpose([1, 0, 2, 3])
        else:
            expected = F.conv2d(x[i : i + 1], kernel, padding=1)
        np.testing.assert_allclose(y[i : i + 1].numpy(), expected.numpy(), rtol=1e-4, atol=2e-5)


def test_a_styled_convolution_has_noise_a_bias_and_a_leaky_relu():
    layer, x, w = with_noise_and_biases(StyledConv2D(4, 6, 5, 8)), paddle.randn([3, 4, 8, 8]), paddle.randn([3, 5])
    layer.eval()
    before = layer.conv(x, w).numpy() / 2**0.5  # its gain is that of the leaky ReLU
    before = before + layer.strength.item() * layer.noise.numpy() + layer.bias.numpy().reshape([1, -1, 1, 1])
    expected = np.where(before > 0, before, LEAKY * before) * 2**0.5
    np.testing.assert_allclose(layer(x, w).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_noise_is_random_in_training_and_constant_afterwards():
    g, z = with_noise_and_biases(generator()), paddle.randn([3, 6])
    assert (g(z) - g(z)).abs().max() > 1e-3
    g.eval()
    np.testing.assert_array_equal(g(z).numpy(), g(z).numpy())
    assert float(g(z).abs().max()) <= 1


def test_pictures_of_all_sizes_are_summed():
    """Each size's picture by its own layer, the smaller ones enlarged by [1, 3, 3, 1]; styles as in the authors' code.

    The layer that makes a size's picture has the style of the next convolution.
    """
    g = with_noise_and_biases(generator())
    g.eval()
    w = [paddle.randn([2, 6]) for _ in range(g.num_styles)]
    features = [g.first(g.constant.expand([2, -1, -1, -1]), w[0])]
    for i, (doubling, conv) in enumerate(g.blocks):
        features.append(conv(doubling(features[-1], w[2 * i + 1]), w[2 * i + 2]))
    pictures = 0
    for i, (to_images, x) in enumerate(zip(g.to_images, features, strict=True)):
        own = to_images(x, w[2 * i + 1])
        pictures = own if i == 0 else g.enlarge(pictures) + own
    np.testing.assert_allclose(g.synthesise(w).numpy(), pictures.clip(-1, 1).numpy(), atol=1e-5)
    np.testing.assert_array_equal(g.synthesise(w).numpy(), g.synthesise(paddle.stack(w, 1)).numpy())


def test_truncation_draws_styles_towards_their_mean():
    g, z = generator(), paddle.randn([3, 6])
    g.eval()
    g.w_avg.set_value(paddle.randn([6]))
    w = g.mapping(z)
    half = g.w_avg + 0.5 * (w - g.w_avg)
    np.testing.assert_allclose(g(z, paddle.full([3], 0.5)).numpy(), g.synthesise(half).numpy(), atol=1e-5)
    np.testing.assert_allclose(g(z, paddle.ones([3])).numpy(), g(z).numpy(), atol=1e-5)
    alike = g(z, paddle.zeros([3])).numpy()
    np.testing.assert_allclose(alike, alike[:1].repeat(3, 0), atol=1e-5)


def test_the_mean_of_w_follows():
    g, w = generator(), paddle.randn([4, 6])
    g.follow_w(w, 0.9)
    np.testing.assert_allclose(g.w_avg.numpy(), 0.1 * w.mean(0).numpy(), rtol=1e-5)


def test_w_is_of_normalised_noise():
    g, z = generator(), paddle.randn([3, 6])
    np.testing.assert_allclose(g.mapping(z).numpy(), g.mapping(5 * z).numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("residual", [True, False])
def test_the_discriminator_is_the_papers_written_out(residual):
    d, x = with_noise_and_biases(discriminator(residual=residual)), paddle.randn([3, *SHAPE])
    d.eval()

    def convolved(layer, x, activates=True, **keys):
        inputs = layer.weight_orig.shape[1] * layer.weight_orig.shape[2] ** 2
        bias = None if layer.bias is None else layer.bias_orig
        y = F.conv2d(x, layer.weight_orig / inputs**0.5, bias, **keys)
        return F.leaky_relu(y, LEAKY) * 2**0.5 if activates else y

    def block(layer, x):
        first, _, second, _ = layer.branch if residual else layer
        y = convolved(second, blurred(convolved(first, x, padding=1), 2), stride=2)
        if not residual:
            return y
        skip = convolved(layer.skip[1], blurred(x, 1)[:, :, ::2, ::2], activates=False)
        return (y + skip) / 2**0.5

    first, _, *blocks, deviation, last, _, _, linear = d.layers
    y = convolved(first, x)
    for layer in blocks:
        y = block(layer, y)
    y = convolved(last, deviation(y), padding=1).reshape([3, -1])
    y = F.leaky_relu(y @ (linear[0].weight_orig / 64**0.5) + linear[0].bias_orig, LEAKY) * 2**0.5
    expected = y @ (d.heads[0].weight_orig / 4**0.5) + d.heads[0].bias_orig
    np.testing.assert_allclose(d(x).numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


def assert_gradients_match_finite_differences(network, value):
    """In float64, which uses Paddle's own operations; each parameter along one direction."""
    value().backward()
    gradients = {n: None if p.grad is None else p.grad.numpy() for n, p in network.named_parameters()}
    assert sum(gradient is not None and abs(gradient).max() > 1e-6 for gradient in gradients.values()) > 10
    rng, h = np.random.default_rng(1), 1e-7
    for name, p in network.named_parameters():
        start, direction = p.numpy(), rng.standard_normal(p.shape)
        both = []
        for sign in (1, -1):
            p.set_value(start + sign * h * direction)
            both.append(float(value()))
        p.set_value(start)
        numeric = (both[0] - both[1]) / (2 * h)
        analytic = 0.0 if gradients[name] is None else (gradients[name] * direction).sum()
        np.testing.assert_allclose(analytic, numeric, rtol=2e-3, atol=1e-5, err_msg=name)


def test_the_path_lengths_gradient_through_all_of_g_matches_finite_differences():
    g = with_noise_and_biases(generator().to(dtype="float64"))
    z = paddle.to_tensor(np.random.default_rng(0).standard_normal([2, 6]))

    def penalty():
        paddle.seed(0)  # the noise of G, and of the changes
        styles = [g.mapping(z) + 0 for _ in range(g.num_styles)]
        lengths = path_lengths(g.synthesise(styles), styles)
        return ((lengths - 0.1) * (lengths - 0.1)).mean()

    paddle.set_default_dtype("float64")
    try:
        assert_gradients_match_finite_differences(g, penalty)
    finally:
        paddle.set_default_dtype("float32")


@pytest.mark.parametrize("residual", [True, False])
def test_r1s_gradient_through_all_of_d_matches_finite_differences(residual):
    d = with_noise_and_biases(discriminator(residual=residual).to(dtype="float64"))
    x = paddle.to_tensor(np.random.default_rng(0).standard_normal([4, *SHAPE]), stop_gradient=False)
    assert_gradients_match_finite_differences(d, lambda: zero_centred(d(x), x))


def test_both_forms_have_the_same_penalties(monkeypatch):
    """For a batch that uses the fast forms; the gradients of both penalties by all parameters."""
    g, d = with_noise_and_biases(generator(ngf=8)), with_noise_and_biases(discriminator(ndf=8))
    z, x = paddle.randn([FEWEST_IMAGES, 6]), paddle.randn([FEWEST_IMAGES, *SHAPE])
    x.stop_gradient = False

    def gradients():
        paddle.seed(0)
        styles = [g.mapping(z) + 0 for _ in range(g.num_styles)]
        total = path_lengths(g.synthesise(styles), styles).square().mean() + zero_centred(d(x), x)
        total.backward()
        found = {
            f"{key} {n}": p.grad.numpy()
            for key, network in (("g", g), ("d", d))
            for n, p in network.named_parameters()
            if p.grad is not None
        }
        g.clear_gradients()
        d.clear_gradients()
        return found

    fast = gradients()
    monkeypatch.setenv(runtime.LAYERS, "plain")
    for name, expected in gradients().items():
        largest = np.abs(expected).max()
        np.testing.assert_allclose(fast[name], expected, rtol=1e-3, atol=2e-4 * largest + 1e-7, err_msg=name)
