import method_twin
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import (
    SGD,
    assert_classes_come_in_turn,
    assert_equals,
    assert_labels_are_seen,
    assert_updates,
    build,
    make_batches,
    tree,
)
from paddle import nn

from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError

NETWORKS = {
    "generator": {"name": "biggan", "ngf": 4, "shared": 6},
    "discriminator": {"name": "resnet32", "ndf": 4, "init": "orthogonal"},
}
SLOW = SGD | {"lr": 1e-2}  # D's sums over pixels make gradients large


def config(**keys):
    return tree("biggan", **{"networks": NETWORKS, "optimizer": SLOW, "z_dim": 8, **keys})


@pytest.fixture(autouse=True)
def pictures_for_these_networks(monkeypatch):
    method_twin.use_colour_pictures(monkeypatch)
    monkeypatch.setattr(method_twin, "Z_DIM", 8)


@pytest.mark.parametrize("weight", [0.0, 0.1])
def test_a_step_equals_the_algorithm_written_out(weight):
    """Each update of D on a batch of its own; the penalty is on G's weights as they are trained."""

    def noise():
        return paddle.randn([8, 8])

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            labels = batch["label"]
            fake = g(noise(), labels).detach()
            real, fake = d(batch["image"], labels), d(fake, labels)
            loss_d = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
            twin.apply("d", loss_d)
        loss_g = -d(g(noise(), labels), labels).mean()
        penalty = 0.0
        for layer in g.sublayers():
            if isinstance(layer, nn.Linear | nn.Conv2D):
                w = layer.weight_orig
                w = w.t() if isinstance(layer, nn.Linear) else w.flatten(1)
                products = w @ w.t()
                penalty += (products**2).sum() - (paddle.diag(products) ** 2).sum()
        twin.apply("g", loss_g + weight * penalty)
        scores = {"score/d_real": real.mean(), "score/d_fake": fake.mean()}
        return {"loss/d": loss_d, "loss/g": loss_g, "reg/orthogonal": penalty} | scores

    assert_equals(config(orthogonal_weight=weight), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(config(), ["d", "d", "g"], monkeypatch)


def test_the_penalty_pulls_filters_apart():
    """The linear layers have more filters than inputs, so that some penalty must remain."""
    apart, free = (build(config(orthogonal_weight=weight)) for weight in (0.1, 0.0))
    for step in range(1, 6):
        values = [float(method.train_step(make_batches(2), step)["reg/orthogonal"]) for method in (apart, free)]
    assert values[0] < values[1]


def test_both_networks_see_the_label():
    networks = NETWORKS | {"discriminator": {"name": "resnet32", "ndf": 16, "init": "orthogonal"}}
    assert_labels_are_seen(build(config(networks=networks)))


def test_each_class_is_drawn_in_turn():
    assert_classes_come_in_turn(build(config()))


def test_attention_is_logged():
    networks = {section: options | {"attention": 16} for section, options in NETWORKS.items()}
    scalars = build(config(networks=networks)).train_step(make_batches(2), 1)
    assert {"attention/g", "attention/d"} <= scalars.keys()


def test_networks_that_take_no_classes_are_refused():
    with pytest.raises(ConfigError, match="biggan needs a network that takes classes, which fully_connected does not"):
        check_config(config(networks=NETWORKS | {"discriminator": {"name": "fully_connected"}}))


@pytest.mark.parametrize("method", ["hinge", "wgan_gp"])
def test_its_networks_serve_methods_without_classes(method):
    built = build(tree(method, NETWORKS, SLOW, z_dim=8, d_updates=1))
    built.train_step(make_batches(), 1)
    assert built.samplers()["g"](built.samplers()["g"].draw(5)).shape == [5, 3, 32, 32]
