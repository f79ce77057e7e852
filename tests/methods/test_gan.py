"""The steps of methods/gan.py against the same steps written out with plain Paddle and gradients taken apart."""

import numpy as np
import paddle
import pytest
from conftest import SMALL

from ppgan_lite.build import build_method, seed_paddle
from ppgan_lite.config import check_config
from ppgan_lite.errors import ConfigError
from ppgan_lite.losses.adversarial import bce_fake, bce_real

SHAPE = (1, 28, 28)


FORMS = pytest.mark.parametrize(
    ("d_optimizers", "reuse_fakes"), [("separate", False), ("separate", True), ("joint", False), ("joint", True)]
)


def tree(d_optimizers, reuse_fakes):
    optim = {"separate": ("g", "d_real", "d_fake"), "joint": ("g", "d")}[d_optimizers]
    return SMALL | {
        "method": SMALL["method"] | {"d_optimizers": d_optimizers, "reuse_fakes": reuse_fakes},
        "optim": {name: {"name": "adam", "lr": 1e-3} for name in optim},
    }


def build(d_optimizers, reuse_fakes=False):
    return build_method(check_config(tree(d_optimizers, reuse_fakes)), SHAPE, 10)


def real_batch():
    return {"image": paddle.to_tensor(np.random.default_rng(0).uniform(-1, 1, [8, *SHAPE]).astype("float32"))}


def weights(network):
    return {name: p.numpy() for name, p in network.named_parameters() if not p.stop_gradient}


def spy_updates(method, monkeypatch):
    """Record which gradients stand on G and D when an optimizer steps, and the updates' order."""
    seen = []
    for name, optimizer in method.optimizers.items():

        def step(name=name, plain=optimizer.step):
            has_gradient = {
                key: any(p.grad is not None for p in network.parameters()) for key, network in method.networks.items()
            }
            seen.append((name, has_gradient))
            plain()

        monkeypatch.setattr(optimizer, "step", step)
    return seen


@FORMS
def test_no_update_leaves_a_gradient_on_the_other_network(d_optimizers, reuse_fakes, monkeypatch):
    method = build(d_optimizers, reuse_fakes)
    seen = spy_updates(method, monkeypatch)
    method.train_step([real_batch()], 1)
    d_updates = ["d_real", "d_fake"] if d_optimizers == "separate" else ["d"]
    assert [name for name, _ in seen] == [*d_updates, "g"]
    for name, has_gradient in seen:
        assert has_gradient == {"g": name == "g", "d": name != "g"}
    for network in method.networks.values():
        assert all(p.grad is None for p in network.parameters())


@FORMS
def test_each_update_changes_its_own_network_only(d_optimizers, reuse_fakes, monkeypatch):
    method = build(d_optimizers, reuse_fakes)
    for name, optimizer in method.optimizers.items():

        def step(name=name, plain=optimizer.step):
            before = {key: weights(network) for key, network in method.networks.items()}
            plain()
            for key, network in method.networks.items():
                changed = [n for n, value in weights(network).items() if not np.array_equal(value, before[key][n])]
                assert bool(changed) == (key == method.trained_network(name))

        monkeypatch.setattr(optimizer, "step", step)
    method.train_step([real_batch()], 1)


