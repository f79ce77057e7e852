"""What every method must do, whatever its algorithm. A new method is swept by having a config in configs/."""

import os
import signal

import numpy as np
import paddle
import pytest
from conftest import ROOT, lasting

from ppgan_lite import options
from ppgan_lite.commands.export import export
from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import check_config, load_config
from ppgan_lite.device import seed_paddle
from ppgan_lite.engine.loop import train
from ppgan_lite.files import unseal
from ppgan_lite.methods import METHODS
from ppgan_lite.methods.base import Generative
from ppgan_lite.runs.checkpoint import list_steps

# 4: enough for layers' fast forms
SMALL_WIDTHS = {"ngf": 4, "ndf": 4, "ncf": 4, "nf": 4, "hidden": 8, "widths": [8, 8], "num_features": 64}
SMALL_TRAIN = "train={steps: 8, log_every: 1, preview_every: 3, save_every: 100, keep: 2, seed: 5}"
DIGITS = "data={name: rendered_digits, batch_size: 8, num_images: 44}"
POINTS = "data={name: gaussians, batch_size: 8, num_images: 44}"
NOISE = "data={name: fake, batch_size: 8, num_images: 44, size: 32}"


WITH_AVERAGE = "lsgan_mnist"  # one config is swept with averaged weights


def load_small(path):
    """A config with its own method, and networks and data made small."""
    config = load_config(path)
    networks = config.networks
    widths = [
        f"{section}.{key}={width}"
        for section, options in networks.items()
        for key, width in SMALL_WIDTHS.items()
        if hasattr(options, key)
    ]
    if hasattr(config.method, "warm_up"):
        widths.append("method.warm_up=false")  # its steps take 100 batches; test_wgan.py has a shorter one
    names = {options.name for options in networks.values()}
    data = [NOISE] if names & {"dcgan64", "resnet32"} else [DIGITS]
    if config.data.name == "gaussians":
        data = [POINTS, f"data.dims={config.data.dims}"]
    average = ["train.ema=0.9"] if path.stem == WITH_AVERAGE else []
    return load_config(path, [*widths, SMALL_TRAIN, *data, *average])


def image_shape(config):
    """Of the config's data, without reading it."""
    if config.data.name == "gaussians":
        return (config.data.dims, 1, 1)
    if config.data.name.startswith("cifar"):
        return (3, 32, 32)
    return (config.data.channels, *[config.data.size] * 2) if hasattr(config.data, "size") else (1, 28, 28)


CONFIGS = {path.stem: load_small(path) for path in sorted((ROOT / "configs").glob("*.yml"))}
# One config of each method with each of its settings and networks; their data and rates make no difference here.
SWEPT = {(config.method, *config.networks.values()): name for name, config in CONFIGS.items()}.values()
GENERATORS = [name for name in SWEPT if "generator" in CONFIGS[name].networks]

every_method = pytest.mark.parametrize("config", [CONFIGS[name] for name in SWEPT], ids=SWEPT)
every_generator = pytest.mark.parametrize("config", [CONFIGS[name] for name in GENERATORS], ids=GENERATORS)


def test_every_method_has_a_config():
    assert {config.method.name for config in CONFIGS.values()} == options.METHODS.keys()


def batches(method, shape, num=8):
    rng = np.random.default_rng(0)
    return [
        {
            "image": paddle.to_tensor(rng.uniform(-1, 1, [num, *shape]).astype("float32")),
            "label": paddle.arange(num) % 10,
        }
        for _ in range(method.options.num_batches(1000))
    ]


def everything(method):
    groups = {**method.networks, **{f"optimizer {name}": o for name, o in method.optimizers.items()}}
    tensors = {f"{key}/{name}": t for key, group in groups.items() for name, t in group.state_dict().items()}
    return {name: tensor.numpy() for name, tensor in {**tensors, **method.state}.items()}


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


@every_method
def test_a_step_trains_every_network_and_logs_finite_scalars(config):
    shape = image_shape(config)
    method = build_method(config, shape, 10)
    parameters = {
        name: [p for p in network.parameters() if not p.stop_gradient] for name, network in method.networks.items()
    }
    before = {name: [p.numpy() for p in own] for name, own in parameters.items()}
    scalars = method.train_step(batches(method, shape), 1)
    assert parameters.keys() - {"g_ema"} == {method.trained_network(name) for name in method.optimizers}
    for name, own in parameters.items():
        assert (name != "g_ema") == any((p.numpy() != old).any() for p, old in zip(own, before[name], strict=True)), (
            name
        )
    for key, value in scalars.items():
        assert key.count("/") == 1
        assert np.isfinite(float(value))


