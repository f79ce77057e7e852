import numpy as np
import paddle
import pytest

from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError
from ppgan_lite.networks import options
from ppgan_lite.networks.denoiser import Attention, Denoiser, GroupNorm

GREY, COLOUR = (1, 28, 28), (3, 8, 12)


def denoiser(shape, **keys):
    """A small network with random weights, none of them 0."""
    paddle.seed(0)
    made = Denoiser(options.Denoiser(name="ddpm", **{"widths": (8, 12), **keys}), shape)
    for parameter in made.parameters():
        parameter.set_value(parameter + 0.1 * paddle.randn(parameter.shape))
    return made


@pytest.mark.parametrize(
    ("shape", "keys"),
    [(GREY, {"widths": (4, 8, 8)}), (COLOUR, {"blocks": 2}), (COLOUR, {"widths": (4,)}), (GREY, {"blocks": 3})],
)
def test_the_noise_has_the_shape_of_the_pictures(shape, keys):
    noise = denoiser(shape, **keys)(paddle.randn([3, *shape]), paddle.to_tensor([1, 500, 1000]))
    assert noise.shape == [3, *shape]


def test_it_has_a_million_parameters_by_default():
    network = Denoiser(options.Denoiser(name="ddpm"), GREY)
    assert 0.9e6 < sum(parameter.size for parameter in network.parameters()) < 1.2e6


def test_at_first_it_sees_no_noise():
    network = Denoiser(options.Denoiser(name="ddpm", widths=(4, 8)), GREY)
    assert (network(paddle.randn([2, *GREY]), paddle.to_tensor([3, 7])) == 0).all()


def test_every_parameter_has_a_gradient():
    network = denoiser(COLOUR, blocks=2)
    network(paddle.randn([3, *COLOUR]), paddle.to_tensor([1, 20, 300])).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert float(parameter.grad.abs().max()) > 0, name


def test_each_picture_has_a_level_of_its_own_which_changes_its_noise():
    network, pictures = denoiser(GREY), paddle.randn([2, *GREY])
    first, second = (network(pictures, paddle.to_tensor([400, last])).numpy() for last in (400, 401))
    np.testing.assert_allclose(first[0], second[0], atol=1e-5)
    assert abs(first[1] - second[1]).max() > 1e-3


def test_levels_are_whole_or_other_numbers():
    network, pictures = denoiser(GREY), paddle.randn([2, *GREY])
    whole, other = (network(pictures, paddle.to_tensor([3, 900]).astype(dtype)) for dtype in ("int64", "float32"))
    np.testing.assert_array_equal(whole.numpy(), other.numpy())


def test_training_and_evaluation_compute_the_same():
    network, pictures, levels = denoiser(GREY), paddle.randn([16, *GREY]), paddle.arange(1, 17)
    trained = network(pictures, levels).numpy()
    network.eval()
    np.testing.assert_allclose(network(pictures, levels).numpy(), trained, rtol=1e-4, atol=1e-4)


def test_the_fast_form_of_the_norm_has_the_same_outputs_and_gradients():
    norm, found = GroupNorm(), []
    x, weights = 3 * paddle.randn([5, 8, 6, 4]) + 1, paddle.randn([5, 8, 6, 4])
    x.stop_gradient = False
    for mode in (norm.train, norm.eval):
        mode()
        y = norm(x)
        found.append((y.numpy(), paddle.grad((y * weights).sum(), x)[0].numpy()))
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fast, plain, atol=1e-5)
    groups = found[0][0].reshape(5, options.GROUPS, -1)
    np.testing.assert_allclose(groups.mean(2), 0, atol=1e-5)
    np.testing.assert_allclose(groups.std(2), 1, atol=1e-4)


def test_attention_adds_a_mean_over_all_pixels_weighted_by_a_softmax():
    paddle.seed(0)
    attention, x = Attention(8), paddle.randn([2, 8, 3, 5])
    assert (attention(x) == x).all()  # at first
    attention.last.weight.set_value(paddle.randn(attention.last.weight.shape))
    kernel, last = attention.queries_keys_values.weight.numpy().squeeze(), attention.last.weight.numpy().squeeze()
    maps = np.einsum("oc,nci->noi", kernel, attention.norm(x).numpy().reshape(2, 8, 15))
    queries, keys, values = np.split(maps, 3, 1)
    weights = np.exp(np.einsum("nci,ncj->nij", queries, keys) / 8**0.5)
    weights /= weights.sum(2, keepdims=True)
    expected = np.einsum("oc,ncj,nij->noi", last, values, weights).reshape(x.shape) + x.numpy()
    np.testing.assert_allclose(attention(x).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ([16, 32, 64, 128], "denoiser.name: ddpm with 4 widths takes .* multiples of 8, but the data has 28x28; .*"),
        ([16, 30], r"denoiser.widths: ddpm normalises .* multiples of 4; got \[16, 30\]"),
        ([], r"denoiser.widths: ddpm normalises .* one or more multiples of 4; got \[\]"),
    ],
)
def test_unsuitable_widths_are_refused_in_one_line(widths, message):
    tree = {
        "method": {"name": "ddpm"},
        "denoiser": {"name": "ddpm", "widths": widths},
        "optim": {"u": {"name": "adam", "lr": 1e-3}},
        "data": {"name": "rendered_digits", "batch_size": 8},
        "train": {"steps": 1, "seed": 0},
    }
    with pytest.raises(ConfigError, match=rf"\A{message}\Z"):
        check_config(tree)
