import numpy as np
import paddle
from method_twin import PAIRS, assert_equals, assert_updates, build, make_batches, translator

from ppgan_lite import runtime
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods.image_pool import exchange

NETWORKS = {
    "generator": {"name": "resnet_translator", "ngf": 2, "blocks": 1},
    "discriminator": {"name": "patch", "ndf": 2, "layers": 1},
}
DATA = PAIRS | {"paired": False}


def config(**keys):
    return translator("cyclegan", NETWORKS, data=DATA, **keys)


def algorithm(cycle, identity, size):
    """Eq. 1 to 3, with the identity loss of section 5.2, written out."""
    pools = {x: paddle.zeros([size, 3, 32, 32]) for x in ("a", "b")}

    def steps(twin, batches, step):
        g_ab, g_ba, d_a, d_b = (twin.networks[name] for name in ("g_ab", "g_ba", "d_a", "d_b"))
        a, b = batches[0]["a"], batches[0]["b"]
        fake_b, fake_a = g_ab(a), g_ba(b)
        loss_g = ((d_b(fake_b) - 1) ** 2).mean() + ((d_a(fake_a) - 1) ** 2).mean()
        loss_cycle = (g_ba(fake_b) - a).abs().mean() + (g_ab(fake_a) - b).abs().mean()
        same = (g_ab(b) - b).abs().mean() + (g_ba(a) - a).abs().mean() if identity else paddle.zeros([])
        twin.apply("g", loss_g + cycle * loss_cycle + identity * same)
        filled = len(a) * (step - 1)
        fake_a, fake_b = (exchange(pools[x], fake.detach(), filled) for x, fake in (("a", fake_a), ("b", fake_b)))
        losses = [
            (((d(real) - 1) ** 2).mean() + (d(fake) ** 2).mean()) / 2
            for d, real, fake in ((d_a, a, fake_a), (d_b, b, fake_b))
        ]
        twin.apply("d", sum(losses))
        logged = {"loss/g": loss_g, "loss/cycle": loss_cycle, "loss/d_a": losses[0], "loss/d_b": losses[1]}
        return logged | ({"loss/identity": same} if identity else {})

    return steps


def test_a_step_equals_the_algorithm_written_out(monkeypatch):
    """With pools that are full after the first step. The fast layers round otherwise for two batches in one pass."""
    monkeypatch.setenv(runtime.LAYERS, "plain")
    assert_equals(config(cycle_weight=3, identity_weight=2, pool_size=10), algorithm(3, 2, 10))


def test_without_a_cycle_an_identity_loss_and_pools():
    weights = {"cycle_weight": 0, "identity_weight": 0, "pool_size": 0}
    method = assert_equals(config(**weights), algorithm(0, 0, 0))
    assert "loss/identity" not in method.train_step(make_batches(spec=method.spec), 1)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(config(), ["g", "d"], monkeypatch)


def test_the_pools_keep_the_first_translations():
    method = build(config(pool_size=20))
    seed_paddle(0, 1)
    method.train_step(make_batches(spec=method.spec), 1)
    pool = method.state["pool_b"]
    assert pool.shape == [20, 3, 32, 32]
    assert (pool[:8].abs().sum([1, 2, 3]) > 0).all()
    assert (pool[8:] == 0).all()
    before = pool[:8].clone()
    method.train_step(make_batches(spec=method.spec, seed=1), 2)
    np.testing.assert_array_equal(method.state["pool_b"][:8], before)
    assert (method.state["pool_b"][8:16].abs().sum([1, 2, 3]) > 0).all()


def test_there_is_a_sampler_for_each_direction():
    samplers = build(config()).samplers()
    assert {name: (s.takes[0].name, s.gives[0].name) for name, s in samplers.items()} == {
        "a_to_b": ("a", "b"),
        "b_to_a": ("b", "a"),
    }
