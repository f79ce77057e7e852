import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from method_twin import assert_equals, assert_updates, build, make_batches, translator

from ppgan_lite.config.load import check_config
from ppgan_lite.errors import ConfigError

NETWORKS = {
    "generator": {"name": "unet", "ngf": 2},
    "discriminator": {"name": "patch", "ndf": 2, "layers": 1, "norm": "affine_instance"},
}


def config(**keys):
    return translator("pix2pix", NETWORKS, **keys)


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_a_step_equals_the_algorithm_written_out(direction):
    """D first, with half its loss; then G, by its adversarial loss and lambda times L1, on the same translation."""
    source, target = direction.split("_to_")

    def algorithm(twin, batches):
        g, d = twin.networks["g"], twin.networks["d"]
        x, y = batches[0][source], batches[0][target]
        fake = g(x)
        real_logits, fake_logits = d(x, y), d(x, fake.detach())
        loss_real = F.binary_cross_entropy_with_logits(real_logits, paddle.ones_like(real_logits))
        loss_fake = F.binary_cross_entropy_with_logits(fake_logits, paddle.zeros_like(fake_logits))
        twin.apply("d", (loss_real + loss_fake) / 2)
        logits = d(x, fake)
        loss_g = F.binary_cross_entropy_with_logits(logits, paddle.ones_like(logits))
        loss_l1 = (fake - y).abs().mean()
        twin.apply("g", 0.5 * loss_g + 7 * loss_l1)
        return {"loss/d_real": loss_real, "loss/d_fake": loss_fake, "loss/g": loss_g, "loss/l1": loss_l1}

    assert_equals(config(direction=direction, l1_weight=7, gan_weight=0.5), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(config(), ["d", "g"], monkeypatch)


def test_without_the_adversarial_loss_only_g_is_trained(monkeypatch):
    def algorithm(twin, batches):
        loss_l1 = (twin.networks["g"](batches[0]["a"]) - batches[0]["b"]).abs().mean()
        twin.apply("g", 100 * loss_l1)
        return {"loss/l1": loss_l1}

    method = build(config(gan_weight=0))
    before = {name: value.numpy() for name, value in method.networks["d"].state_dict().items()}
    scalars = method.train_step(make_batches(spec=method.spec), 1)
    assert scalars.keys() == {"loss/l1"}
    for name, value in method.networks["d"].state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])
    assert_updates(config(gan_weight=0), ["g"], monkeypatch)


def test_nothing_to_learn_is_refused():
    with pytest.raises(ConfigError, match="method.l1_weight and method.gan_weight: both are 0"):
        check_config(config(gan_weight=0, l1_weight=0))


@pytest.mark.parametrize("direction", ["a_to_b", "b_to_a"])
def test_the_sampler_has_the_name_and_the_fields_of_the_direction(direction):
    method = build(config(direction=direction))
    ((name, sampler),) = method.samplers().items()
    assert name == direction
    assert (sampler.takes[0].name, sampler.gives[0].name) == tuple(direction.split("_to_"))
    assert sampler.takes[0].shape == (3, None, None)
    assert sampler.takes[0].multiple == 32
    d = method.interfaces()["d"]
    assert [port.name for port in d.inputs] == list(direction.split("_to_"))
