import paddle
import paddle.nn.functional as F
import pytest
from method_twin import NUM, assert_equals, assert_updates, noise, tree, use_colour_pictures

from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError

NETWORKS = {"generator": {"name": "msggan", "ngf": 4}, "discriminator": {"name": "msggan", "ndf": 4}}
SLOW = {"name": "sgd", "lr": 0.01}


@pytest.fixture(autouse=True)
def colour(monkeypatch):
    use_colour_pictures(monkeypatch)


def sizes(images):
    return [F.avg_pool2d(images, 8), F.avg_pool2d(images, 4), F.avg_pool2d(images, 2), images]


def test_steps_with_the_papers_loss_equal_the_algorithm_written_out():
    """WGAN-GP: the penalty is by the pictures of all sizes together, at one point of the line between them."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real, fake = sizes(batch["image"]), [picture.detach() for picture in g.scales(noise())]
            r, f = d(real), d(fake)
            share, points = paddle.rand([NUM, 1, 1, 1]), []
            for one, other in zip(real, fake, strict=True):
                points.append((other + share * (one - other)).detach())
                points[-1].stop_gradient = False
            gradients = paddle.grad(d(points).sum(), points, create_graph=True)
            squares = sum(gradient.square().sum([1, 2, 3]) for gradient in gradients)
            penalty = ((squares + 1e-12).sqrt() - 1).square().mean()
            loss_d, lead = f.mean() - r.mean(), r.mean() - f.mean()
            twin.apply("d", loss_d + 3 * penalty)
        f = d(g.scales(noise()))
        twin.apply("g", -f.mean())
        return {"loss/d": loss_d, "loss/g": -f.mean(), "reg/gp": penalty, "score/lead": lead}

    assert_equals(tree("msggan", NETWORKS, SLOW, d_updates=2, gp_weight=3.0), algorithm)


def test_steps_with_the_released_loss_equal_the_algorithm_written_out():
    """The relativistic average hinge loss, with D's update first."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real = sizes(batch["image"])
            r, f = d(real), d([picture.detach() for picture in g.scales(noise())])
            loss_d = F.relu(1 - (r - f.mean())).mean() + F.relu(1 + (f - r.mean())).mean()
            lead = r.mean() - f.mean()
            twin.apply("d", loss_d)
        f, r = d(g.scales(noise())), d(real)
        loss_g = F.relu(1 + (r - f.mean())).mean() + F.relu(1 - (f - r.mean())).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": lead}

    assert_equals(tree("msggan", NETWORKS, SLOW, d_updates=2, loss="hinge"), algorithm)


def test_steps_with_the_logistic_loss_equal_the_algorithm_written_out():
    """R1 is by the pictures of all sizes together."""

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            real, fake = sizes(batch["image"].clone()), [picture.detach() for picture in g.scales(noise())]
            for picture in real:
                picture.stop_gradient = False
            r, f = d(real), d(fake)
            gradients = paddle.grad(r.sum(), real, create_graph=True)
            penalty = sum(gradient.square().sum() for gradient in gradients) / NUM
            loss_d, lead = F.softplus(-r).mean() + F.softplus(f).mean(), r.mean() - f.mean()
            twin.apply("d", loss_d + 0.3 / 2 * penalty)
        loss_g = F.softplus(-d(g.scales(noise()))).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "reg/r1": penalty, "score/lead": lead}

    assert_equals(tree("msggan", NETWORKS, SLOW, d_updates=2, loss="logistic", r1_gamma=0.3), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("msggan", NETWORKS), ["d", "g"], monkeypatch)


def test_augmentation_is_refused():
    with pytest.raises(ConfigError, match=r"method.augment: D of msggan sees a picture at all sizes at once"):
        check_config(tree("msggan", NETWORKS, augment=["colour"]))
