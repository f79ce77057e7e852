"""The steps of methods/gan.py against the same steps in plain Paddle, with each gradient computed separately."""

import numpy as np
import paddle
import pytest
from method_twin import Z_DIM, assert_equals, assert_updates, build, make_batches, noise, state, trained, tree

from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import ConfigError
from ppgan_lite.losses.adversarial import bce, bce_fake, bce_real, minimax_g

# Adam, as its state shows whether there are one or two optimizers. It enlarges rounding errors, so the losses are the
# package's own.
ADAM = {"name": "adam", "lr": 1e-3}
UPDATES_OF_D = {"separate": ["d_real", "d_fake"], "shared": ["d", "d"], "joint": ["d"]}
FORMS = pytest.mark.parametrize("d_optimizers", UPDATES_OF_D)
REUSE = pytest.mark.parametrize("reuse_fakes", [False, True])


def config(d_optimizers="joint", **keys):
    names = ("g", "d_real", "d_fake") if d_optimizers == "separate" else ("g", "d")
    return tree("gan", optimizer=ADAM, names=names, d_optimizers=d_optimizers, **keys)


def update_d(twin, real, fake, target=1.0):
    """D's updates on a real batch and fakes, by the twin's `d_optimizers`. Returns the logits of the real images."""
    d, form = twin.networks["d"], twin.options.d_optimizers
    logits = d(real)
    if form == "joint":
        twin.apply("d", bce(logits, target) + bce_fake(d(fake.detach())))
    else:
        first, second = UPDATES_OF_D[form]
        twin.apply(first, bce(logits, target))
        twin.apply(second, bce_fake(d(fake.detach())))
    return logits


def update_g(twin, fake, loss=bce_real):
    logits = twin.networks["d"](fake)
    twin.apply("g", loss(logits))
    return {"loss/g": bce_real(logits)}


@FORMS
@REUSE
@pytest.mark.parametrize("first", ["d", "g"])
def test_each_update_has_gradients_of_its_own_only(d_optimizers, reuse_fakes, first, monkeypatch):
    updates = UPDATES_OF_D[d_optimizers]
    expected = [*updates, "g"] if first == "d" else ["g", *updates]
    assert_updates(config(d_optimizers, reuse_fakes=reuse_fakes, first=first), expected, monkeypatch)


@FORMS
@REUSE
def test_a_step_equals_the_algorithm_with_separate_gradients(d_optimizers, reuse_fakes):
    """G is trained against the updated D, on D's fakes or on fresh ones."""

    def algorithm(twin, batches):
        g = twin.networks["g"]
        fake = g(noise())
        update_d(twin, batches[0]["image"], fake)
        return update_g(twin, fake if reuse_fakes else g(noise()))

    assert_equals(config(d_optimizers, reuse_fakes=reuse_fakes), algorithm)


@FORMS
@REUSE
def test_with_g_first_g_is_trained_against_the_old_d(d_optimizers, reuse_fakes):
    def algorithm(twin, batches):
        g = twin.networks["g"]
        fake = g(noise())
        logged = update_g(twin, fake)
        update_d(twin, batches[0]["image"], fake if reuse_fakes else g(noise()))
        return logged

    assert_equals(config(d_optimizers, reuse_fakes=reuse_fakes, first="g"), algorithm)


@pytest.mark.parametrize("first", ["d", "g"])
def test_d_updates_take_fresh_batches_and_g_updates_fresh_noise(first, monkeypatch):
    def algorithm(twin, batches):
        assert len(batches) == 2
        g, logged = twin.networks["g"], {}
        for network in ("d", "g") if first == "d" else ("g", "d"):
            if network == "d":
                for batch in batches:
                    update_d(twin, batch["image"], g(noise()))
            else:
                for _ in range(3):
                    logged = update_g(twin, g(noise()))
        return logged

    several = config(d_updates=2, g_updates=3, first=first)
    assert_equals(several, algorithm)
    d_updates, g_updates = ["d"] * 2, ["g"] * 3
    assert_updates(several, d_updates + g_updates if first == "d" else g_updates + d_updates, monkeypatch)


@FORMS
def test_labels_of_real_images_are_smoothed_and_no_others(d_optimizers):
    """The logged loss is the one without smoothing, so that runs can be compared."""

    def algorithm(twin, batches):
        g = twin.networks["g"]
        logits = update_d(twin, batches[0]["image"], g(noise()), target=0.8)
        return update_g(twin, g(noise())) | {"loss/d_real": bce_real(logits)}

    assert_equals(config(d_optimizers, real_target=0.8), algorithm)


