"""Every config, made small, for the sweeps test_every_*.py."""

import dataclasses

import numpy as np
import paddle
import pytest
from conftest import ROOT, spec_of

from ppgan_lite.config.build import build_method
from ppgan_lite.config.load import load_config

# 4: enough for the fast operations
SMALL_WIDTHS = {"ngf": 4, "ndf": 4, "ncf": 4, "nf": 4, "hidden": 8, "widths": [8, 8], "num_features": 64}
SMALL_TRAIN = "train={steps: 8, log_every: 1, preview_every: 3, save_every: 100, keep: 2, seed: 5}"
DIGITS = "data={name: rendered_digits, batch_size: 8, num_images: 44}"
POINTS = "data={name: gaussians, batch_size: 8, num_images: 44}"
NOISE = "data={name: fake, batch_size: 8, num_images: 44, size: 32}"
PAIRS = "data={name: derived, images: fake, batch_size: 8, num_images: 44}"
UNPAIRED = "data={name: derived, images: fake, batch_size: 8, num_images: 44, paired: false}"
PIXELS = "data={name: fake, batch_size: 8, num_images: 44, size: 8, channels: 1}"  # a picture takes 64 steps
ATTRIBUTES = "data={name: coloured_digits, batch_size: 8, num_images: 44}"
OF_METHODS = {  # methods that take other fields of the data
    "pix2pix": [PAIRS, "discriminator.layers=2"],
    "ddpm": [DIGITS, "denoiser.widths=[4, 8, 8]", "method.sampling_steps=2"],
    "pixelcnn": [PIXELS, "density.features=4", "density.blocks=2", "density.head=8"],
    # the pools are full in the third step
    "cyclegan": [UNPAIRED, "method.pool_size=20", "generator.blocks=1", "discriminator.layers=1"],
    "stargan": [ATTRIBUTES, "generator.blocks=1", "discriminator.layers=3"],
    # both penalties, ADA and the second style within a few steps
    "stylegan2": [
        NOISE, "method.z_dim=8", "generator.mapping_layers=2", "method.r1_gamma=1.0", "method.r1_every=3",
        "method.path_every=2", "method.augment=[colour]", "method.augment_target=0.6", "method.augment_images=100",
    ],
    # with few features a pixel norm magnifies rounding errors; full size after 9 steps
    "progan": [NOISE, "method.z_dim=16", "generator.ngf=32", "method.hold=1", "method.fade=2"],
    "msggan": [NOISE, "method.z_dim=16", "generator.ngf=32"],
}  # fmt: skip

# the configs that are swept with averaged weights
WITH_AVERAGE = ("lsgan_mnist", "cyclegan_outlines_cpu", "progan_folder", "stylegan2_folder")


def load_small(path):
    """A config with small networks and data."""
    config = load_config(path)
    networks = config.networks
    widths = [
        f"{section}.{key}={width}"
        for section, options in networks.items()
        for key, width in SMALL_WIDTHS.items()
        if hasattr(options, key)
    ]
    if hasattr(config.method, "warm_up"):
        widths.append("method.warm_up=false")  # a long step takes 100 batches; test_wgan.py tests shorter ones
    names = {options.name for options in networks.values()}
    if "r3gan" in names:  # its maps come in eights
        widths += ["generator.ngf=8", "generator.blocks=1", "discriminator.ndf=8", "discriminator.blocks=1"]
    if "glow" in names:
        widths.append("flow.steps=2")
    widths += [
        f"{section}.attention=16"  # the size of the pictures changes
        for section, options in networks.items()
        if getattr(options, "attention", None)
    ]
    data = [NOISE] if names & {"biggan", "dcgan64", "r3gan", "resnet32"} else [DIGITS]
    if config.data.name == "gaussians":
        data = [POINTS, f"data.dims={config.data.dims}"]
    data = OF_METHODS.get(config.method.name, data)
    average = ["train.ema=0.9"] if path.stem in WITH_AVERAGE else []
    return load_config(path, [*widths, SMALL_TRAIN, *data, *average])


def spec_for(config, channels=None):
    """The fields of the config's data, without reading it; with other channels, if given."""
    spec = config.data.spec()
    if channels is not None:
        spec = {
            name: dataclasses.replace(field, shape=(channels, *field.shape[1:])) if field.has_pixels else field
            for name, field in spec.items()
        }
    return spec_of(spec["image"].shape, 10) if "label" in spec else spec


CONFIGS = {path.stem: load_small(path) for path in sorted((ROOT / "configs").glob("*.yml"))}
# One config for each method with its settings and networks; data and rates make no difference in the sweeps.
SWEPT = {(config.method, *config.networks.values()): name for name, config in CONFIGS.items()}.values()
GENERATORS = [name for name in SWEPT if CONFIGS[name].method.KIND != "classifier"]

every_method = pytest.mark.parametrize("config", [CONFIGS[name] for name in SWEPT], ids=SWEPT)
every_generator = pytest.mark.parametrize("config", [CONFIGS[name] for name in GENERATORS], ids=GENERATORS)


def batches(method, num=8):
    """Batches of noise as pictures."""
    rng = np.random.default_rng(0)
    fields = method.spec.items()
    return [
        {name: paddle.to_tensor(_values(field, num, rng)) for name, field in fields}
        for _ in range(method.options.num_batches(1000))
    ]


def inputs_of(sampler, method, num: int) -> dict:
    """Inputs of a sampler: a translator's from a batch of its data, a generator's drawn."""
    batch = batches(method, num)[0]
    names = [port.name for port in sampler.takes]
    return {name: batch[name] for name in names} if batch.keys() >= set(names) else sampler.draw(num)


def _values(field, num, rng):
    if field.kind == "label":
        return np.arange(num) % 10
    if field.kind == "attributes":
        return rng.integers(0, 2, [num, len(field.names)]).astype("float32")
    return rng.uniform(-1, 1, [num, *field.shape]).astype("float32")


def everything(method):
    groups = {
        **method.networks,
        **{f"{n} average": a for n, a in method.averages.items()},
        **{f"optimizer {name}": o for name, o in method.optimizers.items()},
    }
    tensors = {f"{key}/{name}": t for key, group in groups.items() for name, t in group.state_dict().items()}
    return {name: tensor.numpy() for name, tensor in {**tensors, **method.state}.items()}


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def graphs_of(name):
    """What the exported graph of each network depends on: its layers, their options and its inputs."""
    config = CONFIGS[name]
    method = build_method(config, spec_for(config))
    interfaces = method.interfaces()
    generator = config.networks.get("generator")
    others = tuple(options for section, options in config.networks.items() if section != "generator")
    return {
        (str(network), generator if key == "g" else others, interfaces[key].inputs)
        for key, network in method.deployed().items()
    }


def with_new_graphs(names):
    """The configs with a network that no config before them has."""
    seen, selected = set(), []
    for name in names:
        if graphs := graphs_of(name) - seen:
            seen |= graphs
            selected.append(name)
    return selected
