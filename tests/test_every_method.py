"""What every method must do, whatever its algorithm. A new method is covered once it has a config in configs/."""

import numpy as np
import pytest
from small_configs import (
    CONFIGS,
    assert_equal,
    batches,
    every_generator,
    every_method,
    everything,
    inputs_of,
    spec_for,
)

from ppgan_lite.config.build import build_method
from ppgan_lite.device import seed_paddle
from ppgan_lite.methods import options

pytestmark = pytest.mark.sweep


def test_every_method_has_a_config():
    assert {config.method.name for config in CONFIGS.values()} == options.METHODS.keys()


@every_method
def test_a_step_trains_every_network_and_logs_finite_scalars(config):
    method = build_method(config, spec_for(config))
    parameters = {
        name: [p for p in network.parameters() if not p.stop_gradient] for name, network in method.networks.items()
    }
    before = {name: [p.numpy() for p in own] for name, own in parameters.items()}
    scalars = method.train_step(batches(method), 1)
    assert parameters.keys() == {network for trained in config.method.trains.values() for network in trained}
    for name, own in parameters.items():
        assert any((p.numpy() != old).any() for p, old in zip(own, before[name], strict=True)), name
    for key, value in scalars.items():
        assert key.count("/") == 1
        assert np.isfinite(float(value))
    assert ("accuracy/d_real" in scalars) == bool(config.method.WATCHES)


@every_method
@pytest.mark.parametrize(("channels", "num"), [(3, 8), (1, 8), (1, 3)], ids=["colour", "greyscale", "short batch"])
def test_any_channels_and_a_short_batch(config, channels, num):
    method = build_method(config, spec_for(config, channels))
    scalars = method.train_step(batches(method, num), 1)
    assert all(np.isfinite(float(value)) for value in scalars.values())
    shape = next(field.shape for field in method.spec.values() if field.has_pixels)
    for sampler in method.samplers().values():
        assert sampler(inputs_of(sampler, method, 5)).shape == [5, *shape]


@every_generator
def test_generating_changes_nothing_in_training(config):
    quiet, watched = build_method(config, spec_for(config)), build_method(config, spec_for(config))
    for step in (1, 2, 3):
        for method in (quiet, watched):
            seed_paddle(0, step)
            method.train_step(batches(method), step)
            if method is watched:
                for sampler in method.samplers().values():
                    for batch_statistics in (False, True):
                        sampler(inputs_of(sampler, method, 7), batch_statistics)
    assert_equal(everything(quiet), everything(watched))


@every_method
def test_the_same_seed_builds_the_same_networks(config):
    first, second = (build_method(config, spec_for(config)) for _ in range(2))
    assert_equal(everything(first), everything(second))