@FORMS
def test_a_step_equals_the_algorithm_with_gradients_taken_apart(d_optimizers, reuse_fakes):
    """Three steps by the method, and by paddle.grad, which accumulates nothing, with fresh Adams."""
    method, twin = build(d_optimizers, reuse_fakes), build(d_optimizers, reuse_fakes)
    g, d = twin.networks["g"], twin.networks["d"]
    parameters = {"g": [p for p in g.parameters() if not p.stop_gradient]}
    parameters["d"] = [p for p in d.parameters() if not p.stop_gradient]
    adams = {
        name: paddle.optimizer.Adam(1e-3, parameters=parameters[method.trained_network(name)])
        for name in method.optimizers
    }

    def apply(name, loss):
        own = parameters[method.trained_network(name)]
        for p, gradient in zip(own, paddle.grad(loss, own), strict=True):
            p.grad = gradient
        adams[name].step()
        adams[name].clear_grad()

    for step in (1, 2, 3):
        seed_paddle(0, step)
        method.train_step([real_batch()], step)

        seed_paddle(0, step)
        fake = g(paddle.randn([8, 8]))
        if d_optimizers == "separate":
            apply("d_real", bce_real(d(real_batch()["image"])))
            apply("d_fake", bce_fake(d(fake.detach())))
        else:
            apply("d", bce_real(d(real_batch()["image"])) + bce_fake(d(fake.detach())))
        apply("g", bce_real(d(fake if reuse_fakes else g(paddle.randn([8, 8])))))

    for key, network in method.networks.items():
        for name, value in weights(network).items():
            np.testing.assert_allclose(value, weights(twin.networks[key])[name], rtol=1e-4, atol=1e-6, err_msg=name)


def test_as_listed_gradients_leak_as_in_the_tutorials_listing():
    """Three steps against sums of gradients taken apart: G also gets loss_d_fake's, D also the last loss_g's."""
    listed = tree("separate", False)
    listed["method"]["gradients"] = "as_listed"
    method, twin = (build_method(check_config(listed), SHAPE, 10) for _ in range(2))
    g, d = twin.networks["g"], twin.networks["d"]
    of_g, of_d = ([p for p in network.parameters() if not p.stop_gradient] for network in (g, d))
    adams = {name: paddle.optimizer.Adam(1e-3, parameters=of_g if name == "g" else of_d) for name in method.optimizers}

    def apply(name, *gradients):
        for p, *parts in zip(of_g if name == "g" else of_d, *gradients, strict=True):
            p.grad = sum(parts[1:], parts[0])
        adams[name].step()
        adams[name].clear_grad()

    left = [paddle.zeros_like(p) for p in of_d]
    for step in (1, 2, 3):
        seed_paddle(0, step)
        method.train_step([real_batch()], step)

        seed_paddle(0, step)
        apply("d_real", paddle.grad(bce_real(d(real_batch()["image"])), of_d), left)
        both = paddle.grad(bce_fake(d(g(paddle.randn([8, 8])))), of_d + of_g)
        apply("d_fake", both[: len(of_d)])
        loss_g = paddle.grad(bce_real(d(g(paddle.randn([8, 8])))), of_d + of_g)
        left = loss_g[: len(of_d)]
        apply("g", loss_g[len(of_d) :], both[len(of_d) :])
        assert any(float(tensor.abs().max()) > 0 for tensor in left)

    for key, network in method.networks.items():
        for name, value in weights(network).items():
            np.testing.assert_allclose(value, weights(twin.networks[key])[name], rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("d_optimizers", "reuse_fakes"), [("joint", False), ("separate", True)])
def test_as_listed_needs_the_listings_other_settings(d_optimizers, reuse_fakes):
    other = tree(d_optimizers, reuse_fakes)
    other["method"]["gradients"] = "as_listed"
    with pytest.raises(ConfigError, match="method.gradients: as_listed"):
        build_method(check_config(other), SHAPE, 10)


def test_accuracy_counts_right_sides_of_zero():
    method = build("joint")
    for name in ("weight", "bias"):
        parameter = getattr(method.networks["d"].heads[0], name)
        parameter.set_value(paddle.full_like(parameter, 0.0 if name == "weight" else 1.0))  # D says "real" to all
    scalars = method.train_step([real_batch()], 1)
    assert float(scalars["accuracy/d_real"]) == 1
    assert float(scalars["accuracy/d_fake"]) == 0
    assert float(scalars["loss/d_real"]) == pytest.approx(np.log1p(np.exp(-1)), rel=1e-5)
    assert float(scalars["loss/d_fake"]) == pytest.approx(np.log1p(np.exp(1)), rel=1e-5)
