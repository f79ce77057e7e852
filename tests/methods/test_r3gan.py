import numpy as np
import paddle
import pytest
from conftest import spec_of
from method_twin import (
    NUM,
    assert_equals,
    assert_updates,
    build,
    make_batches,
    noise,
    tree,
)

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError
from ppgan_lite.methods.augment import TRANSFORMATIONS

WITHOUT_NORM = {
    "generator": {"name": "fully_connected", "widths": [8]},
    "discriminator": {"name": "infogan", "ndf": 4, "norm": "none"},
}
SIZE_32 = {
    "generator": {"name": "dcgan64", "ngf": 4},
    "discriminator": {"name": "dcgan64", "ndf": 4, "norm": "none"},
}
PICTURES = {"data": {"name": "fake", "batch_size": NUM, "size": 32}}


def slopes(d, points):
    """The squared length of D's gradient at each of the points, as a mean."""
    points = points.detach()
    points.stop_gradient = False
    (gradient,) = paddle.grad(d(points).sum(), points, create_graph=True)
    return gradient.square().sum([1, 2, 3]).mean()


def log_sigmoid(x):
    return paddle.log(1 / (1 + paddle.exp(-x)))


@pytest.mark.parametrize("every", [1, 2])
def test_a_step_equals_the_algorithm_written_out(every):
    def algorithm(twin, batches, step):
        g, d = twin.networks["g"], twin.networks["d"]
        for i, batch in enumerate(batches):
            real, fake = batch["image"], g(noise()).detach()
            loss_d = -log_sigmoid(d(real) - d(fake)).mean()
            is_penalised = (1 + 2 * (step - 1) + i) % every == 0
            penalty = 0.3 / 2 * every * (slopes(d, real) + slopes(d, fake)) if is_penalised else 0
            twin.apply("d", loss_d + penalty)
        fake = g(noise())
        loss_g = -log_sigmoid(d(fake) - d(real)).mean()
        lead = (d(real) - d(fake)).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g, "score/lead": lead}

    assert_equals(tree("r3gan", WITHOUT_NORM, d_updates=2, gamma=0.3, penalty_every=every), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("r3gan", WITHOUT_NORM, d_updates=2), ["d", "d", "g"], monkeypatch)


def test_the_penalty_is_by_the_images_before_their_augmentation(monkeypatch):
    """Of pictures of double contrast D's slopes are twice as large."""
    monkeypatch.setitem(TRANSFORMATIONS, "colour", lambda images, chosen: 2 * images)
    logged = []
    for augment in ([], ["colour"]):
        method = build(tree("r3gan", WITHOUT_NORM, augment=augment))
        d = method.networks["d"]
        d.set_state_dict({name: p if p.ndim > 1 else paddle.zeros_like(p) for name, p in d.state_dict().items()})
        paddle.seed(0)
        logged.append(float(method.train_step(make_batches(), 1)["reg/r1_r2"]))
    # without biases D is the same up to a scale on both sides of 0
    np.testing.assert_allclose(logged[1], 4 * logged[0], rtol=1e-4)


def test_with_classes_both_networks_take_the_label():
    config = check_config(tree("r3gan", SIZE_32, classes=True) | PICTURES)
    method = build_method(config, spec_of((3, 32, 32), 3))
    names = {key: [port.name for port in interface.inputs] for key, interface in method.interfaces().items()}
    assert names == {"g": ["z", "labels"], "d": ["images", "labels"]}
    seen = []
    method.networks["d"].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[1].tolist()))
    batch = {"image": paddle.randn([NUM, 3, 32, 32]), "label": paddle.arange(NUM) % 3}
    method.train_step([batch], 1)
    labels = batch["label"].tolist()
    assert seen == [labels * 2, labels, labels], "D: a pair is of one class; G: a generated and a real picture"


def test_without_classes_none_takes_it():
    names = [port.name for port in build(tree("r3gan", WITHOUT_NORM)).interfaces()["g"].inputs]
    assert names == ["z"]


def test_networks_are_checked_for_what_r3gan_needs():
    with pytest.raises(ConfigError, match="discriminator.norm: r3gan needs a network without batch norms"):
        check_config(tree("r3gan"))
    with pytest.raises(ConfigError, match="generator.name: r3gan needs a network that takes classes"):
        check_config(tree("r3gan", WITHOUT_NORM, classes=True))
