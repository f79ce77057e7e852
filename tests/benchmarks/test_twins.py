"""The twins compute what ours compute from the same weights. PyTorch's needs torch: `make benchmark` installs it."""

import importlib.util
import subprocess
import sys

import numpy as np
import paddle
import pytest
from conftest import ROOT

from ppgan_lite.build import build_method, seed_paddle
from ppgan_lite.config import load_config

sys.path.insert(0, str(ROOT / "benchmarks"))
import paddle_twin

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="needs torch: pip install -r benchmarks/requirements.txt"
)
every_step = pytest.mark.parametrize(
    ("step", "config", "overrides", "shape"),
    [
        ("dcgan28", "dcgan_mnist", [], (1, 28, 28)),
        ("dcgan28_transposed", "dcgan_mnist", ["generator.upsample=transposed"], (1, 28, 28)),
        ("dcgan64", "dcgan64_fake", [], (3, 64, 64)),
    ],
)


def our_networks(config, overrides, shape):
    """G, D, noise, and what they make of it."""
    method = build_method(load_config(ROOT / "configs" / f"{config}.yml", overrides), shape, 10)
    seed_paddle(0)
    z = paddle.randn([4, 100])
    with paddle.no_grad():
        fake = method.networks["g"](z)
        return method.networks, z, fake.numpy(), method.networks["d"](fake).numpy()


# In a process of its own: torch and paddle carry an OpenMP each.
RUN_TWIN = """
import sys
import numpy as np
import torch
sys.path.insert(0, sys.argv[1])
import torch_twin
g, d = torch_twin.dcgan64() if sys.argv[2] == "dcgan64" else torch_twin.dcgan28(sys.argv[2] != "dcgan28", True)
given = np.load(sys.argv[3])
for name, network in (("g", g), ("d", d)):
    for i, parameter in enumerate(network.parameters()):
        parameter.data = torch.from_numpy(given[f"{name}{i}"]).reshape(parameter.shape)
    assert f"{name}{i + 1}" not in given
with torch.no_grad():
    fake = g(torch.from_numpy(given["z"]))
    np.savez(sys.argv[4], fake=fake.numpy(), logits=d(fake).numpy())
"""


@needs_torch
@every_step
def test_the_torch_twin_computes_the_same_from_the_same_weights(step, config, overrides, shape, tmp_path):
    networks, z, fake, logits = our_networks(config, overrides, shape)
    given = {"z": z.numpy()}
    for name, network in networks.items():
        trainable = [p for p in network.parameters() if not p.stop_gradient]
        for i, parameter in enumerate(trainable):  # a linear layer's weight is [in, out] here and [out, in] there
            given[f"{name}{i}"] = parameter.numpy().T if parameter.ndim == 2 else parameter.numpy()
    np.savez(tmp_path / "given.npz", **given)
    arguments = [ROOT / "benchmarks", step, tmp_path / "given.npz", tmp_path / "twin.npz"]
    subprocess.run([sys.executable, "-c", RUN_TWIN, *map(str, arguments)], check=True)
    twin = np.load(tmp_path / "twin.npz")
    np.testing.assert_allclose(twin["fake"], fake, atol=1e-4)
    np.testing.assert_allclose(twin["logits"], logits, atol=1e-3)


@every_step
def test_the_paddle_twin_computes_the_same_from_the_same_weights(step, config, overrides, shape):
    networks, z, fake, logits = our_networks(config, overrides, shape)
    twins = paddle_twin.dcgan64() if step == "dcgan64" else paddle_twin.dcgan28(step != "dcgan28")
    for network, twin in zip(networks.values(), twins, strict=True):
        layers = [[x for x in net.sublayers() if hasattr(x, "weight")] for net in (network, twin)]
        for ours, theirs in zip(*layers, strict=True):
            theirs.weight.set_value(ours.weight)
            if theirs.bias is not None and ours.bias is not None:
                theirs.bias.set_value(ours.bias)  # where ours has none, a batch norm takes the twin's away
    with paddle.no_grad():
        made = twins[0](z)
        np.testing.assert_allclose(made.numpy(), fake, atol=1e-4)
        np.testing.assert_allclose(twins[1](made).numpy(), logits, atol=1e-3)


def test_the_paddle_twin_takes_a_step():
    for networks, step, shape in [
        (paddle_twin.dcgan28(True), paddle_twin.tutorial_step, (2, 1, 28, 28)),
        (paddle_twin.dcgan64(), paddle_twin.example_step, (2, 3, 64, 64)),
    ]:
        take = step(*networks)
        real = paddle.uniform(shape, min=-1.0, max=1.0)
        first, second = ([float(value) for value in take(real)] for _ in range(2))
        assert np.isfinite(first).all()
        assert first != second