def test_the_minimax_loss_is_gs():
    def algorithm(twin, batches):
        g = twin.networks["g"]
        update_d(twin, batches[0]["image"], g(noise()))
        return update_g(twin, g(noise()), minimax_g)

    assert_equals(config(g_loss="minimax"), algorithm)


def test_as_listed_gradients_leak_as_in_the_tutorials_listing():
    """Three steps against sums of separate gradients: G also gets loss_d_fake's, D also the last loss_g's."""
    method, twin = (build(config("separate", gradients="as_listed")) for _ in range(2))
    g, d = twin.networks["g"], twin.networks["d"]
    g_parameters, d_parameters = trained(g), trained(d)
    own = {"g": g_parameters, "d_real": d_parameters, "d_fake": d_parameters}
    adams = {name: paddle.optimizer.Adam(1e-3, parameters=parameters) for name, parameters in own.items()}

    def apply(name, *gradients):
        for p, *parts in zip(own[name], *gradients, strict=True):
            p.grad = sum(parts[1:], parts[0])
        adams[name].step()
        adams[name].clear_grad()

    left = [paddle.zeros_like(p) for p in d_parameters]
    for step in (1, 2, 3):
        batches = make_batches(seed=step)
        seed_paddle(0, step)
        method.train_step(batches, step)

        seed_paddle(0, step)
        apply("d_real", paddle.grad(bce_real(d(batches[0]["image"])), d_parameters), left)
        both = paddle.grad(bce_fake(d(g(noise()))), d_parameters + g_parameters)
        apply("d_fake", both[: len(d_parameters)])
        loss_g = paddle.grad(bce_real(d(g(noise()))), d_parameters + g_parameters)
        left = loss_g[: len(d_parameters)]
        apply("g", loss_g[len(d_parameters) :], both[len(d_parameters) :])
        assert any(float(tensor.abs().max()) > 0 for tensor in left)

    for key, network in method.networks.items():
        for name, value in state(network).items():
            np.testing.assert_allclose(value, state(twin.networks[key])[name], rtol=1e-4, atol=1e-6, err_msg=name)


OTHERS = [
    {"d_optimizers": "joint"},
    {"d_optimizers": "shared"},
    {"reuse_fakes": True},
    {"first": "g"},
    {"d_updates": 2},
    {"g_updates": 2},
    {"real_target": 0.9},
    {"g_loss": "minimax"},
]


@pytest.mark.parametrize("keys", OTHERS, ids=str)
def test_as_listed_needs_the_listings_other_settings(keys):
    (key,) = keys
    with pytest.raises(ConfigError, match=f"^method.gradients: as_listed needs the default of method.{key}$"):
        build(config(**{"d_optimizers": "separate", "gradients": "as_listed", **keys}))


@pytest.mark.parametrize("keys", [{"d_updates": 2}, {"g_updates": 2}], ids=str)
def test_one_batch_of_fakes_serves_one_update_of_each(keys):
    with pytest.raises(ConfigError, match="method.reuse_fakes: true needs"):
        build(config(reuse_fakes=True, **keys))


def test_uniform_noise_lies_in_minus_1_to_1_and_is_declared_so():
    method = build(config(noise="uniform"))
    z = method.draw_z(1000).numpy()
    assert z.shape == (1000, Z_DIM)
    assert -1 <= z.min() < -0.99
    assert 0.99 < z.max() <= 1
    assert abs(z.mean()) < 0.05
    port = method.noise_port()
    assert (port.distribution, port.range) == ("uniform", (-1, 1))
    port = build(config()).noise_port()
    assert (port.distribution, port.range) == ("normal", None)


def test_accuracy_is_the_share_of_logits_on_the_right_side_of_zero():
    method = build(config())
    head = method.networks["d"].judge[0]
    head.weight.set_value(paddle.zeros(head.weight.shape))
    head.bias.set_value(paddle.ones(head.bias.shape))  # all logits are 1
    scalars = method.train_step(make_batches(), 1)
    assert float(scalars["accuracy/d_real"]) == 1
    assert float(scalars["accuracy/d_fake"]) == 0
    assert float(scalars["loss/d_real"]) == pytest.approx(np.log1p(np.exp(-1)), rel=1e-5)
    assert float(scalars["loss/d_fake"]) == pytest.approx(np.log1p(np.exp(1)), rel=1e-5)
