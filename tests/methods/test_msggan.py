import paddle.nn.functional as F
import pytest
from method_twin import assert_equals, assert_updates, noise, tree, use_colour_pictures

from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError

NETWORKS = {"generator": {"name": "msggan", "ngf": 4}, "discriminator": {"name": "msggan", "ndf": 4}}


@pytest.fixture(autouse=True)
def colour(monkeypatch):
    use_colour_pictures(monkeypatch)


def test_steps_equal_the_algorithm_written_out():
    """The relativistic average hinge loss, with D's update first."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            images = batch["image"]
            real = [F.avg_pool2d(images, 8), F.avg_pool2d(images, 4), F.avg_pool2d(images, 2), images]
            r, f = d(real), d([picture.detach() for picture in g.scales(noise())])
            loss_d = F.relu(1 - (r - f.mean())).mean() + F.relu(1 + (f - r.mean())).mean()
            twin.apply("d", loss_d)
        r, f = d(real), d(g.scales(noise()))
        loss_g = F.relu(1 + (r - f.mean())).mean() + F.relu(1 - (f - r.mean())).mean()
        lead = r.mean() - f.mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": lead}

    assert_equals(tree("msggan", NETWORKS, {"name": "sgd", "lr": 0.01}, d_updates=2), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("msggan", NETWORKS), ["d", "g"], monkeypatch)


def test_augmentation_is_refused():
    with pytest.raises(ConfigError, match=r"method.augment: D of msggan sees a picture at all sizes at once"):
        check_config(tree("msggan", NETWORKS, augment=["colour"]))
