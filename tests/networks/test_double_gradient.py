"""Discriminators with the ability DOUBLE_GRADIENTS, under a gradient penalty."""

import numpy as np
import paddle
import pytest

from ppgan_lite.losses.regularizers import gradient_penalty
from ppgan_lite.networks import fast_conv, layers, options
from ppgan_lite.networks.attention import SelfAttention

FORMS = {  # options, image shape
    "fully_connected": ({"name": "fully_connected", "widths": (6, 5)}, (1, 4, 4)),
    "infogan batch": ({"name": "infogan", "ndf": 4, "norm": "batch"}, (1, 28, 28)),
    "infogan spectral": ({"name": "infogan", "ndf": 4, "norm": "spectral"}, (1, 28, 28)),
    "infogan none": ({"name": "infogan", "ndf": 4, "norm": "none"}, (1, 28, 28)),
    "dcgan64 batch": ({"name": "dcgan64", "ndf": 4}, (3, 32, 32)),
    "dcgan64 spectral": ({"name": "dcgan64", "ndf": 4, "norm": "spectral"}, (3, 32, 32)),
    "dcgan64 none": ({"name": "dcgan64", "ndf": 4, "norm": "none"}, (3, 32, 32)),
    "r3gan": ({"name": "r3gan", "ndf": 16, "blocks": 1}, (3, 32, 32)),
    "resnet32 spectral": ({"name": "resnet32", "ndf": 4, "norm": "spectral", "pooling": "sum"}, (3, 32, 32)),
    "resnet32 attention": ({"name": "resnet32", "ndf": 8, "norm": "spectral", "attention": 8}, (3, 32, 32)),
    "resnet32 none": ({"name": "resnet32", "ndf": 4, "norm": "none", "pooling": "mean"}, (3, 32, 32)),
}


def build(keys, shape):
    paddle.seed(0)
    network = options.DISCRIMINATORS[keys["name"]](**keys)
    d = network.builder()(network, shape)
    for p in d.parameters():
        if p.ndim > 1 and not p.numpy().any():
            p.set_value(paddle.randn(p.shape) / p.shape[1])  # nothing reaches a layer in front of zeros
    for layer in d.sublayers():
        if hasattr(layer, "weight_orig"):  # at the end of its power iteration, which has no gradient
            matrix = layer.weight_orig.numpy().reshape(layer.weight_orig.shape[0], -1)
            u, _, v = np.linalg.svd(matrix if layer.weight_orig.ndim == 4 else matrix.T, full_matrices=False)
            layer.weight_u.set_value(u[:, 0])
            layer.weight_v.set_value(v[0])
        if isinstance(layer, SelfAttention):
            layer.gamma.set_value(paddle.to_tensor([0.7]))  # it starts at 0, where the layer does nothing
    return d


def points(shape, dtype):
    return paddle.to_tensor(np.random.default_rng(0).standard_normal([3, *shape]).astype(dtype))


def gradients(d, x):
    """The penalty's gradients: name of a trained parameter -> array."""
    trained = {name: p for name, p in d.named_parameters() if not p.stop_gradient}
    penalty = gradient_penalty(d, x)
    penalty.backward()
    return {name: np.zeros(p.shape) if p.grad is None else p.grad.numpy() for name, p in trained.items()}


def test_every_network_with_the_ability_is_tested():
    able = {name for name, cls in options.DISCRIMINATORS.items() if options.DOUBLE_GRADIENTS in cls.CAN}
    assert able == {keys["name"] for keys, _ in FORMS.values()}


@pytest.mark.parametrize("form", FORMS)
def test_the_penaltys_gradient_matches_finite_differences(form):
    """In float64, which uses Paddle's own operations; each parameter along one direction."""
    keys, shape = FORMS[form]
    d, x = build(keys, shape).to(dtype="float64"), points(shape, "float64")
    parameters = dict(d.named_parameters())
    vectors = {name: value.clone() for name, value in d.state_dict().items() if name.endswith(("_u", "_v"))}
    assert max(abs(gradient).max() for gradient in gradients(d, x).values()) > 1e-3
    d.clear_gradients()

    def penalty_at(parameter, value):
        parameter.set_value(value)
        for name, vector in vectors.items():
            d.state_dict()[name].set_value(vector)
        return float(gradient_penalty(d, x))

    rng, h = np.random.default_rng(1), 1e-8  # small: the penalty jumps where a leaky ReLU bends
    for name, gradient in gradients(d, x).items():
        parameter, direction = parameters[name], rng.standard_normal(gradient.shape)
        value = parameter.numpy()
        numeric = penalty_at(parameter, value + h * direction) - penalty_at(parameter, value - h * direction)
        parameter.set_value(value)
        tolerance = 1e-3 * np.linalg.norm(gradient) + 1e-6
        assert (gradient * direction).sum() == pytest.approx(numeric / (2 * h), abs=tolerance), name


@pytest.mark.parametrize("form", FORMS)
def test_the_fast_form_has_the_same_gradient(form, monkeypatch):
    """In float32, with the fast convolutions."""
    keys, shape = FORMS[form]
    monkeypatch.setattr(layers, "FEWEST_IMAGES", 1)
    calls, plain = [], fast_conv.conv2d
    monkeypatch.setattr(fast_conv, "conv2d", lambda *arguments: calls.append(1) or plain(*arguments))
    trained = gradients(build(keys, shape), points(shape, "float32"))
    assert bool(calls) == (keys["name"] not in ("fully_connected", "r3gan"))
    exact = gradients(build(keys, shape).to(dtype="float64"), points(shape, "float64"))
    largest = max(np.abs(gradient).max() for gradient in exact.values())
    for name, gradient in exact.items():
        np.testing.assert_allclose(trained[name], gradient, rtol=1e-3, atol=1e-4 * largest, err_msg=name)


def test_dcgan28_has_none():
    """Because of its max-pool; its options say so."""
    assert options.DOUBLE_GRADIENTS not in options.DISCRIMINATORS["dcgan28"].CAN
    d = build({"name": "dcgan28", "ndf": 4}, (1, 28, 28))
    with pytest.raises(RuntimeError, match="max_pool2d"):
        gradient_penalty(d, points((1, 28, 28), "float32")).backward()
