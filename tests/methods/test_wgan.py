import os
import signal

import numpy as np
import paddle
import pytest
from conftest import lasting
from method_twin import assert_equals, assert_updates, build, make_batches, noise, trained, tree

from ppgan_lite.config.load import check_config
from ppgan_lite.engine.loop import train
from ppgan_lite.methods import options
from ppgan_lite.methods.wgan import WGAN


def test_a_step_equals_the_algorithm_written_out():
    clip = 0.02

    def algorithm(twin, batches):
        assert len(batches) == 3
        g, d = twin.networks["g"], twin.networks["d"]
        for batch in batches:
            fake = g(noise()).detach()
            loss_d = -d(batch["image"]).mean() + d(fake).mean()  # in this order: it changes the norms' statistics
            twin.apply("d", loss_d)
            for p in trained(d):
                p.set_value(p.clip(-clip, clip).detach())
        loss_g = -d(g(noise())).mean()
        twin.apply("g", loss_g)
        return {"loss/d": loss_d, "loss/g": loss_g}

    assert_equals(tree("wgan", d_updates=3, warm_up=False, clip=clip), algorithm)


def test_each_update_has_gradients_of_its_own_only(monkeypatch):
    assert_updates(tree("wgan", d_updates=3, warm_up=False), ["d", "d", "d", "g"], monkeypatch)


def test_all_trained_weights_of_the_critic_are_clipped_and_nothing_else():
    method = build(tree("wgan", d_updates=1, warm_up=False, clip=0.01))
    g, d = method.networks["g"], method.networks["d"]
    method.train_step(make_batches(), 1)
    for p in trained(d):
        assert float(p.abs().max()) <= 0.01
    norm = d.convolutions[3]
    assert norm.weight.tolist() == pytest.approx([0.01] * 8)  # a batch norm's scale, which starts at 1
    assert float(norm._variance.max()) > 0.5  # not a weight
    assert max(float(p.abs().max()) for p in trained(g)) > 0.5


def test_the_warm_up_is_in_the_first_25_steps_and_each_500th():
    """The authors' code counts from 0: its steps 500, 1000, ... are 501, 1001, ... here."""
    wgan = options.WGAN(name="wgan")
    taken = [wgan.num_batches(step) for step in range(1, 1600)]
    long = [*range(1, 26), 501, 1001, 1501]
    assert taken == [100 if step in long else 5 for step in range(1, 1600)]
    assert [wgan.batches_in(steps) for steps in (0, 1, 25, 26, 500, 501)] == [0, 100, 2500, 2505, 4875, 4975]
    assert np.cumsum(taken).tolist() == [wgan.batches_in(steps) for steps in range(1, 1600)]
    assert [wgan.steps_in(batches) for batches in (99, 100, 2504, 2505, 4974, 4975)] == [0, 1, 25, 26, 500, 501]
    without = options.WGAN(name="wgan", warm_up=False)
    assert [without.num_batches(step) for step in (1, 25, 26, 501)] == [5, 5, 5, 5]


def test_a_run_resumed_after_its_warm_up_equals_an_uninterrupted_one(monkeypatch, tmp_path):
    """The position in the data follows from the step, with the long steps counted."""
    monkeypatch.setattr(options.WGAN, "LONG", 3)
    config = tree("wgan", d_updates=2)
    config["discriminator"] = {"name": "fully_connected", "widths": [4]}
    config["train"] = config["train"] | {"steps": 28, "preview_every": 50, "save_every": 50}
    config = check_config(config)
    assert [config.method.num_batches(step) for step in (25, 26)] == [3, 2]

    def run(folder, resume=False):
        return train(config, folder, resume=resume, overwrite=False, device="cpu", dry_run=False)

    assert run(tmp_path / "uninterrupted") == 0
    plain = WGAN.train_step

    def interrupted(self, batches, step):
        if step == 26:
            os.kill(os.getpid(), signal.SIGTERM)  # the step ends and is saved
        return plain(self, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(WGAN, "train_step", interrupted)
        assert run(tmp_path / "run") == 128 + signal.SIGTERM
    assert run(tmp_path / "run", resume=True) == 0
    assert lasting(tmp_path / "run", 28) == lasting(tmp_path / "uninterrupted", 28)


def test_the_critic_gives_scores():
    interface = build(tree("wgan")).interfaces()["d"]
    assert interface.outputs[0].name == "scores"
    assert build(tree("wgan")).networks["d"](paddle.zeros([2, 1, 28, 28])).shape == [2, 1]