@every_method
@pytest.mark.parametrize(("channels", "num"), [(3, 8), (1, 8), (1, 3)], ids=["colour", "greyscale", "short batch"])
def test_any_channels_and_a_short_batch(config, channels, num):
    shape = (channels, *image_shape(config)[1:])
    method = build_method(config, shape, 10)
    scalars = method.train_step(batches(method, shape, num), 1)
    assert all(np.isfinite(float(value)) for value in scalars.values())
    if isinstance(method, Generative):
        assert method.generate(method.draw(5)).shape == [5, *shape]


@every_generator
@pytest.mark.parametrize("batch_statistics", [False, True])
def test_generating_changes_nothing_in_training(config, batch_statistics):
    shape = image_shape(config)
    quiet, watched = build_method(config, shape, 10), build_method(config, shape, 10)
    for step in (1, 2, 3):
        for method in (quiet, watched):
            seed_paddle(0, step)
            method.train_step(batches(method, shape), step)
            if method is watched:
                method.generate(method.draw(7), batch_statistics)
    assert_equal(everything(quiet), everything(watched))


@every_method
def test_the_same_seed_builds_the_same_networks(config):
    shape = image_shape(config)
    assert_equal(everything(build_method(config, shape, 10)), everything(build_method(config, shape, 10)))


@every_method
def test_every_network_is_exported_and_computes_the_same(config, uninterrupted, tmp_path):
    """The export checks itself: see test_export.py. Networks of every kind must pass, with and without oneDNN."""
    export(uninterrupted(config), tmp_path / "exported", step=None, formats=["paddle"], overwrite=False)
    signature = unseal((tmp_path / "exported" / "signature.json").read_bytes())
    assert signature["networks"].keys() == build_method(config, image_shape(config), 10).deployed().keys()
    for name, network in signature["networks"].items():
        engines = {"paddle", "paddle-onednn"}
        if (config.method.name, name) == ("began", "d"):  # of many layers: oneDNN's rounding may be too much
            engines &= network["checked"]["engines"].keys()
        assert network["checked"]["engines"].keys() == engines


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Each method's run in one go, made once."""
    runs = {}

    def run(config):
        key = (config.method, *config.networks.values())
        if key not in runs:
            runs[key] = tmp_path_factory.mktemp("uninterrupted") / "run"
            assert train(config, runs[key], resume=False, overwrite=False, device="cpu", dry_run=False) == 0
        return runs[key]

    return run


@every_method
@pytest.mark.parametrize("stop", [3, 5, 7], ids=["inside an epoch", "at its edge", "in the next epoch"])
def test_resumed_equals_uninterrupted(config, stop, uninterrupted, tmp_path, monkeypatch):
    plain = METHODS[config.method.name].train_step

    def interrupted(self, batches, step):
        if step == stop:
            os.kill(os.getpid(), signal.SIGTERM)  # the step ends and is saved
        return plain(self, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(METHODS[config.method.name], "train_step", interrupted)
        code = train(config, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False)
    assert code == 128 + signal.SIGTERM
    assert list_steps(tmp_path / "run" / "checkpoints") == [stop]
    assert train(config, tmp_path / "run", resume=True, overwrite=False, device="cpu", dry_run=False) == 0
    assert lasting(tmp_path / "run", 8) == lasting(uninterrupted(config), 8)


@every_method
def test_previews_and_logs_change_nothing(config, uninterrupted, tmp_path):
    tree = config.to_dict()
    silent = check_config(tree | {"train": tree["train"] | {"preview_every": 99, "log_every": 4, "save_every": 1}})
    assert train(silent, tmp_path / "run", resume=False, overwrite=False, device="cpu", dry_run=False) == 0
    (files, lines), (expected_files, expected_lines) = lasting(tmp_path / "run", 8), lasting(uninterrupted(config), 8)
    assert files == expected_files
    assert lines == [line for line in expected_lines if line["step"] % 4 == 0]
