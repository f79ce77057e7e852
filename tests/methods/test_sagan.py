import method_twin
import numpy as np
import paddle
import pytest
from method_twin import SGD, assert_labels_are_seen, assert_updates, build, make_batches, tree

from ppgan_lite.device import seed_paddle
from ppgan_lite.errors import ConfigError
from ppgan_lite.methods.options import METHODS

NETWORKS = {
    "generator": {"name": "resnet32", "ngf": 8, "norm": "spectral", "attention": 16},
    "discriminator": {"name": "resnet32", "ndf": 8, "attention": 8},
}
SLOW = SGD | {"lr": 1e-2}  # D's sums over pixels make gradients large


def config(method="sagan", **keys):
    return tree(method, **{"networks": NETWORKS, "optimizer": SLOW, **keys})


@pytest.fixture(autouse=True)
def pictures_for_these_networks(monkeypatch):
    method_twin.use_colour_pictures(monkeypatch)


def test_its_step_is_sngans_with_the_attention_logged():
    ours, theirs = build(config()), build(config("sngan", d_updates=1))
    for step in (1, 2):
        scalars = []
        for method in (ours, theirs):
            seed_paddle(0, step)
            scalars.append(method.train_step(make_batches(seed=step), step))
        assert scalars[0].keys() - scalars[1].keys() == {"attention/g", "attention/d"}
        for key, value in scalars[1].items():
            assert float(scalars[0][key]) == float(value), key
        for name, network in ours.networks.items():
            for key, value in network.state_dict().items():
                np.testing.assert_array_equal(value.numpy(), theirs.networks[name].state_dict()[key].numpy())


def test_the_logged_attention_is_gamma_after_the_step():
    method = build(config())
    scalars = method.train_step(make_batches(), 1)
    logged = {name: float(scalars[f"attention/{name}"]) for name in "gd"}
    method.train_step(make_batches(), 2)
    assert logged == {name: float(scalars[f"attention/{name}"]) for name in "gd"}  # later steps do not change it
    assert all(value != 0 for value in logged.values())
    last = method.train_step(make_batches(), 3)
    assert float(last["attention/g"]) == method.networks["g"].attention.gamma.item()


def test_networks_without_attention_log_none():
    networks = {
        section: {"name": "resnet32"} | keys
        for section, keys in (("generator", {"ngf": 4}), ("discriminator", {"ndf": 4}))
    }
    assert not [key for key in build(config(networks=networks)).train_step(make_batches(), 1) if "attention" in key]


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert METHODS["sagan"].d_updates == 1
    assert_updates(config(), ["d", "g"], monkeypatch)


def test_both_networks_see_the_label():
    method = build(config())
    method.train_step(make_batches(), 1)  # before it, the classes' batch norms are all alike
    assert_labels_are_seen(method)


def test_networks_that_take_no_classes_are_refused():
    with pytest.raises(ConfigError, match="sagan needs a network that takes classes, which fully_connected does not"):
        build(config(networks=NETWORKS | {"generator": {"name": "fully_connected"}}))


def test_a_gradient_penalty_reaches_through_attention():
    """WGAN-GP with SAGAN's discriminator: `gradient_penalty` needs double gradients."""
    networks = NETWORKS | {"generator": {"name": "resnet32", "ngf": 8}}
    method = build(tree("wgan_gp", networks, SLOW, d_updates=1))
    attention = next(layer for layer in method.networks["d"].sublayers() if hasattr(layer, "gamma"))
    attention.gamma.set_value(paddle.to_tensor([0.5]))
    before = attention.theta.weight_orig.numpy()
    assert np.isfinite(float(method.train_step(make_batches(), 1)["reg/gp"]))
    assert (attention.theta.weight_orig.numpy() != before).any()
