import method_twin
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
    noise,
    tree,
)

from ppgan_lite.errors import ConfigError

NETWORKS = {"generator": {"name": "resnet32", "ngf": 4}, "discriminator": {"name": "resnet32", "ndf": 4}}
SLOW = SGD | {"lr": 1e-2}  # D's sums over pixels make gradients large


def config(**keys):
    return tree("sngan", **{"networks": NETWORKS, "optimizer": SLOW, "d_updates": 2, **keys})


@pytest.fixture(autouse=True)
def pictures_for_these_networks(monkeypatch):
    method_twin.use_colour_pictures(monkeypatch)


def test_a_step_equals_the_algorithm_written_out():
    """Each update of D on a batch of its own; D's weights change with each pass."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]

        def d_scores(images, labels):
            features = F.relu(d.blocks(images)).sum([2, 3])
            return d.heads(features) + (d.of_classes(labels) * features).sum(1, keepdim=True)

        for batch in batches:
            labels = batch["label"]
            fake = g(noise(), labels).detach()
            real, fake = d_scores(batch["image"], labels), d_scores(fake, labels)
            loss_d = F.relu(1 - real).mean() + F.relu(1 + fake).mean()
            twin.apply("d", loss_d)
        loss_g = -d_scores(g(noise(), labels), labels).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/d_real": real.mean(), "score/d_fake": fake.mean()}

    assert_equals(config(), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(config(), ["d", "d", "g"], monkeypatch)


def test_both_networks_see_the_label():
    method = build(config())
    method.train_step(make_batches(2), 1)  # before it, the classes' batch norms are all alike
    assert_labels_are_seen(method)


def test_each_class_is_drawn_in_turn():
    assert_classes_come_in_turn(build(config()))


@pytest.mark.parametrize("section", ["generator", "discriminator"])
def test_networks_that_take_no_classes_are_refused(section):
    with pytest.raises(ConfigError) as caught:
        build(config(networks=NETWORKS | {section: {"name": "fully_connected"}}))
    message = f"{section}.name: sngan needs a network that takes classes, which fully_connected does not; allowed: "
    assert str(caught.value).startswith(message)
    assert "resnet32" in str(caught.value).removeprefix(message)
    assert "dcgan28" not in str(caught.value)
